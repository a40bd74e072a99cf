//! Reads in the order of the log: where it ends, its commits, all that is damaged.

use std::ops::ControlFlow;
use std::sync::Arc;

use annals_core::codec::Timestamp;
use annals_core::{Commit, CommitEntries, CommitId, Key, Order, Position, PositionRange};
use rusqlite::{Connection, Rows};

use crate::failure::Failure;
use crate::names::KeyNames;
use crate::open::in_snapshot;
use crate::rows::{self, Keys, commit_columns, entry_columns, key_columns};

/// Returns the position of the newest entry.
pub(crate) fn last_position(connection: &Connection) -> Result<Position, Failure> {
    boundary(connection, Position::MAX)
}

/// Returns the greatest end of a commit at or before `position`.
pub(crate) fn boundary(connection: &Connection, position: Position) -> Result<Position, Failure> {
    let mut greatest = connection.prepare_cached("SELECT max(last) FROM annals_commit WHERE last <= ?1")?;
    greatest.query_row([position.to_i64()], |row| Ok(rows::position_or_start(row, 0)))?
}

/// Returns the end of the last commit recorded at or before `time`, by halving: times never fall.
pub(crate) fn boundary_in_time(connection: &Connection, time: Timestamp) -> Result<Position, Failure> {
    in_snapshot(connection, |connection| {
        let mut lower = Position::START;
        let mut upper = last_position(connection)?;
        while lower < upper {
            let distance = upper.get() - lower.get();
            let commit = commit_of(connection, lower.plus(distance.div_ceil(2)))?;
            if commit.recorded_at <= time {
                lower = commit.last;
            } else {
                upper = commit.first.before();
            }
        }
        Ok(lower)
    })
}

/// Returns where the last commit ends and when it was recorded.
pub(crate) fn last_commit(connection: &Connection) -> Result<Option<(Position, Timestamp)>, Failure> {
    let sql = "SELECT last, recorded_at FROM annals_commit ORDER BY last DESC LIMIT 1";
    let mut select = connection.prepare_cached(sql)?;
    let mut found = select.query([])?;
    found.next()?.map(|row| rows::end_and_time(row)).transpose()
}

/// Returns the commit of an id that a caller gave; a made one is not looked for.
pub(crate) fn commit_of_given(connection: &Connection, id: CommitId) -> Result<Option<Commit>, Failure> {
    let CommitId::Given(uuid) = id else { return Ok(None) };
    let sql =
        concat!("SELECT ", commit_columns!(), " FROM annals_commit AS c WHERE c.id = ?1 AND c.given = 1");
    let mut select = connection.prepare_cached(sql)?;
    let mut found = select.query([uuid.as_bytes()])?;
    found.next()?.map(|row| rows::commit(row, 0)).transpose()
}

/// Returns the commit that the entry at `position` belongs to.
pub(crate) fn commit_of(connection: &Connection, position: Position) -> Result<Commit, Failure> {
    commit_around(connection, position)?.ok_or_else(|| rows::no_commit(position))
}

/// Returns the commit that `position` lies in, `None` if there is no such entry.
pub(crate) fn commit_around(connection: &Connection, position: Position) -> Result<Option<Commit>, Failure> {
    let sql = concat!(
        "SELECT ",
        commit_columns!(),
        " FROM annals_commit AS c WHERE c.last >= ?1 ORDER BY c.last LIMIT 1"
    );
    let mut find = connection.prepare_cached(sql)?;
    let mut found = find.query([position.to_i64()])?;
    let commit = found.next()?.map(|row| rows::commit(row, 0)).transpose()?;
    Ok(commit.filter(|commit| commit.first <= position))
}

/// Returns whole commits whose last position lies in `range`, until there are `limit` entries.
pub(crate) fn commits(
    connection: &Connection,
    names: &KeyNames,
    range: PositionRange,
    order: Order,
    limit: usize,
) -> Result<Vec<CommitEntries>, Failure> {
    in_snapshot(connection, |connection| {
        let mut commits = commit_page(connection, range, order, limit as u64)?;
        // Their entries stand side by side, so one statement reads them all.
        if order == Order::NewestFirst {
            commits.reverse();
        }
        let mut page = whole_commits(connection, names, commits)?;
        if order == Order::NewestFirst {
            page.reverse();
        }
        Ok(page)
    })
}

