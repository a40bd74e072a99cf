//! Reads any serde value from bytes, borrowing from them where it can.

use std::marker::PhantomData;

use rmp::Marker;
use rmp_serde::MSGPACK_EXT_STRUCT_NAME;
use serde::Deserialize;
use serde::de::value::{BorrowedBytesDeserializer, BorrowedStrDeserializer, I8Deserializer};
use serde::de::{self, DeserializeSeed, Deserializer, Expected, IntoDeserializer, Visitor};

use crate::encode::WRAPPERS_MAX;
use crate::error_serde::naming;
use crate::extension::flat_value;
use crate::integer::Repr;
use crate::layout::code;
use crate::reader::{Reader, Token, deeper};
use crate::{Error, Kind, MAX_DEPTH, Value, check, nested};

/// Returns the value of bytes that [`encode`](crate::encode) wrote, or any other MessagePack that fits the type.
///
/// Text and byte strings can be borrowed from the bytes. An integer is read into any integer type that holds it, and
/// into a float if that is exact; a set or tuple is read into [`Set`](crate::Set) and [`Tuple`](crate::Tuple), and also
/// into plain collections and Rust tuples. Stored fields that a struct does not have are passed over.
///
/// # Errors
/// [`Error::TypeMismatch`], [`Error::Unfit`] and the like where the stored value is not the type's;
/// [`Error::Malformed`], [`Error::TrailingBytes`] and [`Error::TooDeep`] where the bytes are not one value.
///
/// ```
/// use annals_codec::{decode, encode};
///
/// let bytes = encode(&("score", 40))?;
/// assert_eq!(decode::<(&str, u8)>(&bytes)?, ("score", 40));
/// let error = decode::<(u8, u8)>(&bytes).unwrap_err();
/// assert_eq!(error.to_string(), "wanted u8, stored is text");
/// # Ok::<(), annals_codec::Error>(())
/// ```
pub fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Error> {
    decode_seed(PhantomData, bytes)
}

/// As [`decode`], for a type whose reading takes a seed: what stands in a map of one's own, member by member.
///
/// # Errors
/// Those of [`decode`].
///
/// ```
/// use std::marker::PhantomData;
/// use annals_codec::{decode_seed, encode};
///
/// assert_eq!(decode_seed(PhantomData::<u8>, &encode(&7)?)?, 7);
/// # Ok::<(), annals_codec::Error>(())
/// ```
pub fn decode_seed<'de, S: DeserializeSeed<'de>>(seed: S, bytes: &'de [u8]) -> Result<S::Value, Error> {
    let mut decoder = Decoder::new(Reader::new(bytes));
    let value = seed.deserialize(&mut decoder)?;
    decoder.reader.finish()?;
    Ok(value)
}

pub(crate) struct Decoder<'de> {
    reader: Reader<'de>,
    /// How many more lists and maps may be opened.
    levels: usize,
    /// How many more `Option`s and newtype structs may be opened.
    wrappers: usize,
}

impl<'de> Decoder<'de> {
    pub(crate) fn new(reader: Reader<'de>) -> Self {
        Self { reader, levels: MAX_DEPTH, wrappers: WRAPPERS_MAX }
    }

