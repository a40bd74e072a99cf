//! Values of Annals to canonical bytes and back: equal values have equal bytes.
//!
//! [`encode`] writes any serde type, [`decode`] reads it back, and [`Value`] shows any stored bytes without the Rust
//! type that wrote them. The crate knows nothing of logs and stores.
//!
//! ```
//! use annals_codec::{Registry, Timestamp, Value, decode, encode};
//!
//! #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
//! struct Answer {
//!     text: String,
//!     given_at: Timestamp,
//!     score: Option<f32>,
//! }
//!
//! let answer = Answer { text: "A".into(), given_at: "2026-04-08T05:53:44Z".parse()?, score: Some(0.5) };
//! let bytes = encode(&answer)?;
//! assert_eq!(decode::<Answer>(&bytes)?, answer);
//!
//! let shown = Value::from_bytes(&bytes)?;
//! assert_eq!(shown.get("score"), Some(&Value::from(0.5)));
//! assert_eq!(
//!     shown.to_json(&Registry::builtin()).to_string(),
//!     r#"{"given_at":{"$timestamp":"2026-04-08T05:53:44+00:00"},"score":0.5,"text":"A"}"#,
//! );
//! assert_eq!(shown.to_bytes()?, bytes);
//! # Ok::<(), annals_codec::Error>(())
//! ```
//!
//! # What a type is stored as
//!
//! | Rust | stored as |
//! |---|---|
//! | `()`, `None` | null; `Some(x)` is `x`, so that `Some(None)` reads back as `None` |
//! | `bool` | bool |
//! | `i8` … `i128`, `u8` … `u128` | integer |
//! | `f32`, `f64` | float |
//! | `char`, `str`, `String`, an enum's variant without content | text |
//! | `serde_bytes::Bytes`, `#[serde(with = "serde_bytes")]` | bytes; a plain `Vec<u8>` is a list of integers |
//! | sequences, arrays, Rust tuples, std's sets | list |
//! | maps, structs | map |
//! | an enum's variant with content | map of one entry |
//! | [`Decimal`], [`Uuid`], [`Timestamp`], [`OffsetTimestamp`], [`DateTime`], [`Date`], [`Time`], [`Duration`], [`Complex`] | their own kinds |
//! | [`Set`], `#[serde(with = "annals_codec::set")]` | set |
//! | [`Tuple`], `#[serde(with = "annals_codec::tuple")]` | tuple |
//! | [`CustomType`] through `#[serde(with = "annals_codec::custom")]` | custom |
//! | types of other crates through a module of [`with`] | the module's kind |
//!
//! Whether a type comes back as it went is a test's question: [`assert_round_trip`].
//!
//! # The format
//!
//! MessagePack in one form only. [`check`] and [`Value::from_bytes`] take nothing else; [`decode`] also reads other
//! MessagePack that fits the type.
//!
//! - Integers, lengths and headers take the fewest bytes; an integer from 0 on is written as an unsigned one.
//! - Floats have 64 bits. There is one NaN, `7ff8000000000000`; `-0.0` is kept.
//! - The keys of a map ascend by their own bytes, compared as strings of bytes; none stands there twice.
//! - Lists, maps, sets, tuples and custom values stand inside one another at most [`MAX_DEPTH`] times.
//! - Extensions are these, and no others. Numbers are written with the most significant byte first.
//!
//! | code | kind | payload |
//! |---|---|---|
//! | 1 | integer beyond 64 bits | 9 to 17 bytes: two's complement in the fewest bytes |
//! | 2 | decimal | the canonical text of [`Decimal`] |
//! | 3 | uuid | 16 bytes |
//! | 4 | timestamp | 8 bytes: microseconds since 1970-01-01T00:00:00 UTC; where the offset is not 0, 4 more: seconds east of UTC |
//! | 5 | datetime | 8 bytes: microseconds since 1970-01-01T00:00:00 |
//! | 6 | date | 4 bytes: days since 1970-01-01 |
//! | 7 | time | 8 bytes: microseconds since midnight |
//! | 8 | duration | 8 bytes: microseconds |
//! | 9 | complex | 16 bytes: the real part's float, the imaginary part's |
//! | 10 | set | a list whose items ascend by their bytes, none twice |
//! | 11 | tuple | a list |
//! | 12 | custom | the tag, an integer of up to 32 bits; then the content, any value |
//!
//! An extension starts, as MessagePack has it, with `d4`, `d5`, `d6`, `d7` or `d8` and the code where the payload has 1,
//! 2, 4, 8 or 16 bytes, and otherwise with `c7`, `c8` or `c9`, the payload's length in 1, 2 or 4 bytes, and the code:
//!
//! ```
//! use annals_codec::{Tuple, Uuid, encode};
//!
//! assert_eq!(encode(&Tuple((1, "a")))?, [0xd6, 11, 0x92, 0x01, 0xa1, b'a']);
//! assert_eq!(encode(&Uuid::from_bytes([7; 16]))?, [&[0xd8, 3][..], &[7; 16]].concat());
//! # Ok::<(), annals_codec::Error>(())
//! ```
//!
//! # Limits
//!
//! Bytes from anywhere can be read: nothing panics, no size is believed before the bytes are seen, and what is nested too
//! deeply is refused. No [`Error`] repeats a value.
//!
//! # Features
//!
//! `chrono`, `jiff`, `rust_decimal`, `time` and `uuid` each add conversions to and from the types of the crate of that
//! name. Those that could lose something return an error instead.

mod build;
mod calendar;
mod check;
mod civil;
mod complex;
mod convert;
pub mod custom;
mod custom_type;
mod decimal;
mod decode;
mod duration;
mod encode;
mod error;
mod error_serde;
mod extension;
mod flat;
mod float;
mod handshake;
mod integer;
mod json;
mod json_text;
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
pub mod with;
mod writer;

pub use check::{check, may_hold_custom};
pub use civil::{Date, DateTime, Time};
pub use complex::Complex;
pub use custom_type::CustomType;
pub use decimal::Decimal;
pub use decode::{decode, decode_seed};
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
