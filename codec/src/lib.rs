//! Values to canonical bytes and back.

mod calendar;
mod civil;
mod complex;
mod decimal;
mod duration;
mod error;
mod float;
mod integer;
mod kind;
mod layout;
mod order;
mod spelling;
mod timestamp;
mod uuid;
mod value;

pub use civil::{Date, DateTime, Time};
pub use complex::Complex;
pub use decimal::Decimal;
pub use duration::Duration;
pub use error::Error;
pub use integer::Integer;
pub use kind::Kind;
pub use timestamp::{OffsetTimestamp, Timestamp};
pub use uuid::Uuid;
pub use value::{Map, Value};

/// How many lists, maps, sets, tuples and custom values may stand inside one another.
pub const MAX_DEPTH: usize = 128;
