//! Files that are moved, removed or replaced while a log is open: no write may be lost in them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread;
use std::time::Duration;

use annals_core::{Driver, Durability, Error, ErrorKind, Measure, Position};
use annals_driver_sqlite::SqliteDriver;

use crate::common::{Scratch, append, key, set, sql, values};
use crate::processes::{child, said, say};

/// A log that is open, with one value that was stored in it.
fn with_a_value() -> (Scratch, SqliteDriver) {
    let scratch = Scratch::new();
    let driver = scratch.open();
    append(&driver, set(&key("a", "b"), b"\x01")).unwrap();
    (scratch, driver)
}

fn write(driver: &dyn Driver) -> Result<Position, Error> {
    append(driver, set(&key("a", "b"), b"\x02"))
}

#[track_caller]
fn assert_lost<T: std::fmt::Debug>(answer: Result<T, Error>) {
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("was moved, removed or replaced while the log was open"), "{error}");
}

#[test]
fn a_log_that_was_moved_takes_no_write_and_is_whole_when_put_back() {
    let (scratch, driver) = with_a_value();
    let elsewhere = scratch.folder.path().join("elsewhere.db");
    fs::rename(&scratch.path, &elsewhere).unwrap();
    assert_lost(write(&driver));
    assert_lost(driver.sync());
    assert_lost(driver.restore(&[]));

    fs::rename(&elsewhere, &scratch.path).unwrap();
    assert_lost(write(&driver));
    drop(driver);
    let again = scratch.open();
    assert_eq!(values(&again, &key("a", "b")), [b"\x01"]);
    write(&again).unwrap();
}

#[test]
fn a_moved_log_is_whole_once_its_wal_stands_beside_it_again() {
    let (scratch, driver) = with_a_value();
    let elsewhere = scratch.folder.path().join("elsewhere.db");
    fs::rename(&scratch.path, &elsewhere).unwrap();
    assert_lost(write(&driver));
    drop(driver);
    let beside = |name: &str| scratch.folder.path().join(name);
    fs::rename(beside("log.db-wal"), beside("elsewhere.db-wal")).unwrap();
    let again = SqliteDriver::open(&elsewhere).unwrap();
    assert_eq!(values(&again, &key("a", "b")), [b"\x01"]);
}

#[test]
fn a_removed_log_takes_no_write() {
    for removed in [&["", "-wal", "-shm"][..], &[""], &["-wal"], &["-wal", "-shm"]] {
        let (scratch, driver) = with_a_value();
        for suffix in removed {
            fs::remove_file(format!("{}{suffix}", scratch.path.display())).unwrap();
        }
        if !removed.contains(&"") {
            // The file beside it is not looked at more often than once a second.
            thread::sleep(Duration::from_secs(1));
        }
        assert_lost(write(&driver));
        assert_lost(write(&driver));
        drop(driver);
        assert_eq!(scratch.path.exists(), !removed.contains(&""), "{removed:?}");
    }
}

#[test]
fn a_log_that_another_took_the_place_of_takes_no_write_and_leaves_the_other_alone() {
    let (scratch, driver) = with_a_value();
    let other = scratch.folder.path().join("other.db");
    append(&SqliteDriver::open(&other).unwrap(), set(&key("c", "d"), b"\x03")).unwrap();
    let before = fs::read(&other).unwrap();
    fs::rename(&other, &scratch.path).unwrap();
    assert_lost(write(&driver));
    drop(driver);
    assert_eq!(fs::read(&scratch.path).unwrap(), before);
}

#[test]
fn a_log_that_is_lost_is_not_read_either_once_that_is_noticed() {
    let (scratch, driver) = with_a_value();
    fs::remove_file(&scratch.path).unwrap();
    assert_lost(write(&driver));
    assert_lost(driver.last_position());
}

#[test]
fn a_reader_that_would_open_another_file_says_so() {
    let (scratch, driver) = with_a_value();
    // An answer that fails takes its connection with it, so the next read needs a new one.
    sql(&scratch.path).execute_batch("DROP VIEW annals_current; DROP TABLE annals_commit").unwrap();
    driver.last_position().unwrap_err();
    fs::remove_file(&scratch.path).unwrap();
    fs::write(&scratch.path, b"").unwrap();
    assert_lost(driver.last_position());
}

#[test]
fn a_folder_that_was_moved_is_noticed() {
    let scratch = Scratch::new();
    let (folder, elsewhere) = (scratch.folder.path().join("x"), scratch.folder.path().join("y"));
    fs::create_dir(&folder).unwrap();
    let driver = SqliteDriver::open(folder.join("log.db")).unwrap();
    write(&driver).unwrap();
    fs::rename(&folder, &elsewhere).unwrap();
    assert_lost(write(&driver));
    drop(driver);
    let again = SqliteDriver::open(elsewhere.join("log.db")).unwrap();
    assert_eq!(values(&again, &key("a", "b")), [b"\x02"]);
}

/// The link may point elsewhere afterwards: the log stays in the file that it was opened in. But a
/// link that follows a moved file does not hide that the `-wal` file stayed behind.
#[test]
fn a_link_is_followed_when_the_log_is_opened_and_not_later() {
    let (scratch, driver) = with_a_value();
    drop(driver);
    let beside = |name: &str| scratch.folder.path().join(name);
    let (link, other) = (beside("link.db"), beside("other.db"));
    symlink("log.db", &link).unwrap();
    let driver = SqliteDriver::open(&link).unwrap();
    fs::remove_file(&link).unwrap();
    symlink("other.db", &link).unwrap();
    write(&driver).unwrap();
    assert_eq!(values(&driver, &key("a", "b")), [b"\x01", b"\x02"]);
    assert!(!other.exists());

    fs::rename(&scratch.path, &other).unwrap();
    assert_lost(write(&driver));
}

#[test]
fn a_log_is_measured_with_the_files_beside_it_whatever_link_leads_there() {
    let (scratch, driver) = with_a_value();
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link.db");
    symlink(&scratch.path, &link).unwrap();
    let linked = SqliteDriver::open(&link).unwrap();
    let whole: u64 = fs::read_dir(scratch.folder.path())
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert_eq!(linked.measure().unwrap().bytes, whole);
    assert_eq!(driver.measure().unwrap().bytes, whole);
}

/// Opens the log by a relative path, goes to another folder, and writes.
pub(crate) fn write_from_another_folder(path: &Path) {
    std::env::set_current_dir(path.parent().unwrap()).unwrap();
    let driver = SqliteDriver::open("log.db").unwrap();
    std::env::set_current_dir("/").unwrap();
    say(write(&driver).unwrap());
    driver.append(&[set(&key("a", "b"), b"\x03")], Durability::Buffered).unwrap();
    say(driver.last_position().unwrap());
}

#[test]
fn a_relative_path_means_the_same_file_after_a_change_of_folder() {
    let scratch = Scratch::new();
    let mut child = child("write_from_another_folder", &scratch.path).spawn().unwrap();
    assert_eq!(said(&mut child).collect::<Vec<_>>(), ["@1", "@2"]);
    assert!(child.wait().unwrap().success());
    assert_eq!(values(&scratch.open(), &key("a", "b")), [b"\x02", b"\x03"]);
}
