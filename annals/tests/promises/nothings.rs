use annals::codec::Value;
use annals::{Action, Error, Store};

on_every_driver! {
    absent_null_and_deleted_read_differently,
    deleting_what_has_no_value_is_not_found_and_appends_nothing,
    a_deleted_field_can_be_set_again,
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
