//! Reads of one key: its newest entry, its newest change, its history.

use std::sync::Arc;

use annals_core::{Change, Entry, Key, Order, Position, PositionRange};
use rusqlite::{CachedStatement, Connection, Row, params};

use crate::failure::Failure;
use crate::index;
use crate::known::Known;
use crate::open::in_snapshot;
use crate::positions::KeyId;
use crate::reader::Reader;
use crate::rows::{self, ENTRY, commit_columns, entry_columns};
use crate::tail::Tail;

/// Returns the newest entry at or before `at` of the key with this id.
pub(crate) fn entry(
    reader: &Reader,
    tail: &Tail,
    (key, id): (&Key, KeyId),
    at: Position,
) -> Result<Option<Entry>, Failure> {
    newest(reader, tail, NEWEST_ENTRY, id, at, |row| found_entry(row, key, id))
}

/// Returns the newest change in `range` of the key with this id.
fn newest_change(
    reader: &Reader,
    tail: &Tail,
    (key, id): (&Key, KeyId),
    range: PositionRange,
) -> Result<Option<Change>, Failure> {
    let change = newest(reader, tail, NEWEST_CHANGE, id, range.through, |row| {
        let entry = found_entry(row, key, id)?;
        let commit = rows::commit_if_any(row, FOUND + ENTRY)?;
        let commit = commit.filter(|commit| commit.first <= entry.position);
        let commit = commit.ok_or_else(|| rows::no_commit(entry.position))?;
        Ok(Change { entry, commit: Arc::new(commit) })
    })?;
    Ok(change.filter(|change| change.entry.position > range.after))
}

/// Reads what stands at the newest position at or before `at` of a key, in one statement: starting and
/// ending a statement costs more than finding a row.
fn newest<T>(
    reader: &Reader,
    tail: &Tail,
    sql: &str,
    id: KeyId,
    at: Position,
    read: impl Fn(&Row<'_>) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    // Before the statement begins: what the tail has forgotten by now, it will find in postings.
    let (recent, through) = tail.part().newest_and_through(id, at);
    let is_open = at > through;
    let mut select = reader.connection.prepare_cached(sql)?;
    let recent = recent.map(Position::to_i64);
    let mut found = select.query(params![id, at.to_i64(), recent, is_open])?;
    let row = found.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    if is_open && rows::position_or_start(row, 1)? > through {
        // Another process has appended. From here on the end of the log is fixed.
        drop(found);
        drop(select);
        let (_, at) = tail.covering(reader, at)?;
        return newest(reader, tail, sql, id, at, read);
    }
    if rows::position_or_start(row, 0)? == Position::START { Ok(None) } else { read(row).map(Some) }
}

/// One row always: the position found, the last position where `?4` asks for it, and what stands there.
/// `?3` is what the tail knows.
macro_rules! newest {
    ($columns:expr, $join:literal) => {
        concat!(
            "SELECT n.position, CASE WHEN ?4 THEN (SELECT max(last) FROM annals_commit) END, e.key, ",
            $columns,
            "
            FROM (
                SELECT coalesce(?3, (
                    SELECT annals_newest(first, last, middle, ?2) FROM annals_posting
                    WHERE key = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1
                )) AS position
            ) AS n
            LEFT JOIN annals_entry AS e ON e.position = n.position ",
            $join
        )
    };
}

/// How many columns stand before those of the entry.
const FOUND: usize = 3;

pub(crate) const NEWEST_ENTRY: &str = newest!(entry_columns!(), "");

pub(crate) const NEWEST_CHANGE: &str = newest!(
    concat!(entry_columns!(), ", ", commit_columns!()),
    "LEFT JOIN annals_commit AS c
        ON c.last = (SELECT min(last) FROM annals_commit WHERE last >= n.position)"
);

fn found_entry(row: &Row<'_>, key: &Key, id: KeyId) -> Result<Entry, Failure> {
    let position = rows::position(row, 0)?;
    rows::check_key(row, 2, id, position)?;
    rows::entry(row, FOUND, key.clone())
}

/// Returns the changes of the key with this id.
pub(crate) fn history(
    reader: &Reader,
    known: &Known,
    key: (&Key, KeyId),
    range: PositionRange,
    order: Order,
    skip: usize,
    limit: usize,
) -> Result<Vec<Change>, Failure> {
    if order == Order::NewestFirst && skip == 0 && limit == 1 {
        return Ok(newest_change(reader, &known.tail, key, range)?.into_iter().collect());
    }
    let (part, through) = known.tail.covering(reader, range.through)?;
    let range = PositionRange { after: range.after, through };
    in_snapshot(&reader.connection, |connection| {
        let positions = index::positions(connection, &part, key.1, range, order, skip, limit)?;
        let mut entries = EntryAt::new(connection)?;
        let change = |position| {
            let entry = entries.read(key, position)?;
            let commit = known.commits.find(connection, position)?;
            Ok(Change { entry, commit })
        };
        positions.into_iter().map(change).collect()
    })
}

/// Reads entries where the index says that they are.
pub(crate) struct EntryAt<'c> {
    select: CachedStatement<'c>,
}

impl<'c> EntryAt<'c> {
    pub(crate) fn new(connection: &'c Connection) -> Result<EntryAt<'c>, Failure> {
        let sql =
            concat!("SELECT e.key, ", entry_columns!(), " FROM annals_entry AS e WHERE e.position = ?1");
        Ok(EntryAt { select: connection.prepare_cached(sql)? })
    }

    pub(crate) fn read(&mut self, (key, id): (&Key, KeyId), position: Position) -> Result<Entry, Failure> {
        let mut found = self.select.query([position.to_i64()])?;
        let row = found.next()?.ok_or_else(|| rows::wrong_index(position))?;
        rows::check_key(row, 0, id, position)?;
        rows::entry(row, 1, key.clone())
    }
}
