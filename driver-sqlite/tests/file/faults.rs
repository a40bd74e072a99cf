use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use annals_core::codec::Uuid;
use annals_core::{
    Action, Batch, Change, Check, Context, Driver, Durability, Error, ErrorKind, Order, Position,
    PositionRange, Scope,
};
use annals_driver_sqlite::SqliteDriver;

use crate::common::{Scratch, SmallDisk, append, key, set, sql, values};
use crate::processes::{child_after, said, say};

#[test]
fn a_file_that_others_hold_is_busy_and_free_again_later() {
    let scratch = Scratch::new();
    let driver =
        SqliteDriver::options().busy_timeout(Duration::from_millis(100)).open(&scratch.path).unwrap();
    let other = sql(&scratch.path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let started = Instant::now();
    let error = append(&driver, set(&key("a", "b"), b"\x01")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(started.elapsed() >= Duration::from_millis(100), "it did not wait");
    assert!(started.elapsed() < Duration::from_secs(5), "it waited too long");
    assert!(error.to_string().contains("write lock"), "{error}");

    other.execute_batch("ROLLBACK").unwrap();
    append(&driver, set(&key("a", "b"), b"\x02")).unwrap();
    assert_eq!(values(&driver, &key("a", "b")), [b"\x02"]);
}

#[test]
fn a_read_does_not_wait_for_a_write() {
    let scratch = Scratch::new();
    let driver = scratch.open();
    append(&driver, set(&key("a", "b"), b"\x01")).unwrap();
    let other = sql(&scratch.path);
    other.execute_batch("BEGIN IMMEDIATE; DELETE FROM annals_entry").unwrap();

    let started = Instant::now();
    assert_eq!(values(&driver, &key("a", "b")), [b"\x01"]);
    assert_eq!(driver.state(&Scope::All, Position::MAX, None, 10).unwrap().len(), 1);
    assert_eq!(driver.commits(PositionRange::ALL, Order::OldestFirst, 10).unwrap().len(), 1);
    assert_eq!(driver.namespaces(&Scope::All, None, 10).unwrap().len(), 1);
    assert!(driver.check().unwrap().damages.is_empty());
    assert!(started.elapsed() < Duration::from_secs(5), "a read waited for the busy timeout");
}

#[test]
fn a_full_disk_loses_nothing_and_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mount("2m") else { return };
    let ballast = disk.path().with_file_name("ballast");
    fs::write(&ballast, vec![0; 1 << 20]).unwrap();
    let driver = SqliteDriver::open(disk.path()).unwrap();
    let field = key("a", "b");
    let mut acknowledged = Vec::new();
    let error = loop {
        let value = vec![u8::try_from(acknowledged.len() % 251).unwrap(); 3000];
        match append(&driver, set(&field, &value)) {
            Ok(_) => acknowledged.push(value),
            Err(error) => break error,
        }
        assert!(acknowledged.len() < 10_000, "the disk is never full");
    };
    assert_eq!(error.kind(), ErrorKind::Full, "{error}");
    assert!(acknowledged.len() > 10);
    assert_eq!(append(&driver, set(&field, &[0; 3000])).unwrap_err().kind(), ErrorKind::Full);
    assert!(values(&driver, &field) == acknowledged, "what was there is not readable");

    fs::remove_file(ballast).unwrap();
    append(&driver, set(&field, b"\x01")).unwrap();
    acknowledged.push(b"\x01".to_vec());
    assert!(values(&driver, &field) == acknowledged);
    drop(driver);
    let again = SqliteDriver::open(disk.path()).unwrap();
    assert!(values(&again, &field) == acknowledged);
    assert_eq!(again.check().unwrap().damages, Vec::<String>::new());
}

/// Opens the log in each way, which must be refused and leave it as it is.
#[track_caller]
fn refused_for_want_of_room(path: &Path) {
    for options in [SqliteDriver::options(), SqliteDriver::options().read_only(true)] {
        let before = fs::read(path).unwrap();
        let error = options.open(path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Full, "{error}");
        assert!(error.to_string().contains("no room for the -shm"), "{error}");
        assert_eq!(fs::read(path).unwrap(), before);
    }
}

#[test]
fn a_full_disk_says_that_reading_needs_room_too() {
    let Some(disk) = SmallDisk::mount("1m") else { return };
    append(&SqliteDriver::open(disk.path()).unwrap(), set(&key("a", "b"), b"\x01")).unwrap();
    let ballast = disk.path().with_file_name("ballast");
    fs::write(&ballast, vec![0; 2 << 20]).unwrap_err();
    refused_for_want_of_room(&disk.path());
    fs::remove_file(ballast).unwrap();
    assert_eq!(values(&SqliteDriver::open(disk.path()).unwrap(), &key("a", "b")), [b"\x01"]);
}

#[test]
fn a_disk_that_takes_no_more_files_is_named() {
    let Some(disk) = SmallDisk::mount("1m,nr_inodes=5") else { return };
    append(&SqliteDriver::open(disk.path()).unwrap(), set(&key("a", "b"), b"\x01")).unwrap();
    for number in 0.. {
        if fs::write(disk.path().with_file_name(format!("ballast{number}")), b"").is_err() {
            break;
        }
    }
    for options in [SqliteDriver::options(), SqliteDriver::options().read_only(true)] {
        let error = options.open(disk.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
        assert!(error.to_string().contains("takes no new file"), "{error}");
    }
}

/// Appends until the operating system refuses to write, then tries again, then reads.
pub(crate) fn write_until_the_disk_refuses(path: &Path) {
    let driver = SqliteDriver::open(path).unwrap();
    let field = key("a", "b");
    let refused =
        |count: usize| append(&driver, set(&field, &[u8::try_from(count % 251).unwrap(); 3000])).err();
    let (count, error) = (0..).find_map(|count| Some((count, refused(count)?))).unwrap();
    say(count);
    say(format!("{:?}: {}", error.kind(), std::error::Error::source(&error).is_some()));
    say(format!("{:?}", append(&driver, set(&field, b"\x01")).unwrap_err().kind()));
    say(format!("{:?}", driver.sync().unwrap_err().kind()));
    say(values(&driver, &field).len());
}

#[test]
fn a_disk_that_refuses_ends_writing_until_reopened() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let set_up = "trap '' XFSZ; ulimit -f 2000";
    let mut child = child_after(set_up, "write_until_the_disk_refuses", &scratch.path).spawn().unwrap();
    let lines: Vec<String> = said(&mut child).collect();
    assert!(child.wait().unwrap().success());
    let count: usize = lines[0].parse().unwrap();
    assert!(count > 10, "{lines:?}");
    assert_eq!(lines[1..], ["Poisoned: true", "Poisoned", "Poisoned", &lines[0]]);

    let driver = scratch.open();
    let stored = values(&driver, &key("a", "b")).len();
    assert!(stored == count || stored == count + 1, "{count} acknowledged, {stored} there");
    append(&driver, set(&key("a", "b"), b"\x01")).unwrap();
    assert_eq!(driver.check().unwrap().damages, Vec::<String>::new());
}

/// Every question there is, for a log with the key `a b`.
fn read_everything(driver: &dyn Driver) -> Result<(), Error> {
    driver.commits(PositionRange::ALL, Order::OldestFirst, 100)?;
    driver.history(&key("a", "b"), PositionRange::ALL, Order::OldestFirst, 0, 100)?;
    driver.history(&key("a", "b"), PositionRange::ALL, Order::NewestFirst, 0, 1)?;
    driver.state(&Scope::All, Position::MAX, None, 100)?;
    driver.namespaces(&Scope::All, None, 100)?;
    Ok(())
}

#[test]
fn damaged_rows_are_errors_that_name_the_position_and_no_value() {
    let damages = [
        ("UPDATE annals_entry SET kind = 9 WHERE position = 2", "the entry at @2 has a wrong `kind`"),
        ("UPDATE annals_entry SET value = NULL WHERE position = 2", "the entry at @2 has a wrong `value`"),
        ("UPDATE annals_entry SET kind = 1 WHERE position = 2", "the entry at @2 has a wrong `value`"),
        (
            "UPDATE annals_entry SET actor = CAST(x'ff' AS TEXT) WHERE position = 2",
            "the entry at @2 has a wrong `actor`",
        ),
        ("UPDATE annals_entry SET position = -2 WHERE position = 2", "the commit at @3 lacks entries"),
        ("UPDATE annals_entry SET position = 9 WHERE position = 2", "the commit at @3 lacks entries"),
        ("DELETE FROM annals_entry WHERE position = 2", "the commit at @3 lacks entries"),
        ("UPDATE annals_commit SET length = 0 WHERE last = 3", "the commit at @3 has a wrong `length`"),
        ("UPDATE annals_commit SET length = 4 WHERE last = 3", "the commit at @3 has a wrong `length`"),
        ("UPDATE annals_commit SET length = -1 WHERE last = 3", "the commit at @3 has a wrong `length`"),
        ("UPDATE annals_commit SET id = x'00' WHERE last = 3", "the commit at @3 has a wrong `id`"),
        ("UPDATE annals_commit SET given = 2 WHERE last = 3", "the commit at @3 has a wrong `given`"),
        (
            "UPDATE annals_commit SET recorded_at = 9223372036854775807 WHERE last = 3",
            "the commit at @3 has a wrong `recorded_at`",
        ),
        ("UPDATE annals_commit SET tags = x'c1' WHERE last = 3", "the commit at @3 has a wrong `tags`"),
        ("UPDATE annals_key SET namespace = '../etc'", "a namespace is not a valid name"),
        ("UPDATE annals_key SET field = CAST(x'ff' AS TEXT) WHERE id = 1", "a field is not a valid name"),
    ];
    for (damage, said) in damages {
        let scratch = Scratch::new();
        append(&scratch.open(), set(&key("a", "b"), b"\x01")).unwrap();
        let batch = set(&key("a", "b"), b"\xa6secret").set(key("a", "c"), *b"\xa6secret");
        append(&scratch.open(), batch).unwrap();
        sql(&scratch.path).execute_batch(damage).unwrap();

        let driver = scratch.open();
        let error = read_everything(&driver).expect_err(damage);
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}: {error}");
        assert!(error.to_string().ends_with(said), "{damage}: {error}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        let found = driver.check().unwrap().damages;
        assert!(!found.is_empty() && !found.concat().contains("secret"), "{damage}: {found:?}");
    }
}

#[test]
fn entries_after_the_last_commit_are_found_by_the_check() {
    let scratch = Scratch::new();
    let driver = scratch.open();
    append(&driver, set(&key("a", "b"), b"\x01")).unwrap();
    append(&driver, set(&key("a", "b"), b"\x02")).unwrap();
    drop(driver);
    sql(&scratch.path).execute_batch("DELETE FROM annals_commit WHERE last = 2").unwrap();
    let driver = scratch.open();
    assert_eq!(values(&driver, &key("a", "b")), [b"\x01"], "what has no commit is not shown");
    assert_eq!(driver.check().unwrap().damages, ["no commit covers the entry at 2"]);
}

/// A log of 40 entries of 4 keys whose index has come to some entry in the middle of a pass.
fn log_with_an_index(scratch: &Scratch) {
    let driver = SqliteDriver::options().pace(8, 1, 2).open(&scratch.path).unwrap();
    for number in 0..40_u8 {
        append(&driver, set(&key("a", &format!("f{}", number % 4)), &[number])).unwrap();
    }
    assert_eq!(driver.check().unwrap().damages, Vec::<String>::new());
}

#[test]
fn a_damaged_index_is_an_error_and_never_a_wrong_answer() {
    let damages = [
        ("UPDATE annals_posting SET middle = x'00'", "damaged", "makes no sense"),
        ("UPDATE annals_posting SET middle = x'80'", "damaged", "makes no sense"),
        ("UPDATE annals_posting SET last = last + 1", "damaged", "another key's"),
        ("UPDATE annals_posting SET key = 5 - key WHERE key < 5", "damaged", "another key's"),
        ("DELETE FROM annals_index", "damaged", "`annals_index` makes no sense"),
        ("UPDATE annals_index SET indexed_until = 1000, pass_through = 1000", "damaged", "beyond"),
        ("UPDATE annals_index SET indexed_until = -1", "damaged", "makes no sense"),
    ];
    for (damage, said, found) in damages {
        let scratch = Scratch::new();
        log_with_an_index(&scratch);
        sql(&scratch.path).execute_batch(damage).unwrap();
        let driver = scratch.open();
        let read = |number| {
            let key = key("a", &format!("f{number}"));
            driver.history(&key, PositionRange::ALL, Order::OldestFirst, 0, 100)
        };
        let error = (0..4).find_map(|number| read(number).err()).expect(damage);
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}: {error}");
        assert!(error.to_string().contains(said), "{damage}: {error}");
        let damages = driver.check().unwrap().damages;
        assert!(damages.iter().any(|damage| damage.contains(found)), "{damage}: {damages:?}");
    }
}

