use annals::codec::Value;
use annals::{Action, Error, Order, PositionRange, Store};

on_every_driver! {
    absent_null_and_deleted_read_differently,
    deleting_what_has_no_value_is_not_found_and_appends_nothing,
    a_deleted_field_can_be_set_again,
    erased_says_so_wherever_it_is_the_answer,
}

fn absent_null_and_deleted_read_differently(store: &Store) {
    let record = store.record("r").unwrap();
    record.set("null", &()).unwrap();
    record.set("gone", &7).unwrap();
    record.delete("gone").unwrap();

    assert_eq!(record.get::<Option<i64>>("absent").unwrap(), None);
    assert_eq!(record.get::<Option<i64>>("null").unwrap(), Some(None));
    assert_eq!(record.get::<Option<i64>>("gone").unwrap(), None);

    assert!(record.entry("absent").unwrap().is_none());
    let null = record.entry("null").unwrap().unwrap();
    assert_eq!(null.value().unwrap(), Some(Value::Null));
    let gone = record.entry("gone").unwrap().unwrap();
    assert_eq!((gone.value().unwrap(), &gone.entry.action), (None, &Action::Deleted));

    let fields = record.fields().unwrap();
    assert_eq!(fields.iter().map(annals::Field::as_str).collect::<Vec<_>>(), ["null"]);
    let within = |field, value: &Value| record.within(field, value).unwrap().entry("null").unwrap();
    assert!(within("null", &Value::Null).is_some());
    assert!(within("absent", &Value::Null).is_none(), "absent is not null");
}

fn deleting_what_has_no_value_is_not_found_and_appends_nothing(store: &Store) {
    let record = store.record("r").unwrap();
    assert!(matches!(record.delete("a").unwrap_err(), Error::NotFound { .. }));
    record.set("a", &1).unwrap();
    record.delete("a").unwrap();
    let before = store.log().last_position().unwrap();
    assert!(matches!(record.delete("a").unwrap_err(), Error::NotFound { .. }));
    assert_eq!(store.log().last_position().unwrap(), before);
}

fn a_deleted_field_can_be_set_again(store: &Store) {
    let record = store.record("r").unwrap();
    record.set("a", &1).unwrap();
    let deleted = record.delete("a").unwrap().position();
    record.set("a", &2).unwrap();
    assert_eq!(record.get("a").unwrap(), Some(2));
    assert_eq!(record.at(deleted).unwrap().get::<i64>("a").unwrap(), None);
    assert_eq!(record.history("a").unwrap().into_iter().count(), 3);
}

/// A log of three values whose second one was erased, as a dump or a later release brings it in.
fn erased_says_so_wherever_it_is_the_answer(store: &Store) {
    let source = crate::stores::memory();
    let record = source.record("r").unwrap();
    for value in [1, 2, 1] {
        record.set("a", &value).unwrap();
        record.set("b", &value).unwrap();
    }
    let commits = source.commits(PositionRange::ALL, Order::OldestFirst);
    let mut commits: Vec<_> = commits.map(Result::unwrap).collect();
    let erased = Action::Erased { by: commits[5].commit.last };
    commits[2].entries[0].action = erased.clone();
    store.log().driver().restore(&commits).unwrap();

    let is_erased = |error: Error| matches!(error, Error::Erased { position, .. } if position.get() == 3);
    let record = store.record("r").unwrap();
    assert_eq!(record.get("a").unwrap(), Some(1), "no other answer changes");
    let then = record.at(commits[2].commit.last).unwrap();
    assert!(is_erased(then.get::<i64>("a").unwrap_err()));
    assert_eq!(then.entry("a").unwrap().unwrap().entry.action, erased);
    assert_eq!(then.fields().unwrap().len(), 2, "it is no deletion");
    assert!(is_erased(then.within("a", &1).unwrap().get::<i64>("b").unwrap_err()), "nobody can judge it");

    let mut along = record.along("a").unwrap();
    assert_eq!(along.next().unwrap().unwrap().0.position().get(), 1);
    assert!(is_erased(along.next().unwrap().unwrap_err()));
    assert!(along.next().is_none(), "it ends after an error");
}
