//! The index by name in arrears: whatever happens in the middle of a pass, each name is that of one key.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use annals_core::{
    Batch, Change, Check, Condition, Context, Driver, Durability, ErrorKind, Key, Namespace, Order, Position,
    PositionRange, Scope,
};
use annals_driver_sqlite::SqliteDriver;

use crate::common::{Scratch, append, key, set, sql};
use crate::processes::{child, said, say};
use crate::scan::assert_answers_as_a_scan;

/// A name that no neighbour in the order of numbers stands beside.
fn scattered(number: u64) -> Key {
    let place = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    key(&format!("n{}/r{}", place % 7, place % 97), &format!("f{number}"))
}

fn short_passes(path: &Path) -> SqliteDriver {
    SqliteDriver::options().pace(8, 1, 1).open(path).unwrap()
}

fn count(path: &Path, query: &str) -> u64 {
    sql(path).query_row(query, [], |row| row.get::<_, i64>(0)).unwrap().unsigned_abs()
}

fn is_running(path: &Path) -> bool {
    count(path, "SELECT indexed_until < pass_through AND pass_field <> '' FROM annals_name_index") == 1
}

#[track_caller]
fn assert_undamaged(driver: &SqliteDriver) {
    assert_eq!(driver.check().unwrap().damages, Vec::<String>::new());
    assert_answers_as_a_scan(driver);
}

/// Appends batches that add keys, and says each number once it stands.
pub(crate) fn add_keys_in_short_passes(path: &Path) {
    let driver = short_passes(path);
    let begin = driver.last_position().unwrap().get();
    for number in begin.. {
        append(&driver, set(&scattered(number), b"\x01").set(scattered(number / 2), *b"\x02")).unwrap();
        say(number);
    }
}

#[test]
fn a_writer_killed_in_the_middle_of_a_pass_leaves_each_name_once() {
    let scratch = Scratch::new();
    let mut running = 0;
    for round in 0..20_u64 {
        let mut writer = child("add_keys_in_short_passes", &scratch.path).spawn().unwrap();
        let mut numbers = said(&mut writer);
        let heard = numbers.by_ref().take(1 + usize::try_from(round).unwrap() % 3).count();
        thread::sleep(Duration::from_micros(round * 331 % 5000));
        writer.kill().unwrap();
        writer.wait().unwrap();
        assert!(heard > 0);
        running += u64::from(is_running(&scratch.path));
        assert_eq!(scratch.open().check().unwrap().damages, Vec::<String>::new());
    }
    assert_undamaged(&scratch.open());
    assert!(running > 3, "only {running} were killed in the middle of a pass");
}

/// Writes the same 150 new keys as every other process, in the same order.
pub(crate) fn add_the_same_150_keys(path: &Path) {
    let driver = short_passes(path);
    for number in 0..150 {
        let position = append(&driver, set(&scattered(number), b"\x01")).unwrap();
        assert!(driver.entry(&scattered(number), Position::MAX).unwrap().unwrap().position >= position);
    }
}

#[test]
fn processes_that_add_the_same_keys_at_once_add_each_once() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let writers: Vec<Child> =
        (0..3).map(|_| child("add_the_same_150_keys", &scratch.path).spawn().unwrap()).collect();
    for writer in writers {
        assert!(writer.wait_with_output().unwrap().status.success());
    }
    assert_eq!(count(&scratch.path, "SELECT count(*) FROM annals_key"), 150);
    assert!(count(&scratch.path, "SELECT indexed_until FROM annals_name_index") > 100);
    let driver = scratch.open();
    for number in 0..150 {
        let range = PositionRange::ALL;
        let history = driver.history(&scattered(number), range, Order::OldestFirst, 0, 10).unwrap();
        assert_eq!(history.len(), 3);
    }
    assert_undamaged(&driver);
}

