//! How much is held, and what goes when it is too much.

use std::sync::Arc;

use annals_core::{Freshness, Store};

use super::spy::{Calls, Spy};

const RECORDS: u64 = 2000;

/// A store with many records of two fields, which were all read once.
fn read_all(store: &Store) {
    for number in 0..RECORDS {
        let record = store.record(format!("r/{number}")).unwrap();
        assert_eq!(record.get::<u64>("number").unwrap(), Some(number));
        assert_eq!(record.get::<String>("text").unwrap(), Some("x".repeat(40)));
        assert_eq!(record.get::<u64>("nothing").unwrap(), None);
    }
}

fn written() -> Arc<Spy> {
    let spy = Spy::new();
    let store = Store::builder(Arc::clone(&spy)).cache_bytes(0).build();
    for number in 0..RECORDS {
        let write = |tx: &annals_core::Transaction<'_>| {
            let record = tx.record(format!("r/{number}"))?;
            record.set("number", &number)?;
            record.set("text", &"x".repeat(40))
        };
        store.commit(annals_core::Context::new(), write).unwrap();
    }
    spy.calls();
    spy
}

fn store(spy: &Arc<Spy>, bytes: usize) -> Store {
    Store::builder(Arc::clone(spy)).cache_bytes(bytes).freshness(Freshness::Cached).build()
}

#[test]
fn all_that_fits_is_held() {
    let spy = written();
    let store = store(&spy, 16 << 20);
    read_all(&store);
    let first = store.stats();
    assert_eq!((first.entries, first.hits, first.misses, first.evictions), (3 * RECORDS, 0, 3 * RECORDS, 0));
    spy.calls();
    read_all(&store);
    assert_eq!(spy.calls(), Calls::default());
    let second = store.stats();
    assert_eq!((second.entries, second.bytes), (first.entries, first.bytes));
    assert_eq!((second.hits, second.misses), (3 * RECORDS, 3 * RECORDS));
}

#[test]
fn no_more_is_held_than_allowed() {
    let spy = written();
    for bytes in [1, 1000, 20_000, 100_000] {
        let store = store(&spy, bytes);
        let held: Vec<_> = (0..50).map(|n| store.record(format!("r/{n}")).unwrap()).collect();
        for _ in 0..2 {
            read_all(&store);
            held.iter().for_each(|record| assert_eq!(record.get::<u64>("nothing").unwrap(), None));
            let stats = store.stats();
            assert!(stats.bytes <= bytes as u64, "{stats:?} in {bytes}");
            // Into one byte nothing fits but what is not there.
            assert!(stats.entries == stats.misses - stats.evictions || bytes == 1, "{stats:?}");
        }
        assert!(store.stats().evictions > RECORDS);
        assert_eq!(store.stats().entries > 100, bytes == 100_000, "{:?}", store.stats());
    }
}

#[test]
fn what_is_in_use_stays() {
    let spy = written();
    let store = store(&spy, 100_000);
    let used = store.record("r/7").unwrap();
    for number in 0..RECORDS {
        let other = store.record(format!("r/{number}")).unwrap();
        assert_eq!(other.get::<u64>("number").unwrap(), Some(number));
        assert_eq!(used.get::<u64>("number").unwrap(), Some(7));
    }
    let stats = store.stats();
    assert!(stats.evictions > RECORDS / 2, "{stats:?}");
    assert_eq!(stats.misses, RECORDS, "each was read once from the log, the one in use too");
}

#[test]
fn one_record_with_more_fields_than_fit_is_held_in_part() {
    let spy = Spy::new();
    let store = store(&spy, 100_000);
    let record = store.record("words").unwrap();
    let write = |tx: &annals_core::Transaction<'_>| {
        (0..5000).try_for_each(|n| tx.record("words")?.set(format!("word{n}"), &n))
    };
    store.commit(annals_core::Context::new(), write).unwrap();
    for n in 0..5000 {
        assert_eq!(record.get::<u64>(format!("word{n}")).unwrap(), Some(n));
    }
    let stats = store.stats();
    assert!(stats.bytes <= 100_000 && stats.entries > 200, "{stats:?}");
    assert_eq!(stats.entries + stats.evictions, 5000);
}

#[test]
fn values_that_would_drive_out_most_others_are_not_held() {
    let spy = Spy::new();
    let store = store(&spy, 8000);
    let record = store.record("r").unwrap();
    record.set("small", &1).unwrap();
    record.set("large", &"x".repeat(1200)).unwrap();
    for _ in 0..3 {
        assert_eq!(record.get::<i64>("small").unwrap(), Some(1));
        assert_eq!(record.get::<String>("large").unwrap().unwrap().len(), 1200);
    }
    assert_eq!((store.stats().entries, store.stats().misses), (1, 4));

    record.set("small", &"x".repeat(1200)).unwrap();
    assert_eq!(store.stats().entries, 0, "one that has grown goes");
    assert_eq!(record.get::<String>("small").unwrap().unwrap().len(), 1200);
}

#[test]
fn without_a_cache_every_read_asks_for_nothing_but_the_entry() {
    let spy = written();
    let store = store(&spy, 0);
    let record = store.record("r/7").unwrap();
    for _ in 0..3 {
        assert_eq!(record.get::<u64>("number").unwrap(), Some(7));
    }
    assert_eq!(spy.calls(), Calls { entry: 3, ..Calls::default() });
    let other = Store::builder(Arc::clone(&spy)).cache_bytes(0).build();
    other.record("r/7").unwrap().set("number", &8).unwrap();
    assert_eq!(record.get::<u64>("number").unwrap(), Some(8), "and is fresh");
    assert_eq!(store.refresh().unwrap().get(), 2 * RECORDS + 1);
    assert_eq!(store.stats(), annals_core::CacheStats::default());
}

#[test]
fn a_handle_finds_its_record_again_after_all_was_let_go() {
    let spy = written();
    let store = store(&spy, 20_000);
    let record = store.record("r/7").unwrap();
    assert_eq!(record.get::<u64>("number").unwrap(), Some(7));
    read_all(&store);
    let again = store.record("r/7").unwrap();
    assert_eq!(again.get::<u64>("number").unwrap(), Some(7));
    again.set("number", &8).unwrap();
    assert_eq!(record.get::<u64>("number").unwrap(), Some(8));
}
