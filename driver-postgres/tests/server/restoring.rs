//! Restoring goes by COPY for those who may write the tables, by the function for others, and is there once
//! or not at all.

use std::slice;
use std::thread;
use std::time::Duration;

use annals_core::{
    Batch, Commit, CommitEntries, Context, Driver, Durability, Error, ErrorKind, Key, Order, PositionRange,
};
use annals_driver_postgres::{AppendBy, PostgresDriver};

use crate::common::Scratch;
use crate::proxy::{Fault, Proxy, Way};
use crate::rights::Users;

fn batch<const N: usize>(namespaces: [&str; N]) -> Batch {
    let set = |batch: Batch, namespace: &&str| batch.set(Key::parse(namespace, "x").unwrap(), [1]);
    namespaces.iter().fold(Batch::new(Context::new().actor("ada")), set)
}

/// Returns commits as another log has them.
fn commits_of(batches: impl IntoIterator<Item = Batch>) -> Vec<CommitEntries> {
    let scratch = Scratch::new().unwrap();
    let driver = scratch.options().open().unwrap();
    for batch in batches {
        driver.append(&[batch], Durability::Buffered).unwrap().remove(0).unwrap();
    }
    commits(&driver)
}

/// More entries than go into one message.
fn many_commits() -> Vec<CommitEntries> {
    let value = [&b"\xd9\xc8"[..], &[b'v'; 200]].concat();
    commits_of((0..4).map(|commit| {
        let keys =
            (0..500).map(|number| Key::parse(&format!("record/{}", commit * 250 + number), "x").unwrap());
        keys.fold(Batch::new(Context::new()), |batch, key| batch.set(key, value.clone()))
    }))
}

fn commits(driver: &PostgresDriver) -> Vec<CommitEntries> {
    driver.commits(PositionRange::ALL, Order::OldestFirst, usize::MAX).unwrap()
}

/// Returns how many rows there are of the log's keys, entries and commits.
fn rows(scratch: &Scratch) -> [i64; 3] {
    let (schema, log) = (scratch.schema(), scratch.number());
    ["key", "entry", "commit"].map(|table| {
        let sql = format!("SELECT count(*) FROM {schema}.annals_{table} WHERE log = {log}");
        scratch.sql().query_one(&sql, &[]).unwrap().get(0)
    })
}

const FAULTS: [Fault; 3] = [Fault::BeforeRequest, Fault::AfterRequest, Fault::BeforeAnswer];

#[test]
fn a_restore_whose_connection_is_cut_is_there_once() {
    let ways =
        [(AppendBy::Function, "PGCOPY"), (AppendBy::Function, "COMMIT"), (AppendBy::Statements, "COMMIT")];
    for (by, request) in ways {
        for fault in FAULTS {
            let Some(scratch) = Scratch::new() else { return };
            let there = commits_of([batch(["a", "b"]), batch(["b"]).with_id(batch(["a"]).id.uuid())]);
            let proxy = Proxy::start(scratch.url());
            let driver = scratch.options_at(&proxy.url(scratch.url())).append_by(by).open().unwrap();
            proxy.arm(fault, request);
            driver.restore(&there).unwrap();
            assert!(!proxy.is_armed(), "{request} was sent by {by:?}");
            assert_eq!(commits(&driver), there, "{fault:?} by {by:?}");
            assert_eq!(rows(&scratch), [2, 3, 2]);
        }
    }
}

#[test]
fn who_may_not_write_the_tables_restores_by_the_function() {
    let Some(scratch) = Scratch::alone() else { return };
    scratch.options().open().unwrap();
    let grants = "GRANT USAGE ON SCHEMA annals TO writer;
        GRANT SELECT ON ALL TABLES IN SCHEMA annals TO writer;
        GRANT EXECUTE ON FUNCTION annals.annals_restore TO writer;";
    let users = Users::granted(&scratch, grants);
    let proxy = Proxy::start(scratch.url());
    let driver = users.options_at(&proxy.url(scratch.url()), &users.writer).open().unwrap();
    let there = commits_of((0..4).map(|_| batch(["a", "b"])));
    for (fault, commit) in FAULTS.into_iter().zip(&there) {
        proxy.arm(fault, "annals_restore");
        driver.restore(slice::from_ref(commit)).unwrap();
        assert!(!proxy.is_armed(), "the function was called");
    }

    // A right to write some of the tables is none to write all.
    let grant = format!("GRANT INSERT ON ALL TABLES IN SCHEMA {} TO {}", scratch.schema(), users.writer);
    scratch.sql().batch_execute(&grant).unwrap();
    proxy.arm(Fault::BeforeAnswer, "annals_restore");
    driver.restore(&there[3..]).unwrap();
    assert!(!proxy.is_armed(), "the function was called");
    assert_eq!(commits(&driver), there);
}

