//! Files that cannot be imported: each a clear error, and nothing is imported.

use std::error::Error as _;
use std::path::Path;

use annals::{Position, Store};
use annals_cli::import::{ImportError, appendmuch};
use rusqlite::Connection;
use serde_json::json;

use crate::files::{Row, TABLE, create_table, dump_of, insert, write_dump, write_table};

const SECRET: &str = "do-not-tell";

/// Imports what must be refused; returns the error's texts, from the outside in.
fn refused(file: &Path) -> String {
    let store = Store::open("memory:").unwrap();
    let error = appendmuch(&store, file, None, &mut |_| panic!("nothing may be written")).unwrap_err();
    assert_eq!(store.log().last_position().unwrap(), Position::START);
    texts(&error)
}

fn texts(error: &ImportError) -> String {
    let mut texts = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        texts += &format!(": {cause}");
        source = cause.source();
    }
    assert!(!texts.contains(SECRET), "{texts}");
    texts
}

/// The third of three rows after `spoil` has been at it.
fn spoilt(spoil: impl FnOnce(&mut Row)) -> [Row; 3] {
    let mut rows = [1, 2, 3].map(|seq| Row::set(seq, format!("\x02\"{SECRET}\"").as_bytes()));
    rows[2].context = SECRET.into();
    spoil(&mut rows[2]);
    rows
}

