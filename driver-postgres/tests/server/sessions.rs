//! A connection carries no transaction, setting or lock to its next user, whatever became of the one before.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use annals_core::{
    Batch, Commit, CommitEntries, Condition, Context, Driver, Durability, Error, ErrorKind, Key, Order,
    Position, PositionRange,
};
use annals_driver_postgres::{AppendBy, PostgresDriver};

use crate::common::Scratch;

fn key() -> Key {
    Key::parse("a", "x").unwrap()
}

/// Returns a key that is new: who writes it writes to every table.
fn new_key() -> Key {
    Key::parse("a", &format!("f{}", fastrand::u64(..))).unwrap()
}

fn batch() -> Batch {
    Batch::new(Context::new()).set(key(), [1]).set(new_key(), [2])
}

/// What the next user of a connection finds.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    backend: i32,
    /// Settings that are not those of the server or of the connection's begin.
    settings: String,
    /// Named statements, cursors, channels that are listened to.
    names: i64,
    is_in_transaction: bool,
    locks: i64,
}

/// A log whose one connection is looked at.
struct Session {
    scratch: Scratch,
    driver: PostgresDriver,
}

impl Session {
    fn open(by: AppendBy) -> Option<Session> {
        let scratch = Scratch::alone()?;
        let options = scratch.options().append_by(by).connections_max(1);
        let driver = options.busy_timeout(Duration::from_millis(100)).open().unwrap();
        let schema = scratch.schema();
        let sql = format!(
            "CREATE TABLE {schema}.found (backend int, settings text, names bigint);
            CREATE FUNCTION {schema}.look() RETURNS boolean LANGUAGE sql AS $$
                INSERT INTO {schema}.found SELECT pg_backend_pid(),
                    (SELECT coalesce(string_agg(name || '=' || setting, ' '), '') FROM pg_settings
                        WHERE source = 'session'),
                    (SELECT count(*) FROM pg_prepared_statements WHERE name <> '')
                        + (SELECT count(*) FROM pg_cursors WHERE name <> '')
                        + (SELECT count(*) FROM pg_listening_channels());
                SELECT true $$"
        );
        scratch.sql().batch_execute(&sql).unwrap();
        driver.append(&[batch()], Durability::Synced).unwrap();
        Some(Session { scratch, driver })
    }

    /// Looks at the connection before anything went wrong.
    fn look_at_unused(&self) -> Found {
        let found = self.look();
        let Found { backend, .. } = found;
        let nothing =
            Found { backend, settings: String::new(), names: 0, is_in_transaction: false, locks: 0 };
        assert_eq!(found, nothing);
        found
    }

    /// Looks from outside, and then as the connection's next user: a question of the driver's asks more
    /// than it knows.
    fn look(&self) -> Found {
        let mut sql = self.scratch.sql();
        self.wait_for_connection();
        let outside =
            "SELECT xact_start IS NOT NULL, (SELECT count(*) FROM pg_locks AS l WHERE l.pid = a.pid)
            FROM pg_stat_activity AS a WHERE application_name = $1";
        let outside = sql.query_one(outside, &[&self.scratch.application()]).unwrap();
        let schema = self.scratch.schema();
        let begin = format!(
            "ALTER TABLE {schema}.annals_log RENAME TO the_log;
            CREATE VIEW {schema}.annals_log AS SELECT * FROM {schema}.the_log WHERE {schema}.look()"
        );
        let end = format!(
            "DROP VIEW {schema}.annals_log; ALTER TABLE {schema}.the_log RENAME TO annals_log;
            DELETE FROM {schema}.found RETURNING *"
        );
        sql.batch_execute(&begin).unwrap();
        self.driver.last_position().unwrap();
        let (drop, found) = end.rsplit_once(';').unwrap();
        sql.batch_execute(drop).unwrap();
        let inside = sql.query_one(found, &[]).unwrap();
        Found {
            backend: inside.get(0),
            settings: inside.get(1),
            names: inside.get(2),
            is_in_transaction: outside.get(0),
            locks: outside.get(1),
        }
    }

