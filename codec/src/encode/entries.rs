//! Maps and structs, whose entries are sorted by their keys.

use serde::{Serialize, ser};

use super::Encoder;
use super::sort::Entry;
use crate::Error;

impl Encoder {
    pub(super) fn map(&mut self, len: Option<usize>) -> Result<Entries<'_>, Error> {
        let header = self.writer.len();
        let declared = len.unwrap_or(0);
        self.writer.map_header(declared)?;
        self.enter()?;
        let (start, first) = (self.writer.len(), self.entries.len());
        Ok(Entries { encoder: self, header, declared, start, first, in_variant: false })
    }
}

/// The entries of a map that is being written.
pub(super) struct Entries<'e> {
    encoder: &'e mut Encoder,
    header: usize,
    declared: usize,
    start: usize,
    first: usize,
    in_variant: bool,
}

impl Entries<'_> {
    /// Says that the map is what an enum's variant holds, whose map ends with it.
    pub(super) fn in_variant(self) -> Self {
        Self { in_variant: true, ..self }
    }

    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        let start = self.encoder.writer.len();
        key.serialize(&mut *self.encoder)?;
        let end = self.encoder.writer.len();
        self.encoder.entries.push(Entry::of(start..end));
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