#[test]
fn handles_that_add_keys_in_turns_see_each_other_s() {
    let scratch = Scratch::new();
    let handles = [short_passes(&scratch.path), short_passes(&scratch.path), short_passes(&scratch.path)];
    for number in 0..120_u64 {
        let new = scattered(number);
        let turn = usize::try_from(number).unwrap();
        let absent = || set(&new, b"\x01").on_condition(Condition::KeyAbsent { key: new.clone() });
        append(&handles[turn % 3], absent()).unwrap();
        let other = &handles[(turn + 1) % 3];
        let _ = other.append(&[absent()], Durability::Buffered).unwrap().pop().unwrap().unwrap_err();
        let third = &handles[(turn + 2) % 3];
        assert!(third.entry(&new, Position::MAX).unwrap().is_some());
        assert_eq!(third.state(&Scope::All, Position::MAX, None, 1000).unwrap().len(), turn + 1);
        let namespaces = other.namespaces(&Scope::All, None, 1000).unwrap();
        assert!(namespaces.contains(new.namespace()) && namespaces.is_sorted());
    }
    assert_eq!(count(&scratch.path, "SELECT count(*) FROM annals_key"), 120);
    assert_undamaged(&handles[0]);
}

#[test]
fn names_that_the_index_lacks_are_found_again_after_opening() {
    let scratch = Scratch::new();
    let slow = SqliteDriver::options().pace(u64::MAX, 1, 1).open(&scratch.path).unwrap();
    for number in 0..50 {
        append(&slow, set(&scattered(number), b"\x01")).unwrap();
    }
    drop(slow);
    assert_eq!(count(&scratch.path, "SELECT count(*) FROM annals_name"), 0);
    let again = scratch.open();
    assert!(again.entry(&scattered(7), Position::MAX).unwrap().is_some());
    assert!(again.entry(&scattered(50), Position::MAX).unwrap().is_none());
    assert_undamaged(&again);
    let driver = short_passes(&scratch.path);
    for number in 0..60 {
        append(&driver, set(&scattered(number), b"\x02")).unwrap();
    }
    assert_eq!(count(&scratch.path, "SELECT count(*) FROM annals_key"), 60);
    assert!(count(&scratch.path, "SELECT indexed_until FROM annals_name_index") >= 50);
    assert_undamaged(&driver);
    assert_undamaged(&again);
}

#[test]
fn many_keys_in_random_order_are_listed_in_theirs() {
    let scratch = Scratch::new();
    let driver = SqliteDriver::options().pace(3000, 64, 4).open(&scratch.path).unwrap();
    let mut names = BTreeSet::new();
    for batch in 0..40 {
        let new = (batch * 500..(batch + 1) * 500).map(scattered);
        names.extend(new.clone().map(|key| (key.namespace().to_string(), key.field().to_string())));
        let batch = new.fold(Batch::new(Context::new()), |batch, key| batch.set(key, *b"\x01"));
        let _ = driver.append(&[batch], Durability::Buffered).unwrap();
    }
    let lacking = count(&scratch.path, "SELECT max(id) - indexed_until FROM annals_key, annals_name_index");
    assert!(lacking < 6000, "{lacking}");
    for driver in [driver, scratch.open()] {
        let state = driver.state(&Scope::All, Position::MAX, None, usize::MAX).unwrap();
        let listed = state.iter().map(Change::key);
        let listed = listed.map(|key| (key.namespace().to_string(), key.field().to_string()));
        assert!(listed.eq(names.iter().cloned()));
        let namespaces = driver.namespaces(&Scope::All, None, usize::MAX).unwrap();
        let expected: BTreeSet<&str> = names.iter().map(|(namespace, _)| namespace.as_str()).collect();
        assert!(namespaces.iter().map(Namespace::as_str).eq(expected));
        assert_eq!(driver.check().unwrap().damages, Vec::<String>::new());
    }
}

