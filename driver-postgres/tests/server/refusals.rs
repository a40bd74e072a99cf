//! What cannot be done is said in words, by kind, without a password or a value.

use std::error::Error as StdError;
use std::thread;
use std::time::Duration;

use annals_core::{Batch, Condition, Context, Driver, Durability, Error, ErrorKind, Key, Position};
use annals_driver_postgres::PostgresOptions;

use crate::common::Scratch;

/// Everything that an error says, with what caused it.
fn told(error: &Error) -> String {
    let mut told = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        told.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    told
}

fn batch() -> Batch {
    Batch::new(Context::new()).set(Key::parse("a", "x").unwrap(), *b"\xa6secret")
}

#[track_caller]
fn assert_refused(options: &PostgresOptions, kind: ErrorKind, word: &str) {
    let error = options.open().unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    let told = told(&error);
    assert!(told.contains(word), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn what_is_not_there_is_not_made_unless_asked_for() {
    let Some(scratch) = Scratch::alone() else { return };
    let existing = scratch.options().create(false);
    let database = existing.connect().unwrap();
    assert_refused(&existing, ErrorKind::Missing, "set up first");
    assert_refused(&existing.clone().read_only(true), ErrorKind::Missing, "set up first");
    assert_eq!(database.logs().unwrap_err().kind(), ErrorKind::Missing);
    assert_eq!(database.upgrade().unwrap_err().kind(), ErrorKind::Missing);
    let read_only = existing.clone().read_only(true).create(true);
    assert_eq!(read_only.connect().unwrap().init().unwrap_err().kind(), ErrorKind::ReadOnly);
    database.init().unwrap();
    database.init().unwrap();
    assert_refused(&existing, ErrorKind::Missing, "no log `main`");
    assert_refused(&read_only, ErrorKind::Missing, "no log `main`");
    assert_eq!(database.logs().unwrap(), []);
    scratch.options().open().unwrap();
    scratch.options().log("a/b").unwrap().open().unwrap();
    existing.open().unwrap().append(&[batch()], Durability::Synced).unwrap();
    let ends = database.logs().unwrap().into_iter().map(|(name, last)| (name, last.get()));
    assert_eq!(ends.collect::<Vec<_>>(), [("a/b".to_owned(), 0), ("main".to_owned(), 1)]);
}

/// Its keys are still there: nothing must be stored beside them.
#[test]
fn a_log_whose_row_was_removed_takes_no_appends() {
    let Some(scratch) = Scratch::alone() else { return };
    let driver = scratch.options().open().unwrap();
    driver.append(&[batch()], Durability::Synced).unwrap().remove(0).unwrap();
    let remove = format!("DELETE FROM {}.annals_log WHERE log = {}", scratch.schema(), scratch.number());
    scratch.sql().batch_execute(&remove).unwrap();
    let absent = Condition::KeyAbsent { key: Key::parse("a", "y").unwrap() };
    for batches in [vec![batch()], vec![batch(), batch()], vec![batch().on_condition(absent)]] {
        let error = driver.append(&batches, Durability::Synced).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(told(&error).contains("no such log any more"), "{error}");
    }
}

#[test]
fn a_schema_that_lacks_a_table_is_incomplete() {
    for table in ["annals_format", "annals_log"] {
        let Some(scratch) = Scratch::alone() else { return };
        scratch.options().open().unwrap();
        scratch.sql().batch_execute(&format!("DROP TABLE {}.{table} CASCADE", scratch.schema())).unwrap();
        assert_refused(&scratch.options(), ErrorKind::Corrupt, "the schema is incomplete");
        assert_refused(&scratch.options().create(false), ErrorKind::Corrupt, "the schema is incomplete");
        let database = scratch.options().connect().unwrap();
        assert_eq!(database.init().unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(database.upgrade().unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn a_schema_of_a_newer_version_is_refused() {
    let Some(scratch) = Scratch::alone() else { return };
    scratch.options().open().unwrap();
    let newer = format!("UPDATE {}.annals_format SET version = 4", scratch.schema());
    scratch.sql().batch_execute(&newer).unwrap();
    assert_refused(&scratch.options(), ErrorKind::NewerFormat, "format 4");
    assert_refused(&scratch.options().read_only(true), ErrorKind::NewerFormat, "format 4");
    let database = scratch.options().connect().unwrap();
    assert_eq!(database.init().unwrap_err().kind(), ErrorKind::NewerFormat);
    assert_eq!(database.upgrade().unwrap_err().kind(), ErrorKind::NewerFormat);
    assert_eq!(database.logs().unwrap_err().kind(), ErrorKind::NewerFormat);
}

#[test]
fn nobody_is_there() {
    let options: PostgresOptions = "postgres://u:hunter2@127.0.0.1:1/d".parse().unwrap();
    assert_refused(&options, ErrorKind::Unavailable, "postgres://127.0.0.1:1/d");
    let options: PostgresOptions = "postgres://u:hunter2@/d?host=/nowhere".parse().unwrap();
    assert_refused(&options, ErrorKind::Unavailable, "cannot be reached");
    assert_refused(&options, ErrorKind::Unavailable, "postgres:///d?host=/nowhere");
}

#[test]
fn a_database_that_is_not_there_is_named() {
    let Some(scratch) = Scratch::alone() else { return };
    let options = scratch.options_at(&scratch.url().replace("/postgres?", "/no_such_database?"));
    assert_refused(&options, ErrorKind::Unavailable, "no_such_database");
}

#[test]
fn a_wrong_password_is_said_to_be_one_and_not_shown() {
    let Some(scratch) = Scratch::alone() else { return };
    let Some(address) = scratch.tcp() else { return };
    let user = scratch.schema();
    let mut sql = scratch.sql();
    sql.batch_execute(&format!("CREATE ROLE {user} LOGIN PASSWORD 'right'")).unwrap();
    let url = |password: &str| format!("postgres://{user}:{password}@{address}/postgres?sslmode=disable");
    let options = |password: &str| scratch.options_at(&url(password));
    assert_refused(&options("hunter2"), ErrorKind::Unavailable, "password");
    let without = scratch.options_at(&url("").replace(":@", "@"));
    assert_refused(&without, ErrorKind::Unavailable, "asks for a password");
    let error = options("right").open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly, "the password is right, but the user may not: {error}");
    sql.batch_execute(&format!("DROP ROLE {user}")).unwrap();
}

#[test]
fn a_log_opened_for_reading_refuses_writes() {
    let Some(scratch) = Scratch::new() else { return };
    scratch.options().open().unwrap();
    let reader = scratch.options().read_only(true).open().unwrap();
    assert_eq!(reader.last_position().unwrap().get(), 0);
    let writes =
        [reader.append(&[batch()], Durability::Synced).map(drop), reader.sync(), reader.restore(&[])];
    for write in writes {
        assert_eq!(write.unwrap_err().kind(), ErrorKind::ReadOnly);
    }
}

#[test]
fn a_writer_waits_no_longer_than_the_busy_timeout() {
    let Some(scratch) = Scratch::new() else { return };
    let driver = scratch.options().busy_timeout(Duration::from_millis(200)).open().unwrap();
    let mut holder = scratch.sql();
    let mut held = holder.transaction().unwrap();
    scratch.hold(&mut held);
    let error = driver.append(&[batch()], Durability::Synced).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    assert!(!told(&error).contains("secret"), "{error:?}");
    held.rollback().unwrap();
    driver.append(&[batch()], Durability::Synced).unwrap();
}

#[test]
fn a_log_is_made_once_however_many_open_it_at_the_same_time() {
    let Some(scratch) = Scratch::alone() else { return };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| scratch.options().open().unwrap().append(&[batch()], Durability::Synced).unwrap());
        }
    });
    let driver = scratch.options().open().unwrap();
    assert_eq!(driver.last_position().unwrap().get(), 4);
    let logs = scratch.options().connect().unwrap().logs().unwrap();
    assert_eq!(logs, [("main".to_owned(), Position::new(4).unwrap())]);
}
