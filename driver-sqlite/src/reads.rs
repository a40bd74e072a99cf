//! The questions, one SQL statement each where one will do.

use std::ops::ControlFlow;
use std::sync::Arc;

use annals_core::codec::Timestamp;
use annals_core::{
    Change, Commit, CommitEntries, CommitId, Entry, Key, Namespace, Order, Position, PositionRange, Scope,
};
use rusqlite::{CachedStatement, Connection, params};

use crate::commits::KnownCommits;
use crate::failure::Failure;
use crate::open::in_snapshot;
use crate::rows::{self, ENTRY, Keys, commit_columns, entry_columns, key_columns};

/// Returns the position of the newest entry.
pub(crate) fn last_position(connection: &Connection) -> Result<Position, Failure> {
    boundary(connection, Position::MAX)
}

/// Returns the greatest end of a commit at or before `position`.
pub(crate) fn boundary(connection: &Connection, position: Position) -> Result<Position, Failure> {
    let mut greatest = connection.prepare_cached("SELECT max(last) FROM annals_commit WHERE last <= ?1")?;
    greatest.query_row([position.to_i64()], |row| Ok(rows::position_or_start(row)))?
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
    let sql = concat!(
        "SELECT ",
        commit_columns!(),
        " FROM annals_commit AS c WHERE c.last >= ?1 ORDER BY c.last LIMIT 1"
    );
    let mut find = connection.prepare_cached(sql)?;
    let mut found = find.query([position.to_i64()])?;
    let commit = found.next()?.map(|row| rows::commit(row, 0)).transpose()?;
    let commit = commit.filter(|commit| commit.first <= position);
    commit.ok_or_else(|| rows::no_commit(position))
}

/// Returns whole commits whose last position lies in `range`, until there are `limit` entries.
pub(crate) fn commits(
    connection: &Connection,
    range: PositionRange,
    order: Order,
    limit: usize,
) -> Result<Vec<CommitEntries>, Failure> {
    in_snapshot(connection, |connection| {
        let commits = commit_page(connection, range, order, limit as u64)?;
        let mut entries = EntryReader::new(connection)?;
        commits.into_iter().map(|commit| entries.with_entries(commit)).collect()
    })
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

/// Reads the entries of commits.
struct EntryReader<'a> {
    select: CachedStatement<'a>,
    keys: Keys,
}

