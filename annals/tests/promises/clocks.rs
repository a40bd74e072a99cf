//! The clock may run backwards; the times of recording do not.

use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

use annals::codec::Timestamp;
use annals::{Clock, CommitEntries, Context, MemoryDriver, Order, PositionRange, SqliteDriver, Store};

/// A clock that falls by a second at every look, and once in seven looks jumps ahead.
#[derive(Default)]
struct Falling(AtomicI64);

impl Clock for Falling {
    fn now(&self) -> Timestamp {
        let look = self.0.fetch_add(1, Ordering::SeqCst);
        let jump = if look % 7 == 6 { look * 3_000_000 } else { 0 };
        Timestamp::from_micros(1_000_000_000_000 - look * 1_000_000 + jump).unwrap()
    }
}

fn commits(store: &Store) -> Vec<CommitEntries> {
    store.commits(PositionRange::ALL, Order::OldestFirst).collect::<Result<_, _>>().unwrap()
}

fn times_rise_though_the_clock_falls(store: &Store) {
    const THREADS: usize = 4;
    const COMMITS: usize = 25;
    thread::scope(|scope| {
        for writer in 0..THREADS {
            scope.spawn(move || {
                for number in 0..COMMITS {
                    let done = store.commit(Context::new(), |tx| {
                        tx.record("shared")?.set("n", &number)?;
                        tx.record(&*format!("own/{writer}"))?.set("n", &number)
                    });
                    assert!(done.unwrap().receipt.is_some());
                }
            });
        }
    });
    let commits = commits(store);
    assert_eq!(commits.len(), THREADS * COMMITS);
    let times: Vec<Timestamp> = commits.iter().map(|item| item.commit.recorded_at).collect();
    assert!(times.is_sorted(), "a time fell");
    assert!(times.first() < times.last(), "the clock never jumped ahead: nothing was tested");
    for time in &times {
        let last = commits.iter().rfind(|item| item.commit.recorded_at <= *time).unwrap();
        assert_eq!(store.at_time(*time).unwrap().position(), last.commit.last, "as of {time}");
    }
}

#[test]
fn times_rise_though_the_clock_falls_in_memory() {
    let store = Store::builder(MemoryDriver::new()).clock(Falling::default()).build();
    times_rise_though_the_clock_falls(&store.into());
}

#[test]
fn times_rise_though_the_clock_falls_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let driver = SqliteDriver::open(folder.path().join("log.db")).unwrap();
    let store = Store::builder(driver).clock(Falling::default()).build();
    times_rise_though_the_clock_falls(&store.into());
}
