//! The SQLite driver beside tables and queries written by hand, with criterion's statistics.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark stops where something fails")]

use annals::{Durability, Key, Position};
use annals_bench::{Commits, Sides, Tables, Workload};
use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for entries in [10_000, 1_000_000] {
        compare(&mut criterion, &Sides::filled(Workload::new(), entries, Commits::Large));
    }
    criterion.final_summary();
}

fn compare(criterion: &mut Criterion, sides: &Sides) {
    let Sides { store, by_hand, workload, entries, .. } = sides;
    let driver = store.log().driver();
    let keys: Vec<Key> = workload.borrow().keys().to_vec();
    let any_key = || workload.borrow_mut().any_key();
    let any_position = || workload.borrow_mut().any_position(*entries);
    let newest = |through| driver.entry(&keys[any_key()], through).unwrap();
    let latest = format!("sqlite/{entries}/latest");
    pair(criterion, &latest, || newest(Position::MAX), || by_hand.latest(any_key()));
    let as_of = format!("sqlite/{entries}/as-of");
    pair(criterion, &as_of, || newest(any_position()), || by_hand.as_of(any_key(), any_position().get()));
    for size in [1, Workload::BATCH] {
        pair(
            criterion,
            &format!("sqlite/{entries}/commit of {size}"),
            || driver.append(&[workload.borrow_mut().next_batch(size)], Durability::Synced).unwrap(),
            || by_hand.append(&workload.borrow_mut().next_writes(size)),
        );
    }
}

fn pair<A, B>(criterion: &mut Criterion, name: &str, annals: impl Fn() -> A, by_hand: impl Fn() -> B) {
    let mut group = criterion.benchmark_group(name);
    group.bench_function("annals", |bencher| bencher.iter(&annals));
    group.bench_function("by hand", |bencher| bencher.iter(&by_hand));
}
