use std::sync::{Arc, Mutex};

use annals::codec::Value;
use annals::{Context, ERASURES, Error, Expect, Key, Namespace, Position, Selector, Store};

on_every_driver! {
    what_was_erased_says_so_and_no_other_answer_changes,
    what_cannot_be_judged_any_more_says_so,
    an_erased_field_is_written_again,
    callbacks_see_the_erasure_and_nothing_else,
    an_erasure_is_read_like_any_record,
    nobody_writes_what_the_log_keeps_for_itself,
    compacting_leaves_the_present_as_it_is,
}

fn why() -> Context {
    Context::new().actor("dana").reason("asked to")
}

fn key(field: &str) -> Selector {
    Selector::key(Key::parse("r", field).unwrap())
}

fn is_erased_at<T>(answer: Result<T, Error>, expected: u64) -> bool {
    answer
        .err()
        .is_some_and(|error| matches!(error, Error::Erased { position, .. } if position.get() == expected))
}

/// @1 a=1, @2 b=1, @3 a=2, @4 b=2, @5 a=3.
fn filled(store: &Store) -> annals::Record<annals::Live> {
    let record = store.record("r").unwrap();
    for (field, value) in [("a", 1), ("b", 1), ("a", 2), ("b", 2), ("a", 3)] {
        record.set(field, &value).unwrap();
    }
    record
}

fn what_was_erased_says_so_and_no_other_answer_changes(store: &Store) {
    let record = filled(store);
    let erasure = store.erase(&key("a").through(Position::new(3).unwrap()), why()).unwrap();
    assert_eq!((erasure.entries, erasure.commits[0].get()), (2, 6));
    assert_eq!(record.get("a").unwrap(), Some(3));
    assert_eq!(record.get("b").unwrap(), Some(2));
    for (at, expected) in [(1, 1), (2, 1), (3, 3), (4, 3)] {
        let then = record.at(Position::new(at).unwrap()).unwrap();
        assert!(is_erased_at(then.get::<i64>("a"), expected));
        let b = [None, Some(1), Some(1), Some(2)];
        assert_eq!(then.get::<i64>("b").unwrap(), b[usize::try_from(at).unwrap() - 1]);
    }
    let history: Vec<_> =
        record.history("a").unwrap().into_iter().map(|change| change.unwrap().get::<i64>()).collect();
    assert!(matches!(&history[..], [Err(Error::Erased { .. }), Err(Error::Erased { .. }), Ok(Some(3))]));
    assert_eq!(store.log().verify(|_| {}).unwrap().damages, []);

    store.erase(&key("a"), why()).unwrap();
    assert!(is_erased_at(record.get::<i64>("a"), 5), "the newest one too");
    assert_eq!(record.fields().unwrap().len(), 2, "it is no deletion");
}

fn what_cannot_be_judged_any_more_says_so(store: &Store) {
    let record = filled(store);
    let last_time = |value: i64| record.within("a", &value).unwrap().get::<i64>("b");
    assert_eq!(last_time(1).unwrap(), Some(1));
    store.erase(&key("a").through(Position::new(3).unwrap()), why()).unwrap();
    assert!(is_erased_at(last_time(1), 3), "who knows what it was after @3");
    assert_eq!(last_time(3).unwrap(), Some(2), "what is not erased is judged as before");
}

fn an_erased_field_is_written_again(store: &Store) {
    let record = filled(store);
    store.erase(&Selector::record(Namespace::new("r").unwrap()), why()).unwrap();
    assert!(record.set("a", &9).is_ok());
    assert_eq!(record.get("a").unwrap(), Some(9));
    record.delete("b").unwrap();
    assert_eq!(record.get::<i64>("b").unwrap(), None);
    assert!(is_erased_at(record.at(Position::new(5).unwrap()).unwrap().get::<i64>("b"), 4));
}

fn callbacks_see_the_erasure_and_nothing_else(store: &Store) {
    filled(store);
    let noted = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&noted);
    let _watch = store.on_change(move |change| {
        notes.lock().unwrap().push((change.position().get(), change.key().to_string()));
    });
    store.erase(&key("a"), why()).unwrap();
    store.record("r").unwrap().set("a", &1).unwrap();
    assert_eq!(*noted.lock().unwrap(), [(6, "__annals/erasures erasure".to_owned()), (7, "r a".to_owned())]);
}

fn an_erasure_is_read_like_any_record(store: &Store) {
    filled(store);
    store
        .with_context(Context::new().actor("dana"))
        .erase(&key("a"), Context::new().reason("asked to"))
        .unwrap();
    let told = store.record(ERASURES).unwrap().entry("erasure").unwrap().unwrap();
    assert_eq!((told.actor(), told.reason()), (Some("dana"), Some("asked to")));
    assert!(told.commit.context.location.as_ref().unwrap().contains("erasing.rs:"));
    let value = told.value().unwrap().unwrap();
    assert_eq!(value.get("what"), Some(&Value::from("r a")));
    assert_eq!((value.get("entries"), value.get("bytes")), (Some(&3.into()), Some(&3.into())));
}

fn nobody_writes_what_the_log_keeps_for_itself(store: &Store) {
    filled(store);
    store.erase(&key("a"), why()).unwrap();
    let record = store.record(ERASURES).unwrap();
    let refused = [record.set("erasure", &1).unwrap_err(), record.delete("erasure").unwrap_err()];
    for error in refused {
        assert_eq!(error.to_string(), "__annals/erasures erasure: `__annals` is kept for the log itself");
    }
    assert!(record.set_if("other", Expect::Absent, &1).is_err());
    assert!(matches!(
        store.erase(&Selector::under(Namespace::new("__annals").unwrap()), why()),
        Err(Error::Invalid(_))
    ));
    assert_eq!(store.log().last_position().unwrap().get(), 6);
}

fn compacting_leaves_the_present_as_it_is(store: &Store) {
    let record = filled(store);
    let none = store.compact(why(), |_| {}).unwrap();
    assert_eq!(none.entries, 0, "a store keeps all unless it was told otherwise");
    let rules = annals::Retention::keep_all().latest("r").unwrap();
    let done = store.log().compact(&rules, &why(), |_| {}).unwrap();
    assert_eq!(done.entries, 3);
    assert_eq!((record.get("a").unwrap(), record.get("b").unwrap()), (Some(3), Some(2)));
    assert!(is_erased_at(record.at(Position::new(4).unwrap()).unwrap().get::<i64>("a"), 3));
}
