use annals::{Order, Position, PositionRange};
use annals_bench::{Commits, Row, Run, Sides, Table, Tables, Wanted, Workload};

use super::alike;

const WANTED: Wanted = Wanted::Time(1.5);

pub(crate) fn run(run: &Run) {
    let table = run.table("read by the SQLite driver", 45, ["Annals", "by hand"]);
    let compare = |entries: usize, commits, log: &str, history| {
        let sides = Sides::filled(Workload::new(), run.entries(entries), commits);
        compare_reads(&table, &sides, log, history);
    };
    compare(10_000, Commits::Large, "10,000 entries", WANTED);
    compare(1_000_000, Commits::Large, "1,000,000 entries", WANTED);
    // By hand nobody asks who made each of these commits; the history of Annals tells it.
    compare(1_000_000, Commits::Small, "1,000,000 commits of 1", Wanted::TimeUnpromised(1.5));
}

fn compare_reads(table: &Table<'_>, sides: &Sides, log: &str, history: Wanted) {
    let Sides { store, by_hand, workload, entries, .. } = sides;
    let driver = store.log().driver();
    let keys = workload.borrow().keys().to_vec();
    let any_key = || workload.borrow_mut().any_key();
    let any_key_and_position = || {
        let mut workload = workload.borrow_mut();
        (workload.any_key(), workload.any_position(*entries))
    };
    table.compare_answers(
        row(4_000, &format!("latest, {log}")),
        any_key,
        |key| driver.entry(&keys[key], Position::MAX).unwrap(),
        |key| Some(by_hand.latest(key)),
        alike::value,
    );
    table.compare_answers(
        row(4_000, &format!("as-of, {log}")),
        any_key_and_position,
        |(key, position)| driver.entry(&keys[key], position).unwrap(),
        |(key, position)| by_hand.as_of(key, position.get()),
        alike::value,
    );
    let all = PositionRange::ALL;
    table.compare_answers(
        Row { wanted: history, ..row(200, &format!("history, {log}")) },
        any_key,
        |key| driver.history(&keys[key], all, Order::OldestFirst, 0, usize::MAX).unwrap(),
        |key| by_hand.history(key),
        |changes, versions| alike::versions(changes, versions),
    );
}

fn row(count: u32, name: &str) -> Row<'_> {
    Row { name, wanted: WANTED, count }
}
