//! Reads from memory while commits are taken in: never a state that nobody could have seen.

use std::sync::Arc;

use annals_core::{Batch, Context, Driver, Durability, Freshness, Key, Record, Store};
use shuttle::thread;

use crate::driver::Yielding;
use crate::explore;

/// A store whose reads ask nobody, over a log in which records `a` and `b` have number 1.
fn quick_store(bytes: usize) -> (Arc<Yielding>, Store) {
    let driver = Arc::new(Yielding::new());
    let store = Store::builder(Arc::clone(&driver)).freshness(Freshness::Cached).cache_bytes(bytes).build();
    write_both(&store, 1);
    (driver, store)
}

fn write_both(store: &Store, number: u64) {
    let write = |tx: &annals_core::Transaction<'_>| {
        ["a", "b"].iter().try_for_each(|name| tx.record(*name)?.set("number", &number))
    };
    store.commit(Context::new(), write).unwrap();
}

fn number(record: &Record) -> u64 {
    record.get("number").unwrap().unwrap()
}

fn record(store: &Store, name: &str) -> Record {
    store.record(name).unwrap()
}

const ROOM: usize = 1 << 20;

#[test]
fn a_read_that_a_commit_overtakes_leaves_no_old_value() {
    explore(|| {
        let (_, store) = quick_store(ROOM);
        thread::scope(|scope| {
            scope.spawn(|| assert!(number(&record(&store, "a")) <= 2));
            scope.spawn(|| {
                record(&store, "a").set("number", &2).unwrap();
                assert_eq!(number(&record(&store, "a")), 2, "own commits are seen");
            });
        });
        assert_eq!(number(&record(&store, "a")), 2);
    });
}

/// One of the records is held, both are, or none is; the reader begins with either.
#[test]
fn who_has_seen_a_part_of_a_commit_sees_all_of_it() {
    explore(|| {
        let (_, store) = quick_store(ROOM);
        number(&record(&store, "a"));
        thread::scope(|scope| {
            for (first, second) in [("a", "b"), ("b", "a")] {
                let store = &store;
                scope.spawn(move || {
                    let seen = number(&record(store, first));
                    let then = number(&record(store, second));
                    assert!(then >= seen, "{then} after {seen}");
                });
            }
            scope.spawn(|| write_both(&store, 2));
        });
        assert_eq!((number(&record(&store, "a")), number(&record(&store, "b"))), (2, 2));
    });
}

#[test]
fn a_commit_of_others_is_taken_in_whole() {
    explore(|| read_while_refreshing(&["a", "b"], &[2]));
    explore(|| read_while_refreshing(&["a"], &[2]));
}

/// What others appended is too much to be read, or nothing is held that it could change.
#[test]
fn all_is_forgotten_as_of_one_moment() {
    explore(|| read_while_refreshing(&["a", "b"], &[2, 3]));
    explore(|| read_while_refreshing(&[], &[2]));
}

/// Others write numbers; while this store learns of them, nobody sees one record behind the other.
fn read_while_refreshing(held: &[&str], numbers: &[u64]) {
    let (driver, store) = quick_store(ROOM);
    let others = Store::new(driver);
    held.iter().for_each(|name| assert_eq!(number(&record(&store, name)), 1));
    numbers.iter().for_each(|number| write_both(&others, *number));
    thread::scope(|scope| {
        scope.spawn(|| store.refresh().unwrap());
        for (first, second) in [("a", "b"), ("b", "a")] {
            let store = &store;
            scope.spawn(move || {
                let seen = number(&record(store, first));
                let then = number(&record(store, second));
                assert!(then >= seen, "{then} after {seen}");
            });
        }
    });
    let last = numbers[numbers.len() - 1];
    assert_eq!((number(&record(&store, "a")), number(&record(&store, "b"))), (last, last));
}

#[test]
fn own_commits_and_those_of_others_are_taken_in_in_order() {
    explore(|| {
        let (driver, store) = quick_store(ROOM);
        number(&record(&store, "a"));
        write_both(&Store::new(driver), 2);
        thread::scope(|scope| {
            scope.spawn(|| assert!(store.refresh().unwrap().get() >= 4));
            scope.spawn(|| {
                record(&store, "a").set("number", &3).unwrap();
                assert_eq!(number(&record(&store, "a")), 3);
                assert_eq!(number(&record(&store, "b")), 2, "what came before is seen as well");
            });
        });
        assert_eq!((number(&record(&store, "a")), number(&record(&store, "b"))), (3, 2));
    });
}

#[test]
fn a_checked_read_is_as_new_as_the_log_was_when_it_began() {
    explore(|| {
        let (driver, store) = quick_store(ROOM);
        number(&record(&store, "a"));
        write_both(&Store::new(Arc::clone(&driver)), 2);
        let checked = store.with_freshness(Freshness::Checked);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| assert_eq!(number(&record(&checked, "a")), 2));
            }
            scope.spawn(|| record(&store, "b").set("number", &3).unwrap());
        });
        assert_eq!((number(&record(&store, "a")), number(&record(&store, "b"))), (2, 3));
    });
}

#[test]
fn a_read_that_an_erasure_overtakes_leaves_no_old_value() {
    explore(|| {
        let (driver, store) = quick_store(ROOM);
        number(&record(&store, "b"));
        write_both(&Store::new(Arc::clone(&driver)), 2);
        let audit = Batch::new(Context::new()).set(Key::parse("__annals/erasures", "e").unwrap(), *b"\x01");
        driver.append(&[audit], Durability::Buffered).unwrap().remove(0).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| store.refresh().unwrap());
            scope.spawn(|| {
                let seen = number(&record(&store, "a"));
                let then = number(&record(&store, "b"));
                assert!(then >= seen, "{then} after {seen}");
            });
        });
        assert_eq!((number(&record(&store, "a")), number(&record(&store, "b"))), (2, 2));
    });
}

#[test]
fn eviction_while_others_read_and_write_loses_nothing() {
    explore(|| {
        // Room for one of the records.
        let (_, store) = quick_store(350);
        thread::scope(|scope| {
            for name in ["a", "b"] {
                let store = &store;
                scope.spawn(move || {
                    let held = record(store, name);
                    let seen = number(&held);
                    assert!(number(&held) >= seen);
                });
            }
            scope.spawn(|| write_both(&store, 2));
        });
        assert!(store.stats().bytes <= 350);
        assert_eq!((number(&record(&store, "a")), number(&record(&store, "b"))), (2, 2));
        assert!(store.stats().evictions > 0);
    });
}
