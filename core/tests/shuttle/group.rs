//! Appends of several threads: each is answered, with what is in the log, and told of in order.

use std::sync::{Arc, Mutex};

use annals_core::{
    Batch, CommitId, Condition, Context, Durability, ErrorKind, Key, Log, Order, Position, PositionRange,
    Store, Watch,
};
use shuttle::thread;

use crate::driver::Yielding;
use crate::explore;

fn key(field: &str) -> Key {
    Key::parse("a", field).unwrap()
}

fn batch(field: &str) -> Batch {
    Batch::new(Context::new()).set(key(field), *b"\x01")
}

/// Returns the ids of all commits, whose positions must be dense.
fn ids(log: &Log) -> Vec<CommitId> {
    let commits = log.commits(PositionRange::ALL, Order::OldestFirst).map(Result::unwrap);
    let numbered = (1..).zip(commits).map(|(number, item)| {
        assert_eq!(item.commit.last.get(), number);
        item.commit.id
    });
    numbered.collect()
}

#[test]
fn every_append_is_answered_with_what_is_in_the_log() {
    explore(|| {
        let log = Log::new(Yielding::new());
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| append_alone_and_after(&log));
            }
            scope.spawn(|| append_with_a_conflict(&log));
        });
        assert_eq!(ids(&log).len(), 3 * 2 + 2);
    });
}

/// The second append is conditional on the first one's position, which nobody may take for one that is
/// not there.
fn append_alone_and_after(log: &Log) {
    let first = batch("x");
    let id = first.id;
    let receipt = log.append(first, Durability::Buffered).unwrap();
    assert_eq!(log.commit_at(receipt.position()).unwrap().unwrap().commit.id, id);
    let since = receipt.position();
    let second = batch("y")
        .on_condition(Condition::NamespaceUnchanged { namespace: key("z").namespace().clone(), since });
    match log.append(second.clone(), Durability::Buffered) {
        Ok(receipt) => assert!(receipt.position() > since),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
            log.append(batch("y"), Durability::Buffered).unwrap();
        }
    }
}

fn append_with_a_conflict(log: &Log) {
    let loses = batch("c").on_condition(Condition::KeyAbsent { key: key("b") });
    let all = vec![batch("b"), loses, batch("d")];
    let expected: Vec<CommitId> = all.iter().map(|batch| batch.id).collect();
    let answers = log.append_all(all, Durability::Synced).unwrap();
    let [Ok(first), Err(_), Ok(third)] = &answers[..] else { panic!("{answers:?}") };
    assert_eq!([first.commit.id, third.commit.id], [expected[0], expected[2]]);
    assert_eq!(third.commit.first, first.commit.last.plus(1), "one request stays together");
}

#[test]
fn where_a_group_does_not_fit_whatever_fits_alone_stands() {
    explore(|| {
        let log = Log::new(Yielding::with_room(1));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    log.append(batch("x"), Durability::Buffered).unwrap();
                });
            }
            scope.spawn(|| {
                let mut large = batch("large");
                large.context.reason = Some("large".into());
                let error = log.append(large, Durability::Buffered).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Full);
            });
        });
        assert_eq!(ids(&log).len(), 3);
    });
}

/// A store whose changes are noted by position.
fn noting(store: &Store) -> (Watch, Arc<Mutex<Vec<u64>>>) {
    let noted = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&noted);
    let note = move |change: &annals_core::Change| {
        thread::yield_now();
        notes.lock().unwrap().push(change.position().get());
    };
    (store.on_change(note), noted)
}

#[test]
fn callbacks_come_in_order_and_before_the_commit_returns() {
    explore(|| {
        let store = Store::new(Yielding::new());
        let (watch, noted) = noting(&store);
        let is_told = |position: Position| noted.lock().unwrap().contains(&position.get());
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for number in 0..2 {
                        let receipt = store.record("r").unwrap().set("n", &number).unwrap();
                        assert!(is_told(receipt.position()));
                    }
                });
            }
            scope.spawn(|| {
                let all = vec![batch("x"), batch("y")];
                for answer in store.log().append_all(all, Durability::Buffered).unwrap() {
                    assert!(is_told(answer.unwrap().position()));
                }
            });
        });
        drop(watch);
        assert_eq!(*noted.lock().unwrap(), [1, 2, 3, 4, 5, 6]);
    });
}

#[test]
fn callbacks_may_write_while_others_commit() {
    explore(|| {
        let store = Store::new(Yielding::new());
        let (watch, noted) = noting(&store);
        let echo = store.clone();
        let echoing = store.on_change(move |change| {
            if change.key().namespace().as_str() == "r" {
                echo.record("echo").unwrap().set("n", &0).unwrap();
            }
        });
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| store.record("r").unwrap().set("n", &1).unwrap());
            }
        });
        drop((watch, echoing));
        assert_eq!(*noted.lock().unwrap(), [1, 2, 3, 4, 5, 6]);
    });
}

#[test]
fn a_callback_is_told_of_all_that_is_appended_after_it_was_added() {
    explore(|| {
        let store = Store::new(Yielding::new());
        let (first_unseen, noted, watch) = thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for number in 0..2 {
                        store.record("r").unwrap().set("n", &number).unwrap();
                    }
                });
            }
            let adding = scope.spawn(|| {
                let (watch, noted) = noting(&store);
                let first_unseen = store.log().last_position().unwrap().get() + 1;
                (first_unseen, noted, watch)
            });
            adding.join().unwrap()
        });
        drop(watch);
        let noted = noted.lock().unwrap();
        let expected: Vec<u64> = (first_unseen..=4).collect();
        assert!(noted.ends_with(&expected), "{noted:?} lacks some of {expected:?}");
        assert!(noted.is_sorted());
    });
}
