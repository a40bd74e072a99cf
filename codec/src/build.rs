//! Builds a `Value` from bytes.

use crate::check::check;
use crate::extension::flat_value;
use crate::layout::code;
use crate::reader::{Reader, Token, deeper};
use crate::{Error, MAX_DEPTH, Map, Value};

impl Value {
    /// Returns the value of canonical bytes, so that [`to_bytes`](Self::to_bytes) gives the same bytes again.
    ///
    /// # Errors
    /// [`Error::NotCanonical`] or [`Error::Malformed`] with the broken rule and its offset, [`Error::TrailingBytes`]
    /// and [`Error::TooDeep`]. To read other MessagePack, use [`decode`](crate::decode).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        check(bytes)?;
        trusted(bytes)
    }
}

/// Builds the value of bytes that are known to be canonical.
pub(crate) fn trusted(bytes: &[u8]) -> Result<Value, Error> {
    value(&mut Reader::new(bytes), MAX_DEPTH)
}

/// Builds the next value, which may hold others so many levels deep.
fn value(reader: &mut Reader<'_>, levels: usize) -> Result<Value, Error> {
    Ok(match reader.token()? {
        Token::Null => Value::Null,
        Token::Bool(truth) => Value::Bool(truth),
        Token::Unsigned(number) => Value::from(number),
        Token::Negative(number) => Value::from(number),
        Token::Float(number) => Value::Float(number),
        Token::Text(text) => Value::from(text),
        Token::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
        Token::List(len) => Value::List(items(reader, len, levels)?),
        Token::Map(len) => Value::Map(map(reader, len, levels)?),
        Token::Extension(code, payload) => extension(code, reader.of_payload(payload), levels)?,
    })
}

fn items<C: FromIterator<Value>>(reader: &mut Reader<'_>, len: usize, levels: usize) -> Result<C, Error> {
    let levels = deeper(levels)?;
    (0..len).map(|_| value(reader, levels)).collect()
}

fn map(reader: &mut Reader<'_>, len: usize, levels: usize) -> Result<Map, Error> {
    let levels = deeper(levels)?;
    (0..len).map(|_| Ok((value(reader, levels)?, value(reader, levels)?))).collect()
}

/// Builds the value of an extension from its payload.
pub(crate) fn extension(code: i8, mut payload: Reader<'_>, levels: usize) -> Result<Value, Error> {
    let unfit =
        Error::Malformed { offset: payload.offset(), rule: "the payload of an extension fits its kind" };
    match code {
        code::SET | code::TUPLE => match (code, payload.token()?) {
            (code::SET, Token::List(len)) => Ok(Value::Set(items(&mut payload, len, levels)?)),
            (_, Token::List(len)) => Ok(Value::Tuple(items(&mut payload, len, levels)?)),
            _ => Err(unfit),
        },
        code::CUSTOM => match payload.token()? {
            Token::Unsigned(tag) => {
                let tag = u32::try_from(tag).map_err(|_| unfit)?;
                Ok(Value::Custom { tag, content: Box::new(value(&mut payload, deeper(levels)?)?) })
            }
            _ => Err(unfit),
        },
        _ => flat_value(code, payload.rest()).ok_or(unfit),
    }
}
