use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use annals_core::{Key, Namespace};
use foldhash::quality::RandomState;
use rusqlite::{Connection, OptionalExtension};

use crate::failure::Failure;
use crate::name::Name;
use crate::names_pass::{self, NewNames};
use crate::open::in_snapshot;
use crate::positions::KeyId;
use crate::recent_names::{FoundNames, NamesPart, RecentNames, last_id, of_record};

/// The ids of keys, as far as this process knows them.
///
/// An id never changes once its commit stands, so what is here stays true whatever other processes
/// do. Ids given in a transaction come in only after it was committed.
#[derive(Debug, Default)]
pub(crate) struct KeyIds {
    known: RwLock<Known>,
    pub(crate) recent: RecentNames,
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
        // Before the file is read: what is forgotten by then, the index will hold.
        let name = Name::of(key);
        let (recent, through) = self.recent.part().find(&name);
        if recent.is_some() {
            return Ok(recent);
        }
        let (mut id, last) = select_and_last(connection, key)?;
        if id.is_none() && through < last {
            in_snapshot(connection, |connection| self.recent.catch_up(connection, last_id(connection)?))?;
            id = self.recent.part().find(&name).0;
            if id.is_none() {
                id = select(connection, key)?;
            }
        }
        self.learn(id.map(|id| (key.clone(), id)));
        Ok(id)
    }

    /// Returns the id of `key` if it is known here.
    fn known(&self, key: &Key) -> Option<KeyId> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).ids.get(key).copied()
    }

    /// Takes in what a transaction found out, now that it is committed.
    pub(crate) fn take_in(&self, news: KeyNews) {
        self.learn(news.found);
        if let Some(added) = news.added {
            self.recent.learn(added);
        }
    }

    /// Makes ids known that are committed.
    fn learn(&self, ids: impl IntoIterator<Item = (Key, KeyId)>) {
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
    added: BTreeMap<Name, KeyId>,
    /// What was known before the transaction, and the newest key then, once they were asked for.
    before: Option<(Arc<NamesPart>, KeyId)>,
}

/// What a transaction found out about keys, true once it is committed.
#[derive(Debug)]
pub(crate) struct KeyNews {
    found: Vec<(Key, KeyId)>,
    added: Option<FoundNames>,
}

impl<'a> NewKeys<'a> {
    pub(crate) fn new(committed: &'a KeyIds) -> NewKeys<'a> {
        NewKeys { committed, found: Vec::new(), added: BTreeMap::new(), before: None }
    }

    /// Returns the id of `key` if it has one.
    pub(crate) fn find(&mut self, connection: &Connection, key: &Key) -> Result<Option<KeyId>, Failure> {
        if let Some(id) = self.committed.known(key) {
            return Ok(Some(id));
        }
        self.find_by_name(connection, key, &Name::of(key))
    }

    fn find_by_name(
        &mut self,
        connection: &Connection,
        key: &Key,
        name: &Name,
    ) -> Result<Option<KeyId>, Failure> {
        let (recent, _) = self.catch_up(connection)?;
        let (recent, _) = recent.find(name);
        if let Some(id) = recent.or_else(|| self.added.get(name).copied()) {
            return Ok(Some(id));
        }
        let id = select(connection, key)?;
        self.found.extend(id.map(|id| (key.clone(), id)));
        Ok(id)
    }

    /// Returns the id of `key`, giving it one if it has none.
    pub(crate) fn find_or_add(&mut self, connection: &Connection, key: &Key) -> Result<KeyId, Failure> {
        if let Some(id) = self.committed.known(key) {
            return Ok(id);
        }
        let name = Name::of(key);
        if let Some(id) = self.find_by_name(connection, key, &name)? {
            return Ok(id);
        }
        let sql = "INSERT INTO annals_key (namespace, field) VALUES (?1, ?2)";
        connection.prepare_cached(sql)?.execute(names(key))?;
        let id = connection.last_insert_rowid();
        self.added.insert(name, id);
        Ok(id)
    }

    /// Returns the ids of the keys of a record.
    pub(crate) fn of_record(
        &mut self,
        connection: &Connection,
        namespace: &Namespace,
    ) -> Result<BTreeSet<KeyId>, Failure> {
        let (recent, _) = self.catch_up(connection)?;
        let recent = recent.of_record(namespace);
        let mut select = connection.prepare_cached("SELECT id FROM annals_name WHERE namespace = ?1")?;
        let indexed = select.query_map([namespace.as_str()], |row| row.get(0))?;
        let mut ids: BTreeSet<KeyId> = indexed.collect::<Result<_, _>>()?;
        ids.extend(recent);
        ids.extend(of_record(&self.added, namespace));
        Ok(ids)
    }

    /// Goes on with the index by name by `due` names, and returns what is true once all is committed.
    pub(crate) fn finish(
        mut self,
        connection: &Connection,
        due: u64,
        names_max: u64,
    ) -> Result<KeyNews, Failure> {
        if due == 0 && self.added.is_empty() {
            return Ok(KeyNews { found: self.found, added: None });
        }
        let (recent, after) = self.catch_up(connection)?;
        let through = self.added.values().copied().max().unwrap_or(after);
        let names = NewNames { recent: &recent, added: &self.added, last: through };
        let indexed_until = names_pass::advance(connection, names, due, names_max)?;
        let added = FoundNames { indexed_until, after, through, ids: self.added };
        Ok(KeyNews { found: self.found, added: Some(added) })
    }

    /// Returns the names before the transaction that the index may not hold, and the newest key then.
    fn catch_up(&mut self, connection: &Connection) -> Result<(Arc<NamesPart>, KeyId), Failure> {
        if let Some((recent, last)) = &self.before {
            return Ok((Arc::clone(recent), *last));
        }
        let last = last_id(connection)?;
        self.committed.recent.catch_up(connection, last)?;
        let recent = self.committed.recent.part();
        self.before = Some((Arc::clone(&recent), last));
        Ok((recent, last))
    }
}

fn select_and_last(connection: &Connection, key: &Key) -> Result<(Option<KeyId>, KeyId), Failure> {
    let sql = "SELECT (SELECT id FROM annals_name WHERE namespace = ?1 AND field = ?2),
        (SELECT coalesce(max(id), 0) FROM annals_key)";
    let mut find = connection.prepare_cached(sql)?;
    Ok(find.query_row(names(key), |row| Ok((row.get(0)?, row.get(1)?)))?)
}

fn select(connection: &Connection, key: &Key) -> Result<Option<KeyId>, Failure> {
    let sql = "SELECT id FROM annals_name WHERE namespace = ?1 AND field = ?2";
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