impl<'a> EntryReader<'a> {
    fn new(connection: &'a Connection) -> Result<EntryReader<'a>, Failure> {
        let sql = concat!(
            "SELECT ",
            entry_columns!(),
            ", ",
            key_columns!(),
            "
            FROM annals_entry AS e CROSS JOIN annals_key AS k ON k.id = e.key
            WHERE e.position BETWEEN ?1 AND ?2 ORDER BY e.position"
        );
        Ok(EntryReader { select: connection.prepare_cached(sql)?, keys: Keys::default() })
    }

    fn with_entries(&mut self, commit: Commit) -> Result<CommitEntries, Failure> {
        let mut found = self.select.query([commit.first.to_i64(), commit.last.to_i64()])?;
        let mut entries: Vec<Entry> = Vec::new();
        while let Some(row) = found.next()? {
            entries.push(rows::entry(row, 0, self.keys.read(row, ENTRY)?)?);
        }
        // Positions are unique and within the commit: if none is missing, all are there.
        if entries.len() as u64 != commit.len() {
            let last = commit.last;
            return Err(Failure::Damaged(format!("the file is damaged: the commit at {last} lacks entries")));
        }
        Ok(CommitEntries { commit: Arc::new(commit), entries })
    }
}

/// Reads the whole log and hands on what is found damaged, commit by commit, until told to stop.
pub(crate) fn find_damages(
    connection: &Connection,
    mut found_damage: impl FnMut(String) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let sql = concat!("SELECT ", commit_columns!(), " FROM annals_commit AS c ORDER BY c.last");
    let mut select = connection.prepare(sql)?;
    let mut found = select.query([])?;
    let mut entries = EntryReader::new(connection)?;
    while let Some(row) = found.next()? {
        match rows::commit(row, 0).and_then(|commit| entries.with_entries(commit)) {
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

/// Returns the newest entry at or before `at` of the key with this id.
pub(crate) fn entry(
    connection: &Connection,
    (key, id): (&Key, i64),
    at: Position,
) -> Result<Option<Entry>, Failure> {
    let mut select = connection.prepare_cached(NEWEST_ENTRY)?;
    let mut found = select.query([id, at.to_i64()])?;
    found.next()?.map(|row| rows::entry(row, 0, key.clone())).transpose()
}

const NEWEST_ENTRY: &str = concat!(
    "SELECT ",
    entry_columns!(),
    " FROM annals_entry AS e WHERE e.key = ?1 AND e.position <= ?2 ORDER BY e.position DESC LIMIT 1"
);

/// Returns the changes of the key with this id.
pub(crate) fn history(
    connection: &Connection,
    commits: &KnownCommits,
    (key, id): (&Key, i64),
    range: PositionRange,
    order: Order,
    skip: usize,
    limit: usize,
) -> Result<Vec<Change>, Failure> {
    if order == Order::NewestFirst && skip == 0 && limit == 1 {
        return Ok(newest(connection, (key, id), range)?.into_iter().collect());
    }
    let mut select = connection.prepare_cached(match order {
        Order::NewestFirst => NEWEST_FIRST,
        Order::OldestFirst => OLDEST_FIRST,
    })?;
    let (after, through) = (range.after.to_i64(), range.through.to_i64());
    let mut found = select.query([id, after, through, whole(limit), whole(skip)])?;
    let mut page = Vec::new();
    while let Some(row) = found.next()? {
        let entry = rows::entry(row, 0, key.clone())?;
        let commit = commits.find(connection, entry.position)?;
        page.push(Change { entry, commit });
    }
    Ok(page)
}

macro_rules! history_of_key {
    ($order:literal) => {
        concat!(
            "SELECT ",
            entry_columns!(),
            " FROM annals_entry AS e
            WHERE e.key = ?1 AND e.position > ?2 AND e.position <= ?3
            ORDER BY e.position ",
            $order,
            " LIMIT ?4 OFFSET ?5"
        )
    };
}

const NEWEST_FIRST: &str = history_of_key!("DESC");
const OLDEST_FIRST: &str = history_of_key!("ASC");

/// Returns the newest change in `range` of the key with this id, entry and commit in one statement:
/// starting and ending a statement costs more than finding a row.
fn newest(
    connection: &Connection,
    (key, id): (&Key, i64),
    range: PositionRange,
) -> Result<Option<Change>, Failure> {
    let mut select = connection.prepare_cached(NEWEST)?;
    let mut found = select.query([id, range.after.to_i64(), range.through.to_i64()])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let entry = rows::entry(row, 0, key.clone())?;
    let commit = rows::commit_if_any(row, ENTRY)?.filter(|commit| commit.first <= entry.position);
    let commit = commit.ok_or_else(|| rows::no_commit(entry.position))?;
    Ok(Some(Change { entry, commit: Arc::new(commit) }))
}

const NEWEST: &str = concat!(
    "SELECT ",
    entry_columns!(),
    ", ",
    commit_columns!(),
    "
    FROM annals_entry AS e LEFT JOIN annals_commit AS c ON c.last >= e.position
    WHERE e.key = ?1 AND e.position > ?2 AND e.position <= ?3
    ORDER BY e.position DESC, c.last LIMIT 1"
);

/// Returns the newest change at or before `at` of each key in scope.
pub(crate) fn state(
    connection: &Connection,
    commits: &KnownCommits,
    scope: &Scope,
    at: Position,
    after: Option<&Key>,
    limit: usize,
) -> Result<Vec<Change>, Failure> {
    in_snapshot(connection, |connection| {
        let mut select = connection.prepare_cached(STATE)?;
        let mut keys = Keys::default();
        let mut page = Vec::new();
        for Stretch { from, to } in stretches(scope) {
            let after = after.map(|key| (key.namespace().as_str(), key.field().as_str()));
            // No field is empty, so this is before the first field of the stretch.
            let (namespace, field) = after.unwrap_or_default().max((&from, ""));
            let mut found =
                select.query(params![namespace, field, to, at.to_i64(), whole(limit - page.len())])?;
            while let Some(row) = found.next()? {
                let entry = rows::entry(row, 0, keys.read(row, ENTRY)?)?;
                let commit = commits.find(connection, entry.position)?;
                page.push(Change { entry, commit });
            }
        }
        Ok(page)
    })
}

/// The newest entry of each key, in key order: one search of the index a key.
const STATE: &str = concat!(
    "SELECT ",
    entry_columns!(),
    ", ",
    key_columns!(),
    "
    FROM annals_key AS k
    CROSS JOIN annals_entry AS e
        ON e.position = (SELECT max(position) FROM annals_entry WHERE key = k.id AND position <= ?4)
    WHERE (k.namespace, k.field) > (?1, ?2) AND k.namespace < ?3
    ORDER BY k.namespace, k.field LIMIT ?5"
);

/// Returns the namespaces in scope.
pub(crate) fn namespaces(
    connection: &Connection,
    scope: &Scope,
    after: Option<&Namespace>,
    limit: usize,
) -> Result<Vec<Namespace>, Failure> {
    in_snapshot(connection, |connection| {
        let mut select = connection.prepare_cached(NAMESPACES)?;
        let next = after.map(just_after).unwrap_or_default();
        let mut page = Vec::new();
        for Stretch { from, to } in stretches(scope) {
            let from = from.max(next.clone());
            let mut found = select.query(params![from, to, whole(limit - page.len())])?;
            while let Some(row) = found.next()? {
                page.push(rows::namespace(row, 0)?);
            }
        }
        Ok(page)
    })
}

/// The namespaces, each found by one search of the index from the one before.
const NAMESPACES: &str = "
    WITH RECURSIVE found (namespace) AS (
        SELECT min(namespace) FROM annals_key WHERE namespace >= ?1 AND namespace < ?2
        UNION ALL
        SELECT (
            SELECT min(k.namespace) FROM annals_key AS k
            WHERE k.namespace > found.namespace AND k.namespace < ?2
        ) FROM found WHERE found.namespace IS NOT NULL
    )
    SELECT namespace FROM found WHERE namespace IS NOT NULL LIMIT ?3";

/// The namespaces from `from` up to, but not including, `to`.
#[derive(Debug, PartialEq, Eq)]
struct Stretch {
    from: String,
    to: String,
}

/// Returns the stretches of namespaces that make up a scope, in byte order.
///
/// What lies below `game` begins with `game/`, and `game-x` stands between the two.
fn stretches(scope: &Scope) -> Vec<Stretch> {
    let record = |namespace: &Namespace| Stretch { from: namespace.to_string(), to: just_after(namespace) };
    match scope {
        Scope::All => vec![Stretch { from: String::new(), to: char::MAX.into() }],
        Scope::Record(namespace) => vec![record(namespace)],
        Scope::Under(namespace) => {
            // `0` is the character after `/`.
            let below = Stretch { from: format!("{namespace}/"), to: format!("{namespace}0") };
            vec![record(namespace), below]
        }
    }
}

/// Returns a text after `namespace` and before every other namespace that is after it: a space
/// sorts before every character of a name.
fn just_after(namespace: &Namespace) -> String {
    format!("{namespace} ")
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;
    use crate::schema;

    /// A log of `keys` keys with `versions` entries each, in commits of one entry.
    fn log(keys: i64, versions: i64) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        schema::create(&connection).unwrap();
        connection
            .execute_batch(&format!(
                "WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < {keys})
                INSERT INTO annals_key SELECT n, format('n%05d', n), 'f' FROM n;
                WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < {keys} * {versions})
                INSERT INTO annals_entry (position, key, kind, value)
                SELECT n, 1 + (n - 1) / {versions}, 0, x'01' FROM n;
                INSERT INTO annals_commit (last, length, id, given, recorded_at)
                SELECT position, 1, zeroblob(16), 0, 0 FROM annals_entry"
            ))
            .unwrap();
        connection
    }

    /// Returns how many steps of SQLite's machine a query takes to the end of its rows.
    fn steps(connection: &Connection, sql: &str, parameters: impl rusqlite::Params) -> i32 {
        let mut select = connection.prepare(sql).unwrap();
        let mut found = select.query(parameters).unwrap();
        while found.next().unwrap().is_some() {}
        drop(found);
        select.get_status(StatementStatus::VmStep)
    }

    const ALL: (&str, &str, &str) = ("", "", "\u{10ffff}");

    #[test]
    fn nothing_is_scanned_and_nothing_is_sorted() {
        let connection = log(2, 2);
        for sql in [NEWEST, NEWEST_FIRST, OLDEST_FIRST, STATE, NAMESPACES] {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let mut steps = plan.raw_query();
            while let Some(row) = steps.next().unwrap() {
                let step: String = row.get(3).unwrap();
                let fine = [
                    "SEARCH ",
                    "CORRELATED SCALAR SUBQUERY",
                    "SCALAR SUBQUERY",
                    "CO-ROUTINE found",
                    "SCAN found",
                    "SETUP",
                    "RECURSIVE STEP",
                ];
                assert!(fine.iter().any(|fine| step.starts_with(fine)), "{step} in {sql}");
            }
        }
    }

    #[test]
    fn the_state_costs_the_keys_and_not_their_versions() {
        let state = |versions| {
            let (namespace, field, to) = ALL;
            steps(&log(10, versions), STATE, params![namespace, field, to, i64::MAX, 100])
        };
        assert_eq!(state(1), state(300));
    }

    #[test]
    fn the_state_of_some_keys_costs_those() {
        let some = |keys| {
            let parameters = params!["n00004", "", "n00007", i64::MAX, 100];
            steps(&log(keys, 3), STATE, parameters)
        };
        assert_eq!(some(10), some(1000));
        let page = |keys| steps(&log(keys, 3), STATE, params!["n00004", "f", "\u{10ffff}", i64::MAX, 3]);
        assert_eq!(page(10), page(1000));
    }

    #[test]
    fn the_newest_change_costs_the_same_at_any_length() {
        let newest = |versions| steps(&log(10, versions), NEWEST, params![5, 0, i64::MAX]);
        assert_eq!(newest(2), newest(300));
        let as_of = |versions| steps(&log(10, versions), NEWEST, params![5, 0, 4 * versions + 1]);
        assert_eq!(as_of(2), as_of(300));
    }

    #[test]
    fn namespaces_cost_the_namespaces_and_not_their_fields() {
        let namespaces = |fields: i64| {
            let connection = log(1, 1);
            for namespace in ["a", "b"] {
                for field in 0..fields {
                    let sql = "INSERT INTO annals_key (namespace, field) VALUES (?1, 'f' || ?2)";
                    connection.execute(sql, params![namespace, field]).unwrap();
                }
            }
            steps(&connection, NAMESPACES, params!["", "\u{10ffff}", 10])
        };
        assert_eq!(namespaces(1), namespaces(300));
    }

    #[test]
    fn what_is_below_a_namespace_is_what_the_scope_contains() {
        let game = Namespace::new("game").unwrap();
        for name in [
            "game", "game-x", "game.x", "game/x", "game/x/y", "game/-", "game/zzz", "game0", "games", "gamf",
            "gam", "-", "zz",
        ] {
            let namespace = Namespace::new(name).unwrap();
            for scope in [Scope::All, Scope::Record(game.clone()), Scope::Under(game.clone())] {
                let inside = |stretch: &Stretch| *stretch.from <= *name && *name < *stretch.to;
                let count = stretches(&scope).iter().filter(|stretch| inside(stretch)).count();
                assert_eq!(count, usize::from(scope.contains(&namespace)), "{name} in {scope:?}");
            }
        }
    }
}
