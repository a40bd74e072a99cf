use annals::{CommitEntries, Order, PositionRange};
use annals_bench::{Commits, Row, Run, Sides, Wanted, Workload};

pub(crate) fn run(run: &Run) {
    let entries = run.entries(1_000_000);
    let Sides { store, by_hand, folder: _folder, .. } =
        Sides::filled(Workload::new(), entries, Commits::Large);
    let table = run.table("walk over the whole log, oldest first", 9, ["Annals", "by hand"]);
    table.compare_answers(
        Row { name: "1,000,000 entries", wanted: Wanted::Speed(0.7), count: 1 },
        || (),
        |()| {
            let mut seen = Seen::default();
            for commit in store.commits(PositionRange::ALL, Order::OldestFirst) {
                let CommitEntries { commit, entries } = commit.unwrap();
                seen.actors += commit.context.actor.as_ref().unwrap().len();
                entries
                    .iter()
                    .for_each(|entry| seen.add(entry.position.get(), entry.action.bytes().unwrap()));
            }
            seen
        },
        |()| {
            let mut seen = Seen::default();
            by_hand.replay(|actor, entries| {
                seen.actors += actor.len();
                entries.iter().for_each(|(position, _, bytes)| seen.add(*position, bytes));
            });
            seen
        },
        PartialEq::eq,
    );
}

/// What a walk came by.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    entries: u64,
    positions: u64,
    bytes: usize,
    actors: usize,
}

impl Seen {
    fn add(&mut self, position: u64, bytes: &[u8]) {
        self.entries += 1;
        self.positions += position;
        self.bytes += bytes.len();
    }
}
