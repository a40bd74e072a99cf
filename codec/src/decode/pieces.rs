//! Lists and maps, piece by piece.

use serde::de::{self, DeserializeSeed, Visitor};

use super::Decoder;
use crate::Error;
use crate::reader::deeper;

impl<'de> Decoder<'de> {
    pub(super) fn visit_list<V: Visitor<'de>>(
        &mut self,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.levels = deeper(self.levels)?;
        let mut items = Pieces { decoder: self, left: count };
        let value = visitor.visit_seq(&mut items)?;
        items.finish(count)?;
        self.levels += 1;
        Ok(value)
    }

    pub(super) fn visit_map<V: Visitor<'de>>(&mut self, count: usize, visitor: V) -> Result<V::Value, Error> {
        self.levels = deeper(self.levels)?;
        let mut entries = Pieces { decoder: self, left: count };
        let value = visitor.visit_map(&mut entries)?;
        entries.finish(count)?;
        self.levels += 1;
        Ok(value)
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
