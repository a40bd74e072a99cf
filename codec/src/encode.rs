//! Writes any serde value as canonical bytes, directly.

use std::ops::Range;

use rmp_serde::MSGPACK_EXT_STRUCT_NAME;
use serde::Serialize;
use serde::ser;

use crate::layout::code;
use crate::reader::{Reader, Token};
use crate::writer::Writer;
use crate::{Error, Integer, MAX_DEPTH, check, handshake, nested};

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

pub(crate) struct Encoder {
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

/// Where an entry's key and value stand in the bytes.
#[derive(Clone, Copy)]
struct Entry {
    /// The first bytes of the key, which mostly decide the order.
    prefix: u64,
    key: usize,
    value: usize,
    end: usize,
}

impl Encoder {
    fn enter(&mut self) -> Result<(), Error> {
        self.levels = crate::reader::deeper(self.levels)?;
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

    fn list(&mut self, len: Option<usize>) -> Result<Items<'_>, Error> {
        let header = self.writer.len();
        let declared = len.unwrap_or(0);
        self.writer.list_header(declared)?;
        self.enter()?;
        Ok(Items { encoder: self, header, declared, count: 0, in_variant: false })
    }

    fn map(&mut self, len: Option<usize>) -> Result<Entries<'_>, Error> {
        let header = self.writer.len();
        let declared = len.unwrap_or(0);
        self.writer.map_header(declared)?;
        self.enter()?;
        let (start, first) = (self.writer.len(), self.entries.len());
        Ok(Entries { encoder: self, header, declared, start, first, in_variant: false })
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

    /// Sorts the entries written since `start`, and returns how many they are.
    fn sort_entries(&mut self, start: usize, first: usize) -> Result<usize, Error> {
        let bytes = self.writer.bytes_mut();
        let entries = self.entries.get_mut(first..).unwrap_or_default();
        sort(bytes, start, entries).map_err(|Duplicate| Error::DuplicateKey)?;
        let count = entries.len();
        self.entries.truncate(first);
        Ok(count)
    }

    /// Turns the pair of code and payload, which was written as a list, into an extension.
    fn extension<T: Serialize + ?Sized>(&mut self, pair: &T) -> Result<(), Error> {
        let start = self.writer.len();
        // The pair is no list of the value's, and takes no level.
        self.levels += 1;
        pair.serialize(&mut *self)?;
        self.levels -= 1;
        let (code, payload) =
            written_pair(self.writer.bytes().get(start..).unwrap_or_default()).ok_or(Error::Refused)?;
        let payload = payload.to_vec();
        check::extension(code, Reader::new(&payload), 0, self.levels)?;
        self.writer.bytes_mut().truncate(start);
        self.writer.extension(code, &payload)
    }

    /// Writes the payload of a set, tuple or custom value in place, and then its header before it.
    fn nested<T: Serialize + ?Sized>(&mut self, code: i8, content: &T) -> Result<(), Error> {
        let start = self.writer.len();
        handshake::offer();
        let result = content.serialize(&mut *self);
        handshake::take();
        result?;
        match code {
            code::SET => self.sort_items(start)?,
            code::CUSTOM => self.drop_list_header(start)?,
            _ => {}
        }
        let payload = self.writer.bytes().get(start..).unwrap_or_default();
        check_shape(code, payload)?;
        let payload_len = payload.len();
        self.replace(start..start, |header| header.extension_header(code, payload_len))
    }

    fn sort_items(&mut self, start: usize) -> Result<(), Error> {
        let mut reader = Reader::new(self.writer.bytes().get(start..).unwrap_or_default());
        let Token::List(len) = reader.token()? else {
            return Err(NOT_A_LIST);
        };
        let first = self.entries.len();
        for _ in 0..len {
            let key = start + reader.offset();
            reader.skip(MAX_DEPTH)?;
            let end = start + reader.offset();
            self.entries.push(Entry { prefix: 0, key, value: end, end });
        }
        let items_start = self.entries.get(first).map_or(0, |item| item.key);
        self.sort_entries(items_start, first).map_err(|_| Error::DuplicateItem)?;
        Ok(())
    }

