//! What a reader of the log cannot see, or sees only when it comes across it.

use std::ops::ControlFlow;

use annals_core::CheckReport;
use rusqlite::Connection;

use crate::failure::Failure;
use crate::names::KeyNames;
use crate::open::in_snapshot;
use crate::{check_index, reads};

/// How many damages of one kind are listed.
pub(crate) const LISTED_MAX: usize = 100;

/// Rules about how rows stand to one another: what is said of each number that the query returns.
const RULES: [(&str, &str); 9] = [
    (
        "the commits do not follow one another without a gap before the one that ends at",
        "SELECT last FROM
            (SELECT last, length, lag(last, 1, 0) OVER (ORDER BY last) AS before FROM annals_commit)
        WHERE last - length <> before",
    ),
    (
        "the time of recording falls at the commit that ends at",
        "SELECT last FROM
            (SELECT last, recorded_at, lag(recorded_at) OVER (ORDER BY last) AS before FROM annals_commit)
        WHERE recorded_at < before",
    ),
    (
        "no commit covers the entry at",
        "SELECT position FROM annals_entry
        WHERE position < 1 OR position > (SELECT coalesce(max(last), 0) FROM annals_commit)",
    ),
    (
        "there is no key for the entry at",
        "SELECT position FROM annals_entry WHERE key NOT IN (SELECT id FROM annals_key)",
    ),
    (
        "the ids of the keys should be 1, 2, 3, … without a gap, but end at",
        "SELECT max(id) FROM annals_key HAVING max(id) <> count(*) OR min(id) <> 1",
    ),
    (
        "a key before it has the same name as the key",
        "SELECT max(id) FROM annals_key GROUP BY namespace, field HAVING count(*) > 1",
    ),
    (
        "the index by name is wrong about the key",
        "SELECT n.id FROM annals_name AS n LEFT JOIN annals_key AS k ON k.id = n.id
        WHERE (n.namespace, n.field) IS NOT (k.namespace, k.field)",
    ),
    (
        "the index by name lacks the key",
        "SELECT id FROM annals_key AS k, annals_name_index AS i WHERE NOT EXISTS
            (SELECT 1 FROM annals_name AS n WHERE (n.namespace, n.field) = (k.namespace, k.field))
        AND (id <= indexed_until OR (id <= pass_through
            AND (k.namespace, k.field) <= (pass_namespace, pass_field)))",
    ),
    (
        "the index by name goes too far: it holds or claims the key",
        "SELECT id FROM annals_name AS n, annals_name_index AS i
        WHERE id > pass_through OR (id > indexed_until
            AND (n.namespace, n.field) > (pass_namespace, pass_field))
        UNION ALL
        SELECT pass_through FROM annals_name_index
        WHERE pass_through > (SELECT coalesce(max(id), 0) FROM annals_key)",
    ),
];

/// Checks everything in the file, at one moment.
pub(crate) fn check(connection: &Connection, names: &KeyNames) -> Result<CheckReport, Failure> {
    in_snapshot(connection, |connection| {
        let mut report = CheckReport {
            checked: vec!["pages and indexes of the SQLite file".into()],
            damages: pages(connection)?,
        };
        // What stands on damaged pages would only be reported again.
        if report.damages.is_empty() {
            report.checked.push("order of commits, entries and keys".into());
            for (rule, sql) in RULES {
                report.damages.extend(broken(connection, rule, sql)?);
            }
            report.checked.push("every row of every commit".into());
            report.damages.extend(rows(connection, names)?);
            report.checked.push("the index against the entries".into());
            report.damages.extend(index(connection)?);
        }
        Ok(report)
    })
}

fn pages(connection: &Connection) -> Result<Vec<String>, Failure> {
    let mut check = connection.prepare(&format!("PRAGMA integrity_check({LISTED_MAX})"))?;
    let found: Result<Vec<String>, _> = check.query_map([], |row| row.get(0))?.collect();
    Ok(found?.into_iter().filter(|line| line != "ok").map(|line| format!("SQLite finds: {line}")).collect())
}

fn broken(connection: &Connection, rule: &str, sql: &str) -> Result<Vec<String>, Failure> {
    let mut check = connection.prepare(sql)?;
    let found = check.query_map([], |row| row.get::<_, i64>(0))?.take(LISTED_MAX);
    let found: Result<Vec<i64>, _> = found.collect();
    Ok(found?.into_iter().map(|number| format!("{rule} {number}")).collect())
}

fn rows(connection: &Connection, names: &KeyNames) -> Result<Vec<String>, Failure> {
    let mut damages = Vec::new();
    reads::find_damages(connection, names, |damage| {
        damages.push(damage);
        if damages.len() < LISTED_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(damages)
}

fn index(connection: &Connection) -> Result<Vec<String>, Failure> {
    match check_index::check(connection) {
        Err(Failure::Damaged(damage)) => Ok(vec![damage]),
        damages => damages,
    }
}
