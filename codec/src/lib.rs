//! Values to canonical bytes and back.

mod build;
mod calendar;
mod check;
mod civil;
mod complex;
pub mod custom;
mod custom_type;
mod decimal;
mod decode;
mod duration;
mod encode;
mod error;
mod extension;
mod flat;
mod float;
mod handshake;
mod integer;
mod json;
mod kind;
mod layout;
mod nested;
mod order;
mod python;
mod reader;
mod registry;
mod spelling;
#[cfg(test)]
mod test_values;
#[cfg(test)]
mod tests;
mod timestamp;
mod uuid;
mod value;
mod value_serde;
mod vigilance;
mod writer;

pub use check::check;
pub use civil::{Date, DateTime, Time};
pub use complex::Complex;
pub use custom_type::CustomType;
pub use decimal::Decimal;
pub use decode::decode;
pub use duration::Duration;
pub use encode::encode;
pub use error::Error;
pub use integer::Integer;
pub use kind::Kind;
pub use nested::{Set, Tuple, set, tuple};
pub use registry::{Registration, Registry};
pub use timestamp::{OffsetTimestamp, Timestamp};
pub use uuid::Uuid;
pub use value::{Map, Value};
pub use value_serde::{from_value, to_value};
pub use vigilance::{assert_round_trip, assert_round_trip_by};

/// How many lists, maps, sets, tuples and custom values may stand inside one another.
pub const MAX_DEPTH: usize = 128;
