//! What becomes of rows: times, deletions, and values of every type.

use std::path::Path;

use annals::codec::Value;
use annals::{Action, CommitEntries, Order, Position, PositionRange, Store};
use annals_cli::import::{ImportReport, appendmuch};
use rusqlite::Connection;

use crate::files::{Row, TABLE, create_table, insert, write_dump, write_table};

fn memory() -> Store {
    Store::open("memory:").unwrap()
}

fn import(store: &Store, file: &Path) -> ImportReport {
    appendmuch(store, file, None, &mut |_| {}).unwrap()
}

fn commits(store: &Store) -> Vec<CommitEntries> {
    store.commits(PositionRange::ALL, Order::OldestFirst).collect::<Result<_, _>>().unwrap()
}

fn position(number: u64) -> Position {
    Position::new(number).unwrap()
}

/// Seconds after 2001-09-09T01:46:40Z at which each commit was recorded and occurred.
fn times(commits: &[CommitEntries]) -> Vec<(i64, i64)> {
    let seconds = |time: annals::codec::Timestamp| time.as_micros() / 1_000_000 - 1_000_000_000;
    let times = |commit: &CommitEntries| {
        (seconds(commit.commit.recorded_at), seconds(commit.commit.context.occurred_at.unwrap()))
    };
    commits.iter().map(times).collect()
}

#[test]
fn into_an_empty_log_times_stay_and_recorded_ones_do_not_fall() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = [1, 2, 3, 4].map(|seq| Row::set(seq, b"\x001"));
    rows[1].created_at = 1e9 + 9.0;
    let store = memory();
    let report = import(&store, &write_dump(folder.path(), &rows));
    assert!(report.kept_times);
    assert_eq!(times(&commits(&store)), [(1, 1), (9, 9), (9, 3), (9, 4)]);
}

#[test]
fn into_another_log_times_become_when_it_occurred() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [Row::set(1, b"\x001"), Row::delete(2), Row::set(3, b"\x002")];
    let store = memory();
    store.record("a").unwrap().set("x", &0).unwrap();
    let before = store.log().now();

    let report = import(&store, &write_table(folder.path(), &rows));
    assert!(!report.kept_times);
    assert_eq!(report.positions, Some((position(2), position(4))));
    let imported = &commits(&store)[1..];
    assert_eq!(times(imported).iter().map(|(_, occurred)| *occurred).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(imported.iter().all(|commit| commit.commit.recorded_at >= before));
    assert_eq!(imported[1].commit.context.location.as_deref(), Some("game.play:2"));
    assert_eq!(store.record("a").unwrap().get("x").unwrap(), Some(2));
}

#[test]
fn a_tombstone_without_a_value_before_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [Row::delete(7), Row::set(9, b"\x001"), Row::delete(12), Row::delete(13)];
    let file = write_dump(folder.path(), &rows);
    let filled = memory();
    filled.record("other").unwrap().set("x", &1).unwrap();
    for store in [memory(), filled] {
        let report = import(&store, &file);
        assert_eq!((report.rows, report.deletions), (4, 3));
        let history = store.record("a").unwrap().history("x").unwrap().into_iter();
        let deleted: Vec<bool> = history.map(|c| c.unwrap().entry.action == Action::Deleted).collect();
        assert_eq!(deleted, [true, false, true, true]);
    }
}

#[test]
fn unknown_types_and_unreadable_payloads_are_kept_raw_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows: Vec<Row> = (1..=9).map(|seq| Row::set(seq, b"\xc8opaque")).collect();
    rows[4] = Row::set(5, b"\x001");
    rows.push(Row::set(10, b"\x0b\"10:00:00+02:00\""));
    let store = memory();
    let report = import(&store, &write_dump(folder.path(), &rows));

    let raw = report.kept_raw.iter().map(|(id, kept)| (*id, kept.count, kept.first.clone()));
    let opaque = [1, 2, 3, 4, 6].map(position).to_vec();
    assert_eq!(raw.collect::<Vec<_>>(), [(11, 1, vec![position(10)]), (200, 8, opaque)]);
    let kept: Value = store.record("a").unwrap().get("x").unwrap().unwrap();
    let content = Value::Tuple(vec![11.into(), Value::Bytes(b"\"10:00:00+02:00\"".to_vec())]);
    assert_eq!(kept, Value::Custom { tag: 2, content: Box::new(content) });
}

#[test]
fn progress_counts_up_to_all_rows() {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<Row> = (1..=2500).map(|seq| Row::set(seq, b"\x001")).collect();
    let mut seen = Vec::new();
    let file = write_dump(folder.path(), &rows);
    let report = appendmuch(&memory(), &file, None, &mut |rows| seen.push(rows)).unwrap();
    assert_eq!(report.positions, Some((position(1), position(2500))));
    assert_eq!(seen, [1000, 2000, 2500]);
}

