//! Writes the pieces of MessagePack in their canonical form.

use std::convert::Infallible;

use rmp::encode::{self, ByteBuf, ValueWriteError};

use crate::integer::Integer;
use crate::layout::{self, IntegerForm, code};
use crate::reader::deeper;
use crate::{Error, Kind, MAX_DEPTH, Value, float};

/// Canonical bytes in the making.
#[derive(Default)]
pub(crate) struct Writer(ByteBuf);

impl Writer {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0.into_vec()
    }

    /// Returns what was written since the bytes were so many.
    pub(crate) fn since(&self, len: usize) -> &[u8] {
        self.0.as_slice().get(len..).unwrap_or_default()
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        self.0.as_mut_vec()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.as_slice().len()
    }

    pub(crate) fn null(&mut self) {
        let Ok(()) = encode::write_nil(&mut self.0);
    }

    pub(crate) fn bool(&mut self, truth: bool) {
        let Ok(()) = encode::write_bool(&mut self.0, truth);
    }

    pub(crate) fn unsigned(&mut self, number: u64) {
        written(encode::write_uint(&mut self.0, number));
    }

    pub(crate) fn signed(&mut self, number: i64) {
        written(encode::write_sint(&mut self.0, number));
    }

    pub(crate) fn integer(&mut self, integer: Integer) -> Result<(), Error> {
        match layout::integer_form(integer) {
            IntegerForm::Unsigned(number) => self.unsigned(number),
            IntegerForm::Negative(number) => self.signed(number),
            IntegerForm::Wide(wide) => self.extension(code::INTEGER, wide.as_bytes())?,
        }
        Ok(())
    }

    pub(crate) fn float(&mut self, number: f64) {
        written(encode::write_f64(&mut self.0, float::canonical(number)));
    }

    pub(crate) fn text(&mut self, text: &str) -> Result<(), Error> {
        written(encode::write_str_len(&mut self.0, declarable(text.len(), Kind::Text)?));
        self.raw(text.as_bytes());
        Ok(())
    }

    pub(crate) fn byte_string(&mut self, bytes: &[u8]) -> Result<(), Error> {
        written(encode::write_bin_len(&mut self.0, declarable(bytes.len(), Kind::Bytes)?));
        self.raw(bytes);
        Ok(())
    }

    pub(crate) fn list_header(&mut self, len: usize) -> Result<(), Error> {
        written(encode::write_array_len(&mut self.0, declarable(len, Kind::List)?));
        Ok(())
    }

    pub(crate) fn map_header(&mut self, len: usize) -> Result<(), Error> {
        written(encode::write_map_len(&mut self.0, declarable(len, Kind::Map)?));
        Ok(())
    }

    pub(crate) fn extension_header(&mut self, code: i8, payload_len: usize) -> Result<(), Error> {
        let kind = crate::reader::extension_kind(code).unwrap_or(Kind::Custom);
        written(encode::write_ext_meta(&mut self.0, declarable(payload_len, kind)?, code));
        Ok(())
    }

    pub(crate) fn extension(&mut self, code: i8, payload: &[u8]) -> Result<(), Error> {
        self.extension_header(code, payload.len())?;
        self.raw(payload);
        Ok(())
    }

    /// Writes a value that may hold others so many levels deep.
    pub(crate) fn value(&mut self, value: &Value, levels: usize) -> Result<(), Error> {
        match value {
            Value::Null => self.null(),
            Value::Bool(truth) => self.bool(*truth),
            Value::Integer(integer) => self.integer(*integer)?,
            Value::Float(number) => self.float(*number),
            Value::Text(text) => self.text(text)?,
            Value::Bytes(bytes) => self.byte_string(bytes)?,
            Value::List(items) => self.items(items, levels)?,
            Value::Map(map) => {
                self.map_header(map.len())?;
                let levels = deeper(levels)?;
                for (key, value) in map {
                    self.value(key, levels)?;
                    self.value(value, levels)?;
                }
            }
            Value::Set(items) => {
                self.payload_header(code::SET, value)?;
                self.items(items, levels)?;
            }
            Value::Tuple(items) => {
                self.payload_header(code::TUPLE, value)?;
                self.items(items, levels)?;
            }
            Value::Custom { tag, content } => {
                self.payload_header(code::CUSTOM, value)?;
                self.unsigned(u64::from(*tag));
                self.value(content, deeper(levels)?)?;
            }
            _ => {
                if let Some((code, payload)) = layout::flat_extension(value) {
                    self.extension(code, &payload)?;
                }
            }
        }
        Ok(())
    }

    fn payload_header(&mut self, code: i8, value: &Value) -> Result<(), Error> {
        self.extension_header(code, layout::payload_len(value).unwrap_or_default())
    }

    fn items<'v, I>(&mut self, items: I, levels: usize) -> Result<(), Error>
    where
        I: IntoIterator<Item = &'v Value, IntoIter: ExactSizeIterator>,
    {
        let items = items.into_iter();
        self.list_header(items.len())?;
        let levels = deeper(levels)?;
        for item in items {
            self.value(item, levels)?;
        }
        Ok(())
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.bytes_mut().extend_from_slice(bytes);
    }
}

impl Value {
    /// Returns the canonical bytes, which equal values share and different values never do.
    ///
    /// # Errors
    /// [`Error::TooDeep`] beyond [`MAX_DEPTH`] levels; [`Error::TooLong`] if a part is longer than 2^32 − 1.
    ///
    /// ```
    /// use annals_codec::Value;
    ///
    /// let value = Value::from(vec![Value::from(1), Value::from("a")]);
    /// let bytes = value.to_bytes()?;
    /// assert_eq!(bytes, [0x92, 0x01, 0xa1, b'a']);
    /// assert_eq!(Value::from_bytes(&bytes)?, value);
    /// # Ok::<(), annals_codec::Error>(())
    /// ```
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut writer = Writer::default();
        writer.value(self, MAX_DEPTH)?;
        Ok(writer.into_bytes())
    }
}

/// Returns a length as the format declares it.
fn declarable(len: usize, what: Kind) -> Result<u32, Error> {
    u32::try_from(len).map_err(|_| Error::TooLong { what })
}

/// Takes note that writing to memory does not fail.
fn written<T>(result: Result<T, ValueWriteError<Infallible>>) -> T {
    let Ok(written) = result;
    written
}
