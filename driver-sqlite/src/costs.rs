//! How much the reads cost, in steps of SQLite's machine: the same at any length of the log.

use annals_core::Position;
use rusqlite::{Connection, StatementStatus, params};

use crate::index::{POSTINGS_NEWEST_FIRST, POSTINGS_OLDEST_FIRST};
use crate::of_key::{NEWEST_CHANGE, NEWEST_ENTRY};
use crate::posting::{self, ENTRIES_MAX, Posting};
use crate::schema;
use crate::scopes::{NAMESPACES, STATE};

/// A log of `keys` keys with `versions` entries each, in commits of one entry, all of them indexed.
fn log(keys: i64, versions: i64) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    posting::teach(&connection).unwrap();
    schema::create(&connection).unwrap();
    connection
        .execute_batch(&format!(
            "WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < {keys})
            INSERT INTO annals_key SELECT n, format('n%05d', n), 'f' FROM n;
            INSERT INTO annals_name SELECT namespace, field, id FROM annals_key;
            UPDATE annals_name_index SET indexed_until = {keys}, pass_through = {keys};
            WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < {keys} * {versions})
            INSERT INTO annals_entry (position, key, kind, value)
            SELECT n, 1 + (n - 1) / {versions}, 0, x'01' FROM n;
            INSERT INTO annals_commit (last, length, id, given, recorded_at)
            SELECT position, 1, zeroblob(16), 0, 0 FROM annals_entry;
            UPDATE annals_index SET indexed_until = {keys} * {versions}, pass_through = {keys} * {versions}"
        ))
        .unwrap();
    for key in 1..=keys {
        let positions: Vec<Position> = (1..=versions)
            .map(|version| Position::from_i64((key - 1) * versions + version).unwrap())
            .collect();
        for posting in positions.chunks(ENTRIES_MAX).filter_map(Posting::pack) {
            let row = params![key, posting.first.to_i64(), posting.last.to_i64(), posting.middle];
            connection.execute("INSERT INTO annals_posting VALUES (?1, ?2, ?3, ?4)", row).unwrap();
        }
    }
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

#[test]
fn nothing_is_scanned_and_nothing_is_sorted() {
    let connection = log(2, 2);
    for sql in [NEWEST_ENTRY, NEWEST_CHANGE, POSTINGS_NEWEST_FIRST, POSTINGS_OLDEST_FIRST, STATE, NAMESPACES]
    {
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let mut steps = plan.raw_query();
        while let Some(row) = steps.next().unwrap() {
            let step: String = row.get(3).unwrap();
            let fine = [
                "SEARCH ",
                "CORRELATED SCALAR SUBQUERY",
                "SCALAR SUBQUERY",
                "CO-ROUTINE n",
                "SCAN n",
                "SCAN CONSTANT ROW",
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
    let state = |versions| steps(&log(10, versions), STATE, params!["", "", "\u{10ffff}", i64::MAX]);
    assert_eq!(state(1), state(300));
}

#[test]
fn the_state_of_some_keys_costs_those() {
    let some = |keys| steps(&log(keys, 3), STATE, params!["n00004", "", "n00007", i64::MAX]);
    assert_eq!(some(10), some(1000));
}

#[test]
fn the_newest_change_costs_the_same_at_any_length() {
    for sql in [NEWEST_ENTRY, NEWEST_CHANGE] {
        let newest = |versions| steps(&log(10, versions), sql, params![5, i64::MAX, None::<i64>, true]);
        assert_eq!(newest(2), newest(300));
        let as_of =
            |versions| steps(&log(10, versions), sql, params![5, 4 * versions + 1, None::<i64>, false]);
        assert_eq!(as_of(2), as_of(300));
    }
}

#[test]
fn a_page_of_history_costs_the_postings_that_it_reaches() {
    let first = |versions| {
        let connection = log(10, versions);
        let mut select = connection.prepare(POSTINGS_OLDEST_FIRST).unwrap();
        // Of all but the first entry of the key.
        let mut found = select.query(params![5, 4 * versions + 1, i64::MAX]).unwrap();
        assert!(found.next().unwrap().is_some());
        drop(found);
        select.get_status(StatementStatus::VmStep)
    };
    assert_eq!(first(2), first(1000));
}

#[test]
fn namespaces_cost_the_namespaces_and_not_their_fields() {
    let namespaces = |fields: i64| {
        let connection = log(1, 1);
        for namespace in ["a", "b"] {
            for field in 0..fields {
                let sql = "INSERT INTO annals_name (namespace, field, id) VALUES (?1, 'f' || ?2, 0)";
                connection.execute(sql, params![namespace, field]).unwrap();
            }
        }
        steps(&connection, NAMESPACES, params!["", "\u{10ffff}", 10])
    };
    assert_eq!(namespaces(1), namespaces(300));
}
