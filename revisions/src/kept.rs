//! The current revisions that were read last, decoded.
//!
//! A kept revision is current as long as the object's `__meta` has its version and nothing was erased:
//! both are known to the store's own cache.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use annals_core::{Position, Snapshot, Store};

use crate::meta::{META, Meta};
use crate::{Error, Revision};

pub(crate) struct Kept<T> {
    generations: Mutex<Generations<T>>,
}

/// What was used lately, and what was before: once the young are too many they are the old ones, and
/// those who were old and not asked for are let go.
struct Generations<T> {
    young: HashMap<String, Arc<Entry<T>>>,
    old: HashMap<String, Arc<Entry<T>>>,
    /// The encoded bytes of the young.
    bytes: usize,
}

/// A revision that was current once.
pub(crate) struct Entry<T> {
    pub(crate) revision: Revision<T>,
    /// The newest erasure before the revision was read.
    erasure: Position,
    bytes: usize,
}

impl<T> Entry<T> {
    pub(crate) fn new(revision: Revision<T>, erasure: Position, bytes: usize) -> Entry<T> {
        // Beside the attributes each takes its handles and its place.
        Entry { revision, erasure, bytes: bytes + 1024 }
    }

    /// Returns the revision if it is what the object is at this moment, and whole.
    pub(crate) fn as_of(&self, now: &Snapshot) -> Result<Option<Revision<T>>, Error> {
        let meta = now.record(self.revision.info().namespace())?.get::<Meta>(META)?;
        let newest = meta.is_some_and(|meta| meta.version == self.revision.version());
        Ok((newest && self.is_whole(now.store(), now.position())?).then(|| self.revision.clone()))
    }

    /// Returns whether nothing was erased by `at` since the revision was read.
    pub(crate) fn is_whole(&self, store: &Store, at: Position) -> Result<bool, Error> {
        Ok(store.last_erasure(at)? == self.erasure)
    }
}

impl<T> Kept<T> {
    /// The most bytes of a generation, so that at most twice as many are kept.
    const BYTES_MAX: usize = 8 << 20;

    pub(crate) fn new() -> Kept<T> {
        let generations = Generations { young: HashMap::new(), old: HashMap::new(), bytes: 0 };
        Kept { generations: Mutex::new(generations) }
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Entry<T>>> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = generations.young.get(name) {
            return Some(Arc::clone(entry));
        }
        let (name, entry) = generations.old.remove_entry(name)?;
        generations.put(name, Arc::clone(&entry));
        Some(entry)
    }

    pub(crate) fn put(&self, entry: Entry<T>) {
        if entry.bytes > Self::BYTES_MAX / 8 {
            return;
        }
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.put(entry.revision.name().to_owned(), Arc::new(entry));
    }
}

impl<T> Generations<T> {
    fn put(&mut self, name: String, entry: Arc<Entry<T>>) {
        if self.bytes + entry.bytes > Kept::<T>::BYTES_MAX {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes += entry.bytes;
        if let Some(before) = self.young.insert(name, entry) {
            self.bytes -= before.bytes;
        }
    }
}
