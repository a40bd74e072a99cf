use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

use annals_core::{Field, Key, Namespace};
use foldhash::fast::RandomState;
use rusqlite::Connection;

use crate::failure::Failure;
use crate::positions::KeyId;
use crate::rows::{Keys, key_columns};

/// The keys of ids that were read already, so that their entries share the names.
///
/// What an id names never changes once its commit stands. Each name is kept once, however many keys
/// have it, so that most of them are near at hand.
#[derive(Debug, Default)]
pub(crate) struct KeyNames {
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    keys: HashMap<KeyId, Key, RandomState>,
    namespaces: HashSet<Namespace, RandomState>,
    fields: HashSet<Field, RandomState>,
    bytes: usize,
}

impl KeyNames {
    /// What the names may take in memory. When they are more, all are forgotten and read anew.
    const BYTES_MAX: usize = 8 << 20;
    /// What a key takes besides its names, which may be its own: four pointers, two reference counts,
    /// three hash slots.
    const KEY_BYTES: usize = 160;

    /// Returns the keys with these ids, `None` for those that the file does not have.
    ///
    /// Many at once, since to look one up is mostly to wait for memory: so they wait together.
    /// `connection` is one that only reads, so what it sees is committed.
    pub(crate) fn find_all(
        &self,
        connection: &Connection,
        ids: &[KeyId],
    ) -> Result<Vec<Option<Key>>, Failure> {
        let mut keys = self.known(ids);
        for (key, id) in keys.iter_mut().zip(ids).filter(|(key, _)| key.is_none()) {
            *key = select(connection, *id)?.map(|key| self.learn(*id, key));
        }
        Ok(keys)
    }

    fn known(&self, ids: &[KeyId]) -> Vec<Option<Key>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        ids.iter().map(|id| known.keys.get(id).cloned()).collect()
    }

    fn learn(&self, id: KeyId, key: Key) -> Key {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let bytes = key.namespace().as_str().len() + key.field().as_str().len() + Self::KEY_BYTES;
        if known.bytes + bytes > Self::BYTES_MAX {
            *known = Known::default();
        }
        let key = known.share(key);
        if known.keys.insert(id, key.clone()).is_none() {
            known.bytes += bytes;
        }
        key
    }
}

impl Known {
    /// Returns the same key, made of names that are here already where they are.
    fn share(&mut self, key: Key) -> Key {
        let namespace = shared(&mut self.namespaces, key.namespace());
        let field = shared(&mut self.fields, key.field());
        Key::new(namespace, field).unwrap_or(key)
    }
}

fn shared<T: Clone + Eq + Hash>(names: &mut HashSet<T, RandomState>, name: &T) -> T {
    if let Some(known) = names.get(name) {
        return known.clone();
    }
    names.insert(name.clone());
    name.clone()
}

fn select(connection: &Connection, id: KeyId) -> Result<Option<Key>, Failure> {
    let sql = concat!("SELECT ", key_columns!(), " FROM annals_key AS k WHERE k.id = ?1");
    let mut find = connection.prepare_cached(sql)?;
    let mut found = find.query([id])?;
    found.next()?.map(|row| Keys::default().read(row, 0)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_what_is_known_is_right() {
        let names = KeyNames::default();
        for id in 0..100_000 {
            let key = Key::parse(&format!("namespace/{id}"), "field").unwrap();
            assert_eq!(names.learn(id, key.clone()), key);
            assert_eq!(names.known(&[id]), [Some(key)], "the newest key is forgotten at once");
        }
        let known = names.known.read().unwrap();
        assert!(known.bytes <= KeyNames::BYTES_MAX && known.keys.len() < 100_000, "{}", known.keys.len());
        assert_eq!(known.fields.len(), 1);
    }

    #[test]
    fn keys_share_their_names() {
        let names = KeyNames::default();
        let [first, second] = [1, 2].map(|id| names.learn(id, Key::parse("game/player1", "score").unwrap()));
        assert_eq!(first.namespace().as_str().as_ptr(), second.namespace().as_str().as_ptr());
        assert_eq!(first.field().as_str().as_ptr(), second.field().as_str().as_ptr());
    }
}