#[test]
fn a_bad_row_is_named() {
    type Spoil = fn(&mut Row);
    let cases: [(Spoil, &str); 12] = [
        (
            |row| row.namespace = "a//b".into(),
            "row 3 cannot be imported; nothing was: namespace `a//b` is not valid",
        ),
        (
            |row| row.namespace = "..".into(),
            "row 3 cannot be imported; nothing was: namespace `..` is not valid",
        ),
        (
            |row| row.namespace = String::new(),
            "row 3 cannot be imported; nothing was: namespace `` is not valid",
        ),
        (|row| row.field = "1st".into(), "row 3 cannot be imported; nothing was: field `1st` is not valid"),
        (
            |row| row.field = "x".repeat(900),
            "row 3 cannot be imported; nothing was: key of 901 bytes is over the limit",
        ),
        (|row| row.seq = 2, "row 2 cannot be imported; nothing was: `seq` does not rise"),
        (|row| row.seq = -3, "row -3 cannot be imported; nothing was: `seq` does not rise"),
        (|row| row.created_at = f64::NAN, "row 3 cannot be imported; nothing was: `created_at` is no time"),
        (
            |row| row.created_at = f64::INFINITY,
            "row 3 cannot be imported; nothing was: `created_at` is no time",
        ),
        (|row| row.created_at = -1e15, "row 3 cannot be imported; nothing was: `created_at` is no time"),
        (
            |row| row.value = Some(Default::default()),
            "row 3 cannot be imported; nothing was: `value` is empty",
        ),
        (|row| row.context = "c".repeat((1 << 20) + 1), "context of 1048609 bytes is over the limit"),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (spoil, expected) in cases {
        let text = refused(&write_dump(folder.path(), &spoilt(spoil)));
        assert!(text.contains("rows.msgpack`") && text.contains(expected), "{text}\nnot\n{expected}");
    }
}

#[test]
fn a_bad_row_after_many_good_ones_keeps_them_out() {
    let mut rows: Vec<Row> = (1..=2500).map(|seq| Row::set(seq, b"\x001")).collect();
    rows[2400].field = "1st".into();
    let folder = tempfile::tempdir().unwrap();
    for file in [write_dump(folder.path(), &rows), write_table(folder.path(), &rows)] {
        assert!(refused(&file).contains("row 2401 cannot be imported; nothing was"));
    }
}

#[test]
fn columns_of_another_kind_or_missing_are_named() {
    let row =
        json!({"seq": 1, "namespace": "a", "field": "x", "value": null, "created_at": 1.5, "context": "c"});
    let folder = tempfile::tempdir().unwrap();
    for (column, content, expected) in [
        (
            "seq",
            json!(SECRET),
            "the first row cannot be imported; nothing was: `seq` is text, not an integer",
        ),
        ("seq", json!(1.0), "`seq` is a float, not an integer"),
        ("seq", json!(u64::MAX), "`seq` is an integer beyond 63 bits, not an integer"),
        ("namespace", json!(["a"]), "row 1 cannot be imported; nothing was: `namespace` is a list, not text"),
        ("field", json!(7), "`field` is an integer, not text"),
        ("value", json!(SECRET), "`value` is text, not bytes or null"),
        ("created_at", json!(SECRET), "`created_at` is text, not a number"),
        ("context", json!({"secret": SECRET}), "`context` is a map, not text"),
        ("context", json!(true), "`context` is a bool, not text"),
    ] {
        let mut row = row.clone();
        row[column] = content;
        let text = refused(&write_dump(folder.path(), &[&row]));
        assert!(text.contains(expected), "{text}\nnot\n{expected}");
        row.as_object_mut().unwrap().remove(column);
        let text = refused(&write_dump(folder.path(), &[&row]));
        assert!(text.ends_with(&format!("`{column}` is missing")), "{text}");
    }
    assert!(refused(&write_dump(folder.path(), &[json!({})])).ends_with("`seq` is missing"));
}

#[test]
fn columns_of_another_kind_in_a_table_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = write_table(folder.path(), &spoilt(|_| ()));
    let connection = Connection::open(&file).unwrap();
    for (column, content, expected) in [
        ("namespace", "x'ff'", "row 3 cannot be imported; nothing was: `namespace` is bytes, not text"),
        ("namespace", "CAST(x'ff' AS TEXT)", "`namespace` is text that is not UTF-8, not text"),
        ("value", "'do-not-tell'", "`value` is text, not bytes or null"),
        ("created_at", "'do-not-tell'", "`created_at` is text, not a number"),
        ("created_at", "9e999", "`created_at` is no time"),
    ] {
        let set = format!("UPDATE {TABLE} SET {column} = {content} WHERE seq = 3");
        connection.execute_batch(&format!("SAVEPOINT clean; {set}; RELEASE clean")).unwrap();
        let text = refused(&file);
        assert!(text.contains(expected), "{text}\nnot\n{expected}");
        connection.execute(&format!("DELETE FROM {TABLE} WHERE seq = 3"), ()).unwrap();
        insert(&connection, TABLE, &[Row::set(3, b"\x001")]);
    }
    connection
        .execute_batch(&format!(
            "DROP TABLE {TABLE}; CREATE TABLE {TABLE} (seq, namespace, field, value, created_at, context)"
        ))
        .unwrap();
    insert(&connection, TABLE, &[Row::set(1, b"\x001"), Row::set(1, b"\x002")]);
    assert!(refused(&file).contains("row 1 cannot be imported; nothing was: `seq` does not rise"));
    connection.execute_batch(&format!("UPDATE {TABLE} SET seq = NULL")).unwrap();
    assert!(refused(&file).contains("the first row cannot be imported; nothing was: `seq` is null"));
}

#[test]
fn a_dump_cut_off_anywhere_but_between_rows_is_refused() {
    let rows = spoilt(|_| ());
    let dump = dump_of(&rows);
    let between: Vec<usize> = (1..3).map(|count| dump_of(&rows[..count]).len()).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cut.msgpack");
    for length in 1..dump.len() {
        std::fs::write(&file, &dump[..length]).unwrap();
        if between.contains(&length) {
            continue;
        }
        let text = refused(&file);
        assert!(text.ends_with("the dump is cut off in the middle of this row"), "{length}: {text}");
        let after = between.iter().rposition(|end| *end < length);
        let place =
            after.map_or("the first row".to_owned(), |index| format!("the row after row {}", index + 1));
        assert!(text.contains(&format!("{place} cannot be imported; nothing was")), "{length}: {text}");
    }
}

