use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use annals_core::{Driver, Error, ErrorKind, Position};
use annals_driver_sqlite::SqliteDriver;

use crate::common::{Scratch, SmallDisk, append, key, set, sql, values};
use crate::processes::{child_after, said, say};

/// Opens `path`, which must be refused and left as it is.
#[track_caller]
fn refused(path: &Path) -> Error {
    let before = fs::read(path).unwrap();
    let error = SqliteDriver::open(path).unwrap_err();
    let again = SqliteDriver::options().read_only(true).open(path).unwrap_err();
    assert_eq!(fs::read(path).unwrap(), before, "the refused file was changed");
    assert_eq!(again.to_string(), error.to_string());
    let path = path.display();
    assert!(error.to_string().starts_with(&format!("sqlite:{path}: ")), "{error}");
    error
}

/// Says the permissions of the files of a log that is open.
pub(crate) fn show_permissions(path: &Path) {
    let driver = SqliteDriver::open(path).unwrap();
    append(&driver, set(&key("a", "b"), b"\x01")).unwrap();
    for file in fs::read_dir(path.parent().unwrap()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        say(format!("{mode:o} {}", file.file_name().display()));
    }
}

#[test]
fn files_are_for_their_owner_only() {
    let scratch = Scratch::new();
    let mut child = child_after("umask 000", "show_permissions", &scratch.path).spawn().unwrap();
    let mut files: Vec<String> = said(&mut child).collect();
    assert!(child.wait().unwrap().success());
    files.sort();
    assert_eq!(files, ["600 log.db", "600 log.db-shm", "600 log.db-wal"]);
}

#[test]
fn a_closed_log_is_one_file() {
    let scratch = Scratch::new();
    let driver = scratch.open();
    append(&driver, set(&key("a", "b"), b"\x01")).unwrap();
    assert_eq!(values(&driver, &key("a", "b")), [b"\x01"]);
    drop(driver);
    let names: Vec<_> =
        fs::read_dir(scratch.folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, ["log.db"]);
}

#[test]
fn an_empty_file_becomes_a_log_and_keeps_it() {
    let scratch = Scratch::new();
    fs::write(&scratch.path, b"").unwrap();
    let none = SqliteDriver::options().create(false).open(&scratch.path).unwrap_err();
    assert_eq!((none.kind(), fs::read(&scratch.path).unwrap().len()), (ErrorKind::Missing, 0));

    append(&scratch.open(), set(&key("a", "b"), b"\x01")).unwrap();
    let again = SqliteDriver::options().create(false).open(&scratch.path).unwrap();
    assert_eq!(values(&again, &key("a", "b")), [b"\x01"]);
}

