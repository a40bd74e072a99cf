//! What a store and a transaction offer to layers that keep encoded values.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::cell::Cell;

use annals_core::{Action, Condition, Context, ErrorKind, Field, Key, Position, Selector, Store};
use annals_driver_memory::MemoryDriver;

fn store() -> Store {
    Store::new(MemoryDriver::new())
}

fn held(values: impl IntoIterator<Item = (Field, Action)>) -> Vec<(String, Option<Vec<u8>>)> {
    let held = |action: Action| action.bytes().map(|bytes| bytes.to_vec());
    values.into_iter().map(|(field, action)| (field.to_string(), held(action))).collect()
}

#[test]
fn the_values_of_a_record_are_those_of_the_transaction() {
    let store = store();
    let record = store.record("r").unwrap();
    for (field, value) in [("a", 1), ("b", 2), ("c", 3), ("gone", 4)] {
        record.set(field, &value).unwrap();
    }
    record.delete("gone").unwrap();
    store.record("r/below").unwrap().set("x", &9).unwrap();
    let dana = Context::new().actor("dana").reason("asked");
    store.erase(&Selector::key(Key::parse("r", "c").unwrap()), dana).unwrap();

    let done = store.commit(Context::new(), |tx| {
        let record = tx.record("r")?;
        record.set("a", &7)?;
        record.delete("b")?;
        record.set_encoded("d", *b"\x08")?;
        assert_eq!(
            held(record.values()?),
            [("a".into(), Some(vec![7])), ("c".into(), None), ("d".into(), Some(vec![8]))]
        );
        assert_eq!(record.fields()?.iter().map(Field::as_str).collect::<Vec<_>>(), ["a", "c", "d"]);
        let written = ["a", "b", "c", "d"].map(|field| record.is_written(field).unwrap());
        assert_eq!(written, [true, true, false, true]);
        Ok(())
    });
    assert_eq!(done.unwrap().receipt.unwrap().commit.len(), 3);
    assert_eq!(record.get("d").unwrap(), Some(8));
}

#[test]
fn encoded_bytes_that_are_no_value_are_refused() {
    let store = store();
    let refused = store.commit(Context::new(), |tx| tx.record("r")?.set_encoded("a", *b"\xc1"));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(store.snapshot().unwrap().position(), Position::START);
}

#[test]
fn a_body_is_run_again_while_what_it_relies_on_changes() {
    let store = store();
    let record = store.record("r").unwrap();
    record.set("a", &1).unwrap();
    let runs = Cell::new(0);
    let done = store.commit(Context::new(), |tx| {
        runs.set(runs.get() + 1);
        let key = Key::parse("r", "a")?;
        tx.rely_on(Condition::KeyUnchanged { key, since: tx.position() });
        if runs.get() < 3 {
            record.set("a", &runs.get())?;
        }
        tx.record("r")?.set("b", &runs.get())
    });
    assert!(done.unwrap().receipt.is_some());
    assert_eq!((runs.get(), record.get("b").unwrap()), (3, Some(3)));
}

#[test]
fn the_last_erasure_is_that_of_the_moment() {
    let store = store();
    let record = store.record("r").unwrap();
    let end = || store.snapshot().unwrap().position();
    record.set("a", &1).unwrap();
    let before = end();
    assert_eq!(store.last_erasure(before).unwrap(), Position::START);
    let dana = || Context::new().actor("dana").reason("asked");
    let erasure = store.erase(&Selector::key(Key::parse("r", "a").unwrap()), dana()).unwrap();
    record.set("a", &2).unwrap();
    assert_eq!(Some(&store.last_erasure(end()).unwrap()), erasure.commits.last());
    assert_eq!(store.last_erasure(before).unwrap(), Position::START);
}

#[test]
fn equal_values_are_the_same() {
    let store = store();
    let [one, also, other] = [1_u8, 1, 2].map(|number| store.encode("it", &number).unwrap());
    assert!(store.same(&one, &also));
    assert!(!store.same(&one, &other));
}
