use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use annals::codec::{self, Uuid};
use annals::{Batch, Condition, Context, Durability, Key, Position, Store};

on_every_driver! {
    callbacks_come_in_position_order,
    callbacks_come_in_position_order_whatever_way_is_appended,
    a_commit_that_another_thread_tells_of_returns_after_its_own_calls,
    callbacks_may_write_and_later_calls_tell_of_it,
    a_panic_in_a_callback_is_contained,
    a_dropped_watch_is_called_no_more,
    a_callback_is_not_told_of_what_failed,
    a_callback_is_not_told_again_of_what_is_repeated,
    a_callback_is_told_of_all_that_is_appended_after_it_was_added,
    a_callback_may_drop_its_own_watch,
    a_callback_may_own_a_watch,
    a_panic_that_panics_again_is_contained,
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

fn callbacks_come_in_position_order_whatever_way_is_appended(store: &Store) {
    let (_watch, noted) = noting(store);
    let batch = |field: &str| {
        Batch::new(Context::new()).set(Key::parse("direct", field).unwrap(), codec::encode(&1).unwrap())
    };
    let is_told = |position: Position| noted.lock().unwrap().contains(&position.get());
    thread::scope(|scope| {
        for writer in 0..8_i64 {
            let is_told = &is_told;
            scope.spawn(move || {
                for number in 0..25_i64 {
                    let last = match writer % 4 {
                        0 => {
                            let two = batch("x").delete(Key::parse("direct", "z").unwrap());
                            store.log().append(two, Durability::Buffered).unwrap().position()
                        }
                        1 => {
                            let lost =
                                batch("x").on_condition(Condition::LogUnchanged { since: Position::START });
                            let all = vec![batch("x"), lost, batch("y")];
                            let answers = store.log().append_all(all, Durability::Synced).unwrap();
                            assert!(answers[1].is_err());
                            assert!(is_told(answers[0].as_ref().unwrap().position()));
                            answers[2].as_ref().unwrap().position()
                        }
                        _ => store.record("r").unwrap().set("n", &number).unwrap().position(),
                    };
                    assert!(is_told(last), "told before the append returned");
                }
            });
        }
    });
    let last = store.log().last_position().unwrap().get();
    assert_eq!(last, 2 * 25 * 2 + 2 * 25 * 2 + 4 * 25);
    assert_eq!(*noted.lock().unwrap(), (1..=last).collect::<Vec<u64>>());
}

fn a_commit_that_another_thread_tells_of_returns_after_its_own_calls(store: &Store) {
    let telling = Arc::new(AtomicBool::new(false));
    let told = Arc::new(AtomicBool::new(false));
    let (slow, is_telling, is_told) = (store.clone(), Arc::clone(&telling), Arc::clone(&told));
    let _watch = store.on_change(move |change| {
        let position = change.position().get();
        if position == 1 {
            is_telling.store(true, Ordering::SeqCst);
            while slow.log().last_position().unwrap().get() < 2 {
                thread::yield_now();
            }
        } else {
            thread::sleep(Duration::from_millis(50));
            is_told.store(true, Ordering::SeqCst);
        }
    });
    let record = store.record("r").unwrap();
    thread::scope(|scope| {
        scope.spawn(|| record.set("n", &1).unwrap());
        while !telling.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        assert_eq!(record.set("n", &2).unwrap().position().get(), 2);
        assert!(told.load(Ordering::SeqCst), "returned before its callback");
    });
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

fn a_callback_is_not_told_again_of_what_is_repeated(store: &Store) {
    let (_watch, noted) = noting(store);
    for _ in 0..3 {
        let done = store.commit(Context::new(), |tx| {
            tx.set_id(Uuid::from_bytes([1; 16]));
            tx.record("a")?.set("x", &1)
        });
        assert_eq!(done.unwrap().receipt.unwrap().position().get(), 1);
    }
    store.record("a").unwrap().set("x", &2).unwrap();
    assert_eq!(*noted.lock().unwrap(), [1, 2]);
}

fn a_callback_is_told_of_all_that_is_appended_after_it_was_added(store: &Store) {
    for _ in 0..20 {
        let (first_unseen, noted) = thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for number in 0..20 {
                    store.record("r").unwrap().set("n", &number).unwrap();
                }
            });
            let (watch, noted) = noting(store);
            let first_unseen = store.log().last_position().unwrap().get() + 1;
            writer.join().unwrap();
            drop(watch);
            (first_unseen, noted)
        });
        let last = store.log().last_position().unwrap().get();
        let noted = noted.lock().unwrap();
        let missed: Vec<u64> = (first_unseen..=last).filter(|position| !noted.contains(position)).collect();
        assert_eq!(missed, [0; 0]);
    }
}

fn a_callback_may_drop_its_own_watch(store: &Store) {
    let own: Arc<Mutex<Option<annals::Watch>>> = Arc::default();
    let calls = Arc::new(Mutex::new(0));
    let (inside, count) = (Arc::clone(&own), Arc::clone(&calls));
    let watch = store.on_change(move |_| {
        *count.lock().unwrap() += 1;
        drop(inside.lock().unwrap().take());
    });
    *own.lock().unwrap() = Some(watch);
    let commit = store.commit(Context::new(), |tx| {
        let record = tx.record("r")?;
        record.set("a", &1)?;
        record.set("b", &2)?;
        record.set("c", &3)
    });
    assert_eq!(commit.unwrap().receipt.unwrap().position().get(), 3);
    assert_eq!(*calls.lock().unwrap(), 1);
}

fn a_callback_may_own_a_watch(store: &Store) {
    let (inner, noted) = noting(store);
    let outer = store.on_change(move |_| {
        let _owned = &inner;
    });
    store.record("r").unwrap().set("a", &1).unwrap();
    drop(outer);
    store.record("r").unwrap().set("a", &2).unwrap();
    assert_eq!(*noted.lock().unwrap(), [1]);
}

fn a_panic_that_panics_again_is_contained(store: &Store) {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in what was thrown");
        }
    }
    let _broken = store.on_change(|_| std::panic::panic_any(Bomb));
    let (_watch, noted) = noting(store);
    store.record("r").unwrap().set("a", &1).unwrap();
    store.record("r").unwrap().set("a", &2).unwrap();
    assert_eq!(*noted.lock().unwrap(), [1, 2]);
}
