//! Commits that several threads append together.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use annals_core::{
    Batch, Check, CommitEntries, Context, Driver, Durability, Error, ErrorKind, Log, Order, Position,
    PositionRange, Scope, Store, codec,
};
use annals_driver_sqlite::SqliteDriver;

use crate::common::{Scratch, SmallDisk, key};
use crate::processes::{child, child_after, said, say};

const THREADS: usize = 8;

/// Half of the threads ask for each.
fn durability_of(thread: usize) -> Durability {
    if thread.is_multiple_of(2) { Durability::Buffered } else { Durability::Synced }
}

/// A commit of 1 to 5 entries in a record of the thread's own, all of which carry its number.
fn numbered(thread: usize, number: u64) -> Batch {
    (0..=number % 5).fold(Batch::new(Context::new()), |batch, field| {
        batch.set(key(&format!("thread{thread}"), &format!("f{field}")), codec::encode(&number).unwrap())
    })
}

/// Returns the numbers that a thread's commits carry, in order, each of which is whole.
fn numbers(commits: &[CommitEntries], thread: usize) -> Vec<u64> {
    let namespace = format!("thread{thread}");
    let own = commits.iter().filter(|commit| commit.entries[0].key.namespace().as_str() == namespace);
    own.map(|CommitEntries { entries, .. }| {
        let carried = |index: usize| codec::decode::<u64>(entries[index].action.bytes().unwrap()).unwrap();
        let number = carried(0);
        assert_eq!(entries.len() as u64, number % 5 + 1, "half a commit");
        assert!((0..entries.len()).all(|index| carried(index) == number));
        number
    })
    .collect()
}

fn all_commits(driver: &SqliteDriver) -> Vec<CommitEntries> {
    driver.commits(PositionRange::ALL, Order::OldestFirst, usize::MAX).unwrap()
}

