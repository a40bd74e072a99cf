use annals::{CommitEntries, Order, PositionRange, Store};
use annals_bench::{ByHand, Commits, PostgresByHand, Row, Run, Sides, Table, Wanted, Workload};

const TITLE: &str = "walk over the whole log, oldest first";

pub(crate) fn run(run: &Run) {
    let Sides { store, by_hand, place: _place, .. } =
        Sides::filled(Workload::new(), run.entries(1_000_000), Commits::Large);
    compare(&run.table(TITLE, 9, ["Annals", "by hand"]), "1,000,000 entries", &store, || {
        by_hand_walk(&by_hand)
    });
}

pub(crate) fn run_on_server(run: &Run) {
    let table = run.table(TITLE, 9, ["Annals", "by hand"]);
    let compare = |entries, commits, name| {
        let sides = Sides::on_server(Workload::new(), run.entries(entries), commits);
        compare(&table, name, &sides.store, || server_walk(&sides.by_hand));
    };
    compare(1_000_000, Commits::Large, "1,000,000 entries");
    compare(200_000, Commits::Small, "200,000 commits of 1");
}

fn compare(table: &Table<'_>, name: &str, store: &Store, by_hand: impl Fn() -> Seen) {
    table.compare_answers(
        Row { name, wanted: Wanted::Speed(0.7), count: 1 },
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
        |()| by_hand(),
        PartialEq::eq,
    );
}

fn by_hand_walk(by_hand: &ByHand) -> Seen {
    let mut seen = Seen::default();
    by_hand.replay(|actor, entries| {
        seen.actors += actor.len();
        entries.iter().for_each(|(position, _, bytes)| seen.add(*position, bytes));
    });
    seen
}

fn server_walk(by_hand: &PostgresByHand) -> Seen {
    let mut seen = Seen::default();
    by_hand.replay(|commit, entries| {
        seen.actors += commit.actor.unwrap().len();
        entries.iter().for_each(|(position, _, bytes)| seen.add(*position, bytes));
    });
    seen
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
