//! The index in arrears: whatever happens in the middle of a pass, every answer is right.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use annals_core::codec::{Timestamp, Uuid};
use annals_core::{
    Action, Batch, Check, Commit, CommitEntries, CommitId, Condition, Context, Driver, Durability, Entry,
    ErrorKind, Key, Order, Position, PositionRange, Scope,
};
use annals_driver_sqlite::SqliteDriver;

use crate::common::{Scratch, SmallDisk, append, key, set, sql};
use crate::processes::{child, said, say};
use crate::scan::assert_answers_as_a_scan;

/// How far the index is: `indexed_until`, `pass_through`, and the end of the log.
#[derive(Debug, PartialEq)]
struct Index {
    indexed_until: u64,
    pass_through: u64,
    last: u64,
}

impl Index {
    fn of(path: &Path) -> Index {
        let query = "SELECT indexed_until, pass_through, (SELECT coalesce(max(last), 0) FROM annals_commit) FROM annals_index";
        let row = |row: &rusqlite::Row<'_>| {
            let number = |at| row.get::<_, i64>(at).map(i64::unsigned_abs);
            Ok(Index { indexed_until: number(0)?, pass_through: number(1)?, last: number(2)? })
        };
        sql(path).query_row(query, [], row).unwrap()
    }

    fn is_running(&self) -> bool {
        self.indexed_until < self.pass_through
    }

    fn tail(&self) -> u64 {
        self.last - self.indexed_until
    }
}

fn open(scratch: &Scratch, tail: u64, share: u64) -> SqliteDriver {
    SqliteDriver::options().pace(tail, 1, share).open(&scratch.path).unwrap()
}

/// A batch that changes some of 20 keys, which ones follows from the number.
fn changes(number: u64) -> Batch {
    let mut batch = Batch::new(Context::new().actor(format!("commit {number}")));
    for field in (0..20).filter(|field| (number * 7 + field * 3).is_multiple_of(5)) {
        let key = key(&format!("record/{}", field % 3), &format!("f{field}"));
        batch = if (number + field).is_multiple_of(11) {
            batch.delete(key)
        } else {
            batch.set(key, number.to_be_bytes())
        };
    }
    batch
}

fn random(below: u64) -> u64 {
    RandomState::new().build_hasher().finish() % below
}

/// Appends numbered batches, and says each number once it stands.
pub(crate) fn append_in_short_passes(path: &Path) {
    let driver = SqliteDriver::options().pace(8, 1, 1).open(path).unwrap();
    for number in random(1000).. {
        append(&driver, changes(number)).unwrap();
        say(number);
    }
}

#[test]
fn a_writer_killed_in_the_middle_of_a_pass_leaves_right_answers() {
    let scratch = Scratch::new();
    let (mut running, mut acknowledged) = (0, 0);
    for round in 0..40 {
        let mut writer = child("append_in_short_passes", &scratch.path).spawn().unwrap();
        let mut numbers = said(&mut writer);
        // Most are killed while they append, some while they open the log.
        acknowledged += if round % 5 == 0 { 0 } else { numbers.by_ref().take(1).count() };
        thread::sleep(Duration::from_micros(random(20_000)));
        writer.kill().unwrap();
        acknowledged += numbers.count();
        writer.wait().unwrap();
        if scratch.path.metadata().is_ok_and(|file| file.len() > 0) {
            let driver = scratch.open();
            running += u64::from(Index::of(&scratch.path).is_running());
            if random(4) == 0 {
                assert_answers_as_a_scan(&driver);
            }
        }
    }
    assert_answers_as_a_scan(&scratch.open());
    let there = scratch.open().commits(PositionRange::ALL, Order::OldestFirst, usize::MAX).unwrap().len();
    assert!(there >= acknowledged, "{acknowledged} acknowledged, {there} there");
    assert!(running > 5, "only {running} were killed in the middle of a pass");
}

/// Appends 150 batches and looks after each that it is there, by key.
pub(crate) fn append_and_read_150(path: &Path) {
    let driver =
        SqliteDriver::options().pace(8, 1, 1 + u64::from(std::process::id()) % 3).open(path).unwrap();
    let own = key(&format!("process/{}", std::process::id()), "count");
    for number in 0..150_u64 {
        let position = append(&driver, changes(number).set(own.clone(), number.to_be_bytes())).unwrap();
        let newest = driver.entry(&own, Position::MAX).unwrap().unwrap();
        assert_eq!(newest.position, position);
        let history = driver.history(&own, PositionRange::ALL, Order::OldestFirst, 0, usize::MAX).unwrap();
        assert_eq!(history.len() as u64, number + 1);
        assert!(driver.last_position().unwrap() >= position);
    }
}

