//! `annals import appendmuch`, on files that the Python package wrote.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::place::Place;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../annals/tests/fixtures/seed").join(name)
}

fn expected() -> Value {
    serde_json::from_slice(&fs::read(fixture("appendmuch.expected.json")).unwrap()).unwrap()
}

#[test]
fn both_kinds_of_file_give_the_same_store_and_a_report() {
    let mut shown = Vec::new();
    for name in ["appendmuch.sqlite3", "appendmuch.dump.msgpack"] {
        let place = Place::new();
        let answer = place.annals(&["import", "appendmuch", fixture(name).to_str().unwrap(), "-o", "json"]);
        assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""));
        let report: Value = serde_json::from_str(&answer.out).unwrap();
        assert_eq!(report["rows"], place.last_position());
        assert_eq!((&report["first_position"], &report["kept_times"]), (&json!(1), &json!(true)));
        let log = place.ok(&["log", "-p", "-o", "jsonl"]);
        assert_eq!(log.lines().count() as u64, place.last_position());
        let ids = |line: &str| {
            let mut commit: Value = serde_json::from_str(line).unwrap();
            commit.as_object_mut().unwrap().remove("id");
            commit.to_string()
        };
        shown.push(log.lines().map(ids).collect::<Vec<_>>());
    }
    assert_eq!(shown[0], shown[1]);
}

#[test]
fn a_file_that_cannot_be_imported_leaves_no_store_behind() {
    let place = Place::new();
    place.fails(2, &["import", "appendmuch", "none.sqlite3"]);
    assert!(!place.path("store.db").exists());
    fs::write(place.path("text"), "neither of the two").unwrap();
    place.fails(2, &["import", "appendmuch", "text"]);
    let whole = fs::read(fixture("appendmuch.dump.msgpack")).unwrap();
    fs::write(place.path("cut"), &whole[..whole.len() - 1]).unwrap();
    let message = place.fails(5, &["import", "appendmuch", "cut"]);
    assert!(message.contains("nothing was\n  cause: the dump is cut off"), "{message}");
    assert_eq!(place.last_position(), 0);
}

#[test]
fn the_answers_are_those_of_the_python_package() {
    let place = Place::new();
    place.ok(&["import", "appendmuch", fixture("appendmuch.sqlite3").to_str().unwrap()]);
    let expected = expected();
    for (strict, name) in [(None, "within"), (Some("--strict"), "strict")] {
        for case in expected[name].as_array().unwrap() {
            within_answers(&place, case, strict);
        }
    }
    for case in expected["along"].as_array().unwrap() {
        along_answers(&place, case);
    }
    for (namespace, fields) in expected["history"].as_object().unwrap() {
        for (field, length) in fields.as_object().unwrap() {
            let rows = place.ok(&["history", namespace, field]);
            assert_eq!(rows.lines().count() as u64, length.as_u64().unwrap(), "{namespace} {field}");
        }
    }
}

#[track_caller]
fn within_answers(place: &Place, case: &Value, strict: Option<&str>) {
    let (namespace, field) = (case[0].as_str().unwrap(), case[2].as_str().unwrap());
    let conditions =
        case[1].as_object().unwrap().iter().map(|(name, value)| format!("--where={name}:={value}"));
    let mut arguments = vec!["within".to_owned(), namespace.to_owned(), field.to_owned()];
    arguments.extend(conditions);
    arguments.extend(strict.map(str::to_owned));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match &case[3] {
        Value::Null => _ = place.fails(1, &arguments),
        value => assert_eq!(place.ok(&arguments), format!("{value}\n"), "{arguments:?}"),
    }
}

#[track_caller]
fn along_answers(place: &Place, case: &Value) {
    let (namespace, field) = (case[0].as_str().unwrap(), case[1].as_str().unwrap());
    let rows = place.ok(&["along", namespace, field, "--show", "score", "-o", "jsonl"]);
    let rows: Vec<Value> = rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    let answers: Vec<Value> =
        rows.iter().map(|row| json!([row["value"], row["shown"].get("score")])).collect();
    assert_eq!(json!(answers), case[2], "{namespace} {field}");
}

#[test]
fn values_that_are_kept_raw_are_told_from_types_that_are_not_known() {
    let place = Place::new();
    let rows = rusqlite::Connection::open(place.path("rows.db")).unwrap();
    rows.execute_batch(
        "CREATE TABLE a_values (seq, namespace, field, value, created_at, context);
         INSERT INTO a_values VALUES (1, 'a', 'x', x'0078', 1.0, ''), (2, 'a', 'x', x'c8', 1.0, ''),
             (3, 'a', 'x', x'c8', 1.0, ''), (4, 'a', 'x', x'c9', 1.0, '')",
    )
    .unwrap();
    let answer = place.annals(&["import", "appendmuch", "rows.db"]);
    assert_eq!(answer.code, Some(0));
    let expected = "warning: 1 value of type 0 that cannot be read was kept raw, at @1\n\
                    warning: 2 values of the unknown type 200 were kept raw, the first at @2\n\
                    warning: 1 value of the unknown type 201 was kept raw, at @4\n";
    assert_eq!(answer.err, expected);
}
