//! Reads any serde value from bytes, borrowing from them where it can.

mod extension;
mod number;
mod pieces;
mod variant;

use std::marker::PhantomData;

use rmp::Marker;
use rmp_serde::MSGPACK_EXT_STRUCT_NAME;
use serde::Deserialize;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Expected, Visitor};

use crate::encode::WRAPPERS_MAX;
use crate::layout::code;
use crate::reader::{Reader, Token};
use crate::{Error, Kind, MAX_DEPTH, nested};

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
            Token::Extension(code, payload) => self.visit_unasked_extension(code, payload, visitor),
        }
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

    #[inline]
    fn visit_text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        match self.reader.take_short_text() {
            Some(text) => visitor.visit_borrowed_str(text),
            None => self.deserialize_any(visitor),
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
    deserialize_as!(visit_single: deserialize_f32);
    deserialize_as!(visit_double: deserialize_f64);

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
            return match self.reader.token()? {
                Token::Extension(code, payload) => self.visit_extension(code, payload, visitor),
                token => self.visit(token, visitor),
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
            Token::Map(1) => self.visit_variant(visitor),
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
