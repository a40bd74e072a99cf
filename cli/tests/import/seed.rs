//! The published package's own files, against what the package itself answers about them.
//!
//! Python's answers may follow from `1 == True` or from a defect of the package, and then ours are
//! the right ones. In these files none does: the conditions are rounds, which are integers only,
//! and every tombstone has its value. So every answer is compared, without an exception.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use annals::codec::Value;
use annals::{CommitEntries, Order, PositionRange, Store, View};
use annals_cli::import::{ImportReport, appendmuch};
use annals_test_server::OwnLog;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::python_repr;

#[derive(Deserialize)]
struct Expected {
    current: BTreeMap<String, BTreeMap<String, Shown>>,
    within: Vec<Within>,
    strict: Vec<Within>,
    along: Vec<(String, String, Vec<Step>)>,
    history: BTreeMap<String, BTreeMap<String, usize>>,
}

/// Namespace, conditions, the field asked for, and the answer.
type Within = (String, BTreeMap<String, i64>, String, Json);

/// A round, and the score within it.
type Step = (i64, Json);

#[derive(Deserialize)]
struct Shown {
    r#type: String,
    repr: String,
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../annals/tests/fixtures/seed").join(name)
}

fn import(name: &str, store: &Store) -> ImportReport {
    appendmuch(store, &fixture(name), None, &mut |_| {}).unwrap()
}

fn commits(store: &Store) -> Vec<CommitEntries> {
    store.commits(PositionRange::ALL, Order::OldestFirst).collect::<Result<_, _>>().unwrap()
}

fn plain(json: &Json) -> Option<Value> {
    match json {
        Json::Null => None,
        Json::String(text) => Some(text.as_str().into()),
        other => Some(other.as_i64().expect("an integer").into()),
    }
}

fn answers_as_python_does(store: &Store) {
    let expected: Expected =
        serde_json::from_slice(&std::fs::read(fixture("appendmuch.expected.json")).unwrap()).unwrap();

    for (namespace, fields) in &expected.current {
        let record = store.record(namespace.as_str()).unwrap();
        let names: Vec<String> = record.fields().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(names, fields.keys().cloned().collect::<Vec<_>>(), "fields of {namespace}");
        for (field, shown) in fields {
            let value: Value = record.get(field.as_str()).unwrap().unwrap();
            assert_eq!(value, python_repr::value(&shown.r#type, &shown.repr), "{namespace} {field}");
        }
    }
    for (namespace, fields) in &expected.history {
        for (field, length) in fields {
            let history = store.record(namespace.as_str()).unwrap().history(field.as_str()).unwrap();
            assert_eq!(history.into_iter().count(), *length, "history of {namespace} {field}");
        }
    }

    let within = expected.within.iter().map(|question| (question, false));
    let strict = expected.strict.iter().map(|question| (question, true));
    for ((namespace, conditions, field, answer), strict) in within.chain(strict) {
        assert_eq!(conditions.len(), 1);
        let view = store.record(namespace.as_str()).unwrap().within("round", &conditions["round"]).unwrap();
        let view: View = if strict { view.strict() } else { view };
        let value: Option<Value> = view.get(field.as_str()).unwrap();
        assert_eq!(value, plain(answer), "{namespace} {field} within {conditions:?}, strict: {strict}");
    }
    for (namespace, field, steps) in &expected.along {
        let record = store.record(namespace.as_str()).unwrap();
        let along = record.along(field.as_str()).unwrap();
        let found: Vec<(Option<i64>, Option<Value>)> = along
            .map(|step| {
                let (change, view) = step.unwrap();
                (change.get().unwrap(), view.get("score").unwrap())
            })
            .collect();
        let steps: Vec<_> = steps.iter().map(|(round, score)| (Some(*round), plain(score))).collect();
        assert_eq!(found, steps, "{namespace} along {field}");
    }
}

#[test]
fn the_sqlite_file_answers_as_python_does_in_memory() {
    let store = Store::open("memory:").unwrap();
    import("appendmuch.sqlite3", &store);
    answers_as_python_does(&store);
}

#[test]
fn the_dump_answers_as_python_does_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite:{}", folder.path().join("x.db").display())).unwrap();
    import("appendmuch.dump.msgpack", &store);
    answers_as_python_does(&store);
}

#[test]
fn the_sqlite_file_answers_as_python_does_in_postgresql() {
    let Some(log) = OwnLog::new() else { return };
    let store = Store::open(&log.url_to_create()).unwrap();
    assert_eq!(import("appendmuch.sqlite3", &store).rows, 314);
    answers_as_python_does(&store);
    assert_eq!(import("appendmuch.sqlite3", &store).skipped, 314);
    assert_eq!(store.log().verify(|_| {}).unwrap().damages, []);
}

#[test]
fn both_files_give_the_same_log() {
    let (from_table, from_dump) = (Store::open("memory:").unwrap(), Store::open("memory:").unwrap());
    let report = import("appendmuch.sqlite3", &from_table);
    assert_eq!(report, import("appendmuch.dump.msgpack", &from_dump));
    assert_eq!((report.rows, report.kept_raw.len(), report.kept_times), (314, 0, true));

    // The ids are made anew, and are all that differs.
    let without_id = |commit: &CommitEntries| {
        let stored = &commit.commit;
        (stored.first, stored.last, stored.recorded_at, stored.context.clone(), commit.entries.clone())
    };
    let (from_table, from_dump) = (commits(&from_table), commits(&from_dump));
    assert_eq!(
        from_table.iter().map(without_id).collect::<Vec<_>>(),
        from_dump.iter().map(without_id).collect::<Vec<_>>()
    );
    let first = &from_table[0].commit;
    assert_eq!(first.context.location.as_deref(), Some("__main__.fill:65"));
    assert_eq!(first.recorded_at.to_string(), "2026-11-22T03:00:52.011075Z");
    assert!(
        from_table.iter().all(|commit| commit.commit.context.occurred_at == Some(commit.commit.recorded_at))
    );
}

/// To Python `1 == True`, so that its `within(round=True)` answers for round 1. Here a bool is no integer.
#[test]
fn a_condition_of_true_is_not_one_of_one() {
    let store = Store::open("memory:").unwrap();
    import("appendmuch.sqlite3", &store);
    let player = store.record("game/session0/player0").unwrap();
    let score = |view: View| view.get::<i64>("score").unwrap();
    assert_eq!(score(player.within("round", &1).unwrap()), Some(13));
    assert_eq!(score(player.within("round", &true).unwrap()), None);
    assert_eq!(score(player.within("round", &1.0).unwrap()), None);
}

#[test]
fn verify_finds_no_damage_in_an_imported_log() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite:{}", folder.path().join("x.db").display())).unwrap();
    import("appendmuch.sqlite3", &store);
    let found = store.log().verify(|_| {}).unwrap();
    assert_eq!((found.damages, found.commits), (vec![], 314));
}
