use std::cell::RefCell;

use annals::{Batch, Driver, Durability, MemoryDriver, Order, Position, PositionRange};
use annals_bench::{MapByHand, Row, Run, Table, Wanted, Workload, timed};

use super::alike;

const ROUNDS: u32 = 9;

pub(crate) fn run(run: &Run) {
    let table = run.table("memory driver", ROUNDS, ["Annals", "by hand"]);
    let sides = Sides::default();
    let entries = run.entries(1_000_000);
    sides.compare_appends(&table, "append of 1,000 entries", entries / ROUNDS as usize, Workload::BATCH);
    sides.compare_appends(&table, "append of one entry", Workload::KEYS, 1);
    sides.compare_reads(&table);
}

/// The same entries in the memory driver and in a map.
#[derive(Default)]
struct Sides {
    driver: MemoryDriver,
    map: MapByHand,
    workload: RefCell<Workload>,
}

impl Sides {
    fn compare_appends(&self, table: &Table<'_>, name: &str, entries: usize, size: usize) {
        let count = entries / size;
        let batches = || {
            let mut workload = self.workload.borrow_mut();
            std::iter::repeat_with(|| [workload.next_batch(size)]).take(count).collect::<Vec<_>>()
        };
        let [[one], [other]] = table.turns(
            batches,
            |batches| [timed(|| batches.iter().for_each(|batch| self.append(batch)))],
            |batches| [timed(|| batches.iter().for_each(|[batch]| self.map.append(batch)))],
        );
        table.show(name, Wanted::Nothing, [one, other].map(|time| time.div_f64(count as f64)));
    }

    fn append(&self, batch: &[Batch]) {
        self.driver.append(batch, Durability::Buffered).unwrap().pop().unwrap().unwrap();
    }

    fn compare_reads(&self, table: &Table<'_>) {
        let Sides { driver, map, workload } = self;
        let last = driver.last_position().unwrap().get();
        let keys = workload.borrow().keys().to_vec();
        let any_key = || workload.borrow_mut().any_key();
        let row = |name, count| Row { name, wanted: Wanted::Nothing, count };
        table.compare_answers(
            row("latest", 200_000),
            any_key,
            |key| driver.entry(&keys[key], Position::MAX).unwrap(),
            |key| map.latest(&keys[key]),
            alike::value,
        );
        table.compare_answers(
            row("as-of", 200_000),
            || (any_key(), workload.borrow_mut().any_position(last)),
            |(key, position)| driver.entry(&keys[key], position).unwrap(),
            |(key, position)| map.as_of(&keys[key], position.get()),
            alike::value,
        );
        table.compare_answers(
            row("history", 10_000),
            any_key,
            |key| driver.history(&keys[key], PositionRange::ALL, Order::OldestFirst, 0, usize::MAX).unwrap(),
            |key| map.history(&keys[key]),
            |changes, versions| alike::versions(changes, versions),
        );
    }
}