#[test]
fn of_several_tables_one_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let file = write_table(folder.path(), &[Row::set(1, b"\x001")]);
    let connection = Connection::open(&file).unwrap();
    create_table(&connection, "experiment_values");
    insert(&connection, "experiment_values", &[Row::set(1, b"\x002")]);
    connection.execute_batch("CREATE TABLE other_values (seq, field, value)").unwrap();

    let refused = appendmuch(&memory(), &file, None, &mut |_| {}).unwrap_err().to_string();
    assert!(refused.contains("choose one of `appendmuch_values`, `experiment_values`"), "{refused}");
    let refused = appendmuch(&memory(), &file, Some("other_values"), &mut |_| {}).unwrap_err().to_string();
    assert!(refused.contains("called `other_values`; there is `appendmuch_values`"), "{refused}");
    for (table, expected) in [(TABLE, 1), ("experiment_values", 2)] {
        let store = memory();
        appendmuch(&store, &file, Some(table), &mut |_| {}).unwrap();
        assert_eq!(store.record("a").unwrap().get("x").unwrap(), Some(expected));
    }
}

/// The names and contents of everything in a folder.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut contents: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), std::fs::read(path).unwrap()))
        .collect();
    contents.sort();
    contents
}

#[test]
fn the_file_and_what_lies_beside_it_are_not_altered() {
    for mode in ["DELETE", "WAL"] {
        let folder = tempfile::tempdir().unwrap();
        let file = write_table(folder.path(), &[Row::set(1, b"\x001")]);
        let connection = Connection::open(&file).unwrap();
        connection.query_row(&format!("PRAGMA journal_mode = {mode}"), (), |_| Ok(())).unwrap();
        insert(&connection, TABLE, &[Row::set(2, b"\x002")]);
        connection.close().unwrap();
        let file = folder.path().join("50% what?#.sqlite3");
        std::fs::rename(folder.path().join("rows.sqlite3"), &file).unwrap();

        let before = contents(folder.path());
        assert_eq!(before.len(), 1);
        assert_eq!(import(&memory(), &file).rows, 2);
        assert!(contents(folder.path()) == before, "in mode {mode}");
    }
}

#[test]
fn rows_that_still_stand_in_the_write_ahead_log_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = write_table(folder.path(), &[Row::set(1, b"\x001")]);
    let connection = Connection::open(&file).unwrap();
    connection.query_row("PRAGMA journal_mode = WAL", (), |_| Ok(())).unwrap();
    insert(&connection, TABLE, &[Row::set(2, b"\x002")]);
    let before = std::fs::read(&file).unwrap();
    let store = memory();
    assert_eq!(import(&store, &file).rows, 2);
    assert_eq!(store.record("a").unwrap().get("x").unwrap(), Some(2));
    assert!(std::fs::read(&file).unwrap() == before);
}

/// What a log holds, without the ids of the commits, which are made anew, and the times of recording.
fn rows_of(store: &Store) -> Vec<(annals::Context, annals::Entry)> {
    let row = |commit: CommitEntries| (commit.commit.context.clone(), commit.entries[0].clone());
    commits(store).into_iter().map(row).collect()
}

#[test]
fn rows_that_the_log_has_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [Row::set(1, b"\x001"), Row::delete(2), Row::set(3, b"\x002")];
    let filled = memory();
    filled.record("other").unwrap().set("x", &1).unwrap();
    for (store, before) in [(memory(), 0), (filled, 1)] {
        import(&store, &write_dump(folder.path(), &rows[..2]));
        let report = import(&store, &write_dump(folder.path(), &rows));
        assert_eq!((report.rows, report.skipped, report.deletions), (1, 2, 0));
        assert_eq!(report.positions, Some((position(before + 3), position(before + 3))));
        let stored = rows_of(&store);
        let again = import(&store, &write_table(folder.path(), &rows));
        assert_eq!((again.rows, again.skipped, again.positions), (0, 3, None));
        assert_eq!(rows_of(&store), stored);
        assert_eq!(stored.last().unwrap().0.tags.get("appendmuch"), Some(&Value::from(3)));
        std::fs::remove_file(folder.path().join("rows.sqlite3")).unwrap();
    }
}

#[test]
fn an_import_that_was_interrupted_goes_on_as_it_began() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows: Vec<Row> = (1..=4).map(|seq| Row::set(seq, b"\x001")).collect();
    rows[1].created_at = 1e9 + 9.0;
    let store = memory();
    import(&store, &write_dump(folder.path(), &rows[..2]));
    assert!(import(&store, &write_dump(folder.path(), &rows)).kept_times);
    assert_eq!(times(&commits(&store)), [(1, 1), (9, 9), (9, 3), (9, 4)]);

    store.record("b").unwrap().set("y", &1).unwrap();
    rows.push(Row::set(5, b"\x001"));
    assert!(!import(&store, &write_dump(folder.path(), &rows)).kept_times);
}

#[test]
fn rows_of_another_file_with_the_same_numbers_are_other_rows() {
    let folder = tempfile::tempdir().unwrap();
    let first = Row::set(1, b"\x001");
    let others = [
        Row { created_at: 5.0, ..first.clone() },
        Row { context: "game.play:77".into(), ..first.clone() },
        Row { field: "y".into(), ..first.clone() },
        Row { value: None, ..first.clone() },
        first,
    ];
    let store = memory();
    for (number, row) in (1..).zip(&others) {
        let report = import(&store, &write_dump(folder.path(), std::slice::from_ref(row)));
        assert_eq!((report.rows, report.skipped), (1, 0), "{row:?}");
        assert_eq!(store.log().last_position().unwrap(), position(number));
    }
    for row in &others {
        assert_eq!(import(&store, &write_dump(folder.path(), std::slice::from_ref(row))).skipped, 1);
    }
}
