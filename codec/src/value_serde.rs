//! Any value in serde's terms, so that it can be a field of a struct, and so that other formats can show it.

use std::fmt;

use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::flat::serialize_extension;
use crate::layout::code;
use crate::nested::{self, entry_of, pair_of};
use crate::reader::Reader;
use crate::{Error, MAX_DEPTH, Map, Value, build, check, float};

/// Writes what the value is. Human-readable formats have no word for most kinds, and get the plain data: a decimal
/// or a time as text, a set or tuple as a list. To lose nothing there, use [`Value::to_json`].
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Integer(integer) => integer.serialize(serializer),
            Self::Float(number) => serializer.serialize_f64(float::canonical(*number)),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::List(items) => items.serialize(serializer),
            Self::Map(map) => map.serialize(serializer),
            Self::Set(items) => nested::serialize(code::SET, items, serializer),
            Self::Tuple(items) => nested::serialize(code::TUPLE, items, serializer),
            Self::Custom { tag, content } => nested::serialize(code::CUSTOM, &(tag, content), serializer),
            _ if serializer.is_human_readable() => serialize_readable(self, serializer),
            _ => serialize_extension(self, serializer),
        }
    }
}

fn serialize_readable<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Value::Decimal(decimal) => decimal.serialize(serializer),
        Value::Uuid(uuid) => uuid.serialize(serializer),
        Value::Timestamp(timestamp) => timestamp.serialize(serializer),
        Value::DateTime(datetime) => datetime.serialize(serializer),
        Value::Date(date) => date.serialize(serializer),
        Value::Time(time) => time.serialize(serializer),
        Value::Duration(duration) => duration.serialize(serializer),
        Value::Complex(complex) => complex.serialize(serializer),
        _ => Err(serde::ser::Error::custom(Error::Refused)),
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(truth.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_i128<E>(self, number: i128) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u128<E>(self, number: u128) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(bytes.to_vec()))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Value, E> {
        Ok(Value::Bytes(bytes))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, value)) = entries.next_entry()? {
            if map.insert(key, value).is_some() {
                return Err(de::Error::custom(Error::DuplicateKey));
            }
        }
        Ok(Value::Map(map))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        inner.deserialize_any(ExtensionVisitor)
    }
}

struct ExtensionVisitor;

impl<'de> Visitor<'de> for ExtensionVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an extension")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let (code, payload) = pair_of(&mut sequence, &self)?;
        read(code, &payload)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let (code, payload) = entry_of(&mut map, &self)?;
        read(code, &payload)
    }
}

/// Builds an extension that may come from any deserializer, ours or not.
fn read<E: de::Error>(code: i8, payload: &[u8]) -> Result<Value, E> {
    let payload = Reader::new(payload);
    let value = check::extension(code, payload, 0, MAX_DEPTH)
        .and_then(|()| build::extension(code, payload, MAX_DEPTH));
    value.map_err(E::custom)
}

/// Returns the value as which this is stored, without its Rust type.
///
/// # Errors
/// Those of [`encode`](crate::encode).
///
/// ```
/// use annals_codec::{Value, to_value};
///
/// assert_eq!(to_value(&Some(7))?, Value::from(7));
/// assert_eq!(to_value(&["a", "b"])?, Value::List(vec!["a".into(), "b".into()]));
/// # Ok::<(), annals_codec::Error>(())
/// ```
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, Error> {
    build::trusted(&crate::encode(value)?)
}

/// Returns a value of a Rust type, read as [`decode`](crate::decode) would read it from the bytes.
///
/// # Errors
/// Those of [`decode`](crate::decode) and [`Value::to_bytes`].
///
/// ```
/// use annals_codec::{Value, from_value};
///
/// assert_eq!(from_value::<u8>(&Value::from(7))?, 7);
/// assert!(from_value::<u8>(&Value::from(300)).is_err());
/// # Ok::<(), annals_codec::Error>(())
/// ```
pub fn from_value<T: de::DeserializeOwned>(value: &Value) -> Result<T, Error> {
    crate::decode(&value.to_bytes()?)
}
