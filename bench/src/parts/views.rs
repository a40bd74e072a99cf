use annals::codec::encode;
use annals::{Batch, Context, Durability, Key, Record};
use annals_bench::{Row, Run, Wanted, new_store};
use tempfile::TempDir;

/// The condition field goes round these values, so each of them held recently.
const ROUND: u64 = 10;

pub(crate) fn run(run: &Run) {
    let table = run.table("view over so many changes", 45, ["1,000,000", "1,000"]);
    let (long, short) = (Changes::made(run.entries(1_000_000) as u64), Changes::made(1_000));
    let row = |name| Row { name, wanted: Wanted::Time(2.0), count: 1_000 };
    for changes in [&long, &short] {
        assert_eq!(changes.within(), Some(changes.count - ROUND / 2));
    }
    table.compare(row("within, held 5 changes ago"), || long.within(), || short.within());
}

/// A record whose field `state` changed so often, each time together with `change`, its number.
struct Changes {
    record: Record,
    count: u64,
    _folder: TempDir,
}

impl Changes {
    fn made(count: u64) -> Changes {
        let folder = tempfile::tempdir().unwrap();
        let store = new_store(&folder.path().join("changes.db"));
        let [state, change] = ["state", "change"].map(|field| Key::parse("record", field).unwrap());
        let batch = |number: u64| {
            let batch = Batch::new(Context::new());
            let batch = batch.set(state.clone(), encode(&(number % ROUND)).unwrap());
            batch.set(change.clone(), encode(&number).unwrap())
        };
        let numbers: Vec<u64> = (1..=count).collect();
        for numbers in numbers.chunks(1_000) {
            let batches = numbers.iter().map(|number| batch(*number)).collect();
            let answers = store.log().append_all(batches, Durability::Buffered).unwrap();
            assert!(answers.iter().all(Result::is_ok));
        }
        Changes { record: store.record("record").unwrap(), count, _folder: folder }
    }

    fn within(&self) -> Option<u64> {
        let held = (self.count - ROUND / 2) % ROUND;
        self.record.within("state", &held).unwrap().get("change").unwrap()
    }
}