#[test]
fn the_check_finds_postings_that_are_missing_twice_there_or_too_early() {
    let damages = [
        ("DELETE FROM annals_posting WHERE first = 1", "the index names"),
        (
            "INSERT INTO annals_posting SELECT key, last, last, x'' FROM annals_posting WHERE first = 1",
            "named twice",
        ),
        ("INSERT INTO annals_posting VALUES (4, 40, 40, x'')", "named too early"),
    ];
    for (damage, said) in damages {
        let scratch = Scratch::new();
        log_with_an_index(&scratch);
        sql(&scratch.path).execute_batch(damage).unwrap();
        let damages = scratch.open().check().unwrap().damages;
        assert!(damages.iter().any(|damage| damage.contains(said)), "{damage}: {damages:?}");
    }
}

#[test]
fn an_error_inside_a_group_of_batches_leaves_nothing_of_it() {
    let scratch = Scratch::new();
    let driver = scratch.open();
    sql(&scratch.path)
        .execute_batch(
            "CREATE TRIGGER refuse BEFORE INSERT ON annals_commit WHEN new.last = 2
            BEGIN SELECT raise(ABORT, 'no'); END",
        )
        .unwrap();
    let group = [set(&key("a", "b"), b"\x01"), set(&key("a", "c"), b"\x02")];
    driver.append(&group, Durability::Synced).unwrap_err();
    assert_eq!(driver.last_position().unwrap(), Position::START);
    assert_eq!(driver.namespaces(&Scope::All, None, 10).unwrap(), []);

    // Nothing that the lost transaction learned may be believed: its key ids are free again.
    sql(&scratch.path).execute_batch("DROP TRIGGER refuse").unwrap();
    append(&driver, set(&key("a", "c"), b"\x03")).unwrap();
    append(&driver, set(&key("a", "b"), b"\x04")).unwrap();
    for driver in [driver, scratch.open()] {
        assert_eq!(values(&driver, &key("a", "c")), [b"\x03"]);
        assert_eq!(values(&driver, &key("a", "b")), [b"\x04"]);
    }
}

