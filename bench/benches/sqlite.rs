//! The SQLite driver beside tables and queries written by hand, with the same settings.

#![expect(clippy::unwrap_used, reason = "a benchmark stops where something fails")]

use std::cell::RefCell;
use std::hint::black_box;

use annals_bench::{ByHand, Table, Wanted, Workload};
use annals_core::{Batch, Driver, Durability, Order, Position, PositionRange};
use annals_driver_sqlite::SqliteDriver;
use criterion::{BenchmarkGroup, Criterion, measurement::WallTime};
use tempfile::TempDir;

/// Whether the log is filled with commits of 1,000 entries or of one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Commits {
    Large,
    Small,
}

/// The same entries on both sides.
struct Sides {
    annals: SqliteDriver,
    by_hand: ByHand,
    workload: RefCell<Workload>,
    entries: u64,
    _folder: TempDir,
}

impl Sides {
    fn filled(entries: u64, commits: Commits) -> Sides {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteDriver::options().cache_kib(ByHand::CACHE_KIB);
        let annals = options.open(folder.path().join("annals.db")).unwrap();
        let by_hand = ByHand::open(&folder.path().join("by_hand.db"));
        by_hand.set_durable(false);
        let mut workload = Workload::new();
        for _ in 0..entries / Workload::BATCH as u64 {
            let writes = workload.next_writes(Workload::BATCH);
            let batches: Vec<Batch> = match commits {
                Commits::Large => vec![workload.batch(&writes)],
                Commits::Small => writes.chunks(1).map(|write| workload.batch(write)).collect(),
            };
            let _ = annals.append(&batches, Durability::Buffered).unwrap();
            match commits {
                Commits::Large => by_hand.append(&writes),
                Commits::Small => by_hand.append_each(&writes),
            }
        }
        annals.sync().unwrap();
        by_hand.set_durable(true);
        Sides { annals, by_hand, workload: RefCell::new(workload), entries, _folder: folder }
    }

    fn append_with_annals(&self, count: usize) {
        let batch = {
            let mut workload = self.workload.borrow_mut();
            let writes = workload.next_writes(count);
            workload.batch(&writes)
        };
        black_box(self.annals.append(&[batch], Durability::Synced).unwrap());
    }

    fn append_by_hand(&self, count: usize) {
        let writes = self.workload.borrow_mut().next_writes(count);
        self.by_hand.append(&writes);
    }

    fn newest_with_annals(&self, through: Position) {
        let mut workload = self.workload.borrow_mut();
        let key = workload.any_key();
        black_box(self.annals.entry(workload.key(key), through).unwrap());
    }

    fn latest_with_annals(&self) {
        self.newest_with_annals(Position::MAX);
    }

    fn latest_by_hand(&self) {
        black_box(self.by_hand.latest(self.workload.borrow_mut().any_key()));
    }

    fn as_of_with_annals(&self) {
        let position = self.workload.borrow_mut().any_position(self.entries);
        self.newest_with_annals(position);
    }

    fn as_of_by_hand(&self) {
        let mut workload = self.workload.borrow_mut();
        let position = workload.any_position(self.entries);
        black_box(self.by_hand.as_of(workload.any_key(), position.get()));
    }

    fn history_with_annals(&self) {
        let mut workload = self.workload.borrow_mut();
        let key = workload.any_key();
        let all = PositionRange::ALL;
        black_box(self.annals.history(workload.key(key), all, Order::OldestFirst, 0, usize::MAX).unwrap());
    }

    fn history_by_hand(&self) {
        black_box(self.by_hand.history(self.workload.borrow_mut().any_key()));
    }
}

fn reads_in_turns(table: &Table, sides: &Sides, name: &str) {
    let name = |read: &str| format!("{read}, {name}");
    let most = Wanted::Time(1.5);
    table.compare(&name("latest"), most, 20_000, || sides.latest_with_annals(), || sides.latest_by_hand());
    table.compare(&name("as-of"), most, 20_000, || sides.as_of_with_annals(), || sides.as_of_by_hand());
    table.compare(&name("history"), most, 1_000, || sides.history_with_annals(), || sides.history_by_hand());
}

fn ratios() {
    let table = Table::new(9, ["Annals", "by hand"]);
    reads_in_turns(&table, &Sides::filled(10_000, Commits::Large), "10,000 entries");
    let sides = Sides::filled(1_000_000, Commits::Large);
    reads_in_turns(&table, &sides, "1,000,000 entries");
    let (single, batch) = (Wanted::Speed(0.8), Wanted::Speed(0.7));
    table.compare(
        "durable commit of 1",
        single,
        400,
        || sides.append_with_annals(1),
        || sides.append_by_hand(1),
    );
    let size = Workload::BATCH;
    table.compare(
        "durable commit of 1,000",
        batch,
        15,
        || sides.append_with_annals(size),
        || sides.append_by_hand(size),
    );
    drop(sides);
    reads_in_turns(&table, &Sides::filled(1_000_000, Commits::Small), "1,000,000 commits of 1");
}

fn pair(group: &mut BenchmarkGroup<'_, WallTime>, mut annals: impl FnMut(), mut by_hand: impl FnMut()) {
    group.bench_function("annals", |bencher| bencher.iter(&mut annals));
    group.bench_function("by hand", |bencher| bencher.iter(&mut by_hand));
}

fn with_criterion() {
    let mut criterion = Criterion::default().configure_from_args();
    for entries in [10_000, 1_000_000] {
        let sides = Sides::filled(entries, Commits::Large);
        let mut group = |name: &str, annals: &dyn Fn(), by_hand: &dyn Fn()| {
            pair(&mut criterion.benchmark_group(format!("sqlite/{entries}/{name}")), annals, by_hand);
        };
        group("latest", &|| sides.latest_with_annals(), &|| sides.latest_by_hand());
        group("as-of", &|| sides.as_of_with_annals(), &|| sides.as_of_by_hand());
        group("history", &|| sides.history_with_annals(), &|| sides.history_by_hand());
        group("commit of 1", &|| sides.append_with_annals(1), &|| sides.append_by_hand(1));
        let size = Workload::BATCH;
        group("commit of 1,000", &|| sides.append_with_annals(size), &|| sides.append_by_hand(size));
    }
    criterion.final_summary();
}

fn main() {
    if std::env::args().any(|argument| argument == "--ratios") {
        ratios();
    } else {
        with_criterion();
    }
}
