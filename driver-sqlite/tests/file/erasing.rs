//! What was erased is in no byte of the files.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use annals_core::{
    Action, Batch, Check, Context, Driver, Durability, ErrorKind, Order, Position, PositionRange,
};
use annals_driver_sqlite::SqliteDriver;

use crate::common::{Scratch, SmallDisk, append, key, set, sql};
use crate::processes::{child, said, say};

/// Returns a value that no other place of a file can hold by chance, and that can be found in pieces of it.
fn value(number: u64, length: usize) -> Vec<u8> {
    marker(number).into_iter().cycle().take(length).collect()
}

/// What a value of at least this length holds at least once, wherever it is cut into pages.
fn marker(number: u64) -> [u8; 12] {
    let mut marker = *b"\xf5mark\xf6......";
    let scattered = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
    marker[6..].copy_from_slice(&scattered[..6]);
    marker
}

/// Returns which of these numbers have left a mark in any file of the folder.
fn found_in_files(folder: &Path, numbers: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let names = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    // Another process reads: if this one closed the files, it would lose its locks on them.
    let files = names.map(|name| Command::new("cat").arg(name).output().unwrap().stdout);
    let bytes: Vec<u8> = files.collect::<Vec<_>>().join(&[0; 12][..]);
    let marks: BTreeMap<[u8; 12], u64> = numbers.into_iter().map(|number| (marker(number), number)).collect();
    let places = bytes.windows(12).filter(|window| window.starts_with(b"\xf5mark\xf6"));
    let mut found: Vec<u64> = places.filter_map(|window| marks.get(window).copied()).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn erase(driver: &SqliteDriver, positions: &[Position]) -> Position {
    let audit = Batch::new(Context::new().actor("dana").reason("asked to"));
    let audit = audit.set(key("__annals/erasures", "erasure"), *b"\x80");
    driver.abilities().erase.unwrap().erase(positions, &audit).unwrap().unwrap().commit.last
}

fn scrub(driver: &SqliteDriver) -> u64 {
    driver.abilities().erase.unwrap().scrub().unwrap()
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Appends commits of values of many lengths, each marked by its position.
fn fill(driver: &SqliteDriver, dice: &mut Dice, commits: u64) {
    const LENGTHS: [usize; 7] = [12, 13, 40, 300, 2000, 5000, 30_000];
    for _ in 0..commits {
        let before = driver.last_position().unwrap().get();
        let fields = 1 + dice.below(25);
        let mut batch = Batch::new(Context::new());
        for field in 0..fields {
            let length = LENGTHS[usize::try_from(dice.below(7)).unwrap()];
            let key = key("many", &format!("f{field}"));
            batch = batch.set(key, value(before + field + 1, length));
        }
        let durability = if dice.below(2) == 0 { Durability::Buffered } else { Durability::Synced };
        driver.append(&[batch], durability).unwrap().remove(0).unwrap();
    }
}

#[test]
fn not_one_byte_of_what_was_erased_is_left_in_the_files() {
    let scratch = Scratch::new();
    let mut dice = Dice(7);
    let mut erased: Vec<u64> = Vec::new();
    for _ in 0..6 {
        let driver = scratch.open();
        fill(&driver, &mut dice, 40);
        let last = driver.last_position().unwrap().get();
        let all: Vec<u64> = (1..=last).collect();
        let marked = found_in_files(scratch.folder.path(), all.clone());
        let set_ones: Vec<u64> = marked.iter().copied().filter(|number| !erased.contains(number)).collect();
        assert_eq!(marked, set_ones, "erased ones came back");

        let chosen: Vec<u64> = set_ones.iter().copied().filter(|_| dice.below(3) == 0).collect();
        let positions: Vec<Position> = chosen.iter().map(|number| Position::new(*number).unwrap()).collect();
        // Several erasures, each of which moves rows of the others.
        for some in positions.chunks(40) {
            erase(&driver, some);
        }
        scrub(&driver);
        erased.extend(&chosen);
        let expected: Vec<u64> = set_ones.into_iter().filter(|number| !chosen.contains(number)).collect();
        assert_eq!(found_in_files(scratch.folder.path(), all), expected);
        assert_eq!(driver.check().unwrap().damages, Vec::<String>::new());
    }
    assert!(erased.len() > 300, "only {} were erased", erased.len());
}

#[test]
fn room_that_is_not_needed_is_given_back() {
    let scratch = Scratch::new();
    let driver = scratch.open();
    for number in 1..=50 {
        append(&driver, set(&key("a", "x"), &value(number, 40_000))).unwrap();
    }
    let positions: Vec<Position> = (1..50).map(|number| Position::new(number).unwrap()).collect();
    erase(&driver, &positions);
    let size = || {
        fs::read_dir(scratch.folder.path())
            .unwrap()
            .map(|f| f.unwrap().metadata().unwrap().len())
            .sum::<u64>()
    };
    let before = size();
    let given_back = scrub(&driver);
    assert_eq!(size(), before - given_back);
    assert!(given_back > 49 * 40_000, "only {given_back} bytes");
    assert_eq!(scrub(&driver), 0, "there is no more");
}

#[test]
fn readers_of_old_pages_are_named_and_waited_for() {
    let scratch = Scratch::new();
    let driver = SqliteDriver::options().busy_timeout(Duration::from_millis(50)).open(&scratch.path).unwrap();
    append(&driver, set(&key("a", "x"), &value(1, 100))).unwrap();
    append(&driver, set(&key("a", "x"), &value(2, 100))).unwrap();
    let other = sql(&scratch.path);
    other.execute_batch("BEGIN").unwrap();
    let count =
        || other.query_row("SELECT count(value) FROM annals_entry", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count(), 2);

    erase(&driver, &[Position::new(1).unwrap()]);
    let error = driver.abilities().erase.unwrap().scrub().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.to_string().contains("the values are erased, but readers that began before"), "{error}");
    assert_eq!(count(), 2, "the reader goes on where it was");
    append(&driver, set(&key("a", "x"), &value(3, 100))).unwrap();

    other.execute_batch("COMMIT").unwrap();
    scrub(&driver);
    assert_eq!(found_in_files(scratch.folder.path(), 1..=3), [2, 3]);
}

/// Commits of values that stand or fall together, each followed by its erasure.
pub(crate) fn erase_until_killed(path: &Path) {
    let driver = SqliteDriver::open(path).unwrap();
    loop {
        let before = driver.last_position().unwrap();
        let mut batch = Batch::new(Context::new());
        for field in 0..6_u64 {
            let number = before.get() + 1 + field;
            batch = batch.set(
                key("killed", &format!("f{field}")),
                value(number, if field == 0 { 20_000 } else { 30 }),
            );
        }
        append(&driver, batch).unwrap();
        let positions: Vec<Position> = (1..=6).map(|count| before.plus(count)).collect();
        let by = erase(&driver, &positions);
        if by.get().is_multiple_of(3) {
            scrub(&driver);
        }
        say(by.get());
    }
}

/// Returns the positions of what is erased. Every commit of values is erased whole or not at all.
fn erased_whole(driver: &SqliteDriver) -> Vec<u64> {
    let commits = driver.commits(PositionRange::ALL, Order::OldestFirst, usize::MAX).unwrap();
    let mut erased = Vec::new();
    for (item, next) in commits.iter().zip(commits.iter().skip(1).map(Some).chain([None])) {
        let by = next.map(|next| Action::Erased { by: next.commit.last });
        let gone = item.entries.iter().filter(|entry| matches!(entry.action, Action::Erased { .. }));
        let gone: Vec<_> = gone.map(|entry| (entry.position.get(), Some(entry.action.clone()))).collect();
        assert!(gone.is_empty() || gone.len() == item.entries.len(), "erased in part");
        assert!(gone.iter().all(|(_, action)| *action == by), "not by the commit after it");
        erased.extend(gone.into_iter().map(|(position, _)| position));
    }
    erased
}

#[test]
fn a_killed_eraser_has_erased_all_or_nothing_and_is_finished_by_the_next_scrub() {
    let scratch = Scratch::new();
    let mut acknowledged = 0;
    for _ in 0..40 {
        let mut eraser = child("erase_until_killed", &scratch.path).spawn().unwrap();
        thread::sleep(Duration::from_micros(RandomState::new().build_hasher().finish() % 60_000));
        eraser.kill().unwrap();
        acknowledged = said(&mut eraser).last().map_or(acknowledged, |last| last.parse().unwrap());
        eraser.wait().unwrap();

        let driver = scratch.open();
        let erased = erased_whole(&driver);
        let last = driver.last_position().unwrap().get();
        assert!(last >= acknowledged);
        scrub(&driver);
        assert_eq!(found_in_files(scratch.folder.path(), erased), [0; 0]);
        assert_eq!(driver.check().unwrap().damages, Vec::<String>::new());
    }
    assert!(acknowledged > 100, "only {acknowledged}: killed too early to mean anything");
}

/// Reads everything again and again until the log ends with a deletion.
pub(crate) fn read_until_a_deletion(path: &Path) {
    let driver = SqliteDriver::open(path).unwrap();
    let mut rounds = 0;
    loop {
        erased_whole(&driver);
        rounds += 1;
        let newest = driver.commits(PositionRange::ALL, Order::NewestFirst, 1).unwrap();
        if newest.first().is_some_and(|newest| newest.entries[0].action == Action::Deleted) {
            say(rounds);
            return;
        }
    }
}

#[test]
fn other_processes_read_on_while_values_are_erased() {
    let scratch = Scratch::new();
    let driver = scratch.open();
    append(&driver, set(&key("a", "x"), &value(1, 30))).unwrap();
    let mut readers: Vec<Child> =
        (0..2).map(|_| child("read_until_a_deletion", &scratch.path).spawn().unwrap()).collect();
    let mut erased = Vec::new();
    for _ in 0..30 {
        let before = driver.last_position().unwrap();
        let batch = set(&key("a", "x"), &value(before.get() + 1, 3000));
        append(&driver, batch.set(key("a", "y"), value(before.get() + 2, 30))).unwrap();
        erase(&driver, &[before.plus(1), before.plus(2)]);
        erased.extend([before.get() + 1, before.get() + 2]);
        scrub(&driver);
        assert_eq!(found_in_files(scratch.folder.path(), erased.iter().copied()), [0; 0]);
    }
    append(&driver, Batch::new(Context::new()).delete(key("a", "x"))).unwrap();
    for reader in &mut readers {
        let rounds: Vec<String> = said(reader).collect();
        assert!(reader.wait().unwrap().success());
        assert_eq!(rounds.len(), 1);
    }
}

#[test]
fn a_scrub_without_room_says_that_the_values_are_erased_and_is_repeated() {
    let Some(disk) = SmallDisk::mount("4m") else { return };
    let driver = SqliteDriver::open(disk.path()).unwrap();
    append(&driver, set(&key("a", "b"), &value(1, 5000))).unwrap();
    append(&driver, set(&key("a", "c"), &value(2, 1_200_000))).unwrap();
    let ballast = disk.path().with_file_name("ballast");
    fs::write(&ballast, vec![0; 2_500_000]).unwrap();
    erase(&driver, &[Position::new(1).unwrap()]);

    let error = driver.abilities().erase.unwrap().scrub().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full);
    assert!(error.to_string().contains("the values are erased, but"), "{error}");
    append(&driver, set(&key("a", "d"), b"\x01")).unwrap();

    fs::remove_file(ballast).unwrap();
    scrub(&driver);
    assert_eq!(found_in_files(disk.path().parent().unwrap(), [1, 2]), [2]);
}