#[test]
fn what_fits_stands_where_a_group_fills_the_disk() {
    let Some(disk) = SmallDisk::mount("2m") else { return };
    let log = Log::new(SqliteDriver::open(disk.path()).unwrap());
    let value = codec::encode(&"x".repeat(400_000)).unwrap();
    let batch = |name: &str| Batch::new(Context::new()).set(key("large", name), value.clone());
    let start = Barrier::new(THREADS);
    let outcomes: Vec<Result<_, Error>> = thread::scope(|scope| {
        let append = |thread| {
            let (log, start, batch) = (&log, &start, batch(&format!("f{thread}")));
            move || {
                start.wait();
                log.append(batch, durability_of(thread))
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(append(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!(error.kind(), ErrorKind::Full, "{error}");
    }
    // A group that failed as a whole would have left room.
    let error = log.append(batch("f"), Durability::Synced).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full, "{error}");
    drop(log);

    let driver = SqliteDriver::open(disk.path()).unwrap();
    let there = driver.state(&Scope::All, Position::MAX, None, 100).unwrap();
    let there: Vec<String> = there.iter().map(|change| change.key().field().to_string()).collect();
    let acknowledged = (0..THREADS).filter(|thread| outcomes[*thread].is_ok());
    assert_eq!(there, acknowledged.map(|thread| format!("f{thread}")).collect::<Vec<_>>());
    assert!((2..THREADS).contains(&there.len()), "{there:?}");
    assert_eq!(driver.check().unwrap().damages, Vec::<String>::new());
}

#[test]
fn groups_go_on_when_a_full_disk_has_room_again() {
    let Some(disk) = SmallDisk::mount("4m") else { return };
    let ballast = disk.path().with_file_name("ballast");
    fs::write(&ballast, vec![0; 2 << 20]).unwrap();
    let log = Log::new(SqliteDriver::open(disk.path()).unwrap());
    let append_until = |count: u64| -> Vec<(u64, Option<Error>)> {
        thread::scope(|scope| {
            let append = |thread| {
                let log = &log;
                move || {
                    let appended = |number| log.append(numbered(thread, number), durability_of(thread));
                    let failed = (0..count).find_map(|number| Some((number, Some(appended(number).err()?))));
                    failed.unwrap_or((count, None))
                }
            };
            let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(append(thread))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    };
    let full = append_until(10_000);
    assert!(full.iter().map(|(acknowledged, _)| acknowledged).sum::<u64>() > 10, "{full:?}");
    for (_, error) in &full {
        assert_eq!(error.as_ref().expect("the disk is full").kind(), ErrorKind::Full);
    }
    fs::remove_file(ballast).unwrap();
    assert!(append_until(5).iter().all(|(_, error)| error.is_none()));
    drop(log);

    let driver = SqliteDriver::open(disk.path()).unwrap();
    let commits = all_commits(&driver);
    for (thread, (acknowledged, _)) in full.iter().enumerate() {
        assert_eq!(numbers(&commits, thread), (0..*acknowledged).chain(0..5).collect::<Vec<u64>>());
    }
    assert_eq!(driver.check().unwrap().damages, Vec::<String>::new());
}

/// Says `THREAD NUMBER` for each commit that stands, and `shared` where it is more durable than asked for,
/// as the commits of others that it was written with.
pub(crate) fn append_in_groups_until_killed(path: &Path) {
    let driver = SqliteDriver::open(path).unwrap();
    let commits = all_commits(&driver);
    let log = Log::new(driver);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (log, next) = (&log, numbers(&commits, thread).len() as u64);
            scope.spawn(move || {
                for number in next.. {
                    let receipt = log.append(numbered(thread, number), durability_of(thread)).unwrap();
                    say(format!("{thread} {number}"));
                    if receipt.durability > durability_of(thread) {
                        say("shared");
                    }
                }
            });
        }
    });
}

#[test]
fn a_writer_killed_in_a_group_loses_nothing_that_it_acknowledged_and_leaves_no_half_commit() {
    let scratch = Scratch::new();
    let mut acknowledged = [0; THREADS];
    let mut shared = 0;
    let mut rounds = 0;
    while rounds < 40 || shared == 0 {
        rounds += 1;
        assert!(rounds < 400, "no commit shared a write");
        let mut writer = child("append_in_groups_until_killed", &scratch.path).spawn().unwrap();
        let random = RandomState::new().build_hasher().finish();
        let mut lines = said(&mut writer);
        let before: Vec<String> = lines.by_ref().take(10 + usize::try_from(random % 50).unwrap()).collect();
        thread::sleep(Duration::from_micros(random % 2000));
        writer.kill().unwrap();
        // What was said before the end still stands in the pipe.
        for line in before.into_iter().chain(lines) {
            match line.split_once(' ') {
                Some((thread, number)) => {
                    acknowledged[thread.parse::<usize>().unwrap()] = number.parse::<usize>().unwrap() + 1;
                }
                None => shared += 1,
            }
        }
        writer.wait().unwrap();

        let commits = all_commits(&scratch.open());
        for (thread, acknowledged) in acknowledged.iter().enumerate() {
            let there = numbers(&commits, thread);
            assert!(there.iter().copied().eq(0..there.len() as u64), "a hole: {there:?}");
            assert!(there.len() >= *acknowledged, "{acknowledged} acknowledged, {} there", there.len());
        }
    }
    assert_eq!(scratch.open().check().unwrap().damages, Vec::<String>::new());
}

/// Sets a field in several threads until the operating system refuses to write; says what each thread got.
pub(crate) fn write_in_groups_until_the_disk_refuses(path: &Path) {
    let store = Store::new(SqliteDriver::open(path).unwrap());
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let record = store.record(format!("thread{thread}").as_str()).unwrap();
            scope.spawn(move || {
                let refused = |number: &u64| record.set("f0", &vec![*number; 500]).err();
                let (count, error) = (0..).find_map(|number| Some((number, refused(&number)?))).unwrap();
                say(format!("{thread} {count} {:?}", error.kind()));
            });
        }
    });
    say(format!(
        "then {:?} {:?}",
        store.flush().unwrap_err().kind(),
        store.record("r").unwrap().set("n", &1)
    ));
}

#[test]
fn a_disk_that_refuses_a_group_ends_writing_for_all_that_wait() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let set_up = "trap '' XFSZ; ulimit -f 2000";
    let mut writer =
        child_after(set_up, "write_in_groups_until_the_disk_refuses", &scratch.path).spawn().unwrap();
    let lines: Vec<String> = said(&mut writer).collect();
    assert!(writer.wait().unwrap().success());
    let (last, threads) = lines.split_last().unwrap();
    assert!(last.starts_with("then Poisoned Err(") && last.contains("kind: Poisoned"), "{last}");
    assert_eq!(threads.len(), THREADS);

    let store = Store::new(scratch.open());
    let (mut acknowledged, mut there) = (0, 0);
    for line in threads {
        let [thread, count, kind] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert_eq!(kind, "Poisoned");
        let record = store.record(format!("thread{thread}").as_str()).unwrap();
        let (count, found) =
            (count.parse::<usize>().unwrap(), record.history("f0").unwrap().into_iter().count());
        assert!(found == count || found == count + 1, "{count} acknowledged, {found} there");
        (acknowledged, there) = (acknowledged + count, there + found);
    }
    assert!(acknowledged > 20, "{lines:?}");
    store.record("r").unwrap().set("n", &1).unwrap();
    assert_eq!(store.log().last_position().unwrap(), Position::START.plus(there as u64 + 1));
    assert_eq!(store.log().state(&Scope::All, Position::MAX).count(), THREADS + 1);
    assert!(store.log().verify(|_| {}).unwrap().damages.is_empty());
}
