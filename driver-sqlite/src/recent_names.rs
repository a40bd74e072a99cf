//! Names of new keys, known in memory until the index by name holds them.
//!
//! A name never changes its key, so what is known here stays true for ever; the end of a pass only makes
//! it needless. A reader that began before that end goes on with the part it holds.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeInclusive};
use std::sync::{Arc, PoisonError, RwLock};

use annals_core::Namespace;
use rusqlite::Connection;

use crate::failure::Failure;
use crate::name::{self, Name};
use crate::names_pass::NamesProgress;
use crate::open::in_snapshot;
use crate::positions::KeyId;
use crate::reader::Reader;

/// What this process knows of the newest keys, shared by all of its threads.
#[derive(Debug, Default)]
pub(crate) struct RecentNames {
    part: RwLock<Arc<NamesPart>>,
}

/// The names of some of the newest keys.
///
/// Ask it before the moment at which the file is read: then the index of that moment holds the names of
/// all keys up to `start`.
#[derive(Debug, Default)]
pub(crate) struct NamesPart {
    /// The index holds the names of the keys up to this one.
    start: KeyId,
    content: RwLock<Content>,
}

#[derive(Debug, Default)]
struct Content {
    /// Every name after `start` up to this key is known; never falls.
    through: KeyId,
    ids: BTreeMap<Name, KeyId>,
}

/// Names of keys with consecutive ids, once they are committed.
#[derive(Debug)]
pub(crate) struct FoundNames {
    /// How far the index went at the moment at which they were found.
    pub(crate) indexed_until: KeyId,
    pub(crate) after: KeyId,
    pub(crate) through: KeyId,
    pub(crate) ids: BTreeMap<Name, KeyId>,
}

