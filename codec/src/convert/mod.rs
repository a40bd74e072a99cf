//! Conversions between our types and those of the usual crates, each behind the feature of the crate's name.
//!
//! A conversion that could lose something fails instead: there is no rounding and no clamping.

#[cfg(feature = "chrono")]
mod chrono;
#[cfg(feature = "jiff")]
mod jiff;
#[cfg(feature = "rust_decimal")]
mod rust_decimal;
#[cfg(feature = "time")]
mod time;
#[cfg(feature = "uuid")]
mod uuid;

#[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
use crate::Error;

/// Returns whole microseconds, if the nanoseconds are.
#[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
fn whole_micros(nanos: i128) -> Result<i64, Error> {
    const LOSSY: Error = Error::OutOfRange { what: "whole microseconds in 64 bits" };
    if nanos % 1_000 != 0 {
        return Err(LOSSY);
    }
    i64::try_from(nanos / 1_000).map_err(|_| LOSSY)
}
