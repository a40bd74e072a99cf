use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use annals_core::Key;
use foldhash::quality::RandomState;
use rusqlite::{Connection, OptionalExtension};

use crate::failure::Failure;
use crate::positions::KeyId;

/// The ids of keys, as far as this process knows them.
///
/// An id never changes once its commit stands, so what is here stays true whatever other processes
/// do. Ids given in a transaction come in only after it was committed.
#[derive(Debug, Default)]
pub(crate) struct KeyIds {
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    ids: HashMap<Key, KeyId, RandomState>,
    bytes: usize,
}

impl KeyIds {
    /// What the names may take in memory. When they are more, all are forgotten and learned anew.
    const BYTES_MAX: usize = 8 << 20;
    /// What a key takes besides its names: two reference counts, two pointers, an id, a hash slot.
    const KEY_BYTES: usize = 96;

    /// Returns the id of `key` if it is known here or committed to the file.
    ///
    /// `connection` is one that only reads, so what it sees is committed.
    pub(crate) fn find(&self, connection: &Connection, key: &Key) -> Result<Option<KeyId>, Failure> {
        if let Some(id) = self.known(key) {
            return Ok(Some(id));
        }
        let id = select(connection, key)?;
        self.learn(id.map(|id| (key.clone(), id)));
        Ok(id)
    }

    /// Returns the id of `key` if it is known here.
    fn known(&self, key: &Key) -> Option<KeyId> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).ids.get(key).copied()
    }

    /// Makes ids known that are committed.
    pub(crate) fn learn(&self, ids: impl IntoIterator<Item = (Key, KeyId)>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for (key, id) in ids {
            let bytes = key.namespace().as_str().len() + key.field().as_str().len() + Self::KEY_BYTES;
            if known.bytes + bytes > Self::BYTES_MAX {
                *known = Known::default();
            }
            known.bytes += bytes;
            known.ids.insert(key, id);
        }
    }
}

/// The ids of keys inside a writing transaction, which may still be rolled back.
#[derive(Debug)]
pub(crate) struct NewKeys<'a> {
    committed: &'a KeyIds,
    found: Vec<(Key, KeyId)>,
}

impl<'a> NewKeys<'a> {
    pub(crate) fn new(committed: &'a KeyIds) -> NewKeys<'a> {
        NewKeys { committed, found: Vec::new() }
    }

    /// Returns the id of `key` if it has one.
    pub(crate) fn find(&mut self, connection: &Connection, key: &Key) -> Result<Option<KeyId>, Failure> {
        if let Some(id) = self.committed.known(key) {
            return Ok(Some(id));
        }
        let id = select(connection, key)?;
        self.found.extend(id.map(|id| (key.clone(), id)));
        Ok(id)
    }

    /// Returns the id of `key`, giving it one if it has none.
    pub(crate) fn find_or_add(&mut self, connection: &Connection, key: &Key) -> Result<KeyId, Failure> {
        if let Some(id) = self.find(connection, key)? {
            return Ok(id);
        }
        let sql = "INSERT INTO annals_key (namespace, field) VALUES (?1, ?2)";
        connection.prepare_cached(sql)?.execute(names(key))?;
        let id = connection.last_insert_rowid();
        self.found.push((key.clone(), id));
        Ok(id)
    }

    /// Returns the ids that were not known before.
    pub(crate) fn into_found(self) -> Vec<(Key, KeyId)> {
        self.found
    }
}

fn select(connection: &Connection, key: &Key) -> Result<Option<KeyId>, Failure> {
    let sql = "SELECT id FROM annals_key WHERE namespace = ?1 AND field = ?2";
    let mut find = connection.prepare_cached(sql)?;
    Ok(find.query_row(names(key), |row| row.get(0)).optional()?)
}

fn names(key: &Key) -> (&str, &str) {
    (key.namespace().as_str(), key.field().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_what_is_known_is_right() {
        let ids = KeyIds::default();
        for id in 0..100_000 {
            let key = Key::parse(&format!("namespace/{id}"), "field").unwrap();
            ids.learn([(key.clone(), id)]);
            assert_eq!(ids.known(&key), Some(id), "the newest key is forgotten at once");
        }
        let known = ids.known.read().unwrap();
        assert!(known.bytes <= KeyIds::BYTES_MAX && known.ids.len() < 100_000, "{}", known.ids.len());
    }
}
