use std::io;

use annals::codec::encode;
use annals::{CommitEntries, Filter, Key, Past, Position, Record, SqliteDriver, Store};
use annals_bench::{Run, Workload};

use super::growing_log::{GrowingLog, digest};
use super::opening;
use crate::child::{self, Done};

const ENTRIES: usize = 10_000_000;
/// Their newest values are more than the cache may hold.
const KEYS: usize = 200_000;
/// What the log takes on the disk while it is there.
const DISK_BYTES: u64 = 4 << 30;

/// What a process may have in memory: all of it, the values, and the pages that each connection keeps.
const PEAK_MIB: u64 = 64;
const CACHE_BYTES: usize = 16 << 20;
const PAGES_KIB: u32 = 2 << 10;

/// What is appended while another process follows.
const MEANWHILE: usize = 100_000;

pub(crate) fn run(run: &Run) {
    let room = rustix::fs::statvfs(std::env::temp_dir()).unwrap();
    assert!(room.f_bavail * room.f_frsize > DISK_BYTES, "TMPDIR must have room for {DISK_BYTES} bytes");
    println!("\n10,000,000 entries in a file");
    let mut log = GrowingLog::with_keys(run.entries(KEYS));
    log.grow(run.entries(ENTRIES) / 2);
    let (half, state_at_half) = (log.entries(), log.state());
    log.grow(half);
    opening::measure(run, &mut log, "10,000,000 entries");

    let (end, state) = (log.entries(), log.state());
    let read = start("read-all", &log, &[log.workload().keys().len(), half, end]).done();
    let [then, last, now, cached] = *read.answer.split(' ').collect::<Vec<_>>() else {
        panic!("four answers")
    };
    assert_eq!([then, last, now], [state_at_half, state, state].map(|state| state.to_string()));
    run.at_most("what the cache says that it holds", mib(cached), mib(&CACHE_BYTES.to_string()), "MiB");
    judge(run, "every key, now and as of two positions", &read);

    let follower = start("follow", &log, &[end + MEANWHILE]);
    log.grow(MEANWHILE);
    let followed = follower.done();
    assert_eq!(followed.answer, log.entries().to_string());
    judge(run, "follow from the beginning, while it grows", &followed);

    let dumped = start("dump", &log, &[]).done();
    assert_eq!(dumped.answer, log.entries().to_string());
    judge(run, "dump", &dumped);
}

fn start(task: &str, log: &GrowingLog, numbers: &[usize]) -> child::Running {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    let arguments = [log.path()].into_iter().chain(numbers.iter().map(String::as_str));
    child::start(task, PEAK_MIB, &arguments.collect::<Vec<_>>())
}

fn judge(run: &Run, name: &str, Done { elapsed, peak_mib, .. }: &Done) {
    run.at_most(&format!("{name}, {:.1} s", elapsed.as_secs_f64()), *peak_mib, PEAK_MIB as f64, "MiB");
}

fn mib(bytes: &str) -> f64 {
    bytes.parse::<f64>().unwrap() / f64::from(1 << 20)
}

fn open(path: &str) -> Store {
    let driver = SqliteDriver::options().cache_kib(PAGES_KIB).open(path).unwrap();
    Store::builder(driver).cache_bytes(CACHE_BYTES).build().into()
}

fn position(number: &str) -> Position {
    Position::new(number.parse().unwrap()).unwrap()
}

/// Answers with a digest of the values of so many keys at each of two positions and now, and with the
/// bytes that the cache says that it holds in the end.
pub(crate) fn read_all(arguments: &[&str]) -> String {
    let [path, keys, half, end] = *arguments else { panic!("a path, a number of keys, two positions") };
    let (store, workload) = (open(path), Workload::with_keys(keys.parse().unwrap()));
    let [then, last] = [half, end].map(|at| {
        let snapshot = store.at(position(at)).unwrap();
        digest(workload.keys().iter().map(|key| past_value(&snapshot.record(key.namespace()).unwrap(), key)))
    });
    let now = digest(workload.keys().iter().map(|key| present_value(&store, key)));
    format!("{then} {last} {now} {}", store.stats().bytes)
}

/// Returns the encoded value, none of a key without one.
fn past_value(record: &Record<Past>, key: &Key) -> Vec<u8> {
    let change = record.entry(key.field()).unwrap();
    change.map(|change| change.entry.action.bytes().unwrap().to_vec()).unwrap_or_default()
}

fn present_value(store: &Store, key: &Key) -> Vec<u8> {
    let text: String = store.record(key.namespace()).unwrap().get(key.field().as_str()).unwrap().unwrap();
    encode(&text).unwrap()
}

/// Answers with the number of entries up to a position, which need not be there yet.
pub(crate) fn follow(arguments: &[&str]) -> String {
    let [path, until] = *arguments else { panic!("a path and a position") };
    let (store, until) = (open(path), position(until));
    let mut subscription = store.subscribe(Position::START, Filter::everything()).unwrap();
    let mut entries = 0;
    while subscription.position() < until {
        let seen = subscription.position();
        let CommitEntries { commit, entries: own } = subscription.next().unwrap().unwrap();
        assert_eq!(commit.first, seen.plus(1), "nothing is left out");
        entries += own.len();
    }
    entries.to_string()
}

/// Answers with the number of entries that a dump has.
pub(crate) fn dump(arguments: &[&str]) -> String {
    let [path] = *arguments else { panic!("a path") };
    open(path).log().dump(&mut io::sink(), |_| {}).unwrap().entries.to_string()
}