impl RecentNames {
    /// Returns what is known now.
    pub(crate) fn part(&self) -> Arc<NamesPart> {
        Arc::clone(&self.part.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns a part that knows every name that is committed now and that the index does not hold.
    pub(crate) fn covering(&self, reader: &Reader) -> Result<Arc<NamesPart>, Failure> {
        in_snapshot(&reader.connection, |connection| self.catch_up(connection, last_id(connection)?))?;
        Ok(self.part())
    }

    /// Learns the names of the keys up to `last`, which are all that are committed at this moment.
    pub(crate) fn catch_up(&self, connection: &Connection, last: KeyId) -> Result<(), Failure> {
        // Asked once: others may learn names meanwhile that this connection does not see yet.
        let known = self.part().through();
        if known >= last {
            return Ok(());
        }
        let NamesProgress { indexed_until, pass_through, .. } = NamesProgress::read(connection)?;
        if pass_through > last {
            let message = "the file is damaged: the index by name goes beyond the last key";
            return Err(Failure::Damaged(message.into()));
        }
        let after = known.max(indexed_until);
        let ids = scan(connection, after, last)?;
        self.learn(FoundNames { indexed_until, after, through: last, ids });
        Ok(())
    }

    /// Takes in what was found, unless something before it is not known.
    pub(crate) fn learn(&self, found: FoundNames) {
        let mut part = self.part.write().unwrap_or_else(PoisonError::into_inner);
        if found.after <= part.through() {
            let indexed_until = found.indexed_until;
            part.extend(found);
            if part.start < indexed_until {
                *part = Arc::new(part.after(indexed_until));
            }
        } else if found.after <= found.indexed_until {
            *part = Arc::new(NamesPart::new(found));
        }
    }
}

impl NamesPart {
    fn new(found: FoundNames) -> NamesPart {
        let FoundNames { indexed_until: start, after: _, through, mut ids } = found;
        ids.retain(|_, id| *id > start);
        NamesPart { start, content: RwLock::new(Content { through, ids }) }
    }

    /// Returns the id up to which the names after the part's start are known.
    fn through(&self) -> KeyId {
        self.read(|content| content.through)
    }

    /// Returns the id of a key, if it is known here, and how far names were known at that moment.
    pub(crate) fn find(&self, name: &Name) -> (Option<KeyId>, KeyId) {
        self.read(|content| (content.ids.get(name).copied(), content.through))
    }

    /// Returns the first name after `name`, which need not be one of a key.
    pub(crate) fn next_after(&self, name: &Name) -> Option<(Name, KeyId)> {
        let bounds = (Bound::Excluded(name), Bound::Unbounded);
        self.read(|content| content.ids.range(bounds).next().map(|(name, id)| (name.clone(), *id)))
    }

    /// Returns at most `count` names after `name` that are of keys in a range of ids, in their order.
    pub(crate) fn names_after(
        &self,
        name: &Name,
        keys: RangeInclusive<KeyId>,
        count: usize,
    ) -> Vec<(Name, KeyId)> {
        self.read(|content| names_after(&content.ids, name, keys, count))
    }

    /// Returns the ids of the known keys of a record.
    pub(crate) fn of_record(&self, namespace: &Namespace) -> Vec<KeyId> {
        self.read(|content| of_record(&content.ids, namespace).collect())
    }

    fn read<T>(&self, read: impl FnOnce(&Content) -> T) -> T {
        read(&self.content.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn extend(&self, found: FoundNames) {
        let mut content = self.content.write().unwrap_or_else(PoisonError::into_inner);
        content.ids.extend(found.ids.into_iter().filter(|(_, id)| *id > self.start));
        content.through = content.through.max(found.through);
    }

    /// Returns the part without the keys up to `start`.
    fn after(&self, start: KeyId) -> NamesPart {
        self.read(|content| {
            let ids = content.ids.iter().filter(|(_, id)| **id > start);
            let ids = ids.map(|(name, id)| (name.clone(), *id)).collect();
            NamesPart { start, content: RwLock::new(Content { through: content.through, ids }) }
        })
    }
}

/// Returns at most `count` names after `name` that are of keys in a range of ids, in their order.
pub(crate) fn names_after(
    ids: &BTreeMap<Name, KeyId>,
    name: &Name,
    keys: RangeInclusive<KeyId>,
    count: usize,
) -> Vec<(Name, KeyId)> {
    let after = ids.range((Bound::Excluded(name), Bound::Unbounded)).filter(|(_, id)| keys.contains(id));
    after.take(count).map(|(name, id)| (name.clone(), *id)).collect()
}

/// Returns the ids of the keys of a record.
pub(crate) fn of_record(ids: &BTreeMap<Name, KeyId>, namespace: &Namespace) -> impl Iterator<Item = KeyId> {
    let from = Name::new(namespace.as_str(), "");
    let after = ids.range((Bound::Excluded(from), Bound::Unbounded));
    after.take_while(|(name, _)| name.parts().0 == namespace.as_str()).map(|(_, id)| *id)
}

/// Returns the id of the newest key, 0 if there is none.
pub(crate) fn last_id(connection: &Connection) -> Result<KeyId, Failure> {
    let mut select = connection.prepare_cached("SELECT coalesce(max(id), 0) FROM annals_key")?;
    Ok(select.query_row([], |row| row.get(0))?)
}

fn scan(connection: &Connection, after: KeyId, through: KeyId) -> Result<BTreeMap<Name, KeyId>, Failure> {
    let sql = "SELECT id, namespace, field FROM annals_key WHERE id > ?1 AND id <= ?2";
    let mut select = connection.prepare_cached(sql)?;
    let mut found = select.query([after, through])?;
    let mut names = Vec::new();
    while let Some(row) = found.next()? {
        let (namespace, field) = name::read(row, 1)?;
        names.push((Name::new(namespace, field), row.get(0)?));
    }
    let names: BTreeMap<Name, KeyId> = names.into_iter().collect();
    if names.len() as u64 != through.abs_diff(after) {
        let message =
            format!("the file is damaged: keys before the id {through} are missing, or twice there");
        return Err(Failure::Damaged(message));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: KeyId) -> Name {
        Name::new(&format!("n{number}"), "f")
    }

    fn found(indexed_until: KeyId, after: KeyId, through: KeyId) -> FoundNames {
        let ids = (after + 1..=through).map(|number| (name(number), number)).collect();
        FoundNames { indexed_until, after, through, ids }
    }

    fn known(names: &RecentNames) -> (KeyId, KeyId, Vec<KeyId>) {
        let part = names.part();
        let ids = part.names_after(&Name::default(), 1..=KeyId::MAX, usize::MAX);
        (part.start, part.through(), ids.into_iter().map(|(_, id)| id).collect())
    }

    #[test]
    fn what_is_found_joins_what_is_known() {
        let names = RecentNames::default();
        names.learn(found(0, 0, 3));
        names.learn(found(0, 2, 5));
        assert_eq!(known(&names), (0, 5, vec![1, 2, 3, 4, 5]));
        names.learn(found(0, 1, 2));
        assert_eq!(known(&names), (0, 5, vec![1, 2, 3, 4, 5]), "what is known stays known");
    }

    #[test]
    fn what_would_leave_a_gap_is_not_learned() {
        let names = RecentNames::default();
        names.learn(found(0, 0, 3));
        names.learn(found(2, 5, 7));
        assert_eq!(known(&names), (0, 3, vec![1, 2, 3]));
    }

    #[test]
    fn what_stands_in_the_index_is_forgotten() {
        let names = RecentNames::default();
        names.learn(found(0, 0, 5));
        names.learn(found(3, 5, 6));
        assert_eq!(known(&names), (3, 6, vec![4, 5, 6]));
        // Others added keys meanwhile, and indexed their names.
        names.learn(found(20, 20, 22));
        assert_eq!(known(&names), (20, 22, vec![21, 22]));
        // What was found long ago comes late.
        names.learn(found(3, 7, 9));
        names.learn(found(3, 7, 21));
        assert_eq!(known(&names), (20, 22, vec![21, 22]));
        names.learn(found(32, 30, 32));
        assert_eq!(known(&names), (32, 32, vec![]));
    }

    #[test]
    fn a_reader_goes_on_with_the_part_that_it_holds() {
        let names = RecentNames::default();
        names.learn(found(0, 0, 3));
        let part = names.part();
        names.learn(found(3, 3, 4));
        assert_eq!(part.find(&name(2)), (Some(2), 4));
        assert_eq!(names.part().find(&name(2)), (None, 4));
    }
}
