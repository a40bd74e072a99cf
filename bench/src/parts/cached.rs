use std::collections::HashMap;
use std::hint::{black_box, spin_loop};
use std::sync::RwLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use annals::{Freshness, Record, Store};
use annals_bench::{Commits, Row, Run, Sides, Tables, Wanted, Workload, timed};
use fastrand::Rng;
use rustix::time::{ClockId, clock_gettime};

/// How often each key is read in a side's turn, and by each of two threads each field of its record.
///
/// Many short turns: a busy machine interrupts few of them.
const READS: u32 = 5;
const READS_OF_TWO: u32 = 1_000;
const ROUNDS: u32 = 101;
/// How often two threads try to run at the same time.
const ATTEMPTS: u32 = 50;

pub(crate) fn run(run: &Run) {
    let sides = Sides::filled(Workload::of_small_integers(), 10_000, Commits::Large);
    let store: Store = sides.another_store().freshness(Freshness::Cached).build().into();
    let (ours, by_hand) = (HeldRecords::of(&store, &sides), IntegersByHand::of(&sides));
    assert!((0..Workload::KEYS).all(|key| ours.get(key) == by_hand.get(key)));
    let read_once = store.stats();

    let table = run.table("integer of a held record, cached", ROUNDS, ["Annals", "by hand"]);
    let reads = run.times(READS);
    let [[one], [other]] = table.turns(
        any_order,
        |keys| [mean(keys, reads, |key| ours.get(key))],
        |keys| [mean(keys, reads, |key| by_hand.get(key))],
    );
    table.show("beside a map behind a lock", Wanted::Time(1.5), [one, other]);
    run.at_least("reads a second", 1.0 / one.as_secs_f64(), 1e6, "/s");

    let reads = run.times(READS_OF_TWO);
    let [[one], [other]] = table.turns(
        || (),
        |()| [mean_of_two_threads(reads, |key| ours.get(key))],
        |()| [mean_of_two_threads(reads, |key| by_hand.get(key))],
    );
    table.show("two threads, a record each", Wanted::Speed(1.3), [one, other]);

    let checked = HeldRecords::of(&store.with_freshness(Freshness::Checked).into(), &sides);
    assert_eq!(checked.get(0), by_hand.get(0));
    table.compare(
        Row { name: "checked, beside PRAGMA data_version", wanted: Wanted::Time(1.2), count: 2_000 },
        || checked.get(0),
        || sides.by_hand.data_version(),
    );
    assert_eq!(store.stats().misses, read_once.misses, "what was timed was read from memory");
}

/// Returns the numbers of all keys in random order.
fn any_order() -> Vec<usize> {
    let mut keys: Vec<usize> = (0..Workload::KEYS).collect();
    Rng::new().shuffle(&mut keys);
    keys
}

/// Returns the time of a read while `get` reads all of the keys so often.
fn mean(keys: &[usize], times: u32, get: impl Fn(usize) -> Option<i64>) -> Duration {
    let all = timed(|| {
        for _ in 0..times {
            for key in keys {
                black_box(get(*key));
            }
        }
    });
    all.div_f64(keys.len() as f64 * f64::from(times))
}

/// Returns the time of a read while two threads read, each the fields of one record so often.
///
/// They are in each other's way only while both run. On a busy machine one often waits for a
/// processor: then they try again.
fn mean_of_two_threads(times: u32, get: impl Fn(usize) -> Option<i64> + Sync) -> Duration {
    let mut both = Both::read(times, &get);
    for _ in 1..ATTEMPTS {
        if both.waited < both.elapsed / 20 {
            break;
        }
        let again = Both::read(times, &get);
        if again.waited < both.waited {
            both = again;
        }
    }
    both.elapsed.div_f64(2.0 * Workload::FIELDS as f64 * f64::from(times))
}

/// How long two threads took from when the first began until both had ended, and how much of that one
/// of them did not run.
struct Both {
    elapsed: Duration,
    waited: Duration,
}

impl Both {
    fn read(times: u32, get: &(impl Fn(usize) -> Option<i64> + Sync)) -> Both {
        let started = AtomicUsize::new(0);
        let read = |record: usize| {
            let fields: Vec<usize> =
                (0..Workload::FIELDS).map(|field| record * Workload::FIELDS + field).collect();
            started.fetch_add(1, Ordering::Relaxed);
            while started.load(Ordering::Relaxed) < 2 {
                spin_loop();
            }
            let (begun, run_before) = (Instant::now(), time_on_processor());
            black_box(mean(&fields, times, get));
            (begun, Instant::now(), time_on_processor() - run_before)
        };
        thread::scope(|scope| {
            let other = scope.spawn(|| read(1));
            let (one, other) = (read(0), other.join().unwrap());
            let elapsed = one.1.max(other.1) - one.0.min(other.0);
            Both { elapsed, waited: elapsed.saturating_sub(one.2.min(other.2)) }
        })
    }
}

/// Returns for how long this thread has run.
fn time_on_processor() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

/// Records that are held, and the names of their fields.
struct HeldRecords {
    records: Vec<Record>,
    fields: Vec<String>,
}

impl HeldRecords {
    fn of(store: &Store, sides: &Sides) -> HeldRecords {
        let workload = sides.workload.borrow();
        let first_keys = workload.keys().iter().step_by(Workload::FIELDS);
        let records = first_keys.map(|key| store.record(key.namespace()).unwrap()).collect();
        let fields = workload.keys().iter().take(Workload::FIELDS);
        HeldRecords { records, fields: fields.map(|key| key.field().to_string()).collect() }
    }

    fn get(&self, key: usize) -> Option<i64> {
        let (record, field) = (key / Workload::FIELDS, key % Workload::FIELDS);
        self.records[record].get(self.fields[field].as_str()).unwrap()
    }
}

/// The encoded integers in a map behind a lock, by names that are held.
struct IntegersByHand {
    names: Vec<String>,
    integers: RwLock<HashMap<String, Vec<u8>>>,
}

impl IntegersByHand {
    fn of(Sides { by_hand, workload, .. }: &Sides) -> IntegersByHand {
        let names: Vec<String> = workload.borrow().keys().iter().map(ToString::to_string).collect();
        let integers = names.iter().cloned().enumerate().map(|(key, name)| (name, by_hand.latest(key)));
        IntegersByHand { integers: RwLock::new(integers.collect()), names }
    }

    #[expect(clippy::disallowed_methods, reason = "this is what one would write by hand")]
    fn get(&self, key: usize) -> Option<i64> {
        let integers = self.integers.read().unwrap();
        integers.get(&self.names[key]).map(|bytes| rmp_serde::from_slice(bytes).unwrap())
    }
}