    fn drop_list_header(&mut self, start: usize) -> Result<(), Error> {
        let mut reader = Reader::new(self.writer.bytes().get(start..).unwrap_or_default());
        let Token::List(2) = reader.token()? else {
            return Err(NOT_A_LIST);
        };
        let header = start..start + reader.offset();
        self.writer.bytes_mut().drain(header);
        Ok(())
    }
}

/// What is to be stored as a set or tuple does not serialize as a sequence.
const NOT_A_LIST: Error = Error::Refused;

fn check_shape(code: i8, payload: &[u8]) -> Result<(), Error> {
    let token = Reader::new(payload).token()?;
    match (code, token) {
        (code::CUSTOM, Token::Unsigned(_)) | (_, Token::List(_)) => Ok(()),
        _ => Err(NOT_A_LIST),
    }
}

fn written_pair(bytes: &[u8]) -> Option<(i8, &[u8])> {
    let mut reader = Reader::new(bytes);
    match (reader.token().ok()?, reader.token().ok()?, reader.token().ok()?) {
        (Token::List(2), Token::Unsigned(code), Token::Bytes(payload)) => {
            Some((i8::try_from(code).ok()?, payload))
        }
        _ => None,
    }
}

struct Duplicate;

/// Sorts entries, and the bytes from `start` on, which are those of these entries one after the other.
fn sort(bytes: &mut Vec<u8>, start: usize, entries: &mut [Entry]) -> Result<(), Duplicate> {
    let key = |entry: &Entry| bytes.get(entry.key..entry.value).unwrap_or_default();
    let ascends = |pair: &[Entry]| matches!(pair, [a, b] if key(a) < key(b));
    if entries.windows(2).all(ascends) {
        return Ok(());
    }
    for entry in &mut *entries {
        entry.prefix = prefix(key(entry));
    }
    entries.sort_unstable_by(|a, b| a.prefix.cmp(&b.prefix).then_with(|| key(a).cmp(key(b))));
    if !entries.windows(2).all(ascends) {
        return Err(Duplicate);
    }
    let mut sorted = Vec::with_capacity(bytes.len() - start);
    for entry in &*entries {
        sorted.extend_from_slice(bytes.get(entry.key..entry.end).unwrap_or_default());
    }
    bytes.truncate(start);
    bytes.extend_from_slice(&sorted);
    Ok(())
}

/// Returns the first eight bytes, as a number of the same order.
fn prefix(key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(key) {
        *to = *from;
    }
    u64::from_be_bytes(bytes)
}

/// The items of a list that is being written.
pub(crate) struct Items<'e> {
    encoder: &'e mut Encoder,
    header: usize,
    declared: usize,
    count: usize,
    in_variant: bool,
}

impl Items<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
        self.count += 1;
        item.serialize(&mut *self.encoder)
    }

    fn finish(self) -> Result<(), Error> {
        let Self { encoder, header, declared, count, in_variant } = self;
        if count != declared {
            let end = header + crate::layout::header_len(crate::layout::list_marker(declared));
            encoder.replace(header..end, |writer| writer.list_header(count))?;
        }
        encoder.leave();
        if in_variant {
            encoder.leave();
        }
        Ok(())
    }
}

/// The entries of a map that is being written.
pub(crate) struct Entries<'e> {
    encoder: &'e mut Encoder,
    header: usize,
    declared: usize,
    start: usize,
    first: usize,
    in_variant: bool,
}

impl Entries<'_> {
    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        let start = self.encoder.writer.len();
        key.serialize(&mut *self.encoder)?;
        let end = self.encoder.writer.len();
        self.encoder.entries.push(Entry { prefix: 0, key: start, value: end, end });
        Ok(())
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut *self.encoder)?;
        let end = self.encoder.writer.len();
        if let Some(entry) = self.encoder.entries.last_mut() {
            entry.end = end;
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Error> {
        let Self { encoder, header, declared, start, first, in_variant } = self;
        let count = encoder.sort_entries(start, first)?;
        if count != declared {
            encoder.replace(header..start, |writer| writer.map_header(count))?;
        }
        encoder.leave();
        if in_variant {
            encoder.leave();
        }
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
        Ok(Items { in_variant: true, ..self.list(Some(len))? })
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
        Ok(Entries { in_variant: true, ..self.map(Some(len))? })
    }
}

impl ser::SerializeSeq for Items<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
        self.item(item)
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

impl ser::SerializeTuple for Items<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
        self.item(item)
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

impl ser::SerializeTupleStruct for Items<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
        self.item(item)
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

impl ser::SerializeTupleVariant for Items<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
        self.item(item)
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

impl ser::SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.value(value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

impl ser::SerializeStruct for Entries<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.key(name)?;
        self.value(value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}

impl ser::SerializeStructVariant for Entries<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.key(name)?;
        self.value(value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish()
    }
}
