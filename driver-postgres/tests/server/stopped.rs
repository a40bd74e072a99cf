//! A server that stands still, and one whose tables others hold: nobody waits for ever.

use std::thread;
use std::time::{Duration, Instant};

use annals_core::{
    At, Batch, Check, Context, Driver, Durability, Error, ErrorKind, Key, Measure, Namespace, Order,
    Position, PositionRange, Scope,
};
use annals_driver_postgres::{AppendBy, PostgresDatabase, PostgresDriver};
use annals_test_server::Settings;

use crate::common::{Scratch, own_server};

/// How long a call may take in these tests, and how long it is given before it counts as hanging.
const TIMEOUT: Duration = Duration::from_secs(2);
const HANGING: Duration = Duration::from_secs(60);

fn key() -> Key {
    Key::parse("a", "x").unwrap()
}

fn batch() -> Batch {
    Batch::new(Context::new()).set(key(), [1])
}

type Call = (&'static str, fn(&PostgresDriver) -> Result<(), Error>);

const READS: [Call; 9] = [
    ("last_position", |driver| driver.last_position().map(drop)),
    ("boundary", |driver| driver.boundary(At::Position(Position::START.plus(1))).map(drop)),
    ("commits", |driver| driver.commits(PositionRange::ALL, Order::OldestFirst, 10).map(drop)),
    ("entry", |driver| driver.entry(&key(), Position::MAX).map(drop)),
    ("history", |driver| driver.history(&key(), PositionRange::ALL, Order::NewestFirst, 0, 10).map(drop)),
    ("state", |driver| driver.state(&Scope::All, Position::MAX, None, 10).map(drop)),
    ("namespaces", |driver| driver.namespaces(&Scope::Under(Namespace::new("a")?), None, 10).map(drop)),
    ("measure", |driver| driver.measure().map(drop)),
    ("check", |driver| driver.check().map(drop)),
];

const WRITES: [Call; 3] = [
    ("append", |driver| driver.append(&[batch()], Durability::Synced).map(drop)),
    ("sync", PostgresDriver::sync),
    ("restore", |driver| driver.restore(&[])),
];

type Question = (&'static str, fn(&PostgresDatabase) -> Result<(), Error>);

const QUESTIONS: [Question; 4] = [
    ("init", PostgresDatabase::init),
    ("logs", |database| database.logs().map(drop)),
    ("open_log", |database| database.open_log("main").map(drop)),
    ("create_log", |database| database.create_log("other").map(drop)),
];

/// A call that is about to be made.
type Ready<'c> = (&'static str, Box<dyn FnOnce() -> Result<(), Error> + Send + 'c>);

/// Makes calls at the same time, which are to end by themselves, each with one of these errors. When they
/// have, or hang, `release` takes away what they wait for.
fn assert_end<'c>(calls: impl Iterator<Item = Ready<'c>>, kinds: &[ErrorKind], release: impl FnOnce()) {
    let start = Instant::now();
    thread::scope(|scope| {
        let waiting: Vec<_> = calls.map(|(what, call)| (what, scope.spawn(call))).collect();
        while start.elapsed() < HANGING && waiting.iter().any(|(_, call)| !call.is_finished()) {
            thread::sleep(Duration::from_millis(10));
        }
        let hanging = waiting.iter().filter(|(_, call)| !call.is_finished()).map(|(what, _)| *what);
        let hanging: Vec<_> = hanging.collect();
        release();
        assert_eq!(hanging, [""; 0]);
        for (what, call) in waiting {
            let kind = call.join().unwrap().expect_err(what).kind();
            assert!(kinds.contains(&kind), "{what}: {kind:?}");
        }
    });
}

/// Returns calls of each driver.
fn calls_of<'c>(drivers: &'c [PostgresDriver], calls: &'c [Call]) -> impl Iterator<Item = Ready<'c>> {
    let of = |driver: &'c PostgresDriver| {
        calls.iter().map(move |(what, call)| (*what, Box::new(move || call(driver)) as _))
    };
    drivers.iter().flat_map(of)
}

fn assert_all_is_well(drivers: &[PostgresDriver]) {
    for (what, call) in calls_of(drivers, &READS).chain(calls_of(drivers, &WRITES)) {
        call().unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    assert_eq!(drivers[0].check().unwrap().damages, [""; 0]);
}

/// Opens a log that holds one entry, for each way to append.
fn open(scratch: &Scratch) -> [PostgresDriver; 2] {
    let options = scratch.options().timeout(TIMEOUT);
    let drivers =
        [AppendBy::Function, AppendBy::Statements].map(|by| options.clone().append_by(by).open().unwrap());
    drivers[0].append(&[batch()], Durability::Synced).unwrap();
    drivers
}

#[test]
fn nothing_waits_for_ever_for_a_server_that_stands_still() {
    let Some(server) = own_server(&Settings::new()) else { return };
    let scratch = Scratch::on(&server);
    let drivers = open(&scratch);
    let options = scratch.options_at(&format!("{}&connect_timeout=3600", scratch.url())).timeout(TIMEOUT);
    let database = options.connect().unwrap();
    let questions = QUESTIONS.iter().map(|(what, ask)| (*what, Box::new(|| ask(&database)) as _));
    let opens = ("open", Box::new(|| options.open().map(drop)) as _);

    server.pause().unwrap();
    let calls = calls_of(&drivers, &READS).chain(calls_of(&drivers, &WRITES)).chain(questions).chain([opens]);
    let kinds = [ErrorKind::Unavailable, ErrorKind::Unknown];
    assert_end(calls, &kinds, || server.go_on().unwrap());
    assert_all_is_well(&drivers);
}

#[test]
fn nothing_waits_for_ever_for_tables_that_others_hold() {
    let Some(scratch) = Scratch::alone() else { return };
    let drivers = open(&scratch);
    let schema = scratch.schema();
    let lock = format!(
        "LOCK TABLE {schema}.annals_log, {schema}.annals_key, {schema}.annals_entry, {schema}.annals_commit
        IN ACCESS EXCLUSIVE MODE"
    );
    let mut holder = scratch.sql();
    let mut held = holder.transaction().unwrap();
    held.batch_execute(&lock).unwrap();
    let writes = &WRITES[..2];
    let calls = calls_of(&drivers, &READS).chain(calls_of(&drivers, writes));
    let kinds = [ErrorKind::Unavailable, ErrorKind::Unknown, ErrorKind::Busy];
    assert_end(calls, &kinds, || {
        // The server was asked to give up what nobody waits for any more.
        let start = Instant::now();
        while scratch.waiting() > 0 && start.elapsed() < HANGING {
            thread::sleep(Duration::from_millis(10));
        }
        let waiting = scratch.waiting();
        held.rollback().unwrap();
        assert_eq!(waiting, 0, "some still wait at the server");
    });
    assert_eq!(drivers[0].last_position().unwrap().get(), 1, "no append came after it was given up");
    assert_all_is_well(&drivers);
}