    /// Hands a piece to the visitor as what it is.
    fn visit<V: Visitor<'de>>(&mut self, token: Token<'de>, visitor: V) -> Result<V::Value, Error> {
        match token {
            Token::Null => visitor.visit_unit(),
            Token::Bool(truth) => visitor.visit_bool(truth),
            Token::Unsigned(number) => visitor.visit_u64(number),
            Token::Negative(number) => visitor.visit_i64(number),
            Token::Float(number) => visitor.visit_f64(number),
            Token::Text(text) => visitor.visit_borrowed_str(text),
            Token::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Token::List(count) => self.visit_list(count, visitor),
            Token::Map(count) => self.visit_map(count, visitor),
            Token::Extension(code, payload) => {
                let extension = self.extension(code, payload)?;
                visitor.visit_newtype_struct(extension.unasked()).map_err(|error| naming(error, code))
            }
        }
    }

    fn visit_list<V: Visitor<'de>>(&mut self, count: usize, visitor: V) -> Result<V::Value, Error> {
        self.levels = deeper(self.levels)?;
        let mut items = Pieces { decoder: self, left: count };
        let value = visitor.visit_seq(&mut items)?;
        items.finish(count)?;
        self.levels += 1;
        Ok(value)
    }

    fn visit_map<V: Visitor<'de>>(&mut self, count: usize, visitor: V) -> Result<V::Value, Error> {
        self.levels = deeper(self.levels)?;
        let mut entries = Pieces { decoder: self, left: count };
        let value = visitor.visit_map(&mut entries)?;
        entries.finish(count)?;
        self.levels += 1;
        Ok(value)
    }

    /// Hands the items of a list, set or tuple to the visitor.
    fn visit_items<V: Visitor<'de>>(&mut self, wanted: Option<usize>, visitor: V) -> Result<V::Value, Error> {
        let token = self.reader.token()?;
        if let Token::Extension(code::SET | code::TUPLE, payload) = token {
            let mut content = self.content(payload);
            let value = content.visit_items(wanted, visitor)?;
            content.reader.finish()?;
            return Ok(value);
        }
        match (token, wanted) {
            (Token::List(count), Some(wanted)) if count != wanted => {
                Err(Error::WrongLength { wanted: format!("{wanted} items"), found: count })
            }
            (Token::List(count), _) => self.visit_list(count, visitor),
            _ => self.visit(token, visitor),
        }
    }

    /// Returns a decoder of the list inside of a set or tuple.
    fn content(&self, payload: &'de [u8]) -> Self {
        Self { reader: self.reader.of_payload(payload), levels: self.levels, wrappers: self.wrappers }
    }

    fn extension(&self, code: i8, payload: &'de [u8]) -> Result<Extension<'de>, Error> {
        check::extension(code, self.reader.of_payload(payload), self.reader.offset(), self.levels)?;
        Ok(Extension { code, payload })
    }

    #[inline]
    fn visit_integer<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        match self.reader.take_integer() {
            Some(Token::Unsigned(number)) => visitor.visit_u64(number),
            Some(Token::Negative(number)) => visitor.visit_i64(number),
            _ => self.visit_no_integer(visitor),
        }
    }

    #[cold]
    fn visit_no_integer<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        match self.reader.token()? {
            Token::Extension(code::INTEGER, _) => Err(unfit(Kind::Integer, &visitor)),
            token => self.visit(token, visitor),
        }
    }

    #[inline]
    fn visit_text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        match self.reader.take_short_text() {
            Some(text) => visitor.visit_borrowed_str(text),
            None => self.deserialize_any(visitor),
        }
    }

    fn visit_wide_integer<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        match self.reader.token()? {
            Token::Extension(code::INTEGER, payload) => match flat_value(code::INTEGER, payload) {
                Some(Value::Integer(integer)) => match integer.repr() {
                    Repr::Negative(number) => visitor.visit_i128(number),
                    Repr::NonNegative(number) => visitor.visit_u128(number),
                },
                _ => Err(Error::Malformed {
                    offset: self.reader.offset(),
                    rule: "an integer has up to 128 bits",
                }),
            },
            token => self.visit(token, visitor),
        }
    }

    fn wrapped<V: Visitor<'de>>(
        &mut self,
        visitor: V,
        visit: impl FnOnce(V, &mut Self) -> Result<V::Value, Error>,
    ) -> Result<V::Value, Error> {
        self.wrappers = self.wrappers.checked_sub(1).ok_or(Error::TooDeep { limit: MAX_DEPTH })?;
        let value = visit(visitor, self)?;
        self.wrappers += 1;
        Ok(value)
    }
}

fn mismatch(token: Token<'_>, wanted: &dyn Expected) -> Error {
    Error::TypeMismatch { wanted: wanted.to_string(), stored: token.kind().name() }
}

fn unfit(stored: Kind, wanted: &dyn Expected) -> Error {
    Error::Unfit { wanted: wanted.to_string(), stored: stored.name() }
}

