use std::sync::{Arc, Mutex};
use std::thread;

use annals::{Context, Store};

on_every_driver! {
    callbacks_come_in_position_order,
    callbacks_may_write_and_later_calls_tell_of_it,
    a_panic_in_a_callback_is_contained,
    a_dropped_watch_is_called_no_more,
    a_callback_is_not_told_of_what_failed,
}

/// A store whose changes are noted by position.
fn noting(store: &Store) -> (annals::Watch, Arc<Mutex<Vec<u64>>>) {
    let noted = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&noted);
    (store.on_change(move |change| notes.lock().unwrap().push(change.position().get())), noted)
}

fn callbacks_come_in_position_order(store: &Store) {
    let (_watch, noted) = noting(store);
    thread::scope(|scope| {
        for writer in 0..4_i64 {
            let store = store.clone();
            let noted = &noted;
            scope.spawn(move || {
                for number in 0..10_i64 {
                    let done = store.commit(Context::new(), |tx| {
                        tx.record("a")?.set("x", &number)?;
                        tx.record("b")?.set("y", &writer)
                    });
                    let last = done.unwrap().receipt.unwrap().position().get();
                    assert!(noted.lock().unwrap().contains(&last), "told before the commit returned");
                }
            });
        }
    });
    assert_eq!(*noted.lock().unwrap(), (1..=80).collect::<Vec<u64>>());
}

fn callbacks_may_write_and_later_calls_tell_of_it(store: &Store) {
    let (_watch, noted) = noting(store);
    let echo = store.clone();
    let _echo = store.on_change(move |change| {
        let number: i64 = change.get().unwrap().unwrap();
        if number > 0 {
            echo.record("echo").unwrap().set("n", &(number - 1)).unwrap();
        }
    });
    store.record("r").unwrap().set("n", &3).unwrap();
    assert_eq!(store.record("echo").unwrap().get("n").unwrap(), Some(0));
    assert_eq!(*noted.lock().unwrap(), [1, 2, 3, 4]);
}

fn a_panic_in_a_callback_is_contained(store: &Store) {
    let _broken = store.on_change(|_| panic!("in a callback"));
    let (_watch, noted) = noting(store);
    store.record("r").unwrap().set("a", &1).unwrap();
    store.record("r").unwrap().set("a", &2).unwrap();
    assert_eq!(store.record("r").unwrap().get("a").unwrap(), Some(2));
    assert_eq!(*noted.lock().unwrap(), [1, 2], "the others are still told");
}

fn a_dropped_watch_is_called_no_more(store: &Store) {
    let (watch, noted) = noting(store);
    store.record("r").unwrap().set("a", &1).unwrap();
    drop(watch);
    store.record("r").unwrap().set("a", &2).unwrap();
    assert_eq!(*noted.lock().unwrap(), [1]);
}

fn a_callback_is_not_told_of_what_failed(store: &Store) {
    let (_watch, noted) = noting(store);
    let record = store.record("r").unwrap();
    record.set("a", &1).unwrap();
    record.set_if("a", annals::Expect::Absent, &2).unwrap_err();
    record.delete("missing").unwrap_err();
    record.delete("a").unwrap();
    assert_eq!(*noted.lock().unwrap(), [1, 2]);
}
