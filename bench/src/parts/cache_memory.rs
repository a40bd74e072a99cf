use std::sync::Arc;

use annals::codec::encode;
use annals::{Freshness, Key, SqliteDriver, Store};
use annals_bench::{Run, Workload};

use super::growing_log::GrowingLog;
use crate::child;

/// So few that the driver keeps the names of all of them, and gives back no memory meanwhile.
const ENTRIES: usize = 50_000;
/// More than all of them take.
const CACHE_BYTES: usize = 1 << 30;
const DATA_MIB_MAX: u64 = 2 << 10;

pub(crate) fn run(run: &Run) {
    let entries = run.entries(ENTRIES);
    println!("\nmemory of {entries} values in the cache, records of {} fields", Workload::FIELDS);
    let mut log = GrowingLog::with_keys(entries);
    log.grow(entries);
    let done = child::start("fill-cache", DATA_MIB_MAX, &[log.path(), &entries.to_string()]).done();
    let figures: Vec<f64> = done.answer.split(' ').map(|figure| figure.parse().unwrap()).collect();
    let [held, own, said, taken] = *figures else { panic!("four figures") };
    run.at_most("overhead of an entry, as the cache says", (said - own) / held, 150.0, "bytes");
    run.at_most("overhead of an entry, of the process", (taken - own) / held, 150.0, "bytes");
    run.at_most("what it says, away from the process's", (said / taken - 1.0).abs() * 100.0, 20.0, "%");
}

/// Answers with what the second half of the values adds to those in the cache: fields, the bytes of
/// their names and values, the bytes that the cache says that it takes, and those that the process takes.
///
/// The first half is there before, since it takes what the process had to spare.
pub(crate) fn fill_cache(arguments: &[&str]) -> String {
    let [path, keys] = *arguments else { panic!("a path and a number of keys") };
    let workload = Workload::with_keys(keys.parse().unwrap());
    let driver = Arc::new(SqliteDriver::open(path).unwrap());
    let uncached: Store = Store::builder(Arc::clone(&driver)).cache_bytes(0).build().into();
    let store = Store::builder(driver).cache_bytes(CACHE_BYTES).freshness(Freshness::Cached);
    let store: Store = store.build().into();

    let (first, second) = workload.keys().split_at(workload.keys().len() / 2);
    // What the driver keeps of all of them is in memory before the cache fills.
    read(&uncached, workload.keys());
    read(&store, first);
    let (stats, resident) = (store.stats(), child::kib("VmRSS:"));
    let own_bytes = read(&store, second);
    let taken = (child::kib("VmRSS:") - resident) << 10;
    let (fields, said) = (store.stats().entries - stats.entries, store.stats().bytes - stats.bytes);
    assert_eq!(fields, second.len() as u64, "all are in memory");
    format!("{fields} {own_bytes} {said} {taken}")
}

/// Reads the values of keys; returns the bytes of names and values.
fn read(store: &Store, keys: &[Key]) -> usize {
    let own_bytes = keys.iter().map(|key| {
        let (namespace, field) = (key.namespace(), key.field().as_str());
        let text: String = store.record(namespace).unwrap().get(field).unwrap().unwrap();
        namespace.as_str().len() + field.len() + encode(&text).unwrap().len()
    });
    own_bytes.sum()
}
