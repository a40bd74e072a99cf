//! What a read knows of the commits of others, and what it costs to know.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use annals_core::codec::Uuid;
use annals_core::{Batch, Context, Durability, ErrorKind, Freshness, Key, Position, Record, Selector, Store};
use annals_driver_memory::MemoryDriver;

use super::spy::{Calls, Spy};

fn player(store: &Store) -> Record {
    store.record("game/player1").unwrap()
}

fn score(record: &Record) -> Option<i64> {
    record.get("score").unwrap()
}

/// Two stores over one log, as two processes have them, and what their reads cost.
fn two_stores() -> (Arc<Spy>, Store, Store) {
    let spy = Spy::new();
    let (ours, theirs) = (Store::new(Arc::clone(&spy)), Store::new(Arc::clone(&spy)));
    player(&theirs).set("score", &10).unwrap();
    spy.calls();
    (spy, ours, theirs)
}

#[test]
fn opening_reads_nothing_and_a_first_read_no_history() {
    let (spy, _, theirs) = two_stores();
    for other in 0..100 {
        theirs.record(format!("other/{other}")).unwrap().set("score", &other).unwrap();
    }
    spy.calls();
    let store = Store::new(Arc::clone(&spy));
    let record = player(&store);
    assert_eq!(spy.calls(), Calls::default());
    assert_eq!(score(&record), Some(10));
    assert_eq!(spy.calls(), Calls { last_position: 1, entry: 1, ..Calls::default() });
}

#[test]
fn a_checked_read_asks_only_whether_the_log_moved() {
    let (spy, ours, theirs) = two_stores();
    let record = player(&ours);
    assert_eq!((score(&record), score(&record)), (Some(10), Some(10)));
    assert_eq!(spy.calls(), Calls { last_position: 2, entry: 1, ..Calls::default() });

    player(&theirs).set("score", &20).unwrap();
    spy.calls();
    assert_eq!(score(&record), Some(20));
    assert_eq!(spy.calls(), Calls { last_position: 1, commits: 2, ..Calls::default() }, "and catches up");
}

#[test]
fn a_cached_read_asks_nothing_until_told_to() {
    let (spy, ours, theirs) = two_stores();
    let quick = player(&ours.with_freshness(Freshness::Cached));
    assert_eq!(score(&quick), Some(10));
    player(&theirs).set("score", &20).unwrap();
    spy.calls();
    assert_eq!(score(&quick), Some(10));
    assert_eq!(spy.calls(), Calls::default());

    assert_eq!(ours.refresh().unwrap(), Position::new(2).unwrap());
    assert_eq!(score(&quick), Some(20));
}

#[test]
fn a_cached_read_sees_what_was_loaded_through_its_store() {
    let other = Store::new(MemoryDriver::new());
    let ours = Store::builder(MemoryDriver::new()).freshness(Freshness::Cached).build();
    for number in [10, 20] {
        player(&other).set("score", &number).unwrap();
        let mut dump = Vec::new();
        other.log().dump(&mut dump, |_| {}).unwrap();
        ours.log().load(&mut &dump[..], |_| {}).unwrap();
        assert_eq!(score(&player(&ours)), Some(number));
    }
}

#[test]
fn a_cached_read_sees_the_commit_that_a_repeated_append_found() {
    let (_, ours, theirs) = two_stores();
    let quick = player(&ours.with_freshness(Freshness::Cached));
    assert_eq!(score(&quick), Some(10));
    let key = Key::parse("game/player1", "score").unwrap();
    let order = Batch::new(Context::new()).with_id(Uuid::from_bytes([7; 16])).set(key, *b"\x14");
    theirs.log().append(order.clone(), Durability::Synced).unwrap();
    assert_eq!(score(&quick), Some(10));
    assert!(ours.log().append(order, Durability::Synced).unwrap().repeated);
    assert_eq!(score(&quick), Some(20));
}

#[test]
fn a_checked_read_refreshes_the_cached_ones() {
    let (_, ours, theirs) = two_stores();
    let quick = player(&ours.with_freshness(Freshness::Cached));
    assert_eq!(score(&quick), Some(10));
    player(&theirs).set("score", &20).unwrap();
    assert_eq!(score(&player(&ours)), Some(20));
    assert_eq!(score(&quick), Some(20));
}

#[test]
fn own_commits_are_always_seen_and_cost_no_read() {
    let (spy, ours, _) = two_stores();
    let quick = player(&ours.with_freshness(Freshness::Cached));
    assert_eq!(score(&quick), Some(10));
    spy.calls();
    for value in 0..10 {
        quick.set("score", &value).unwrap();
        assert_eq!(score(&quick), Some(value));
        quick.delete("score").unwrap();
        assert_eq!(score(&quick), None);
    }
    let calls = spy.calls();
    assert_eq!((calls.entry, calls.commits), (0, 0));
}

#[test]
fn own_commits_are_seen_together_with_those_of_others_before_them() {
    let (_, ours, theirs) = two_stores();
    let quick = ours.with_freshness(Freshness::Cached);
    assert_eq!(score(&player(&quick)), Some(10));
    player(&theirs).set("score", &20).unwrap();
    quick.record("game/player2").unwrap().set("score", &1).unwrap();
    assert_eq!(score(&player(&quick)), Some(20));
}

