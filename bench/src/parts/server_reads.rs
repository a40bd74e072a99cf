use annals::{Order, Position, PositionRange, Scope};
use annals_bench::{Commits, Row, Run, Sides, Tables, Wanted, Workload};

use super::alike;

pub(crate) fn run(run: &Run) {
    let table = run.table("read by the PostgreSQL driver", 15, ["Annals", "by hand"]);
    let row = |count, name| Row { name, wanted: Wanted::TimeUnpromised(1.5), count };
    let sides = Sides::on_server(Workload::new(), run.entries(1_000_000), Commits::Large);
    sides.place.analyze();
    let Sides { store, by_hand, workload, entries, .. } = &sides;
    let driver = store.log().driver();
    let keys = workload.borrow().keys().to_vec();
    let any_key = || workload.borrow_mut().any_key();
    let any_key_and_position = || {
        let mut workload = workload.borrow_mut();
        (workload.any_key(), workload.any_position(*entries))
    };
    table.compare_answers(
        row(400, "latest"),
        any_key,
        |key| driver.entry(&keys[key], Position::MAX).unwrap(),
        |key| Some(by_hand.latest(key)),
        alike::value,
    );
    table.compare_answers(
        row(400, "as-of"),
        any_key_and_position,
        |(key, position)| driver.entry(&keys[key], position).unwrap(),
        |(key, position)| by_hand.as_of(key, position.get()),
        alike::value,
    );
    let all = PositionRange::ALL;
    table.compare_answers(
        row(100, "history of 100 versions, 100 commits"),
        any_key,
        |key| driver.history(&keys[key], all, Order::OldestFirst, 0, usize::MAX).unwrap(),
        |key| by_hand.history(key),
        |changes, versions| alike::versions(changes, versions),
    );
    table.compare_answers(
        row(200, "record of 10 fields as of a position"),
        any_key_and_position,
        |(key, position)| {
            let scope = Scope::Record(keys[key].namespace().clone());
            driver.state(&scope, position, None, usize::MAX).unwrap()
        },
        |(key, position)| by_hand.record(&fields_of(key), position.get()),
        |changes, values| {
            let ours = changes.iter().map(|change| &**change.entry.action.bytes().unwrap());
            ours.eq(values.iter().map(|(_, value)| value.as_slice()))
        },
    );
}

/// Returns the keys of the record that a key belongs to.
fn fields_of(key: usize) -> Vec<i32> {
    let first = key / Workload::FIELDS * Workload::FIELDS;
    (first..first + Workload::FIELDS).map(|key| i32::try_from(key).unwrap()).collect()
}