#[test]
fn syncing_writes_something_to_be_synced_though_nothing_changes() {
    let scratch = Scratch::new();
    let driver = scratch.open();
    let wal_bytes = || fs::metadata(scratch.folder.path().join("log.db-wal")).unwrap().len();
    for _ in 0..3 {
        driver.append(&[set(&key("a", "b"), b"\x01")], Durability::Buffered).unwrap();
        let before = wal_bytes();
        driver.sync().unwrap();
        assert_eq!(wal_bytes() - before, 24 + 4096, "one frame of one page");
    }
    assert_eq!(values(&driver, &key("a", "b")).len(), 3);
}

#[test]
fn a_repeated_commit_is_durable_before_it_is_answered() {
    let scratch = Scratch::new();
    let driver = scratch.open();
    let wal_bytes = || fs::metadata(scratch.folder.path().join("log.db-wal")).unwrap().len();
    let batch = set(&key("a", "b"), b"\x01").with_id(Uuid::from_bytes([7; 16]));
    let _ = driver.append(std::slice::from_ref(&batch), Durability::Buffered).unwrap();
    let before = wal_bytes();
    let answers = driver.append(&[batch], Durability::Synced).unwrap();
    let receipt = answers[0].as_ref().unwrap();
    assert_eq!((receipt.repeated, receipt.durability), (true, Durability::Synced));
    assert_eq!(wal_bytes() - before, 24 + 4096, "a frame that is synced, and the first commit's with it");
    assert_eq!(values(&driver, &key("a", "b")), [b"\x01"]);
}

