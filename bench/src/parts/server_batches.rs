use std::time::Duration;

use annals::{Durability, Log};
use annals_bench::{Run, Scratch, Tables, Wanted, Workload, percentile, timed};

const ENTRIES: usize = 1_000_000;
/// The batches of a side in its turn.
const TURN: usize = 10;

pub(crate) fn run(run: &Run) {
    let entries = run.entries(ENTRIES);
    let table = run.table("batch of 1,000 on the server, from empty", 3, ["Annals", "by hand"]);
    let [mean, mean_by_hand, p99, p99_by_hand] = table.rounds(|| {
        let scratch = Scratch::new();
        let [ours, by_hand] = fill(&scratch, entries);
        scratch.analyze();
        let [bytes, bytes_by_hand] = scratch.bytes().map(|bytes| bytes as f64 / entries as f64);
        run.at_most("bytes an entry", bytes, 190.0, "bytes");
        run.shown("the same by hand, without the texts of keys", bytes_by_hand, "bytes");
        let mean = |times: &[Duration]| times.iter().sum::<Duration>().div_f64(times.len() as f64);
        [mean(&ours), mean(&by_hand), percentile(ours, 99), percentile(by_hand, 99)]
    });
    table.show("mean", Wanted::Speed(0.85), [mean, mean_by_hand]);
    table.show("99th percentile", Wanted::Nothing, [p99, p99_by_hand]);
}

/// Writes the same batches, each durable, to a log and by hand, in turns; returns the time of each batch.
fn fill(scratch: &Scratch, entries: usize) -> [Vec<Duration>; 2] {
    let mut workload = Workload::new();
    let (log, by_hand) = (Log::new(scratch.driver()), scratch.by_hand());
    let mut times = [const { Vec::new() }; 2];
    for round in 0..entries / (TURN * Workload::BATCH) {
        let turn: Vec<_> = (0..TURN).map(|_| workload.next_writes(Workload::BATCH)).collect();
        for side in [0, 1].map(|side| (side + round) % 2) {
            for writes in &turn {
                let batch = workload.batch(writes);
                times[side].push(match side {
                    0 => timed(|| drop(log.append(batch, Durability::Synced).unwrap())),
                    _ => timed(|| by_hand.append(writes)),
                });
            }
        }
    }
    times
}
