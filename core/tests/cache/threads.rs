//! Reads and commits of several threads at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use annals_core::{Context, Freshness, Store};
use annals_driver_memory::MemoryDriver;

/// Ends the readers, also where the writer panics.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `readers` in threads of their own while `write` runs.
fn while_writing<R: Fn(&dyn Fn() -> bool) + Send>(readers: Vec<R>, write: impl FnOnce()) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for reader in readers {
            let goes_on = || !done.load(Ordering::Relaxed);
            scope.spawn(move || reader(&goes_on));
        }
        let _end = End(&done);
        write();
    });
}

/// Two stores share a log. One commits equal numbers to two records; readers of both stores must never
/// see the number of the second behind that of the first.
#[test]
fn who_has_seen_a_part_of_a_commit_sees_all_of_it() {
    for (freshness, bytes) in
        [(Freshness::Checked, 64 << 20), (Freshness::Cached, 64 << 20), (Freshness::Checked, 1500)]
    {
        let driver = Arc::new(MemoryDriver::new());
        let open = || Store::builder(Arc::clone(&driver)).freshness(freshness).cache_bytes(bytes).build();
        let (ours, theirs) = (open(), open());
        let names = ["a", "b", "c", "d"];
        let reader = |store: &Store| {
            let records = names.map(|name| store.record(name).unwrap());
            let store = store.clone();
            move |goes_on: &dyn Fn() -> bool| {
                let mut seen = 0;
                while goes_on() {
                    for record in &records {
                        let number = record.get::<u64>("number").unwrap().unwrap_or(0);
                        assert!(number >= seen, "{number} after {seen}");
                        seen = number;
                    }
                    if freshness == Freshness::Cached {
                        store.refresh().unwrap();
                    }
                }
            }
        };
        while_writing(vec![reader(&ours), reader(&ours), reader(&theirs)], || {
            for number in 1..2000_u64 {
                ours.commit(Context::new(), |tx| {
                    names.iter().try_for_each(|name| tx.record(*name)?.set("number", &number))
                })
                .unwrap();
            }
        });
    }
}

/// Many records, little room: numbers only ever grow, whoever writes them and whatever is evicted.
#[test]
fn eviction_under_concurrent_writes_loses_nothing() {
    const RECORDS: usize = 60;
    let driver = Arc::new(MemoryDriver::new());
    let store = Store::builder(Arc::clone(&driver)).cache_bytes(8000).build();
    let reader = |seed: usize| {
        let store = store.clone();
        move |goes_on: &dyn Fn() -> bool| {
            let held: Vec<_> = (0..RECORDS / 2).map(|n| store.record(format!("r/{n}")).unwrap()).collect();
            let mut seen = [0; RECORDS];
            let mut at = seed;
            while goes_on() {
                at = (at * 7 + seed) % RECORDS;
                let number = match held.get(at) {
                    Some(record) => record.get::<u64>("number"),
                    None => store.record(format!("r/{at}")).unwrap().get("number"),
                };
                let number = number.unwrap().unwrap_or(0);
                assert!(number >= seen[at], "{number} after {}", seen[at]);
                seen[at] = number;
            }
        }
    };
    while_writing(vec![reader(1), reader(11)], || {
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for n in 0..3000 {
                        let record = store.record(format!("r/{}", n % RECORDS)).unwrap();
                        record.edit_or_default("number", |number: &mut u64| *number += 1).unwrap();
                    }
                });
            }
        });
    });
    let stats = store.stats();
    assert!(stats.bytes <= 8000 && stats.evictions > 0 && stats.hits > 0, "{stats:?}");
    for n in 0..RECORDS {
        let record = store.record(format!("r/{n}")).unwrap();
        assert_eq!(record.get::<u64>("number").unwrap(), Some(100));
    }
}
