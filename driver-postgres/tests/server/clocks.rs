//! The clocks of clients may differ, fall and leap; the times of recording do not fall: promise 7.

use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

use annals_core::codec::Timestamp;
use annals_core::{At, Batch, Clock, Context, Durability, Key, Log, Order, PositionRange, Selector};
use annals_driver_postgres::AppendBy;

use crate::common::Scratch;

const YEAR: i64 = 365 * 24 * 3600 * 1_000_000;

/// A clock that begins at a moment and goes on by so many microseconds at every look.
struct Going {
    at: AtomicI64,
    by: i64,
}

impl Going {
    fn new(from: i64, by: i64) -> Going {
        Going { at: AtomicI64::new(from), by }
    }
}

impl Clock for Going {
    fn now(&self) -> Timestamp {
        let micros = self.at.fetch_add(self.by, Ordering::SeqCst);
        Timestamp::from_micros(micros).unwrap()
    }
}

/// A clock that stands at one moment.
struct Standing(Timestamp);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        self.0
    }
}

fn key() -> Key {
    Key::parse("a", "x").unwrap()
}

fn set(log: &Log) -> Timestamp {
    let batch = Batch::new(Context::new()).set(key(), *b"\x01");
    log.append(batch, Durability::Buffered).unwrap().commit.recorded_at
}

/// The times of recording, in order of positions, with the ends of their commits.
fn times(log: &Log) -> Vec<(Timestamp, u64)> {
    let commits = log.driver().commits(PositionRange::ALL, Order::OldestFirst, usize::MAX).unwrap();
    commits.iter().map(|item| (item.commit.recorded_at, item.commit.last.get())).collect()
}

#[test]
fn times_never_fall_however_the_clocks_of_several_clients_go() {
    const COMMITS: usize = 30;
    for by in [AppendBy::Function, AppendBy::Statements] {
        let Some(scratch) = Scratch::new() else { return };
        let open = || Log::new(scratch.options().append_by(by).open().unwrap());
        let clients = [
            open().with_clock(Going::new(50 * YEAR, 1_000)),
            open().with_clock(Going::new(50 * YEAR, -1_000)),
            open().with_clock(Going::new(40 * YEAR, YEAR)),
            open().with_clock(Standing(Timestamp::MIN)),
        ];
        thread::scope(|scope| {
            for client in &clients {
                scope.spawn(move || {
                    let told: Vec<Timestamp> = (0..COMMITS).map(|_| set(client)).collect();
                    assert!(told.is_sorted(), "a client is told of a time that fell");
                });
            }
        });
        let times = times(&open());
        assert_eq!(times.len(), clients.len() * COMMITS);
        assert!(times.is_sorted(), "a time fell, by {by:?}");
        assert!(times.last().unwrap().0.as_micros() >= (40 + 29) * YEAR, "the fastest clock is followed");
        for (time, _) in &times {
            let last = times.iter().rfind(|(other, _)| other <= time).unwrap().1;
            assert_eq!(clients[3].boundary(At::Time(*time)).unwrap().get(), last, "as of {time}");
        }
    }
}

#[test]
fn a_clock_that_has_fallen_far_records_the_last_time_again() {
    for by in [AppendBy::Function, AppendBy::Statements] {
        let Some(scratch) = Scratch::new() else { return };
        let client =
            |clock| Log::new(scratch.options().append_by(by).open().unwrap()).with_clock(Standing(clock));
        let (ahead, behind) = (client(Timestamp::MAX), client(Timestamp::MIN));
        assert_eq!(set(&behind), Timestamp::MIN);
        let now = Timestamp::now();
        assert_eq!(set(&client(now)), now);
        assert_eq!(set(&behind), now);
        assert_eq!(set(&ahead), Timestamp::MAX);
        assert_eq!(set(&client(now)), Timestamp::MAX);

        let context = Context::new().actor("dana").reason("asked to");
        let erasure = behind.erase(&Selector::key(key()), &context).unwrap();
        assert_eq!(erasure.entries, 5);
        let all: Vec<Timestamp> = times(&ahead).into_iter().map(|(time, _)| time).collect();
        let max = Timestamp::MAX;
        assert_eq!(all, [Timestamp::MIN, now, now, max, max, max], "by {by:?}");
        let ends = [(Timestamp::MIN, 1), (now, 3), (Timestamp::MAX, 6)];
        assert!(ends.iter().all(|(time, end)| behind.boundary(At::Time(*time)).unwrap().get() == *end));
    }
}
