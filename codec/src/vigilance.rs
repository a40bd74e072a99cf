//! Whether a type comes back as it went, for tests.

use std::any::type_name;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Value, decode, encode};

/// Asserts that a value survives being stored: it reads back equal, and both it and its bytes give the same bytes again.
///
/// For types whose `==` does not serve, such as those that hold a NaN, there is [`assert_round_trip_by`].
///
/// # Panics
/// Where it does not, with the type's name and the broken step, but without the value.
///
/// ```
/// annals_codec::assert_round_trip(&vec![Some("a".to_owned()), None]);
/// ```
///
/// ```should_panic
/// annals_codec::assert_round_trip(&Some(())); // reads back as `None`
/// ```
#[track_caller]
pub fn assert_round_trip<T: Serialize + DeserializeOwned + PartialEq>(value: &T) {
    assert_round_trip_by(value, T::eq);
}

/// Asserts what [`assert_round_trip`] does, with an equality of the caller's.
///
/// # Panics
/// As [`assert_round_trip`] does.
///
/// ```
/// annals_codec::assert_round_trip_by(&f64::NAN, |a, b| a.is_nan() && b.is_nan());
/// ```
#[track_caller]
pub fn assert_round_trip_by<T: Serialize + DeserializeOwned>(value: &T, equals: impl FnOnce(&T, &T) -> bool) {
    if let Err(step) = round_trip(value, equals) {
        panic!("`{}` does not survive being stored: {step}", type_name::<T>());
    }
}

fn round_trip<T: Serialize + DeserializeOwned>(
    value: &T,
    equals: impl FnOnce(&T, &T) -> bool,
) -> Result<(), String> {
    let bytes = encode(value).map_err(|error| format!("it cannot be written: {error}"))?;
    let read: T = decode(&bytes).map_err(|error| format!("it cannot be read back: {error}"))?;
    if !equals(value, &read) {
        return Err("it reads back different".to_owned());
    }
    let again = encode(&read).map_err(|error| format!("it cannot be written again: {error}"))?;
    let shown = Value::from_bytes(&bytes).and_then(|shown| shown.to_bytes());
    let shown = shown.map_err(|error| format!("it cannot be shown without its type: {error}"))?;
    if again != bytes || shown != bytes {
        return Err("it has other bytes when written again".to_owned());
    }
    Ok(())
}
