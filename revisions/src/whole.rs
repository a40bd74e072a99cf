//! Puts members together to the struct or map that they belong to.

use std::collections::{BTreeMap, btree_map};
use std::sync::Arc;

use annals_core::{Field, codec};
use serde::de::value::{CowStrDeserializer, MapAccessDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer as _, MapAccess, Visitor};

use crate::attributes::name;

/// Returns the value that has these members, each encoded.
///
/// # Errors
/// If they do not fit the type.
pub(crate) fn whole<T: DeserializeOwned>(fields: &BTreeMap<Field, Arc<[u8]>>) -> Result<T, Misfit> {
    let mut at = None;
    let whole = Whole { fields: fields.iter(), next: None, at: &mut at };
    T::deserialize(whole).map_err(|problem| Misfit::at(at, problem))
}

/// What does not fit a type, and in which attribute if that is known.
#[derive(Clone, Debug)]
pub(crate) struct Misfit {
    pub(crate) attribute: Option<String>,
    pub(crate) problem: codec::Error,
}

impl Misfit {
    pub(crate) fn of(attribute: &str, problem: codec::Error) -> Misfit {
        Misfit { attribute: Some(attribute.to_owned()), problem }
    }

    fn at(field: Option<&Field>, problem: codec::Error) -> Misfit {
        let attribute = match &problem {
            codec::Error::MissingField { field } => Some((*field).to_owned()),
            _ => field.map(|field| name(field).into_owned()),
        };
        Misfit { attribute, problem }
    }
}

struct Whole<'de, 'p> {
    fields: btree_map::Iter<'de, Field, Arc<[u8]>>,
    next: Option<&'de [u8]>,
    /// The attribute that is being read.
    at: &'p mut Option<&'de Field>,
}

impl<'de> Deserializer<'de> for Whole<'de, '_> {
    type Error = codec::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, codec::Error> {
        visitor.visit_map(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, codec::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, codec::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, codec::Error> {
        MapAccessDeserializer::new(self).deserialize_enum(name, variants, visitor)
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Whole<'de, '_> {
    type Error = codec::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, codec::Error> {
        let Some((field, bytes)) = self.fields.next() else { return Ok(None) };
        self.next = Some(bytes);
        *self.at = Some(field);
        let name: CowStrDeserializer<'_, codec::Error> = name(field).into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, codec::Error> {
        let Some(bytes) = self.next.take() else { return Err(codec::Error::Refused) };
        let value = codec::decode_seed(seed, bytes)?;
        *self.at = None;
        Ok(value)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.fields.len())
    }
}