#[test]
fn a_slice_of_names_that_fails_leaves_nothing_of_it_and_of_its_append() {
    let scratch = Scratch::new();
    let driver = short_passes(&scratch.path);
    let mut number = 0;
    while !is_running(&scratch.path) {
        append(&driver, set(&scattered(number), b"\x01")).unwrap();
        number += 1;
    }
    let fail = "CREATE TRIGGER fail BEFORE INSERT ON annals_name BEGIN SELECT RAISE(ABORT, 'no'); END";
    sql(&scratch.path).execute_batch(fail).unwrap();
    let new = scattered(number);
    assert_eq!(append(&driver, set(&new, b"\x01")).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(driver.entry(&new, Position::MAX).unwrap(), None);
    sql(&scratch.path).execute_batch("DROP TRIGGER fail").unwrap();
    append(&driver, set(&scattered(number + 1), b"\x01")).unwrap();
    append(&driver, set(&new, b"\x01")).unwrap();
    assert_undamaged(&driver);
    assert_undamaged(&scratch.open());
}

#[test]
fn the_check_finds_names_that_are_wrong_missing_twice_there_or_too_early() {
    let damages = [
        ("DELETE FROM annals_name WHERE id = 3", "the index by name lacks the key 3"),
        ("UPDATE annals_name SET id = 3 WHERE id = 4", "the index by name is wrong about the key 3"),
        ("UPDATE annals_name SET field = 'other' WHERE id = 4", "the index by name is wrong about the key 4"),
        (
            "INSERT INTO annals_name SELECT namespace, field, id FROM annals_key WHERE id = 20",
            "the index by name goes too far: it holds or claims the key 20",
        ),
        (
            "UPDATE annals_name_index SET pass_through = 99",
            "the index by name goes too far: it holds or claims the key 99",
        ),
        (
            "INSERT INTO annals_key (namespace, field) SELECT namespace, field FROM annals_key WHERE id = 2",
            "a key before it has the same name as the key 21",
        ),
    ];
    for (damage, said) in damages {
        let scratch = Scratch::new();
        let driver = SqliteDriver::options().pace(16, 1, 20).open(&scratch.path).unwrap();
        for number in 0..20 {
            append(&driver, set(&scattered(number), b"\x01")).unwrap();
        }
        assert_eq!(driver.check().unwrap().damages, Vec::<String>::new());
        drop(driver);
        sql(&scratch.path).execute_batch(damage).unwrap();
        let found = scratch.open().check().unwrap().damages;
        assert!(found.iter().any(|found| found == said), "{damage}: {found:?}");
    }
}

#[test]
fn a_damaged_index_by_name_is_an_error() {
    for damage in [
        "DELETE FROM annals_name_index",
        "UPDATE annals_name_index SET indexed_until = -1",
        "UPDATE annals_name_index SET indexed_until = 99, pass_through = 99",
        "UPDATE annals_name_index SET pass_through = 99",
        "DELETE FROM annals_key WHERE id = 2",
    ] {
        let scratch = Scratch::new();
        append(
            &scratch.open(),
            set(&key("a", "b"), b"\x01").set(key("a", "c"), *b"\x01").set(key("a", "d"), *b"\x01"),
        )
        .unwrap();
        sql(&scratch.path).execute_batch(damage).unwrap();
        let driver = scratch.open();
        let new = set(&key("a", "e"), b"\x01");
        for error in [
            driver.entry(&key("a", "b"), Position::MAX).map(drop).unwrap_err(),
            driver.state(&Scope::All, Position::MAX, None, 10).map(drop).unwrap_err(),
            append(&driver, new).map(drop).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}: {error}");
        }
    }
}

/// Readers look at one moment each, while what is known of the names moves on under them.
#[test]
fn readers_who_look_for_a_name_are_not_confused_by_new_ones() {
    let scratch = Scratch::new();
    let [driver, other] = [(); 2].map(|()| SqliteDriver::open(&scratch.path).unwrap());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(driver.entry(&key("none", "f"), Position::MAX).unwrap(), None);
                }
            });
        }
        let adding = scope.spawn(|| {
            for number in 0..500 {
                let batch = set(&scattered(number), b"\x01");
                other.append(&[batch], Durability::Buffered).unwrap();
            }
        });
        let added = adding.join();
        done.store(true, Ordering::Relaxed);
        added.unwrap();
    });
    assert_undamaged(&driver);
}
