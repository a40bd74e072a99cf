use std::io;
use std::time::Duration;

use annals::{CommitEntries, Order, Position, PositionRange, SqliteDriver, Store};
use annals_bench::{Run, Workload};

use super::growing_log::{GrowingLog, digest};
use super::opening;
use crate::child::{self, Done};

const ENTRIES: usize = 10_000_000;
/// What the log takes on the disk while it is there.
const DISK_BYTES: u64 = 2 << 30;

/// What a process may have in memory: all of it, and the pages that each connection keeps.
const PEAK_MIB: u64 = 64;
const PAGES_KIB: u32 = 2 << 10;

/// What is appended while another process follows.
const MEANWHILE: usize = 100_000;

pub(crate) fn run(run: &Run) {
    let room = rustix::fs::statvfs(std::env::temp_dir()).unwrap();
    assert!(room.f_bavail * room.f_frsize > DISK_BYTES, "TMPDIR must have room for {DISK_BYTES} bytes");
    println!("\n10,000,000 entries in a file");
    let mut log = GrowingLog::new();
    log.grow(run.entries(ENTRIES) / 2);
    let (half, state_at_half) = (log.entries(), log.state());
    log.grow(half);
    opening::measure(run, &mut log, "10,000,000 entries");

    let end = log.entries();
    let looked_up = start("look-up", &log, &[half, end]).done();
    assert_eq!(looked_up.answer, format!("{state_at_half:x} {:x}", log.state()));
    judge(run, "every key, as of the half and of the end", &looked_up);

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

fn open(path: &str) -> Store {
    Store::new(SqliteDriver::options().cache_kib(PAGES_KIB).open(path).unwrap())
}

fn position(number: &str) -> Position {
    Position::new(number.parse().unwrap()).unwrap()
}

/// Answers with a digest of the values of all keys at each of two positions.
pub(crate) fn look_up(arguments: &[&str]) -> String {
    let [path, half, end] = *arguments else { panic!("a path and two positions") };
    let (store, workload) = (open(path), Workload::new());
    let state = |at| {
        let then = store.at(position(at)).unwrap();
        let values = workload.keys().iter().map(|key| {
            let record = then.record(key.namespace()).unwrap();
            record.entry(key.field()).unwrap().unwrap().entry.action.bytes().unwrap().clone()
        });
        digest(values)
    };
    format!("{:x} {:x}", state(half), state(end))
}

/// Answers with the number of entries up to a position, which need not be there yet.
pub(crate) fn follow(arguments: &[&str]) -> String {
    let [path, until] = *arguments else { panic!("a path and a position") };
    let (store, until) = (open(path), position(until));
    let (mut seen, mut entries) = (Position::START, 0);
    while seen < until {
        for commit in store.commits(PositionRange::after(seen), Order::OldestFirst) {
            let CommitEntries { commit, entries: own } = commit.unwrap();
            assert_eq!(commit.first, seen.plus(1), "nothing is left out");
            entries += own.len();
            seen = commit.last;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    entries.to_string()
}

/// Answers with the number of entries that a dump has.
pub(crate) fn dump(arguments: &[&str]) -> String {
    let [path] = *arguments else { panic!("a path") };
    open(path).log().dump(&mut io::sink(), |_| {}).unwrap().entries.to_string()
}
