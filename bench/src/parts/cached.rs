use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::RwLock;
use std::thread;
use std::time::Duration;

use annals::{Record, Store};
use annals_bench::{Commits, Row, Run, Sides, Wanted, Workload, timed};
use fastrand::Rng;

/// The reads of a thread in its turn.
const READS: u32 = 500_000;

pub(crate) fn run(run: &Run) {
    let sides = Sides::filled(Workload::of_small_integers(), 10_000, Commits::Large);
    let (ours, by_hand) = (HeldRecords::of(&sides.store, &sides), IntegersByHand::of(&sides));
    let table = run.table("integer of a held record, cached", 9, ["Annals", "by hand"]);
    let random = RefCell::new(Rng::with_seed(1));
    let [time, _] = table.compare_answers(
        Row { name: "beside a map behind a lock", wanted: Wanted::Time(1.5), count: READS },
        || random.borrow_mut().usize(..Workload::KEYS),
        |key| ours.get(key),
        |key| by_hand.get(key),
        PartialEq::eq,
    );
    run.at_least("reads a second", 1.0 / time.as_secs_f64(), 1e6, "/s");
    let reads = run.times(READS);
    let times = table
        .in_turns(|| [two_threads(reads, |key| ours.get(key)), two_threads(reads, |key| by_hand.get(key))]);
    table.show("two threads, a record each", Wanted::Speed(1.3), times);
    table.compare(
        Row { name: "checked, beside PRAGMA data_version", wanted: Wanted::Time(1.2), count: 20_000 },
        || ours.get(0),
        || sides.by_hand.data_version(),
    );
}

/// Returns the time of a read while two threads read, each the fields of one record.
fn two_threads(reads: u32, get: impl Fn(usize) -> Option<i64> + Sync) -> Duration {
    let all = timed(|| {
        thread::scope(|scope| {
            for record in 0..2 {
                let get = &get;
                scope.spawn(move || {
                    for read in 0..reads as usize {
                        let field = read % Workload::FIELDS;
                        assert!(get(record * Workload::FIELDS + field).is_some());
                    }
                });
            }
        });
    });
    all / (2 * reads)
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
