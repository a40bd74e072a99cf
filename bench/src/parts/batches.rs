use std::path::Path;
use std::time::Duration;

use annals::{Durability, Log, Position, SqliteDriver};
use annals_bench::{ByHand, Run, Table, Tables, Wanted, Workload, Write, percentile, timed};

const ENTRIES: usize = 1_000_000;
/// The batches of a side in its turn.
const TURN: usize = 10;

const LOG: usize = 0;
const DRIVER: usize = 1;
const BY_HAND: usize = 2;

pub(crate) fn run(run: &Run) {
    for (keys, wanted) in [(Workload::KEYS, 8.0), (ENTRIES, 4.0)] {
        let keys = run.entries(keys);
        let table = run.table(&format!("batch of 1,000, from empty, {keys} keys"), 3, ["Annals", "by hand"]);
        compare(&table, keys, run.entries(ENTRIES), wanted);
    }
}

fn compare(table: &Table<'_>, keys: usize, entries: usize, wanted: f64) {
    let figures = table.rounds(|| {
        let [log, driver, by_hand] = &fill(Workload::with_keys(keys), entries);
        let [log_mean, log_p50, log_p99, log_max] = summary(log);
        let [mean, p50, p99, max] = summary(by_hand);
        [log_mean, mean, log_p50, p50, log_p99, p99, log_max, max, summary(driver)[0]]
    });
    let [log_mean, mean, log_p50, p50, log_p99, p99, log_max, max, driver_mean] = figures;
    table.show("mean", Wanted::Speed(wanted), [log_mean, mean]);
    table.show("mean of the driver alone", Wanted::Nothing, [driver_mean, mean]);
    table.show("median", Wanted::Nothing, [log_p50, p50]);
    table.show("99th percentile", Wanted::Nothing, [log_p99, p99]);
    table.show("maximum", Wanted::Time(1.0), [log_max, max]);
}

/// Writes the same batches, each durable, to a log, to a driver alone and by hand, in turns; returns
/// the time of each batch.
fn fill(mut workload: Workload, entries: usize) -> [Vec<Duration>; 3] {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::new(open(&folder.path().join("log.db")));
    let driver = Log::new(open(&folder.path().join("driver.db")));
    let by_hand = ByHand::open(&folder.path().join("by_hand.db"));
    let append = |side, batch, writes: &[Write]| match side {
        LOG => timed(|| drop(log.append(batch, Durability::Synced).unwrap())),
        DRIVER => timed(|| drop(driver.driver().append(&[batch], Durability::Synced).unwrap())),
        _ => timed(|| by_hand.append(writes)),
    };
    let mut times = [const { Vec::new() }; 3];
    for round in 0..entries / (TURN * Workload::BATCH) {
        let turn: Vec<_> = (0..TURN).map(|_| workload.next_writes(Workload::BATCH)).collect();
        for side in [LOG, DRIVER, BY_HAND].map(|side| (side + round) % 3) {
            for writes in &turn {
                times[side].push(append(side, workload.batch(writes), writes));
            }
        }
    }
    verify(&mut workload, [&log, &driver], &by_hand);
    times
}

fn verify(workload: &mut Workload, logs: [&Log; 2], by_hand: &ByHand) {
    for _ in 0..1_000 {
        let key = workload.any_key();
        for log in logs {
            let entry = log.entry(workload.key(key), Position::MAX).unwrap().unwrap();
            assert_eq!(**entry.action.bytes().unwrap(), by_hand.latest(key));
        }
    }
}

fn open(path: &Path) -> SqliteDriver {
    SqliteDriver::options().cache_kib(ByHand::CACHE_KIB).open(path).unwrap()
}

fn summary(times: &[Duration]) -> [Duration; 4] {
    let mean = times.iter().sum::<Duration>().div_f64(times.len() as f64);
    let [p50, p99, max] = [50, 99, 100].map(|percent| percentile(times.to_vec(), percent));
    [mean, p50, p99, max]
}