#[test]
fn hostile_names_stay_names() {
    let scratch = Scratch::new();
    let driver = scratch.open();
    let keywords = [
        "select",
        "DROP",
        "null",
        "rowid",
        "annals_entry",
        "ORDER",
        "x".repeat(63).leak(),
        "x".repeat(64).leak(),
    ];
    let twins = ["e\u{301}", "é", "E", "e", "ﬁ", "fi", "K", "\u{212a}", "ǆ", "Ǆ", "名前", "имя"];
    let mut keys = Vec::new();
    for token in ["--", "-", "_", "...", "a.b", "A.B", "a-b", "CON", "nul", "0", "x".repeat(200).leak()] {
        for depth in 1..=4 {
            let namespace = vec![token; depth].join("/");
            for field in keywords.iter().chain(&twins) {
                keys.push(key(&namespace, field));
                keys.push(key(&format!("{namespace}x"), &format!("_{field}")));
            }
        }
    }
    assert!(keys.len() > 1500);
    let batch = keys.iter().zip(0_u32..).fold(Batch::new(Context::new()), |batch, (key, number)| {
        batch.set(key.clone(), number.to_be_bytes())
    });
    append(&driver, batch).unwrap();
    for (key, number) in keys.iter().zip(0_u32..) {
        assert_eq!(values(&driver, key), [number.to_be_bytes()], "{key}");
    }
    let state = driver.state(&Scope::All, Position::MAX, None, usize::MAX).unwrap();
    keys.sort();
    assert!(state.iter().map(Change::key).eq(keys.iter()));
    assert!(state.iter().all(|change| matches!(change.entry.action, Action::Set(_))));
}