/// Adds their entries to commits that follow one another.
fn whole_commits(
    connection: &Connection,
    names: &KeyNames,
    commits: Vec<Commit>,
) -> Result<Vec<CommitEntries>, Failure> {
    let (Some(first), Some(last)) = (commits.first(), commits.last()) else { return Ok(Vec::new()) };
    let mut select = connection.prepare_cached(ENTRIES)?;
    let mut found = select.query([first.first.to_i64(), last.last.to_i64()])?;
    commits.into_iter().map(|commit| with_entries(connection, names, &mut found, commit)).collect()
}

fn commit_page(
    connection: &Connection,
    range: PositionRange,
    order: Order,
    limit: u64,
) -> Result<Vec<Commit>, Failure> {
    macro_rules! select {
        ($order:literal) => {
            concat!(
                "SELECT ",
                commit_columns!(),
                " FROM annals_commit AS c
                WHERE c.last > ?1 AND c.last <= ?2 ORDER BY c.last ",
                $order
            )
        };
    }
    let mut select = connection.prepare_cached(match order {
        Order::OldestFirst => select!("ASC"),
        Order::NewestFirst => select!("DESC"),
    })?;
    let mut found = select.query([range.after.to_i64(), range.through.to_i64()])?;
    let mut page = Vec::new();
    let mut entries = 0_u64;
    while entries < limit {
        let Some(row) = found.next()? else { break };
        let commit = rows::commit(row, 0)?;
        entries = entries.saturating_add(commit.len());
        page.push(commit);
    }
    Ok(page)
}

/// The entries between two positions.
const ENTRIES: &str = concat!(
    "SELECT e.key, ",
    entry_columns!(),
    " FROM annals_entry AS e WHERE e.position BETWEEN ?1 AND ?2 ORDER BY e.position"
);

/// Adds the entries of a commit, which are to be the next rows of [`ENTRIES`].
fn with_entries(
    connection: &Connection,
    names: &KeyNames,
    found: &mut Rows<'_>,
    commit: Commit,
) -> Result<CommitEntries, Failure> {
    // A length from a damaged file may be any number.
    let capacity = commit.len().min(1000) as usize;
    let (mut ids, mut unnamed) = (Vec::with_capacity(capacity), Vec::with_capacity(capacity));
    for distance in 0..commit.len() {
        let row = found.next()?.ok_or_else(|| lacks_entries(&commit))?;
        let entry = rows::unnamed(row, 1)?;
        if entry.position != commit.first.plus(distance) {
            return Err(lacks_entries(&commit));
        }
        ids.push(row.get(0)?);
        unnamed.push(entry);
    }
    let keys = names.find_all(connection, &ids)?;
    let mut entries = Vec::with_capacity(ids.len());
    for (entry, key) in unnamed.into_iter().zip(keys) {
        entries.push(entry.of(key.ok_or_else(|| lacks_entries(&commit))?));
    }
    Ok(CommitEntries { commit: Arc::new(commit), entries })
}

fn lacks_entries(commit: &Commit) -> Failure {
    Failure::Damaged(format!("the file is damaged: the commit at {} lacks entries", commit.last))
}

/// Reads the whole log and hands on what is found damaged, commit by commit, until told to stop.
pub(crate) fn find_damages(
    connection: &Connection,
    names: &KeyNames,
    mut found_damage: impl FnMut(String) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let sql = concat!("SELECT ", commit_columns!(), " FROM annals_commit AS c ORDER BY c.last");
    let mut select = connection.prepare(sql)?;
    let mut found = select.query([])?;
    while let Some(row) = found.next()? {
        match rows::commit(row, 0).and_then(|commit| whole_commits(connection, names, vec![commit])) {
            Ok(_) => {}
            Err(Failure::Damaged(damage)) if found_damage(damage.clone()).is_continue() => {}
            Err(Failure::Damaged(_)) => break,
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}

/// Returns the keys of a commit's entries that pass `filter`, in position order, at most `limit`.
pub(crate) fn keys_of(
    connection: &Connection,
    commit: &Commit,
    limit: usize,
    filter: impl Fn(&Key) -> bool,
) -> Result<Vec<Key>, Failure> {
    let sql = concat!(
        "SELECT ",
        key_columns!(),
        " FROM annals_entry AS e CROSS JOIN annals_key AS k ON k.id = e.key
        WHERE e.position BETWEEN ?1 AND ?2 ORDER BY e.position"
    );
    let mut select = connection.prepare_cached(sql)?;
    let mut found = select.query([commit.first.to_i64(), commit.last.to_i64()])?;
    let mut keys = Keys::default();
    let mut passed = Vec::new();
    while passed.len() < limit {
        let Some(row) = found.next()? else { break };
        let key = keys.read(row, 0)?;
        if filter(&key) {
            passed.push(key);
        }
    }
    Ok(passed)
}
