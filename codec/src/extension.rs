//! The payloads of the extensions that hold no other values.

use crate::decimal::Decimal;
use crate::integer::Integer;
use crate::layout::code;
use crate::{Complex, Date, DateTime, Duration, OffsetTimestamp, Time, Timestamp, Uuid, Value};

/// Returns what a payload says, if the code is that of such an extension and the payload says anything.
///
/// The payload need not be in its canonical form.
pub(crate) fn flat_value(code: i8, payload: &[u8]) -> Option<Value> {
    Some(match code {
        code::INTEGER => Value::Integer(wide_integer(payload)?),
        code::DECIMAL => Value::Decimal(std::str::from_utf8(payload).ok()?.parse::<Decimal>().ok()?),
        code::UUID => Value::Uuid(Uuid::from_bytes(payload.try_into().ok()?)),
        code::TIMESTAMP => Value::Timestamp(timestamp(payload)?),
        code::DATETIME => Value::DateTime(DateTime::from_micros(micros(payload)?).ok()?),
        code::DATE => Value::Date(Date::from_days(i32::from_be_bytes(payload.try_into().ok()?)).ok()?),
        code::TIME => Value::Time(Time::from_micros(micros(payload)?).ok()?),
        code::DURATION => Value::Duration(Duration::from_micros(micros(payload)?)),
        code::COMPLEX => {
            let (re, im) = payload.split_first_chunk()?;
            Value::Complex(Complex {
                re: f64::from_be_bytes(*re),
                im: f64::from_be_bytes(im.try_into().ok()?),
            })
        }
        _ => return None,
    })
}

fn micros(payload: &[u8]) -> Option<i64> {
    payload.try_into().ok().map(i64::from_be_bytes)
}

fn timestamp(payload: &[u8]) -> Option<OffsetTimestamp> {
    let (instant, offset) = payload.split_first_chunk()?;
    let instant = Timestamp::from_micros(i64::from_be_bytes(*instant)).ok()?;
    if offset.is_empty() {
        return Some(instant.into());
    }
    OffsetTimestamp::new(instant, i32::from_be_bytes(offset.try_into().ok()?)).ok()
}

/// Reads two's complement of up to 17 bytes, of which the first of 17 can only say the sign.
fn wide_integer(payload: &[u8]) -> Option<Integer> {
    let is_negative = payload.first()? & 0x80 != 0;
    let sign = if is_negative { 0xff } else { 0 };
    let magnitude = match payload {
        [first, rest @ ..] if rest.len() == 16 => (*first == sign).then_some(rest)?,
        _ => payload,
    };
    let mut bytes = [sign; 16];
    for (to, from) in bytes.iter_mut().rev().zip(magnitude.iter().rev()) {
        *to = *from;
    }
    let fits = magnitude.len() <= bytes.len();
    if !is_negative {
        return fits.then(|| Integer::from(u128::from_be_bytes(bytes)));
    }
    let number = i128::from_be_bytes(bytes);
    (fits && number < 0).then(|| Integer::from(number))
}
