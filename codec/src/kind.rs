//! The names of the kinds of values, for messages and listings.

use std::fmt;

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