#[test]
fn a_dump_with_any_byte_changed_never_panics_and_never_tells_a_value() {
    let dump = dump_of(&spoilt(|_| ()));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("damaged.msgpack");
    let mut refusals = 0;
    for index in 0..dump.len() {
        for flipped in [1, 0x20, 0x80, 0xff] {
            let mut damaged = dump.clone();
            damaged[index] ^= flipped;
            std::fs::write(&file, &damaged).unwrap();
            let store = Store::open("memory:").unwrap();
            if let Err(error) = appendmuch(&store, &file, None, &mut |_| {}) {
                refusals += 1;
                texts(&error);
                assert_eq!(store.log().last_position().unwrap(), Position::START);
            }
        }
    }
    assert!(refusals > dump.len(), "{refusals}");
}

#[test]
fn declared_sizes_are_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hostile.msgpack");
    let deep = [&b"\x81\xa1d"[..], &[0x91; 10_000]].concat();
    for hostile in [
        &b"\x81\xa5value\xc6\xff\xff\xff\xff"[..],
        b"\x81\xa5value\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\x81\xdb\xff\xff\xff\xff",
        &deep,
    ] {
        std::fs::write(&file, hostile).unwrap();
        let text = refused(&file);
        assert!(text.contains("the dump is "), "{text}");
    }
}

#[test]
fn files_of_another_kind_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    assert!(refused(&file).contains("cannot be read"), "a missing file");
    assert!(refused(folder.path()).contains("cannot be read"), "a folder");
    for other in [&b""[..], b"{\"seq\": 1}", b"\x93\x01\x02\x03", b"SQLite"] {
        std::fs::write(&file, other).unwrap();
        assert!(refused(&file).contains("neither an SQLite file nor a msgpack dump of appendmuch"));
    }
    std::fs::write(&file, [&b"SQLite format 3\0"[..], &[7; 5000]].concat()).unwrap();
    assert!(refused(&file).contains("SQLite cannot read"), "no database after the first bytes");
    std::fs::write(&file, b"SQLite format 3\0").unwrap();
    assert!(refused(&file).contains("cannot be read"), "cut off after the first bytes");
    std::fs::remove_file(&file).unwrap();
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE t (x); CREATE TABLE my_values (x)").unwrap();
    assert!(refused(&file).ends_with("has no table of appendmuch"));
}

#[test]
fn a_table_of_a_name_that_is_no_identifier_is_never_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let connection = Connection::open(&file).unwrap();
    create_table(&connection, "\"x; DROP TABLE y; --_values\"");
    create_table(&connection, "\"1_values\"");
    assert!(refused(&file).ends_with("has no table of appendmuch"));
    let store = Store::open("memory:").unwrap();
    let wanted = Some("x; DROP TABLE y; --_values");
    assert!(matches!(appendmuch(&store, &file, wanted, &mut |_| {}), Err(ImportError::NoTable { .. })));
}

#[test]
fn a_log_that_cannot_be_written_says_that_nothing_was_imported() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("x.db").display());
    drop(Store::open(&url).unwrap());
    let store = Store::open(&format!("{url}?mode=ro")).unwrap();
    let file = write_dump(folder.path(), &[Row::set(1, b"\x001")]);
    let error = appendmuch(&store, &file, None, &mut |_| {}).unwrap_err();
    assert!(matches!(error, ImportError::Write { rows: 0, through: None, .. }), "{error:?}");
    assert!(texts(&error).starts_with("the log cannot be written; nothing was imported: "));
}

#[test]
fn a_table_cannot_be_chosen_of_a_dump() {
    let folder = tempfile::tempdir().unwrap();
    let file = write_dump(folder.path(), &[Row::set(1, b"\x001")]);
    let store = Store::open("memory:").unwrap();
    let refused = appendmuch(&store, &file, Some(TABLE), &mut |_| {}).unwrap_err();
    assert!(matches!(refused, ImportError::TableOfDump { .. }));
}
