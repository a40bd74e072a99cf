use annals::{Live, Record};
use annals_bench::{Commits, Row, Run, Sides, Wanted, Workload};

pub(crate) fn run(run: &Run) {
    let table = run.table("time travel in a log of so many entries", 45, ["1,000,000", "10,000"]);
    let (long, short) = (Game::played(run.entries(1_000_000)), Game::played(10_000));
    let row = |name| Row { name, wanted: Wanted::Time(3.0), count: 2_000 };
    table.compare(row("as-of"), || long.as_of(), || short.as_of());
    table.compare(row("within"), || long.within(false), || short.within(false));
    table.compare(row("within, strictly"), || long.within(true), || short.within(true));
}

/// Records whose fields change among a few integers.
struct Game {
    sides: Sides,
    records: Vec<Record<Live>>,
}

impl Game {
    fn played(entries: usize) -> Game {
        let sides = Sides::filled(Workload::of_small_integers(), entries, Commits::Large);
        let records = sides.records();
        Game { sides, records }
    }

    fn any_record(&self) -> &Record {
        &self.records[self.sides.workload.borrow_mut().any_key() / Workload::FIELDS]
    }

    fn as_of(&self) -> Option<u8> {
        let position = self.sides.workload.borrow_mut().any_position(self.sides.entries);
        self.any_record().at(position).unwrap().get("field_1").unwrap()
    }

    fn within(&self, strict: bool) -> Option<u8> {
        let held = self.sides.workload.borrow_mut().any_small_integer();
        let view = self.any_record().within("field_0", &held).unwrap();
        let view = if strict { view.strict() } else { view };
        view.get("field_1").unwrap()
    }
}
