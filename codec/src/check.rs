//! The rules of the canonical form, which everything that is read back as a `Value` must keep.

use rmp::Marker;

use crate::extension::flat_value;
use crate::layout::{code, flat_extension};
use crate::reader::{Reader, Token, deeper};
use crate::{Error, MAX_DEPTH, float};

/// Checks that bytes are exactly one value in canonical form, without building it.
///
/// # Errors
/// [`Error::Malformed`], [`Error::NotCanonical`], [`Error::TrailingBytes`] or [`Error::TooDeep`].
///
/// ```
/// use annals_codec::{Error, check};
///
/// assert_eq!(check(&[0x07]), Ok(()));
/// let widened = check(&[0xcc, 0x07]);
/// assert!(matches!(widened, Err(Error::NotCanonical { offset: 0, .. })));
/// ```
pub fn check(bytes: &[u8]) -> Result<(), Error> {
    let mut reader = Reader::new(bytes);
    value(&mut reader, MAX_DEPTH)?;
    reader.finish()
}

/// Returns `false` if no custom value can be among these bytes, at the price of one glance over them.
#[must_use]
pub fn may_hold_custom(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| i8::from_be_bytes([*byte]) == code::CUSTOM)
}

/// Checks the next value, which may hold others so many levels deep.
fn value(reader: &mut Reader<'_>, levels: usize) -> Result<(), Error> {
    let offset = reader.offset();
    match canonical_token(reader)? {
        Token::List(len) => {
            let levels = deeper(levels)?;
            (0..len).try_for_each(|_| value(reader, levels))
        }
        Token::Map(len) => map(reader, len, deeper(levels)?),
        Token::Extension(code, payload) => extension(code, reader.of_payload(payload), offset, levels),
        _ => Ok(()),
    }
}

fn canonical_token<'a>(reader: &mut Reader<'a>) -> Result<Token<'a>, Error> {
    let offset = reader.offset();
    let (marker, token) = reader.marked_token()?;
    if marker.to_u8() != token.canonical_marker().to_u8() {
        let rule = if marker == Marker::F32 {
            "floats have 64 bits"
        } else {
            "numbers and lengths take the fewest bytes"
        };
        return Err(Error::NotCanonical { offset, rule });
    }
    match token {
        Token::Float(number) if number.to_bits() != float::canonical_bits(number) => {
            Err(Error::NotCanonical { offset, rule: "there is one NaN" })
        }
        _ => Ok(token),
    }
}

fn map(reader: &mut Reader<'_>, len: usize, levels: usize) -> Result<(), Error> {
    let mut last_key = None;
    for _ in 0..len {
        last_key = Some(ascending(reader, last_key, levels, "the keys of a map ascend")?);
        value(reader, levels)?;
    }
    Ok(())
}

/// Checks the next value, and that its bytes are greater than the last one's.
fn ascending<'a>(
    reader: &mut Reader<'a>,
    last: Option<&[u8]>,
    levels: usize,
    rule: &'static str,
) -> Result<&'a [u8], Error> {
    let before = *reader;
    value(reader, levels)?;
    let bytes = reader.since(&before);
    if last.is_some_and(|last| last >= bytes) {
        return Err(Error::NotCanonical { offset: before.offset(), rule });
    }
    Ok(bytes)
}

/// Checks the payload of an extension that starts at `offset`.
pub(crate) fn extension(code: i8, payload: Reader<'_>, offset: usize, levels: usize) -> Result<(), Error> {
    match code {
        code::SET => set(payload, levels),
        code::TUPLE => tuple(payload, levels),
        code::CUSTOM => custom(payload, levels),
        _ => flat(code, payload.rest(), offset),
    }
}

fn flat(code: i8, payload: &[u8], offset: usize) -> Result<(), Error> {
    let Some(value) = flat_value(code, payload) else {
        return Err(Error::Malformed { offset, rule: "the payload of an extension fits its kind" });
    };
    if flat_extension(&value).is_none_or(|canonical| (canonical.0, canonical.1.as_ref()) != (code, payload)) {
        return Err(Error::NotCanonical { offset, rule: "the payload of an extension has one form" });
    }
    Ok(())
}

fn set(mut payload: Reader<'_>, levels: usize) -> Result<(), Error> {
    let len = payload_list(&mut payload)?;
    let levels = deeper(levels)?;
    let mut last = None;
    for _ in 0..len {
        last = Some(ascending(&mut payload, last, levels, "the items of a set ascend")?);
    }
    payload_end(&payload)
}

fn tuple(mut payload: Reader<'_>, levels: usize) -> Result<(), Error> {
    let len = payload_list(&mut payload)?;
    let levels = deeper(levels)?;
    for _ in 0..len {
        value(&mut payload, levels)?;
    }
    payload_end(&payload)
}

fn custom(mut payload: Reader<'_>, levels: usize) -> Result<(), Error> {
    let offset = payload.offset();
    match canonical_token(&mut payload)? {
        Token::Unsigned(tag) if u32::try_from(tag).is_ok() => {}
        _ => {
            return Err(Error::Malformed {
                offset,
                rule: "the tag of a custom type is a number of up to 32 bits",
            });
        }
    }
    value(&mut payload, deeper(levels)?)?;
    payload_end(&payload)
}

fn payload_list(payload: &mut Reader<'_>) -> Result<usize, Error> {
    let offset = payload.offset();
    match canonical_token(payload)? {
        Token::List(len) => Ok(len),
        _ => Err(Error::Malformed { offset, rule: "the payload of a set or tuple is a list" }),
    }
}

fn payload_end(payload: &Reader<'_>) -> Result<(), Error> {
    let rule = "an extension ends where its payload does";
    payload.finish().map_err(|_| Error::Malformed { offset: payload.offset(), rule })
}