/// Compares the newest changes with the log, again and again, while others write.
pub(crate) fn read_while_others_write(path: &Path) {
    let driver = SqliteDriver::open(path).unwrap();
    let mut seen = Position::START;
    while driver.state(&Scope::All, Position::MAX, None, usize::MAX).unwrap().len() < 24 {
        let at = driver.last_position().unwrap();
        assert!(at >= seen);
        seen = at;
        for change in driver.state(&Scope::All, at, None, usize::MAX).unwrap() {
            let range = PositionRange::through(at);
            let newest = driver.history(change.key(), range, Order::NewestFirst, 0, 2).unwrap();
            assert_eq!(newest[0], change);
        }
    }
    say("saw the end");
}

#[test]
fn processes_share_their_passes() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let mut readers: Vec<Child> =
        (0..2).map(|_| child("read_while_others_write", &scratch.path).spawn().unwrap()).collect();
    let writers: Vec<Child> =
        (0..3).map(|_| child("append_and_read_150", &scratch.path).spawn().unwrap()).collect();
    for writer in writers {
        assert!(writer.wait_with_output().unwrap().status.success());
    }
    let driver = scratch.open();
    // The 20 shared keys and those of the three writers; one more ends the readers.
    append(&driver, set(&key("the", "end"), b"\x01")).unwrap();
    for reader in &mut readers {
        assert_eq!(said(reader).collect::<Vec<_>>(), ["saw the end"]);
        assert!(reader.wait().unwrap().success());
    }
    assert_answers_as_a_scan(&driver);
    assert!(Index::of(&scratch.path).indexed_until > 1000);
}

#[test]
fn a_pass_that_one_begins_another_ends() {
    let scratch = Scratch::new();
    let (one, other, idle) = (open(&scratch, 40, 1), open(&scratch, 40, 1), open(&scratch, 40, 1));
    append(&one, changes(0)).unwrap();
    assert_answers_as_a_scan(&idle);
    for pass in 0..2 {
        let mut number = pass * 100;
        while !Index::of(&scratch.path).is_running() {
            append(&one, changes(number)).unwrap();
            number += 1;
        }
        let begun = Index::of(&scratch.path);
        while Index::of(&scratch.path).pass_through == begun.pass_through {
            append(&other, changes(number)).unwrap();
            number += 1;
        }
        assert!(Index::of(&scratch.path).indexed_until >= begun.pass_through);
        assert_answers_as_a_scan(&one);
        assert_answers_as_a_scan(&other);
    }
    // What it knew of the tail is long in postings.
    assert_answers_as_a_scan(&idle);
    append(&idle, changes(7)).unwrap();
    assert_answers_as_a_scan(&idle);
}

#[test]
fn conditions_see_what_others_appended_through_passes() {
    let scratch = Scratch::new();
    let (one, other) = (open(&scratch, 8, 1), open(&scratch, 8, 3));
    let counter = key("a", "counter");
    let mut last = Position::START;
    for number in 0..200_u8 {
        let (winner, loser) = if number % 2 == 0 { (&one, &other) } else { (&other, &one) };
        let unchanged = Condition::KeyUnchanged { key: counter.clone(), since: last };
        let next =
            set(&counter, &[number]).on_condition(unchanged).set(key("b", &format!("f{number}")), *b"\x01");
        last = append(winner, next.clone()).unwrap();
        let lost = loser.append(&[next], Durability::Synced).unwrap().pop().unwrap().unwrap_err();
        assert_eq!(lost.lost_to.last, last);
        let record = Condition::NamespaceUnchanged { namespace: counter.namespace().clone(), since: last };
        let absent = Condition::KeyAbsent { key: counter.clone() };
        let batch = |condition| set(&key("c", "d"), b"\x01").on_condition(condition);
        let answers = loser.append(&[batch(record), batch(absent)], Durability::Buffered).unwrap();
        assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false]);
    }
    assert_answers_as_a_scan(&one);
}

