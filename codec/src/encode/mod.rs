//! Writes any serde value as canonical bytes, directly.

mod entries;
mod extension;
mod items;
mod sort;

use std::ops::Range;

use rmp_serde::MSGPACK_EXT_STRUCT_NAME;
use serde::{Serialize, ser};

use self::entries::Entries;
use self::items::Items;
use self::sort::Entry;
use crate::reader::deeper;
use crate::writer::Writer;
use crate::{Error, Integer, MAX_DEPTH, nested};

/// Returns the canonical bytes of a value: equal values have equal bytes.
///
/// Structs become maps, and map keys and fields are sorted by their bytes. Integers take the fewest bytes, floats have
/// 64 bits. Rust's tuples and arrays become lists; to keep a tuple or a set as such, use [`Tuple`](crate::Tuple),
/// [`Set`](crate::Set) or their `with` modules; for a string of bytes rather than a list of numbers, the `serde_bytes`
/// crate. `None` and `()` become null, so that `Some(())` reads back as `None`.
///
/// # Errors
/// [`Error::DuplicateKey`], [`Error::DuplicateItem`], [`Error::TooDeep`], [`Error::TooLong`], and [`Error::Refused`]
/// where the type's own code gives up.
///
/// ```
/// use std::collections::HashMap;
///
/// #[derive(serde::Serialize)]
/// struct Point {
///     y: f32,
///     x: f32,
/// }
///
/// let point = annals_codec::encode(&Point { y: 4.0, x: 3.0 })?;
/// let map = annals_codec::encode(&HashMap::from([("x", 3.0_f64), ("y", 4.0)]))?;
/// assert_eq!(point, map);
/// # Ok::<(), annals_codec::Error>(())
/// ```
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let mut encoder = Encoder::default();
    value.serialize(&mut encoder)?;
    Ok(encoder.writer.into_bytes())
}

/// `Option`s and newtype structs leave no trace in the bytes, but each takes a bit of the stack, so that they are
/// counted apart.
pub(crate) const WRAPPERS_MAX: usize = 2 * MAX_DEPTH;

struct Encoder {
    writer: Writer,
    /// How many more lists and maps may be opened.
    levels: usize,
    /// How many more `Option`s and newtype structs may be opened.
    wrappers: usize,
    /// The entries of all maps that are open, the innermost map's last.
    entries: Vec<Entry>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self { writer: Writer::default(), levels: MAX_DEPTH, wrappers: WRAPPERS_MAX, entries: Vec::new() }
    }
}

impl Encoder {
    fn enter(&mut self) -> Result<(), Error> {
        self.levels = deeper(self.levels)?;
        Ok(())
    }

    fn leave(&mut self) {
        self.levels += 1;
    }

    fn wrapped<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.wrappers = self.wrappers.checked_sub(1).ok_or(Error::TooDeep { limit: MAX_DEPTH })?;
        value.serialize(&mut *self)?;
        self.wrappers += 1;
        Ok(())
    }

    /// Opens the one-entry map of an enum's variant that has content.
    fn variant(&mut self, name: &str) -> Result<(), Error> {
        self.writer.map_header(1)?;
        self.enter()?;
        self.writer.text(name)
    }

    fn replace(
        &mut self,
        range: Range<usize>,
        write: impl FnOnce(&mut Writer) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut replacement = Writer::default();
        write(&mut replacement)?;
        self.writer.bytes_mut().splice(range, replacement.into_bytes());
        Ok(())
    }
}

impl<'e> ser::Serializer for &'e mut Encoder {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Items<'e>;
    type SerializeTuple = Items<'e>;
    type SerializeTupleStruct = Items<'e>;
    type SerializeTupleVariant = Items<'e>;
    type SerializeMap = Entries<'e>;
    type SerializeStruct = Entries<'e>;
    type SerializeStructVariant = Entries<'e>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, truth: bool) -> Result<(), Error> {
        self.writer.bool(truth);
        Ok(())
    }

    fn serialize_i8(self, number: i8) -> Result<(), Error> {
        self.serialize_i64(number.into())
    }

    fn serialize_i16(self, number: i16) -> Result<(), Error> {
        self.serialize_i64(number.into())
    }

    fn serialize_i32(self, number: i32) -> Result<(), Error> {
        self.serialize_i64(number.into())
    }

    fn serialize_i64(self, number: i64) -> Result<(), Error> {
        self.writer.signed(number);
        Ok(())
    }

    fn serialize_i128(self, number: i128) -> Result<(), Error> {
        self.writer.integer(Integer::from(number))
    }

    fn serialize_u8(self, number: u8) -> Result<(), Error> {
        self.serialize_u64(number.into())
    }

    fn serialize_u16(self, number: u16) -> Result<(), Error> {
        self.serialize_u64(number.into())
    }

    fn serialize_u32(self, number: u32) -> Result<(), Error> {
        self.serialize_u64(number.into())
    }

    fn serialize_u64(self, number: u64) -> Result<(), Error> {
        self.writer.unsigned(number);
        Ok(())
    }

    fn serialize_u128(self, number: u128) -> Result<(), Error> {
        self.writer.integer(Integer::from(number))
    }

    fn serialize_f32(self, number: f32) -> Result<(), Error> {
        self.serialize_f64(number.into())
    }

    fn serialize_f64(self, number: f64) -> Result<(), Error> {
        self.writer.float(number);
        Ok(())
    }

    fn serialize_char(self, character: char) -> Result<(), Error> {
        self.writer.text(character.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<(), Error> {
        self.writer.text(text)
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Error> {
        self.writer.byte_string(bytes)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.wrapped(value)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.writer.null();
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.writer.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        match nested::code_of(name) {
            Some(code) => self.nested(code, value),
            None if name == MSGPACK_EXT_STRUCT_NAME => self.extension(value),
            None => self.wrapped(value),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.variant(variant)?;
        value.serialize(&mut *self)?;
        self.leave();
        Ok(())
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Items<'e>, Error> {
        self.list(len)
    }

    fn serialize_tuple(self, len: usize) -> Result<Items<'e>, Error> {
        self.list(Some(len))
    }

    fn serialize_tuple_struct(self, _name: &'static str, len: usize) -> Result<Items<'e>, Error> {
        self.list(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Items<'e>, Error> {
        self.variant(variant)?;
        self.list(Some(len)).map(Items::in_variant)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Entries<'e>, Error> {
        self.map(len)
    }

    fn serialize_struct(self, _name: &'static str, len: usize) -> Result<Entries<'e>, Error> {
        self.map(Some(len))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Entries<'e>, Error> {
        self.variant(variant)?;
        self.map(Some(len)).map(Entries::in_variant)
    }
}
