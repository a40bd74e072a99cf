use std::cell::Cell;
use std::collections::BTreeMap;

use annals::revisions::{Revision, Revisions};
use annals::{Context, Durability, Freshness, Record, SqliteDriver, Store};
use annals_bench::{Row, Run, Wanted, Workload};
use tempfile::TempDir;

const ATTRIBUTES: usize = 20;
/// How many commits a side makes in its turn.
const COMMITS: u32 = 200;

type Object = BTreeMap<String, String>;

pub(crate) fn run(run: &Run) {
    updates(run);
    current(run);
    pages(run);
}

/// A store in a new SQLite file, which goes with its folder.
fn store() -> (Store, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let driver = SqliteDriver::open(folder.path().join("log.db")).unwrap();
    (Store::builder(driver).build().into(), folder)
}

fn object() -> Object {
    (0..ATTRIBUTES)
        .map(|number| (format!("attribute_{number}"), format!("the text of attribute {number}")))
        .collect()
}

fn updates(run: &Run) {
    let (store, _folder) = store();
    let objects = Revisions::<Object>::open(&store, "objects").unwrap();
    let object = Cell::new(Some(objects.insert("a", &object(), Workload::context()).unwrap()));
    let record: Record = store.record("plain").unwrap().with_context(Workload::context());
    let number = Cell::new(0_u32);
    let next = || {
        number.set(number.get() + 1);
        format!("the text of change {}", number.get())
    };

    let table = run.table("durable update of an object of 20 attributes", 31, ["update", "commit"]);
    table.compare(
        Row { name: "one attribute, beside one plain field", wanted: Wanted::Speed(0.8), count: COMMITS },
        || {
            let before: Revision<Object> = object.take().unwrap();
            let text = next();
            let change = |it: &mut Object| it.insert("attribute_7".to_owned(), text.clone());
            object.set(Some(objects.update(&before, Workload::context(), change).unwrap()));
        },
        || record.set("attribute_7", &next()).unwrap(),
    );
    let last = object.take().unwrap();
    assert_eq!(objects.current("a").unwrap().unwrap(), last);
}

fn current(run: &Run) {
    let (store, _folder) = store();
    Revisions::<Object>::open(&store, "objects").unwrap().insert("a", &object(), Context::new()).unwrap();
    let table = run.table("current object of 20 attributes, read before", 101, ["object", "one field"]);
    for (name, freshness) in [("cached", Freshness::Cached), ("checked", Freshness::Checked)] {
        let store = store.with_freshness(freshness);
        let objects = Revisions::<Object>::open(&store, "objects").unwrap();
        let record = store.record("objects/a").unwrap();
        assert_eq!(objects.current("a").unwrap().unwrap().len(), ATTRIBUTES);
        let [object, _] = table.compare(
            Row { name, wanted: Wanted::Nothing, count: 2_000 },
            || objects.current("a").unwrap().unwrap(),
            || record.get::<String>("attribute_7").unwrap().unwrap(),
        );
        if freshness == Freshness::Cached {
            run.at_most("current object, cached", object.as_secs_f64() * 1e6, 5.0, "µs");
        }
    }
}

fn pages(run: &Run) {
    let (store, _folder) = store();
    let quick = store.with_durability(Durability::Buffered);
    let objects = Revisions::<u64>::open(&quick, "objects").unwrap().touching();
    let long = run.times(10_000).max(200);
    for (name, revisions) in [("long", long), ("short", 200)] {
        objects.insert(name, &0, Workload::context()).unwrap();
        for _ in 1..revisions {
            objects.edit(name, Workload::context(), |_| ()).unwrap();
        }
    }
    let page = |name: &str, skip| {
        let history = objects.history(name).unwrap().newest_first().skip(skip).limit(100);
        let versions: Vec<u64> = history.into_iter().map(|info| info.unwrap().version()).collect();
        assert_eq!(versions.len(), 100);
        versions
    };
    let table = run.table("page of 100 revisions", 45, ["of 10,000", "of 200"]);
    let row = |name| Row { name, wanted: Wanted::Time(2.0), count: 50 };
    table.compare(row("the newest"), || page("long", 0), || page("short", 0));
    let last = long as usize - 100;
    table.compare(row("the oldest, from the newest"), || page("long", last), || page("short", 100));
}
