//! Reads that are overtaken by commits: what they bring is not kept.

use std::sync::Arc;

use annals_core::{Context, Freshness, Record, Store};

use super::spy::Spy;

fn started() -> (Arc<Spy>, Store) {
    let spy = Spy::new();
    let store = Store::new(Arc::clone(&spy));
    store.record("game/player1").unwrap().set("score", &10).unwrap();
    (spy, store)
}

fn score(record: &Record) -> Option<i64> {
    record.get("score").unwrap()
}

/// Lets `overtake` happen while a record without a shelf, or with one, is read; what counts is what is
/// read next.
fn overtaken(with_shelf: bool, overtake: impl FnOnce(&Arc<Spy>, &Store) + Send + 'static) -> Record {
    let (spy, store) = started();
    let record = store.record("game/player1").unwrap();
    if with_shelf {
        assert_eq!(record.get::<i64>("round").unwrap(), None);
    }
    let (log, between) = (Arc::clone(&spy), store.clone());
    spy.before_next_answer(move || overtake(&log, &between));
    assert_eq!(score(&record), Some(10), "true when the read began");
    record
}

#[test]
fn a_read_that_a_commit_overtakes_leaves_no_old_value() {
    for with_shelf in [false, true] {
        let record = overtaken(with_shelf, |_, store| {
            store.record("game/player1").unwrap().set("score", &20).unwrap();
        });
        let quick = record.store().with_freshness(Freshness::Cached).record("game/player1").unwrap();
        assert_eq!((score(&quick), score(&record)), (Some(20), Some(20)));
    }
}

#[test]
fn a_read_that_a_long_gap_overtakes_leaves_no_old_value() {
    for with_shelf in [false, true] {
        let record = overtaken(with_shelf, |log, store| {
            let many = |tx: &annals_core::Transaction<'_>| {
                tx.record("game/player1")?.set("score", &20)?;
                (0..5000).try_for_each(|n| tx.record("other")?.set(format!("f{n}"), &n))
            };
            let other = Store::new(Arc::clone(log));
            other.commit(Context::new(), many).unwrap();
            store.refresh().unwrap();
        });
        assert_eq!((score(&record), score(&record)), (Some(20), Some(20)));
    }
}

#[test]
fn a_read_that_a_commit_elsewhere_overtakes_is_kept() {
    let record = overtaken(true, |_, store| {
        store.record("game/player2").unwrap().set("score", &20).unwrap();
    });
    let misses = record.store().stats().misses;
    assert_eq!(score(&record), Some(10));
    assert_eq!(record.store().stats().misses, misses);
}

#[test]
fn a_read_of_the_past_that_a_commit_overtakes_leaves_no_old_value() {
    let (spy, store) = started();
    let before = store.snapshot().unwrap().record("game/player1").unwrap();
    let between = store.clone();
    spy.before_next_answer(move || {
        between.record("game/player1").unwrap().set("score", &20).unwrap();
    });
    assert_eq!(before.get::<i64>("score").unwrap(), Some(10));
    assert_eq!(score(&store.record("game/player1").unwrap()), Some(20));
    assert_eq!(before.get::<i64>("score").unwrap(), Some(10));
}

#[test]
fn what_was_read_of_the_past_is_not_kept_as_the_present() {
    let (_, store) = started();
    let record = store.record("game/player1").unwrap();
    let first = store.snapshot().unwrap();
    record.set("score", &20).unwrap();
    assert_eq!(first.record("game/player1").unwrap().get::<i64>("score").unwrap(), Some(10));
    assert_eq!(score(&record), Some(20));
    assert_eq!(first.record("game/player1").unwrap().get::<i64>("score").unwrap(), Some(10));
}