    /// Waits until there is one connection: a new one, where the one before was given up.
    fn wait_for_connection(&self) {
        self.driver.last_position().unwrap();
        let sql = "SELECT FROM pg_stat_activity WHERE application_name = $1";
        while self.scratch.sql().query(sql, &[&self.scratch.application()]).unwrap().len() > 1 {
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Lets what `sql` makes fail at a table, or when the transaction ends, while `run` runs.
    fn while_failing<T>(&self, when: &str, table: &str, run: impl FnOnce() -> T) -> T {
        let schema = self.scratch.schema();
        let sql = format!(
            "CREATE FUNCTION {schema}.fail() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'no'; END $$;
            CREATE {when} ON {schema}.{table} FOR EACH ROW EXECUTE FUNCTION {schema}.fail()"
        );
        let sql = match when.starts_with("CONSTRAINT") {
            true => sql.replace("FOR EACH ROW", "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"),
            false => sql,
        };
        self.scratch.sql().batch_execute(&sql).unwrap();
        let outcome = run();
        self.scratch.sql().batch_execute(&format!("DROP FUNCTION {schema}.fail() CASCADE")).unwrap();
        outcome
    }
}

/// Each statement of an append, and the end of its transaction.
const STEPS: [(&str, &str); 6] = [
    ("TRIGGER fail BEFORE UPDATE", "annals_log"),
    ("TRIGGER fail BEFORE INSERT", "annals_key"),
    ("TRIGGER fail BEFORE INSERT", "annals_entry"),
    ("TRIGGER fail BEFORE INSERT", "annals_commit"),
    ("CONSTRAINT TRIGGER fail AFTER INSERT", "annals_entry"),
    ("CONSTRAINT TRIGGER fail AFTER INSERT", "annals_commit"),
];

fn commits(driver: &PostgresDriver) -> Vec<CommitEntries> {
    driver.commits(PositionRange::ALL, Order::OldestFirst, usize::MAX).unwrap()
}

/// Returns a commit like this one that continues the log behind it.
fn next_of(item: &CommitEntries) -> CommitEntries {
    let count = item.commit.len();
    let (first, last) = (item.commit.first.plus(count), item.commit.last.plus(count));
    let commit = Commit { first, last, id: batch().id, ..(*item.commit).clone() };
    let mut entries = item.entries.clone();
    entries.iter_mut().for_each(|entry| entry.position = entry.position.plus(count));
    entries.last_mut().unwrap().key = new_key();
    CommitEntries { commit: commit.into(), entries }
}

const BY: [AppendBy; 2] = [AppendBy::Function, AppendBy::Statements];

type Write<'a> = &'a dyn Fn() -> Result<(), Error>;

#[test]
fn a_failure_at_any_step_leaves_the_connection_as_it_was() {
    for by in BY {
        let Some(session) = Session::open(by) else { return };
        let driver = &session.driver;
        let mut before = session.look_at_unused();
        let there = commits(driver);
        let next = [next_of(there.last().unwrap())];
        for (when, table) in STEPS {
            let writes: [(bool, Write<'_>); 3] = [
                (false, &|| driver.append(&[batch()], Durability::Synced).map(drop)),
                (false, &|| driver.append(&[batch()], Durability::Buffered).map(drop)),
                (by == AppendBy::Function, &|| driver.restore(&next)),
            ];
            for (is_copy, write) in writes {
                let failed = session.while_failing(when, table, write);
                assert_eq!(failed.unwrap_err().kind(), ErrorKind::Other, "{when} on {table} by {by:?}");
                let found = session.look();
                // A connection on which COPY itself failed is given up.
                let fails_in_copy = when.contains("BEFORE INSERT") && table != "annals_key";
                assert_eq!(
                    found.backend != before.backend,
                    is_copy && fails_in_copy,
                    "{when} on {table} by {by:?}"
                );
                before.backend = found.backend;
                assert_eq!(found, before, "{when} on {table} by {by:?}");
            }
        }
        assert_eq!(commits(driver), there);
        driver.restore(&next).unwrap();
        driver.append(&[batch()], Durability::Synced).unwrap();
    }
}

#[test]
fn what_is_not_appended_leaves_the_connection_as_it_was() {
    for by in BY {
        let Some(session) = Session::open(by) else { return };
        let driver = &session.driver;
        let before = session.look_at_unused();

        driver.append(&[batch()], Durability::Buffered).unwrap();
        assert_eq!(session.look(), before, "a commit that does not wait for the disk");

        let stale = batch().on_condition(Condition::LogUnchanged { since: Position::START });
        assert!(driver.append(&[stale], Durability::Buffered).unwrap()[0].is_err());
        assert_eq!(session.look(), before, "a conflict");

        let mut holder = session.scratch.sql();
        let mut held = holder.transaction().unwrap();
        session.scratch.hold(&mut held);
        let error = driver.append(&[batch()], Durability::Buffered).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
        held.rollback().unwrap();
        assert_eq!(session.look(), before, "one that waited in vain");

        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let answers = driver.append(&[batch()], Durability::Buffered).unwrap();
            assert!(answers[0].is_err(), "the caller expects something else");
        }));
        assert!(panicked.is_err());
        assert_eq!(session.look(), before, "a caller that panics");
    }
}
