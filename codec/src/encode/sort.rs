//! The order of entries and items: that of their bytes.

use std::ops::Range;

use super::Encoder;
use crate::Error;

/// Where an entry's key and value stand in the bytes.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// The first bytes of the key, which mostly decide the order.
    prefix: u64,
    pub(super) key: usize,
    value: usize,
    pub(super) end: usize,
}

impl Entry {
    /// Returns the entry of a key, or of an item, before its value is there.
    pub(super) fn of(key: Range<usize>) -> Self {
        Self { prefix: 0, key: key.start, value: key.end, end: key.end }
    }
}

impl Encoder {
    /// Sorts the entries written since `start`, and returns how many they are.
    pub(super) fn sort_entries(&mut self, start: usize, first: usize) -> Result<usize, Error> {
        let bytes = self.writer.bytes_mut();
        let entries = self.entries.get_mut(first..).unwrap_or_default();
        sort(bytes, start, entries)?;
        let count = entries.len();
        self.entries.truncate(first);
        Ok(count)
    }
}

/// Sorts entries, and the bytes from `start` on, which are those of these entries one after the other.
fn sort(bytes: &mut Vec<u8>, start: usize, entries: &mut [Entry]) -> Result<(), Error> {
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
        return Err(Error::DuplicateKey);
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