#[test]
fn a_copy_that_is_cut_at_any_byte_is_there_once() {
    let Some(scratch) = Scratch::new() else { return };
    let there = many_commits();
    let proxy = Proxy::start(scratch.url());
    let driver = scratch.options_at(&proxy.url(scratch.url())).open().unwrap();
    let before = proxy.passed(Way::ToServer);
    driver.restore(&there).unwrap();
    let bytes = proxy.passed(Way::ToServer) - before;
    for number in 0..12 {
        let Some(scratch) = Scratch::new() else { return };
        let driver = scratch.options_at(&proxy.url(scratch.url())).open().unwrap();
        // Half of them behind the entries, where the commits follow.
        let from = if number % 2 == 0 { bytes / 4 } else { bytes - 500 };
        proxy.cut_after(Way::ToServer, fastrand::usize(from..bytes - 40));
        driver.restore(&there).unwrap();
        assert!(!proxy.is_armed(), "the connection was cut");
        assert_eq!(commits(&driver), there);
        assert_eq!(rows(&scratch), [1250, 2000, 4]);
    }
}

/// Lets the server end, at an entry, the connection that stores it.
fn end_at(scratch: &Scratch, position: u64) {
    let schema = scratch.schema();
    let sql = format!(
        "CREATE FUNCTION {schema}.die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            PERFORM pg_terminate_backend(pg_backend_pid());
            RETURN NEW;
        END $$;
        CREATE TRIGGER die BEFORE INSERT ON {schema}.annals_entry FOR EACH ROW
            WHEN (NEW.position = {position}) EXECUTE FUNCTION {schema}.die()"
    );
    scratch.sql().batch_execute(&sql).unwrap();
}

#[test]
fn a_copy_that_the_server_ends_leaves_nothing() {
    let Some(scratch) = Scratch::alone() else { return };
    let there = many_commits();
    let driver = scratch.options().timeout(Duration::from_secs(2)).open().unwrap();
    end_at(&scratch, 1500);
    let error = driver.restore(&there).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown, "{error}");
    assert_eq!(rows(&scratch), [0; 3]);

    scratch.sql().batch_execute(&format!("DROP FUNCTION {}.die CASCADE", scratch.schema())).unwrap();
    let driver = scratch.options().open().unwrap();
    driver.restore(&there).unwrap();
    assert_eq!(commits(&driver), there);
}

#[test]
fn a_copy_that_the_server_refuses_leaves_nothing() {
    let Some(scratch) = Scratch::alone() else { return };
    let there = many_commits();
    let driver = scratch.options().connections_max(1).open().unwrap();
    let schema = scratch.schema();
    let refuse = format!("ALTER TABLE {schema}.annals_entry ADD CONSTRAINT no CHECK (position <> 1500)");
    scratch.sql().batch_execute(&refuse).unwrap();
    driver.restore(&there).unwrap_err();
    assert_eq!(rows(&scratch), [0; 3]);

    scratch.sql().batch_execute(&format!("ALTER TABLE {schema}.annals_entry DROP CONSTRAINT no")).unwrap();
    driver.restore(&there).unwrap();
    assert_eq!(commits(&driver), there);
}

#[test]
fn a_log_that_moved_on_meanwhile_is_left_as_it_is() {
    for by in [AppendBy::Function, AppendBy::Statements] {
        let Some(scratch) = Scratch::new() else { return };
        let open = || scratch.options().append_by(by).open().unwrap();
        let (driver, other) = (open(), open());
        let mut holder = scratch.sql();
        let mut held = holder.transaction().unwrap();
        scratch.hold(&mut held);
        let wait_for = |count| {
            while scratch.waiting() < count {
                thread::sleep(Duration::from_millis(10));
            }
        };
        let error = thread::scope(|scope| {
            let append = scope.spawn(|| other.append(&[batch(["c"])], Durability::Synced).unwrap());
            wait_for(1);
            let restore = scope.spawn(|| driver.restore(&commits_of([batch(["a"])])).unwrap_err());
            wait_for(2);
            held.commit().unwrap();
            append.join().unwrap();
            restore.join().unwrap()
        });
        let Error::Restore { position, reason } = error else { panic!("{error}") };
        assert_eq!((position.get(), reason), (1, "others have written to the log meanwhile"));
        assert_eq!(rows(&scratch), [1; 3]);
    }
}

#[test]
fn a_given_id_that_is_there_is_found_among_many() {
    for by in [AppendBy::Function, AppendBy::Statements] {
        let Some(scratch) = Scratch::new() else { return };
        let driver = scratch.options().append_by(by).open().unwrap();
        let given = |namespace| {
            let batch = batch([namespace]);
            let id = batch.id.uuid();
            batch.with_id(id)
        };
        let mut all =
            commits_of([given("a"), batch(["b"]), given("c"), batch(["d", "e"]), given("f"), given("g")]);
        driver.restore(&all[..2]).unwrap();
        let id = all[0].commit.id;
        all[4].commit = Commit { id, ..(*all[4].commit).clone() }.into();
        let error = driver.restore(&all[2..]).unwrap_err();
        let Error::Restore { position, reason } = error else { panic!("{error}") };
        assert_eq!((position, reason), (all[4].commit.first, CommitEntries::GIVEN_TWICE));
        assert_eq!(commits(&driver), all[..2]);
        assert_eq!(rows(&scratch), [2; 3]);
    }
}
