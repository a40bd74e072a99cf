//! Decimals, identifiers, times and the like in serde's terms: extensions in MessagePack, text in human-readable formats.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use rmp_serde::MSGPACK_EXT_STRUCT_NAME;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer, ser};
use serde_bytes::Bytes;

use crate::extension::flat_value;
use crate::integer::Integer;
use crate::layout::flat_extension;
use crate::nested::{entry_of, pair_of};
use crate::{
    Complex, Date, DateTime, Decimal, Duration, Error, OffsetTimestamp, Time, Timestamp, Uuid, Value,
};

/// A type that is stored as an extension which holds no other values.
trait Flat: Sized {
    const WANTED: &'static str;

    /// Returns this, if the value is of this type.
    fn from_value(value: Value) -> Option<Self>;

    /// Returns what a text in a human-readable format spells.
    fn from_text(text: &str) -> Option<Self>;
}

macro_rules! flat {
    ($($type:ty, $pattern:pat => $result:expr, $wanted:literal;)*) => {$(
        impl Flat for $type {
            const WANTED: &'static str = $wanted;

            fn from_value(value: Value) -> Option<Self> {
                match value {
                    $pattern => $result,
                    _ => None,
                }
            }

            fn from_text(text: &str) -> Option<Self> {
                <$type>::from_str(text).ok()
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    return serializer.collect_str(self);
                }
                serialize_extension(&Value::from(self.clone()), serializer)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserialize_extension(deserializer)
            }
        }
    )*};
}

flat! {
    Decimal, Value::Decimal(decimal) => Some(decimal), "a decimal";
    Uuid, Value::Uuid(uuid) => Some(uuid), "a uuid";
    OffsetTimestamp, Value::Timestamp(timestamp) => Some(timestamp), "a timestamp";
    Timestamp, Value::Timestamp(timestamp) => utc(timestamp), "a timestamp in UTC";
    DateTime, Value::DateTime(datetime) => Some(datetime), "a datetime";
    Date, Value::Date(date) => Some(date), "a date";
    Time, Value::Time(time) => Some(time), "a time";
    Duration, Value::Duration(duration) => Some(duration), "a duration";
}

/// Returns the instant, unless that would lose the offset.
fn utc(timestamp: OffsetTimestamp) -> Option<Timestamp> {
    (timestamp.offset_seconds() == 0).then(|| timestamp.instant())
}

impl Flat for Complex {
    const WANTED: &'static str = "a complex";

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Complex(complex) => Some(complex),
            _ => None,
        }
    }

    fn from_text(_text: &str) -> Option<Self> {
        None
    }
}

impl Serialize for Complex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return (self.re, self.im).serialize(serializer);
        }
        serialize_extension(&Value::Complex(*self), serializer)
    }
}

impl<'de> Deserialize<'de> for Complex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_extension(deserializer)
    }
}

/// Writes a value that is an extension as one.
pub(crate) fn serialize_extension<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    let (code, payload) = flat_extension(value).ok_or_else(|| ser::Error::custom(Error::Refused))?;
    serializer.serialize_newtype_struct(MSGPACK_EXT_STRUCT_NAME, &(code, Bytes::new(&payload)))
}

fn deserialize_extension<'de, T: Flat, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let human_readable = deserializer.is_human_readable();
    let visitor = FlatVisitor { human_readable, wanted: PhantomData };
    deserializer.deserialize_newtype_struct(MSGPACK_EXT_STRUCT_NAME, visitor)
}

struct FlatVisitor<T> {
    human_readable: bool,
    wanted: PhantomData<T>,
}

impl<T: Flat> FlatVisitor<T> {
    fn read<E: de::Error>(code: i8, payload: &[u8]) -> Result<T, E> {
        let value = flat_value(code, payload);
        value.and_then(T::from_value).ok_or_else(|| E::invalid_type(Unexpected::NewtypeStruct, &T::WANTED))
    }
}

impl<'de, T: Flat> Visitor<'de> for FlatVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::WANTED)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<T, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<T, A::Error> {
        if self.human_readable {
            let (re, im) = Deserialize::deserialize(de::value::SeqAccessDeserializer::new(sequence))?;
            let complex = T::from_value(Value::Complex(Complex { re, im }));
            return complex.ok_or_else(|| de::Error::invalid_type(Unexpected::Seq, &T::WANTED));
        }
        let (code, payload) = pair_of(&mut sequence, &self)?;
        Self::read(code, &payload)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let (code, payload) = entry_of(&mut map, &self)?;
        Self::read(code, &payload)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        if !self.human_readable {
            return Err(E::invalid_type(Unexpected::Str(text), &self));
        }
        T::from_text(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

impl Serialize for Integer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (u64::try_from(*self), i64::try_from(*self)) {
            (Ok(number), _) => serializer.serialize_u64(number),
            (_, Ok(number)) => serializer.serialize_i64(number),
            _ if serializer.is_human_readable() => serializer.collect_str(self),
            _ => serialize_extension(&Value::Integer(*self), serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let human_readable = deserializer.is_human_readable();
        deserializer.deserialize_any(IntegerVisitor { human_readable })
    }
}

/// Few human-readable formats have numbers of more than 64 bits, so that these stand in text.
struct IntegerVisitor {
    human_readable: bool,
}

impl<'de> Visitor<'de> for IntegerVisitor {
    type Value = Integer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Integer, E> {
        Ok(number.into())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Integer, E> {
        Ok(number.into())
    }

    fn visit_i128<E: de::Error>(self, number: i128) -> Result<Integer, E> {
        Ok(number.into())
    }

    fn visit_u128<E: de::Error>(self, number: u128) -> Result<Integer, E> {
        Ok(number.into())
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Integer, D::Error> {
        inner.deserialize_any(FlatVisitor { human_readable: false, wanted: PhantomData })
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Integer, E> {
        FlatVisitor { human_readable: self.human_readable, wanted: PhantomData }.visit_str(text)
    }
}

impl Flat for Integer {
    const WANTED: &'static str = "an integer";

    fn from_value(value: Value) -> Option<Self> {
        value.as_integer()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}
