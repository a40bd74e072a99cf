//! Reads of records: which keys and namespaces there are, and the newest change of each key.

use annals_core::{Change, Key, Namespace, Position, Scope};
use rusqlite::{Connection, Row, params};

use crate::failure::Failure;
use crate::known::Known;
use crate::of_key::EntryAt;
use crate::open::in_snapshot;
use crate::positions::KeyId;
use crate::reader::Reader;
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
    in_snapshot(&reader.connection, |connection| {
        let mut select = connection.prepare_cached(STATE)?;
        let mut entries = EntryAt::new(connection)?;
        let mut keys = Keys::default();
        let mut page = Vec::new();
        for Stretch { from, to } in stretches(scope) {
            let after = after.map(|key| (key.namespace().as_str(), key.field().as_str()));
            // No field is empty, so this is before the first field of the stretch.
            let (namespace, field) = after.unwrap_or_default().max((&from, ""));
            let mut found = select.query(params![namespace, field, to, at.to_i64()])?;
            while page.len() < limit {
                let Some(row) = found.next()? else { break };
                let id = row.get(0)?;
                let Some(position) = newest(row, &part, id, at)? else { continue };
                let entry = entries.read((&keys.read(row, 2)?, id), position)?;
                let commit = known.commits.find(connection, position)?;
                page.push(Change { entry, commit });
            }
        }
        Ok(page)
    })
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
    FROM annals_key AS k
    WHERE (k.namespace, k.field) > (?1, ?2) AND k.namespace < ?3
    ORDER BY k.namespace, k.field"
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
pub(crate) const NAMESPACES: &str = "
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
    use super::*;

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
