//! Reads of records: which keys and namespaces there are, and the newest change of each key.

use std::collections::BTreeSet;
use std::ops::Range;

use annals_core::{Change, Key, Namespace, Order, Position, PositionRange, Scope};
use rusqlite::{Connection, Row, params};

use crate::failure::Failure;
use crate::index;
use crate::known::Known;
use crate::name::{self, Name};
use crate::of_key::EntryAt;
use crate::open::in_snapshot;
use crate::positions::KeyId;
use crate::reader::Reader;
use crate::recent_names::{NamesPart, RecentNames};
use crate::rows::{self, Keys, key_columns};
use crate::tail::Part;

/// Returns the newest change at or before `at` of each key in scope.
pub(crate) fn state(
    reader: &Reader,
    known: &Known,
    scope: &Scope,
    at: Position,
    after: Option<&Key>,
    limit: usize,
) -> Result<Vec<Change>, Failure> {
    let (part, at) = known.tail.covering(reader, at)?;
    let names = known.keys.recent.covering(reader)?;
    in_snapshot(&reader.connection, |connection| {
        let mut select = connection.prepare_cached(STATE)?;
        let mut page = Page {
            connection,
            known,
            at,
            part: &part,
            entries: EntryAt::new(connection)?,
            changes: Vec::new(),
        };
        let mut keys = Keys::default();
        for range in scope.ranges() {
            let after = after.map(|key| (key.namespace().as_str(), key.field().as_str()));
            // No field is empty, so this is before the first field of the range.
            let (namespace, field) = after.unwrap_or_default().max((&range.start, ""));
            let mut recent = Recent::new(&names, &Name::new(namespace, field), &range.end);
            let mut found = select.query(params![namespace, field, range.end, at.to_i64()])?;
            while page.changes.len() < limit {
                let row = found.next()?;
                let indexed = row.map(|row| name::read(row, 2)).transpose()?;
                while page.changes.len() < limit
                    && let Some((name, id)) = recent.next_before(indexed)
                {
                    page.add_recent(&name, id)?;
                }
                let Some(row) = row.filter(|_| page.changes.len() < limit) else { break };
                page.add_indexed(row, &mut keys)?;
            }
        }
        Ok(page.changes)
    })
}

/// The newest changes of some keys.
struct Page<'c> {
    connection: &'c Connection,
    known: &'c Known,
    at: Position,
    part: &'c Part,
    entries: EntryAt<'c>,
    changes: Vec<Change>,
}

impl Page<'_> {
    fn add_indexed(&mut self, row: &Row<'_>, keys: &mut Keys) -> Result<(), Failure> {
        let id = row.get(0)?;
        match newest(row, self.part, id, self.at)? {
            Some(position) => self.add(&keys.read(row, 2)?, id, position),
            None => Ok(()),
        }
    }

    fn add_recent(&mut self, name: &Name, id: KeyId) -> Result<(), Failure> {
        let range = PositionRange::through(self.at);
        let newest = index::positions(self.connection, self.part, id, range, Order::NewestFirst, 0, 1)?;
        newest.into_iter().try_for_each(|position| self.add(&name.to_key()?, id, position))
    }

    fn add(&mut self, key: &Key, id: KeyId, position: Position) -> Result<(), Failure> {
        let entry = self.entries.read((key, id), position)?;
        let commit = self.known.commits.find(self.connection, position)?;
        self.changes.push(Change { entry, commit });
        Ok(())
    }
}

/// The recent names of a range, in order.
struct Recent<'a> {
    names: &'a NamesPart,
    /// Where they end.
    to: &'a str,
    next: Option<(Name, KeyId)>,
}

impl<'a> Recent<'a> {
    fn new(names: &'a NamesPart, after: &Name, to: &'a str) -> Recent<'a> {
        let mut recent = Recent { names, to, next: None };
        recent.go_on_after(after);
        recent
    }

    /// Returns the next one that is before the name that the index holds next, if it holds any more.
    fn next_before(&mut self, indexed: Option<(&str, &str)>) -> Option<(Name, KeyId)> {
        let next = self.next.take_if(|(next, _)| indexed.is_none_or(|indexed| next.parts() <= indexed))?;
        self.go_on_after(&next.0);
        // What the index holds as well is left to it.
        if indexed == Some(next.0.parts()) { None } else { Some(next) }
    }

    fn go_on_after(&mut self, name: &Name) {
        self.next = self.names.next_after(name).filter(|(next, _)| next.parts().0 < self.to);
    }
}

fn newest(row: &Row<'_>, tail: &Part, id: KeyId, at: Position) -> Result<Option<Position>, Failure> {
    match tail.newest(id, at) {
        Some(position) => Ok(Some(position)),
        None => Ok(Some(rows::position_or_start(row, 1)?).filter(|position| *position > Position::START)),
    }
}

/// Keys in order, and the newest entry of each that a posting names: one search of the index a key.
pub(crate) const STATE: &str = concat!(
    "SELECT k.id, (
        SELECT annals_newest(first, last, middle, ?4) FROM annals_posting
        WHERE key = k.id AND first <= ?4 ORDER BY first DESC LIMIT 1
    ), ",
    key_columns!(),
    "
    FROM annals_name AS k
    WHERE (k.namespace, k.field) > (?1, ?2) AND k.namespace < ?3
    ORDER BY k.namespace, k.field"
);

/// Returns the namespaces in scope.
pub(crate) fn namespaces(
    reader: &Reader,
    names: &RecentNames,
    scope: &Scope,
    after: Option<&Namespace>,
    limit: usize,
) -> Result<Vec<Namespace>, Failure> {
    let recent = names.covering(reader)?;
    in_snapshot(&reader.connection, |connection| {
        let mut select = connection.prepare_cached(NAMESPACES)?;
        let next = after.map(Namespace::just_after).unwrap_or_default();
        let mut page = Vec::new();
        for range in scope.ranges() {
            let range = range.start.max(next.clone())..range.end;
            let rest = limit - page.len();
            let mut found = recent_namespaces(&recent, &range, rest)?;
            let mut indexed = select.query(params![range.start, range.end, whole(rest)])?;
            while let Some(row) = indexed.next()? {
                found.insert(rows::namespace(row, 0)?);
            }
            page.extend(found.into_iter().take(rest));
        }
        Ok(page)
    })
}

fn recent_namespaces(
    names: &NamesPart,
    range: &Range<String>,
    limit: usize,
) -> Result<BTreeSet<Namespace>, Failure> {
    let mut found = BTreeSet::new();
    let mut next = Recent::new(names, &Name::new(&range.start, ""), &range.end).next;
    while let Some((name, _)) = next.filter(|_| found.len() < limit) {
        let namespace = name.to_key()?.namespace().clone();
        next = Recent::new(names, &Name::new(&namespace.just_after(), ""), &range.end).next;
        found.insert(namespace);
    }
    Ok(found)
}

/// The namespaces, each found by one search of the index from the one before.
pub(crate) const NAMESPACES: &str = "
    WITH RECURSIVE found (namespace) AS (
        SELECT min(namespace) FROM annals_name WHERE namespace >= ?1 AND namespace < ?2
        UNION ALL
        SELECT (
            SELECT min(k.namespace) FROM annals_name AS k
            WHERE k.namespace > found.namespace AND k.namespace < ?2
        ) FROM found WHERE found.namespace IS NOT NULL
    )
    SELECT namespace FROM found WHERE namespace IS NOT NULL LIMIT ?3";

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
