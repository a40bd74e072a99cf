//! The names of the kinds of values, for messages and listings.

use std::fmt;

use rmp::Marker;

use crate::Error;
use crate::layout::header_len;
use crate::reader::extension_kind;

/// Says what sort of thing a value is, without the value.
///
/// `Display` gives the name used in messages: `integer`, `text`, `datetime`, …
///
/// ```
/// use annals_codec::{Kind, Value};
///
/// assert_eq!(Value::from("ten").kind(), Kind::Text);
/// assert_eq!(Kind::Text.to_string(), "text");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Nothing: Rust's `()` and `None`.
    Null,
    /// True or false.
    Bool,
    /// A whole number from −2^127 to 2^128 − 1.
    Integer,
    /// A 64-bit floating-point number.
    Float,
    /// Unicode text.
    Text,
    /// A string of bytes.
    Bytes,
    /// Values in order.
    List,
    /// Values by key.
    Map,
    /// A decimal number with its digits.
    Decimal,
    /// A universally unique identifier.
    Uuid,
    /// An instant with its offset from UTC.
    Timestamp,
    /// A date and time of day, nowhere in particular.
    DateTime,
    /// A day of the calendar.
    Date,
    /// A time of day.
    Time,
    /// A signed span of time.
    Duration,
    /// A complex number.
    Complex,
    /// Distinct values without order.
    Set,
    /// Values in order, told apart from a list.
    Tuple,
    /// A value of a type that an application registered.
    Custom,
}

impl Kind {
    pub(crate) const ALL: [Self; 19] = [
        Self::Null,
        Self::Bool,
        Self::Integer,
        Self::Float,
        Self::Text,
        Self::Bytes,
        Self::List,
        Self::Map,
        Self::Decimal,
        Self::Uuid,
        Self::Timestamp,
        Self::DateTime,
        Self::Date,
        Self::Time,
        Self::Duration,
        Self::Complex,
        Self::Set,
        Self::Tuple,
        Self::Custom,
    ];

    /// Returns the kind of stored bytes, of which it looks at the start only.
    ///
    /// # Errors
    /// [`Error::Malformed`] if no value starts like this.
    ///
    /// ```
    /// use annals_codec::{Kind, encode};
    ///
    /// assert_eq!(Kind::of(&encode(&[1, 2, 3])?)?, Kind::List);
    /// # Ok::<(), annals_codec::Error>(())
    /// ```
    pub fn of(bytes: &[u8]) -> Result<Self, Error> {
        let unknown = Error::Malformed { offset: 0, rule: "a value starts with a byte that tells its kind" };
        let Some(first) = bytes.first() else {
            return Err(unknown);
        };
        let marker = Marker::from_u8(*first);
        Ok(match marker {
            Marker::Null => Self::Null,
            Marker::False | Marker::True => Self::Bool,
            Marker::FixPos(_) | Marker::U8 | Marker::U16 | Marker::U32 | Marker::U64 => Self::Integer,
            Marker::FixNeg(_) | Marker::I8 | Marker::I16 | Marker::I32 | Marker::I64 => Self::Integer,
            Marker::F32 | Marker::F64 => Self::Float,
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => Self::Text,
            Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => Self::Bytes,
            Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => Self::List,
            Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => Self::Map,
            Marker::Reserved => return Err(unknown),
            _ => {
                let code = bytes.get(header_len(marker) - 1).map(|byte| byte.cast_signed());
                return code.and_then(extension_kind).ok_or(unknown);
            }
        })
    }

    /// Returns the name that messages use for this kind.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::List => "list",
            Self::Map => "map",
            Self::Decimal => "decimal",
            Self::Uuid => "uuid",
            Self::Timestamp => "timestamp",
            Self::DateTime => "datetime",
            Self::Date => "date",
            Self::Time => "time",
            Self::Duration => "duration",
            Self::Complex => "complex",
            Self::Set => "set",
            Self::Tuple => "tuple",
            Self::Custom => "custom",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
