//! Databases, users and servers that are not as a log needs them are said to be so, in words and by kind.

use std::error::Error as StdError;
use std::fs;

use annals_core::{
    Batch, Context, Driver, Durability, Error, ErrorKind, Key, Order, Position, PositionRange,
};
use annals_driver_postgres::{AppendBy, PostgresDriver, PostgresOptions};
use annals_test_server::Settings;

use crate::common::{Scratch, own_server};
use crate::database::Database;

fn batch() -> Batch {
    Batch::new(Context::new()).set(Key::parse("a", "x").unwrap(), *b"\xa6secret")
}

fn audit() -> Batch {
    let context = Context::new().actor("dana").reason("asked to");
    Batch::new(context).set(Key::parse("__annals/erasures", "erasure").unwrap(), *b"\x80")
}

fn append(driver: &PostgresDriver) {
    driver.append(&[batch()], Durability::Synced).unwrap().remove(0).unwrap();
}

/// What an error says, and what caused it.
fn told(error: &Error) -> String {
    let mut told = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        told.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    told
}

#[track_caller]
fn assert_refused(options: &PostgresOptions, kind: ErrorKind, word: &str) {
    let error = options.open().unwrap_err();
    assert_eq!(error.kind(), kind, "{}", told(&error));
    assert!(told(&error).contains(word), "{}", told(&error));
}

/// Everything that writes is refused, and what stands there can be read.
fn assert_only_read(options: &PostgresOptions) {
    for by in [AppendBy::Function, AppendBy::Statements] {
        let driver = options.clone().append_by(by).open().unwrap();
        let commits = driver.commits(PositionRange::ALL, Order::OldestFirst, 10).unwrap();
        let mut next = commits.clone();
        for item in &mut next {
            let commit = std::sync::Arc::make_mut(&mut item.commit);
            (commit.first, commit.last) = (commit.first.plus(1), commit.last.plus(1));
            item.entries.iter_mut().for_each(|entry| entry.position = entry.position.plus(1));
        }
        let erase = driver.abilities().erase.unwrap();
        let writes = [
            ("append", driver.append(&[batch()], Durability::Synced).map(drop)),
            ("sync", driver.sync()),
            ("restore", driver.restore(&next)),
            ("erase", erase.erase(&[Position::new(1).unwrap()], &audit()).map(drop)),
        ];
        for (write, answer) in writes {
            let error = answer.expect_err(write);
            assert_eq!(error.kind(), ErrorKind::ReadOnly, "{write} by {by:?}: {}", told(&error));
            assert!(error.to_string().contains("the server only reads"), "{write}: {error}");
            assert!(!told(&error).contains("secret"), "{write}: {}", told(&error));
        }
        assert_eq!(driver.last_position().unwrap().get(), 1);
        assert_eq!(driver.commits(PositionRange::ALL, Order::OldestFirst, 10).unwrap(), commits);
    }
    let another = options.clone().log("another").unwrap();
    assert_refused(&another, ErrorKind::Missing, "no log `another`");
    assert_refused(&another.create(true), ErrorKind::ReadOnly, "the server only reads");
    let another = options.clone().schema("another").unwrap();
    assert_refused(&another.create(true), ErrorKind::ReadOnly, "the server only reads");
}

#[test]
fn a_database_whose_transactions_only_read_is_only_read() {
    let Some(database) = Database::new() else { return };
    append(&database.options().create(true).open().unwrap());
    let only_read = format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name());
    database.sql().batch_execute(&only_read).unwrap();
    assert_only_read(&database.options());
}

#[test]
fn a_standby_is_only_read() {
    let Some(mut server) = own_server(&Settings::new()) else { return };
    let options: PostgresOptions = server.url().parse().unwrap();
    append(&options.clone().create(true).open().unwrap());
    server.kill().unwrap();
    fs::write(server.folder().join("data/standby.signal"), "").unwrap();
    server.start_again().unwrap();
    assert_only_read(&options);
    let error = options.open().unwrap().abilities().erase.unwrap().scrub().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly, "{}", told(&error));
    let primary = format!("{}&target_session_attrs=read-write", server.url());
    assert_refused(&primary.parse().unwrap(), ErrorKind::Unavailable, "does not allow writes");

    server.kill().unwrap();
    fs::remove_file(server.folder().join("data/standby.signal")).unwrap();
    server.start_again().unwrap();
    append(&options.open().unwrap());
}

#[test]
fn a_database_of_another_encoding_is_refused_and_left_as_it_is() {
    let Some(database) = Database::with("ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    else {
        return;
    };
    assert_refused(&database.options().create(true), ErrorKind::Unsupported, "another encoding than UTF8");
    assert_eq!(database.options().connect().unwrap().init().unwrap_err().kind(), ErrorKind::Unsupported);
    let made = "SELECT FROM pg_namespace WHERE nspname = 'annals'";
    assert_eq!(database.sql().execute(made, &[]).unwrap(), 0);
}

#[test]
fn who_is_not_let_in_is_told_why() {
    let Some(database) = Database::new() else { return };
    database.options().create(true).open().unwrap();
    let role = format!("{}_user", database.name());
    let as_user = |user: &str| -> PostgresOptions {
        database.url().replace("user=postgres", &format!("user={user}")).parse().unwrap()
    };
    assert_refused(&as_user(&role), ErrorKind::Unavailable, "does not exist");

    let mut sql = database.sql();
    sql.batch_execute(&format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 0")).unwrap();
    let full = as_user(&role);
    assert_refused(&full, ErrorKind::Unavailable, "no connection left");

    let name = database.name();
    let closed =
        format!("ALTER ROLE {role} CONNECTION LIMIT 9; REVOKE CONNECT ON DATABASE {name} FROM PUBLIC");
    sql.batch_execute(&closed).unwrap();
    assert_refused(&as_user(&role), ErrorKind::Unavailable, "may not enter this database");

    sql.batch_execute(&format!("GRANT CONNECT ON DATABASE {name} TO {role}")).unwrap();
    assert_refused(&as_user(&role), ErrorKind::ReadOnly, "the user may not do this");
    sql.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).unwrap();
}

#[test]
fn a_schema_that_says_no_version_is_damaged() {
    let Some(scratch) = Scratch::alone() else { return };
    scratch.options().open().unwrap();
    let forget = format!("DELETE FROM {}.annals_format", scratch.schema());
    scratch.sql().batch_execute(&forget).unwrap();
    assert_refused(&scratch.options(), ErrorKind::Corrupt, "does not say its version");
    let error = scratch.options().connect().unwrap().init().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
}
