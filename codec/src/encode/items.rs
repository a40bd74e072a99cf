//! Lists, whose items stay as they come.

use serde::{Serialize, ser};

use super::Encoder;
use crate::Error;
use crate::layout::{header_len, list_marker};

impl Encoder {
    pub(super) fn list(&mut self, len: Option<usize>) -> Result<Items<'_>, Error> {
        let header = self.writer.len();
        let declared = len.unwrap_or(0);
        self.writer.list_header(declared)?;
        self.enter()?;
        Ok(Items { encoder: self, header, declared, count: 0, in_variant: false })
    }
}

/// The items of a list that is being written.
pub(super) struct Items<'e> {
    encoder: &'e mut Encoder,
    header: usize,
    declared: usize,
    count: usize,
    in_variant: bool,
}

impl Items<'_> {
    /// Says that the list is what an enum's variant holds, whose map ends with it.
    pub(super) fn in_variant(self) -> Self {
        Self { in_variant: true, ..self }
    }

    fn item<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Error> {
        self.count += 1;
        item.serialize(&mut *self.encoder)
    }

    fn finish(self) -> Result<(), Error> {
        let Self { encoder, header, declared, count, in_variant } = self;
        if count != declared {
            let end = header + header_len(list_marker(declared));
            encoder.replace(header..end, |writer| writer.list_header(count))?;
        }
        encoder.leave();
        if in_variant {
            encoder.leave();
        }
        Ok(())
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