#[test]
fn a_slice_that_fails_leaves_nothing_of_it_and_of_its_append() {
    let scratch = Scratch::new();
    let driver = open(&scratch, 20, 3);
    let mut number = 0;
    while !Index::of(&scratch.path).is_running() {
        append(&driver, changes(number)).unwrap();
        number += 1;
    }
    let before = Index::of(&scratch.path);
    // The slice writes postings of other keys before it comes to this one.
    let fail = "CREATE TRIGGER fail BEFORE INSERT ON annals_posting
        WHEN new.key = (SELECT pass_key + 2 FROM annals_index) BEGIN SELECT RAISE(ABORT, 'no'); END";
    sql(&scratch.path).execute_batch(fail).unwrap();
    assert_eq!(append(&driver, changes(number)).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(Index::of(&scratch.path), before);
    sql(&scratch.path).execute_batch("DROP TRIGGER fail").unwrap();
    assert_answers_as_a_scan(&driver);
    for number in number..number + 20 {
        append(&driver, changes(number)).unwrap();
    }
    assert!(Index::of(&scratch.path).indexed_until > before.indexed_until);
    assert_answers_as_a_scan(&driver);
}

#[test]
fn a_disk_that_is_full_in_the_middle_of_a_pass_loses_nothing() {
    let Some(disk) = SmallDisk::mount("2m") else { return };
    let ballast = disk.path().with_file_name("ballast");
    fs::write(&ballast, vec![0; 1 << 20]).unwrap();
    let driver = SqliteDriver::options().pace(40, 1, 1).open(disk.path()).unwrap();
    let error = (0..10_000).find_map(|number| append(&driver, changes(number)).err());
    assert_eq!(error.expect("the disk is never full").kind(), ErrorKind::Full);
    assert_answers_as_a_scan(&driver);
    fs::remove_file(ballast).unwrap();
    for number in 0..20 {
        append(&driver, changes(number)).unwrap();
    }
    assert!(Index::of(&disk.path()).indexed_until > 40);
    assert_answers_as_a_scan(&driver);
}

#[test]
fn a_batch_far_beyond_the_tail_is_indexed_at_once() {
    let scratch = Scratch::new();
    let driver = scratch.open();
    let huge = (0..100_000_u32).fold(Batch::new(Context::new()), |batch, number| {
        batch.set(key(&format!("n{}", number % 977), &format!("f{number}")), number.to_be_bytes())
    });
    append(&driver, set(&key("n5", "f5"), b"\x01")).unwrap();
    append(&driver, huge).unwrap();
    assert_eq!(
        Index::of(&scratch.path),
        Index { indexed_until: 100_001, pass_through: 100_001, last: 100_001 }
    );
    append(&driver, set(&key("n5", "f5"), b"\x02")).unwrap();
    let again = scratch.open();
    for driver in [&driver, &again] {
        let field = key("n5", "f5");
        let history = driver.history(&field, PositionRange::ALL, Order::OldestFirst, 0, 10).unwrap();
        assert_eq!(history.iter().map(|change| change.position().get()).collect::<Vec<_>>(), [1, 7, 100_002]);
        assert_eq!(driver.entry(&key("n0", "f977"), Position::MAX).unwrap().unwrap().position.get(), 979);
        assert_eq!(driver.check().unwrap().damages, Vec::<String>::new());
    }
}

/// Returns commits that write each of these keys, from the one that begins after `position` on.
fn commits_of(keys: &[Key], position: u64, count: u64) -> Vec<CommitEntries> {
    let length = keys.len() as u64;
    let commit = |commit: u64| {
        let at = |place: u64| Position::new(position + commit * length + place).unwrap();
        let entry = |(key, place): (&Key, u64)| {
            let action = Action::Set(at(place).get().to_be_bytes().into());
            Entry { position: at(place), key: key.clone(), action, actor: None, reason: None }
        };
        let id = CommitId::Made(Uuid::from_bytes([0; 16]));
        let (recorded_at, context) = (Timestamp::MIN, Context::new());
        let commit = Commit { first: at(1), last: at(length), id, recorded_at, context };
        CommitEntries { commit: Arc::new(commit), entries: keys.iter().zip(1..).map(entry).collect() }
    };
    (0..count).map(commit).collect()
}

#[test]
fn a_million_entries_are_restored_with_their_index() {
    let scratch = Scratch::new();
    let driver = scratch.open();
    let keys: Vec<Key> =
        (0..1000).map(|number| key(&format!("n{}", number % 500), &format!("f{number}"))).collect();
    for page in 0..5 {
        driver.restore(&commits_of(&keys, page * 200_000, 200)).unwrap();
    }
    let index = Index::of(&scratch.path);
    assert_eq!(index.last, 1_000_000);
    assert!(index.tail() < 65_536, "{index:?}");
    let again = scratch.open();
    for driver in [&driver, &again] {
        for commit in commits_of(&keys, 417_000, 1) {
            for entry in commit.entries.iter().step_by(50) {
                assert_eq!(driver.entry(&entry.key, entry.position).unwrap().as_ref(), Some(entry));
            }
        }
        let history =
            driver.history(&keys[7], PositionRange::ALL, Order::NewestFirst, 0, usize::MAX).unwrap();
        let positions = history.iter().map(|change| change.position().get());
        assert!(positions.eq((0..1000).rev().map(|commit| commit * 1000 + 8)));
    }
}

#[test]
fn large_values_make_the_tail_short() {
    let scratch = Scratch::new();
    let driver = scratch.open();
    for number in 0..100_u8 {
        let batch = (0..60).fold(Batch::new(Context::new()), |batch, field| {
            batch.set(key("a", &format!("f{field}")), vec![number; 3000])
        });
        driver.append(&[batch], Durability::Buffered).unwrap();
    }
    // Of these values a page holds one, so 2,048 pages of them are about as many entries.
    let index = Index::of(&scratch.path);
    assert!(index.tail() < 3000, "{index:?}");
    assert_answers_as_a_scan(&driver);
    assert_answers_as_a_scan(&scratch.open());
}

#[test]
fn a_tail_longer_than_one_should_be_is_read_and_then_indexed() {
    let scratch = Scratch::new();
    let slow = SqliteDriver::options().pace(u64::MAX, 1, 1).open(&scratch.path).unwrap();
    for number in 0..50 {
        append(&slow, changes(number)).unwrap();
    }
    drop(slow);
    assert_eq!(Index::of(&scratch.path).indexed_until, 0);
    let driver = open(&scratch, 8, 2);
    assert_answers_as_a_scan(&driver);
    for number in 50..200 {
        append(&driver, changes(number)).unwrap();
    }
    assert!(Index::of(&scratch.path).tail() < 50);
    assert_answers_as_a_scan(&driver);
}

#[test]
fn processes_that_append_one_entry_each_keep_the_tail_short() {
    let scratch = Scratch::new();
    for number in 0..300_u32 {
        let driver = SqliteDriver::options().pace(32, 16, 4).open(&scratch.path).unwrap();
        append(&driver, set(&key("a", &format!("f{}", number % 7)), &number.to_be_bytes())).unwrap();
        assert!(Index::of(&scratch.path).tail() <= 32 + 16 + 16, "after {number}");
    }
    assert_answers_as_a_scan(&scratch.open());
}

#[test]
fn a_key_of_very_many_versions_is_found_at_each() {
    let scratch = Scratch::new();
    let driver = open(&scratch, 1000, 4);
    for number in 0..2_500_u32 {
        driver.append(&[set(&key("a", "hot"), &number.to_be_bytes())], Durability::Buffered).unwrap();
    }
    let postings = "SELECT count(*) FROM annals_posting";
    assert!(sql(&scratch.path).query_row(postings, [], |row| row.get::<_, i64>(0)).unwrap() > 10);
    for number in (0..2_500_u32).step_by(7) {
        let at = Position::new(u64::from(number) + 1).unwrap();
        let entry = driver.entry(&key("a", "hot"), at).unwrap().unwrap();
        assert_eq!(entry.action, Action::Set(number.to_be_bytes().into()));
    }
    assert_answers_as_a_scan(&driver);
}

#[test]
fn the_last_position_is_that_of_any_process_at_once() {
    let scratch = Scratch::new();
    let drivers = [scratch.open(), scratch.open(), scratch.open()];
    for number in 0..60_usize {
        let position = append(&drivers[number % 3], set(&key("a", "b"), b"\x01")).unwrap();
        for driver in &drivers {
            assert_eq!(driver.last_position().unwrap(), position);
            assert_eq!(driver.last_position().unwrap(), position);
        }
        sql(&scratch.path).query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        assert_eq!(drivers[0].last_position().unwrap(), position);
    }
}

#[test]
fn the_newest_entry_is_that_of_any_process_at_once() {
    for short in [true, false] {
        let scratch = Scratch::new();
        let open = || if short { open(&scratch, 8, 1) } else { scratch.open() };
        let drivers = [open(), open(), open()];
        for number in 0..60_usize {
            let field = key("a", &format!("f{}", number % 7));
            let position = append(&drivers[number % 3], set(&field, b"\x01")).unwrap();
            // Another key, so that not every reader knows of every append at once.
            let last = append(&drivers[number % 3], set(&key("b", "c"), b"\x01")).unwrap();
            for driver in drivers.iter().skip(number % 2) {
                assert_eq!(driver.entry(&field, Position::MAX).unwrap().unwrap().position, position);
                let newest = driver.history(&field, PositionRange::ALL, Order::NewestFirst, 0, 1).unwrap();
                assert_eq!(newest[0].position(), position);
                let state = driver.state(&Scope::All, Position::MAX, None, 100).unwrap();
                assert!(state.iter().any(|change| change.position() == last));
            }
        }
    }
}
