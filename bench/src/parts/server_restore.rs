use annals::{CommitEntries, Driver, Log, Order, PositionRange};
use annals_bench::{Run, Scratch, Wanted, Workload, timed};

/// How many commits of 1,000 entries are restored together: as many as loading a dump does.
const TOGETHER: usize = 10;

pub(crate) fn run(run: &Run) {
    let entries = run.entries(1_000_000);
    let table = run.table("restore of 1,000,000 entries", 3, ["Annals", "by COPY"]);
    let [[ours], [by_hand]] = table.turns(
        || Dump::of(entries),
        |dump| {
            let scratch = Scratch::new();
            let driver = scratch.driver();
            [timed(|| dump.commits.chunks(TOGETHER).for_each(|commits| driver.restore(commits).unwrap()))]
        },
        |dump| {
            let scratch = Scratch::new();
            let tables = scratch.by_hand();
            [timed(|| dump.writes.chunks(TOGETHER).for_each(|writes| tables.restore(writes)))]
        },
    );
    table.show("in transactions of 10,000", Wanted::Speed(0.7), [ours, by_hand]);
}

/// What is restored on each side.
struct Dump {
    commits: Vec<CommitEntries>,
    writes: Vec<Vec<annals_bench::Write>>,
}

impl Dump {
    fn of(entries: usize) -> Dump {
        let mut workload = Workload::new();
        let log = Log::new(annals::MemoryDriver::new());
        let writes: Vec<_> =
            (0..entries / Workload::BATCH).map(|_| workload.next_writes(Workload::BATCH)).collect();
        for writes in &writes {
            log.append(workload.batch(writes), annals::Durability::Buffered).unwrap();
        }
        let commits = log.commits(PositionRange::ALL, Order::OldestFirst).collect::<Result<_, _>>().unwrap();
        Dump { commits, writes }
    }
}
