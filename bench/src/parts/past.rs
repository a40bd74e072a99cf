use annals::codec::{decode, encode};
use annals::{Past, Position, Record};
use annals_bench::{Commits, Row, Run, Sides, Tables, Wanted, Workload};

/// The numbers of fields in a record.
const CONDITION: usize = 0;
const READ: usize = 1;

pub(crate) fn run(run: &Run) {
    let table = run.table("read of the past, uncached", 45, ["Annals", "by hand"]);
    let row = |name| Row { name, wanted: Wanted::Time(1.3), count: 2_000 };
    let entries = run.entries(1_000_000);
    let sides = Sides::filled(Workload::of_small_integers(), entries, Commits::Large);
    let Sides { by_hand, workload, entries, .. } = &sides;
    let records = sides.records();
    let any_position = || workload.borrow_mut().any_position(*entries);
    let any_record = || workload.borrow_mut().any_key() / Workload::FIELDS;

    let held: Vec<Record<Past>> = records.iter().map(|record| record.at(any_position()).unwrap()).collect();
    table.compare_answers(
        row("as-of, held record"),
        any_record,
        |record| held[record].get::<u8>("field_1").unwrap(),
        |record| by_hand.as_of(key(record, READ), held[record].position().get()).as_deref().map(integer),
        PartialEq::eq,
    );
    table.compare_answers(
        row("as-of, any position"),
        || (any_record(), any_position()),
        |(record, position): (usize, Position)| {
            records[record].at(position).unwrap().get::<u8>("field_1").unwrap()
        },
        |(record, position)| by_hand.as_of_commit(key(record, READ), position.get()).as_deref().map(integer),
        PartialEq::eq,
    );
    table.compare_answers(
        row("within"),
        || (any_record(), workload.borrow_mut().any_small_integer()),
        |(record, held)| records[record].within("field_0", &held).unwrap().get::<u8>("field_1").unwrap(),
        |(record, held)| {
            let held = encode(&held).unwrap();
            by_hand.within(key(record, CONDITION), &held, key(record, READ)).as_deref().map(integer)
        },
        PartialEq::eq,
    );
}

fn key(record: usize, field: usize) -> usize {
    record * Workload::FIELDS + field
}

fn integer(bytes: &[u8]) -> u8 {
    decode(bytes).unwrap()
}
