//! Extensions as serde knows them: data of a code and a payload.

use serde::de::value::{BorrowedBytesDeserializer, I8Deserializer};
use serde::de::{self, Deserializer, IntoDeserializer, Visitor};

use super::Decoder;
use crate::error_serde::naming;
use crate::{Error, check};

impl<'de> Decoder<'de> {
    /// Hands an extension to a visitor that has asked for one by name.
    pub(super) fn visit_extension<V: Visitor<'de>>(
        &self,
        code: i8,
        payload: &'de [u8],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let extension = self.extension(code, payload)?;
        visitor.visit_newtype_struct(extension).map_err(|error| naming(error, code))
    }

    pub(super) fn visit_unasked_extension<V: Visitor<'de>>(
        &self,
        code: i8,
        payload: &'de [u8],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let extension = UnaskedExtension(self.extension(code, payload)?);
        visitor.visit_newtype_struct(extension).map_err(|error| naming(error, code))
    }

    fn extension(&self, code: i8, payload: &'de [u8]) -> Result<Extension<'de>, Error> {
        check::extension(code, self.reader.of_payload(payload), self.reader.offset(), self.levels)?;
        Ok(Extension { code, payload })
    }
}

/// An extension whose payload is checked, as the pair of its code and payload.
struct Extension<'de> {
    code: i8,
    payload: &'de [u8],
}

impl<'de> Deserializer<'de> for Extension<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let pair = [Part::Code(self.code), Part::Payload(self.payload)];
        visitor.visit_seq(de::value::SeqDeserializer::new(pair.into_iter()))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// An extension that no one asked for by name, as a map from its code to its payload.
///
/// Where serde buffers values (flattened fields, untagged enums) it forgets that ours is no human-readable format. A map
/// cannot be mistaken for the items of a set, as the pair could.
struct UnaskedExtension<'de>(Extension<'de>);

impl<'de> Deserializer<'de> for UnaskedExtension<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let entry = (Part::Code(self.0.code), Part::Payload(self.0.payload));
        visitor.visit_map(de::value::MapDeserializer::new(std::iter::once(entry)))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

enum Part<'de> {
    Code(i8),
    Payload(&'de [u8]),
}

impl<'de> IntoDeserializer<'de, Error> for Part<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Part<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Code(code) => I8Deserializer::new(code).deserialize_any(visitor),
            Self::Payload(payload) => BorrowedBytesDeserializer::new(payload).deserialize_any(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