#[test]
fn what_is_missing_is_not_created_unless_wanted() {
    let scratch = Scratch::new();
    for options in [SqliteDriver::options().create(false), SqliteDriver::options().read_only(true)] {
        let error = options.open(&scratch.path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Missing);
        assert!(error.to_string().ends_with("there is no such file"), "{error}");
        assert!(!scratch.path.exists());
    }
    let error = SqliteDriver::open(scratch.folder.path().join("none/log.db")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let error = SqliteDriver::open(scratch.folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().ends_with("this is no file"), "{error}");
}

#[test]
fn names_that_mean_something_to_sqlite_are_ordinary_here() {
    let scratch = Scratch::new();
    for name in [":memory:", "file:x?mode=memory", "a b'c\"d;--", "-wal"] {
        let path = scratch.folder.path().join(name);
        append(&SqliteDriver::open(&path).unwrap(), set(&key("a", "b"), b"\x01")).unwrap();
        assert!(fs::metadata(&path).unwrap().len() > 0, "{name}");
    }
    assert_eq!(SqliteDriver::open("").unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn a_file_that_is_not_sqlite_is_refused() {
    let scratch = Scratch::new();
    for size in [1, 15, 16, 100, 511, 512, 4096, 10_000] {
        fs::write(&scratch.path, vec![b'x'; size]).unwrap();
        let error = refused(&scratch.path);
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{size} bytes: {error}");
        assert!(error.to_string().ends_with("not a SQLite database"), "{size} bytes: {error}");
    }
}

#[test]
fn a_database_of_another_program_is_refused() {
    let prepare: [&[&str]; 5] = [
        &["CREATE TABLE notes (text)", "INSERT INTO notes VALUES ('mine')"],
        &["PRAGMA journal_mode = WAL", "CREATE TABLE notes (text)"],
        &["PRAGMA application_id = 7", "CREATE TABLE notes (text)"],
        &["PRAGMA user_version = 3"],
        &["CREATE TABLE annals_entry (position, key, kind)"],
    ];
    for statements in prepare {
        let scratch = Scratch::new();
        for statement in statements {
            sql(&scratch.path).query_row(statement, [], |_| Ok(())).ok();
        }
        assert!(fs::metadata(&scratch.path).unwrap().len() > 0);
        let error = refused(&scratch.path);
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{statements:?}: {error}");
        assert!(error.to_string().contains("another program"), "{error}");
    }
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let scratch = Scratch::new();
    append(&scratch.open(), set(&key("a", "b"), b"\x01")).unwrap();
    sql(&scratch.path).pragma_update(None, "user_version", 2).unwrap();
    let error = refused(&scratch.path);
    assert_eq!(error.kind(), ErrorKind::NewerFormat);
    assert!(
        error.to_string().contains("format version 2") && error.to_string().contains("up to 1;"),
        "{error}"
    );
}

#[test]
fn a_truncated_log_is_refused() {
    let scratch = Scratch::new();
    let driver = scratch.open();
    for number in 0..100_u8 {
        append(&driver, set(&key("a", "b"), &[number; 1000])).unwrap();
    }
    drop(driver);
    let whole = fs::read(&scratch.path).unwrap();
    for size in [whole.len() - 4096, whole.len() / 2, 4096, 1000] {
        fs::write(&scratch.path, &whole[..size]).unwrap();
        let error = refused(&scratch.path);
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{size} of {} bytes: {error}", whole.len());
    }
}

#[test]
fn a_log_that_is_only_read_says_so_when_written() {
    let scratch = Scratch::new();
    let writer = scratch.open();
    append(&writer, set(&key("a", "b"), b"\x01")).unwrap();
    let reader = SqliteDriver::options().read_only(true).open(&scratch.path).unwrap();
    for error in [append(&reader, set(&key("a", "b"), b"\x02")).unwrap_err(), reader.sync().unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::ReadOnly);
    }
    append(&writer, set(&key("a", "b"), b"\x03")).unwrap();
    assert_eq!(values(&reader, &key("a", "b")), [b"\x01", b"\x03"]);
    drop(writer);
    assert_eq!(reader.last_position().unwrap(), Position::new(2).unwrap());
}

#[test]
fn a_read_only_disk_is_named() {
    let Some(disk) = SmallDisk::mount("1m") else { return };
    drop(SqliteDriver::open(disk.path()).unwrap());
    disk.remount("ro");
    for options in [SqliteDriver::options(), SqliteDriver::options().read_only(true)] {
        let error = options.open(disk.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
    }
    let error = SqliteDriver::open(disk.path().with_file_name("other.db")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
}

#[test]
fn threads_that_create_one_file_at_once_all_succeed() {
    for _ in 0..100 {
        let scratch = Scratch::new();
        let start = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    append(&scratch.open(), set(&key("a", "b"), b"\x01")).unwrap();
                });
            }
        });
        assert_eq!(values(&scratch.open(), &key("a", "b")).len(), 8);
    }
}

#[test]
fn a_log_whose_creation_was_cut_short_is_created_after_all() {
    let scratch = Scratch::new();
    let shell = sql(&scratch.path);
    shell.execute_batch("PRAGMA page_size = 4096; CREATE TABLE t (a)").unwrap();
    drop(shell);
    let page = fs::read(&scratch.path).unwrap()[..4096].to_vec();
    fs::write(&scratch.path, page).unwrap();
    // The journal of a first change, which says that the file had no page before.
    let mut journal = vec![0; 512];
    journal[..8].copy_from_slice(&[0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]);
    journal[22..24].copy_from_slice(&512_u16.to_be_bytes());
    journal[26..28].copy_from_slice(&4096_u16.to_be_bytes());
    fs::write(scratch.folder.path().join("log.db-journal"), journal).unwrap();

    let driver = scratch.open();
    assert_eq!(driver.last_position().unwrap(), Position::START);
    assert_eq!(append(&driver, set(&key("a", "b"), b"\x01")).unwrap().get(), 1);
}
