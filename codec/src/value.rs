//! Any value, without the Rust type that wrote it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Complex, Date, DateTime, Decimal, Duration, Integer, Kind, OffsetTimestamp, Time, Timestamp, Uuid,
};

/// The entries of a map, in the order of their keys' canonical bytes.
pub type Map = BTreeMap<Value, Value>;

/// Any value that can be stored, whatever Rust type wrote it.
///
/// Two values are equal if their canonical bytes are: `1` is neither `true` nor `1.0`, `1.10` is not `1.1`, NaN equals
/// NaN, and `0.0` differs from `-0.0`. The order is that of the canonical bytes: total, but not numeric.
///
/// ```
/// use annals_codec::Value;
///
/// assert_ne!(Value::from(1), Value::from(true));
/// assert_ne!(Value::from(1), Value::from(1.0));
/// assert_eq!(Value::from(f64::NAN), Value::from(f64::NAN));
/// let point = Value::map([("x", Value::from(3)), ("y", Value::from(4))]);
/// assert_eq!(point.get("y"), Some(&Value::from(4)));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Value {
    /// Nothing: Rust's `()` and `None`.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number from −2^127 to 2^128 − 1.
    Integer(Integer),
    /// A 64-bit floating-point number, NaN and the infinities included.
    Float(f64),
    /// Unicode text.
    Text(String),
    /// A string of bytes.
    Bytes(Vec<u8>),
    /// Values in order.
    List(Vec<Value>),
    /// Values by key; any value can be a key.
    Map(Map),
    /// A decimal number with its digits.
    Decimal(Decimal),
    /// A universally unique identifier.
    Uuid(Uuid),
    /// An instant with its offset from UTC.
    Timestamp(OffsetTimestamp),
    /// A date and time of day without a zone.
    DateTime(DateTime),
    /// A day of the calendar.
    Date(Date),
    /// A time of day.
    Time(Time),
    /// A signed span of time.
    Duration(Duration),
    /// A complex number.
    Complex(Complex),
    /// Distinct values without order.
    Set(BTreeSet<Value>),
    /// Values in order, told apart from a list.
    Tuple(Vec<Value>),
    /// A value of a type that an application registered.
    Custom {
        /// The number of the type.
        tag: u32,
        /// What the type is made of.
        content: Box<Value>,
    },
}

impl Value {
    /// Returns a map of these text keys; of several entries with one key the last counts.
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (Self::Text(key.into()), value)).collect())
    }

    /// Returns what sort of thing this is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Bool,
            Self::Integer(_) => Kind::Integer,
            Self::Float(_) => Kind::Float,
            Self::Text(_) => Kind::Text,
            Self::Bytes(_) => Kind::Bytes,
            Self::List(_) => Kind::List,
            Self::Map(_) => Kind::Map,
            Self::Decimal(_) => Kind::Decimal,
            Self::Uuid(_) => Kind::Uuid,
            Self::Timestamp(_) => Kind::Timestamp,
            Self::DateTime(_) => Kind::DateTime,
            Self::Date(_) => Kind::Date,
            Self::Time(_) => Kind::Time,
            Self::Duration(_) => Kind::Duration,
            Self::Complex(_) => Kind::Complex,
            Self::Set(_) => Kind::Set,
            Self::Tuple(_) => Kind::Tuple,
            Self::Custom { .. } => Kind::Custom,
        }
    }

    /// Returns whether this is null.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Returns the truth value, if this is one.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// Returns the number, if this is a whole one.
    #[must_use]
    pub const fn as_integer(&self) -> Option<Integer> {
        match self {
            Self::Integer(integer) => Some(*integer),
            _ => None,
        }
    }

    /// Returns the number, if this is a float; a whole number is none.
    #[must_use]
    pub const fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(float) => Some(*float),
            _ => None,
        }
    }

    /// Returns the text, if this is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the bytes, if this is a string of bytes.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Returns the items in order, if this is a list or a tuple.
    #[must_use]
    pub fn as_items(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) | Self::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the entries, if this is a map.
    #[must_use]
    pub const fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Returns the value at a text key, if this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_map()?.get(&Self::from(key))
    }
}

impl Default for Value {
    /// Returns null.
    fn default() -> Self {
        Self::Null
    }
}

macro_rules! from_integers {
    ($($native:ty),*) => {$(
        impl From<$native> for Value {
            fn from(number: $native) -> Self {
                Self::Integer(Integer::from(number))
            }
        }
    )*};
}
from_integers!(i8, i16, i32, i64, i128, u8, u16, u32, u64, u128);

macro_rules! from_variants {
    ($($inner:ty => $variant:ident),* $(,)?) => {$(
        impl From<$inner> for Value {
            fn from(inner: $inner) -> Self {
                Self::$variant(inner)
            }
        }
    )*};
}
from_variants! {
    bool => Bool,
    Integer => Integer,
    f64 => Float,
    String => Text,
    Vec<Value> => List,
    Map => Map,
    Decimal => Decimal,
    Uuid => Uuid,
    OffsetTimestamp => Timestamp,
    DateTime => DateTime,
    Date => Date,
    Time => Time,
    Duration => Duration,
    Complex => Complex,
    BTreeSet<Value> => Set,
}

impl From<()> for Value {
    /// Returns null.
    fn from((): ()) -> Self {
        Self::Null
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Timestamp> for Value {
    /// Returns the instant as noted in UTC.
    fn from(instant: Timestamp) -> Self {
        Self::Timestamp(instant.into())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    /// Returns the value, or null for none.
    fn from(option: Option<T>) -> Self {
        option.map_or(Self::Null, Into::into)
    }
}