/// Returns the float of the same value, if there is one: if no more than 53 bits count.
#[expect(clippy::cast_precision_loss, reason = "the numbers for which it would lose are left out")]
fn exact_float(token: Token<'_>) -> Option<f64> {
    let is_exact =
        |magnitude: u64| magnitude == 0 || magnitude.leading_zeros() + magnitude.trailing_zeros() >= 11;
    match token {
        Token::Float(number) => Some(number),
        Token::Unsigned(number) => is_exact(number).then_some(number as f64),
        Token::Negative(number) => is_exact(number.unsigned_abs()).then_some(number as f64),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the numbers for which it would lose are left out")]
fn exact_single(number: f64) -> Option<f32> {
    let single = number as f32;
    (number.is_nan() || f64::from(single).to_bits() == number.to_bits()).then_some(single)
}

macro_rules! deserialize_as {
    ($visit:ident: $($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.$visit(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Decoder<'de> {
    type Error = Error;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let token = self.reader.token()?;
        self.visit(token, visitor)
    }

    deserialize_as!(visit_text: deserialize_char deserialize_str deserialize_string);
    deserialize_as!(deserialize_any: deserialize_bool deserialize_bytes deserialize_byte_buf deserialize_unit deserialize_map);
    deserialize_as!(visit_integer: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64);
    deserialize_as!(visit_wide_integer: deserialize_i128 deserialize_u128);

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let token = self.reader.token()?;
        match (exact_float(token).map(exact_single), token) {
            (Some(Some(number)), _) => visitor.visit_f32(number),
            (_, Token::Unsigned(_) | Token::Negative(_) | Token::Float(_)) => {
                Err(unfit(token.kind(), &visitor))
            }
            _ => self.visit(token, visitor),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let token = self.reader.token()?;
        match (exact_float(token), token) {
            (Some(number), _) => visitor.visit_f64(number),
            (None, Token::Unsigned(_) | Token::Negative(_)) => Err(unfit(token.kind(), &visitor)),
            _ => self.visit(token, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.reader.take_byte(Marker::Null.to_u8()) {
            return visitor.visit_none();
        }
        self.wrapped(visitor, |visitor, decoder| visitor.visit_some(decoder))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == MSGPACK_EXT_STRUCT_NAME {
            let token = self.reader.token()?;
            return match token {
                Token::Extension(code, payload) => {
                    let extension = self.extension(code, payload)?;
                    visitor.visit_newtype_struct(extension).map_err(|error| naming(error, code))
                }
                _ => self.visit(token, visitor),
            };
        }
        match nested::code_of(name) {
            Some(wanted) => match self.reader.token()? {
                Token::Extension(code, payload) if code == wanted => {
                    let mut content = self.content(payload);
                    let value = visitor.visit_some(&mut content)?;
                    content.reader.finish()?;
                    Ok(value)
                }
                token => Err(mismatch(token, &visitor)),
            },
            None => self.wrapped(visitor, |visitor, decoder| visitor.visit_newtype_struct(decoder)),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit_items(None, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.visit_items(Some(len), visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.visit_items(Some(len), visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        // A derived visitor would take a list by position, which breaks as soon as a field is added.
        match self.reader.token()? {
            token @ Token::List(_) => Err(mismatch(token, &visitor)),
            token => self.visit(token, visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.reader.token()? {
            Token::Text(variant) => visitor.visit_enum(BorrowedStrDeserializer::new(variant)),
            Token::Map(1) => {
                self.levels = deeper(self.levels)?;
                let value = visitor.visit_enum(Variant(&mut *self))?;
                self.levels += 1;
                Ok(value)
            }
            Token::Map(_) => Err(unfit(Kind::Map, &visitor)),
            token => Err(mismatch(token, &visitor)),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Some(name) = self.reader.take_short_text() {
            return visitor.visit_borrowed_str(name);
        }
        // A derived visitor would take a number for the field's or variant's place in the source.
        match self.reader.token()? {
            Token::Text(name) => visitor.visit_borrowed_str(name),
            token => Err(mismatch(token, &visitor)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.reader.skip(self.levels)?;
        visitor.visit_unit()
    }
}

/// The items of a list, or the entries of a map, that are left to read.
struct Pieces<'d, 'de> {
    decoder: &'d mut Decoder<'de>,
    left: usize,
}

/// Containers are grown from the hint at once, so that a declared size must not be it.
const SIZE_HINT_MAX: usize = 1_024;

impl Pieces<'_, '_> {
    fn take(&mut self) -> bool {
        let is_left = self.left > 0;
        self.left -= usize::from(is_left);
        is_left
    }

    fn hint(&self) -> usize {
        self.left.min(SIZE_HINT_MAX)
    }

    /// Returns an error if the visitor has left some unread, for which it has no place.
    fn finish(self, count: usize) -> Result<(), Error> {
        if self.left == 0 {
            return Ok(());
        }
        Err(Error::WrongLength { wanted: format!("{} items", count - self.left), found: count })
    }
}

impl<'de> de::SeqAccess<'de> for Pieces<'_, 'de> {
    type Error = Error;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if !self.take() {
            return Ok(None);
        }
        seed.deserialize(&mut *self.decoder).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.hint())
    }
}

impl<'de> de::MapAccess<'de> for Pieces<'_, 'de> {
    type Error = Error;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if !self.take() {
            return Ok(None);
        }
        seed.deserialize(&mut *self.decoder).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.decoder)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.hint())
    }
}

/// The one entry of a map that stands for an enum's variant with content.
struct Variant<'d, 'de>(&'d mut Decoder<'de>);

impl<'de> de::EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name = seed.deserialize(&mut *self.0)?;
        Ok((name, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Deserialize::deserialize(self.0)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_struct("", fields, visitor)
    }
}

/// An extension whose payload is checked, as the pair of its code and payload.
#[derive(Clone, Copy)]
struct Extension<'de> {
    code: i8,
    payload: &'de [u8],
}

impl<'de> Extension<'de> {
    fn unasked(self) -> UnaskedExtension<'de> {
        UnaskedExtension(self)
    }
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
