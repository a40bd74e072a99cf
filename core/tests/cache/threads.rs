//! Reads and commits of several threads at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use annals_core::{Context, Freshness, Store, Transaction};
use annals_driver_memory::MemoryDriver;

/// Ends the readers, also where the writer panics.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What a thread does again and again, with a number that it keeps.
type Thread<'a> = Box<dyn Fn(&mut u64) + Send + 'a>;

/// Runs `threads` while `write` runs.
fn while_writing(threads: Vec<Thread<'_>>, write: impl FnOnce()) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in threads {
            let done = &done;
            scope.spawn(move || {
                let mut number = 0;
                while !done.load(Ordering::Relaxed) {
                    thread(&mut number);
                }
            });
        }
        let _end = End(&done);
        write();
    });
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Two stores share a log. One commits equal numbers to all records; readers of both must never see the
/// number of one record behind that of another that they read before.
#[test]
fn who_has_seen_a_part_of_a_commit_sees_all_of_it() {
    let cases = [(Freshness::Checked, 64 << 20), (Freshness::Cached, 64 << 20), (Freshness::Checked, 1500)];
    for (freshness, bytes) in cases {
        let driver = Arc::new(MemoryDriver::new());
        let open = || Store::builder(Arc::clone(&driver)).freshness(freshness).cache_bytes(bytes).build();
        let (ours, theirs) = (open(), open());
        // Somebody else refreshes: who reads must not have to wait for what is taken in.
        let refresh: Thread<'_> = Box::new(|known| *known = theirs.refresh().unwrap().get());
        while_writing(vec![reader(&ours), reader(&theirs), reader(&theirs), refresh], || {
            for number in 1..2000_u64 {
                let write = |tx: &Transaction<'_>| {
                    NAMES.iter().try_for_each(|name| tx.record(*name)?.set("number", &number))
                };
                ours.commit(Context::new(), write).unwrap();
            }
        });
    }
}

fn reader(store: &Store) -> Thread<'_> {
    let records = NAMES.map(|name| store.record(name).unwrap());
    Box::new(move |seen| {
        for record in &records {
            let number = record.get::<u64>("number").unwrap().unwrap_or(0);
            assert!(number >= *seen, "{number} after {seen}");
            *seen = number;
        }
    })
}

/// Many records, little room: numbers only ever grow, whoever writes them and whatever is evicted.
#[test]
fn eviction_under_concurrent_writes_loses_nothing() {
    const RECORDS: usize = 60;
    let driver = Arc::new(MemoryDriver::new());
    let store = Store::builder(Arc::clone(&driver)).cache_bytes(8000).build();
    let reader = |seed: usize| -> Thread<'_> {
        let held: Vec<_> = (0..RECORDS / 2).map(|n| store.record(format!("r/{n}")).unwrap()).collect();
        let state = Mutex::new((seed, [0; RECORDS]));
        let store = &store;
        Box::new(move |_| {
            let (at, seen) = &mut *state.lock().unwrap();
            *at = (*at * 7 + seed) % RECORDS;
            let number = match held.get(*at) {
                Some(record) => record.get::<u64>("number"),
                None => store.record(format!("r/{at}")).unwrap().get("number"),
            };
            let number = number.unwrap().unwrap_or(0);
            assert!(number >= seen[*at], "{number} after {}", seen[*at]);
            seen[*at] = number;
        })
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