#[test]
fn all_reads_of_a_cached_handle_are_of_one_state() {
    let (_, ours, theirs) = two_stores();
    let quick = player(&ours.with_freshness(Freshness::Cached));
    assert_eq!(score(&quick), Some(10));
    player(&theirs).set("score", &20).unwrap();
    player(&theirs).set("round", &1).unwrap();

    assert_eq!(quick.get::<i64>("round").unwrap(), None, "not even what was never read before");
    assert_eq!(quick.entry("score").unwrap().unwrap().position().get(), 1);
    assert_eq!(quick.entries().unwrap().len(), 1);
    assert_eq!(quick.history("score").unwrap().into_iter().count(), 1);
    assert_eq!(quick.history_of_all().unwrap().into_iter().count(), 1);
    assert_eq!(quick.within("round", &1).unwrap().get::<i64>("score").unwrap(), None);
    assert_eq!(quick.store().snapshot().unwrap().position().get(), 1);
    quick.add_virtual_field("double", |past| Ok(past.get::<i64>("score")?.unwrap() * 2)).unwrap();
    assert_eq!(quick.get::<i64>("double").unwrap(), Some(20));

    assert_eq!(ours.refresh().unwrap().get(), 3);
    assert_eq!(quick.get::<i64>("round").unwrap(), Some(1));
    assert_eq!(quick.get::<i64>("double").unwrap(), Some(40));
}

#[test]
fn what_is_read_in_order_to_write_is_checked() {
    let (_, ours, theirs) = two_stores();
    let quick = ours.with_freshness(Freshness::Cached);
    let record = player(&quick);
    assert_eq!(score(&record), Some(10));

    player(&theirs).set("score", &20).unwrap();
    record.edit("score", |score: &mut i64| *score += 1).unwrap();
    assert_eq!(score(&record), Some(21));

    player(&theirs).set("score", &30).unwrap();
    let seen = quick.transaction(Context::new(), |tx| tx.record("game/player1")?.get::<i64>("score"));
    assert_eq!(seen.unwrap().value, Some(30));

    player(&theirs).delete("score").unwrap();
    assert_eq!(record.delete("score").unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_snapshot_is_answered_from_memory_where_nothing_changed_since() {
    let (spy, ours, _) = two_stores();
    let live = player(&ours);
    assert_eq!(score(&live), Some(10));
    let before = ours.snapshot().unwrap().record("game/player1").unwrap();
    spy.calls();
    assert_eq!(before.get::<i64>("score").unwrap(), Some(10));
    assert_eq!(spy.calls(), Calls::default());

    live.set("score", &20).unwrap();
    assert_eq!(before.get::<i64>("score").unwrap(), Some(10));
    assert_eq!(spy.calls(), Calls { entry: 1, ..Calls::default() });
    assert_eq!(score(&live), Some(20), "and what was read of the past is not taken for the present");
}

#[test]
fn a_long_gap_is_not_read() {
    let (spy, ours, theirs) = two_stores();
    let record = player(&ours);
    assert_eq!(score(&record), Some(10));
    let whole = |tx: &annals_core::Transaction<'_>| {
        (0..5000).try_for_each(|n| tx.record("other")?.set(format!("f{n}"), &n))
    };
    theirs.commit(Context::new(), whole).unwrap();
    player(&theirs).set("score", &20).unwrap();
    spy.calls();
    assert_eq!(score(&record), Some(20));
    assert_eq!(spy.calls(), Calls { last_position: 1, entry: 1, ..Calls::default() });
}

#[test]
fn a_log_that_cannot_be_read_is_no_reason_for_an_old_answer() {
    let (spy, ours, theirs) = two_stores();
    let record = player(&ours);
    assert_eq!(score(&record), Some(10));
    player(&theirs).set("score", &20).unwrap();
    spy.damaged.store(true, Ordering::Relaxed);
    assert_eq!(record.get::<i64>("score").unwrap_err().kind(), ErrorKind::Corrupt);
    spy.damaged.store(false, Ordering::Relaxed);
    assert_eq!(score(&record), Some(20));
}

#[test]
fn what_was_erased_is_not_held_any_longer() {
    let (_, ours, theirs) = two_stores();
    let quick = player(&ours.with_freshness(Freshness::Cached));
    let all = || Selector::record(quick.namespace().clone());
    let dana = || Context::new().actor("dana").reason("asked for");
    let kind = |record: &Record| record.get::<i64>("score").unwrap_err().kind();

    assert_eq!(score(&quick), Some(10));
    ours.erase(&all(), dana()).unwrap();
    assert_eq!((kind(&quick), kind(&player(&ours))), (ErrorKind::Erased, ErrorKind::Erased));

    quick.set("score", &20).unwrap();
    assert_eq!(score(&quick), Some(20));
    theirs.erase(&all(), dana()).unwrap();
    assert_eq!(score(&quick), Some(20), "erased by another process, and not known yet");
    assert_eq!(kind(&player(&ours)), ErrorKind::Erased);
    assert_eq!(kind(&quick), ErrorKind::Erased);
}

#[test]
fn names_are_checked_whatever_is_held() {
    let (_, ours, _) = two_stores();
    let record = player(&ours);
    assert_eq!(score(&record), Some(10));
    assert_eq!(record.get::<i64>("no name").unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(record.get::<i64>("").unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(record.get::<i64>("score".to_owned()).unwrap(), Some(10));
    let field: annals_core::Field = "score".parse().unwrap();
    assert_eq!(record.get::<i64>(&field).unwrap(), Some(10));
    assert_eq!(record.get::<String>(field).unwrap_err().kind(), ErrorKind::TypeMismatch);
}
