//! Stores types of other crates as kinds of ours, for `#[serde(with = "annals_codec::with::timestamp")]` and the like on
//! a field.
//!
//! Each module takes every type that converts from and to ours, such as those for which the features `chrono`, `jiff`,
//! `rust_decimal`, `time` and `uuid` add conversions. Without them, a type of another crate is stored as that crate's
//! own serde form, often a text. A value that ours cannot hold without loss, such as a time with nanoseconds, is
//! refused when written.
//!
//! ```
//! # #[cfg(feature = "uuid")] {
//! use annals_codec::{Kind, assert_round_trip, to_value};
//!
//! #[derive(PartialEq, serde::Serialize, serde::Deserialize)]
//! struct Order {
//!     #[serde(with = "annals_codec::with::uuid")]
//!     id: uuid::Uuid,
//! }
//!
//! let order = Order { id: uuid::Uuid::from_u128(7) };
//! assert_round_trip(&order);
//! assert_eq!(to_value(&order).unwrap().get("id").map(|id| id.kind()), Some(Kind::Uuid));
//! # }
//! ```

macro_rules! modules {
    ($($module:ident: $ours:ident, $doc:literal;)*) => {$(
        #[doc = $doc]
        pub mod $module {
            use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

            use crate::{Error, $ours};

            /// Writes the value as our kind.
            ///
            /// # Errors
            /// Those of the serializer, and a value that our kind cannot hold without loss.
            pub fn serialize<T, S>(value: &T, serializer: S) -> Result<S::Ok, S::Error>
            where
                T: Clone,
                $ours: TryFrom<T>,
                S: Serializer,
            {
                let ours = $ours::try_from(value.clone()).map_err(|_| ser::Error::custom(Error::Refused))?;
                ours.serialize(serializer)
            }

            /// Reads the value from our kind.
            ///
            /// # Errors
            /// Those of the deserializer, and a stored value that the type cannot hold without loss.
            pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
            where
                T: TryFrom<$ours>,
                D: Deserializer<'de>,
            {
                let ours = $ours::deserialize(deserializer)?;
                T::try_from(ours).map_err(|_| de::Error::custom(Error::Refused))
            }
        }
    )*};
}

modules! {
    date: Date, "Stores a day as a date.";
    datetime: DateTime, "Stores a date and time of day without a zone as a datetime.";
    decimal: Decimal, "Stores a decimal number as a decimal.";
    duration: Duration, "Stores a span of time as a duration.";
    offset_timestamp: OffsetTimestamp, "Stores an instant with its offset as a timestamp.";
    time: Time, "Stores a time of day as a time.";
    timestamp: Timestamp, "Stores an instant as a timestamp in UTC.";
    uuid: Uuid, "Stores an identifier as a uuid.";
}
