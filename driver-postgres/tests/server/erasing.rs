//! Erased values are gone from the tables and their files, whatever happens in the middle: promise 10.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use annals_core::{
    Action, Batch, CommitEntries, Context, Driver, Durability, ErrorKind, Key, Order, Position,
    PositionRange, Receipt,
};
use annals_driver_postgres::{AppendBy, PostgresDriver, PostgresOptions};
use annals_test_server::{Settings, skipped};
use postgres::Client;

use crate::common::{Scratch, own_server};
use crate::proxy::{Fault, Proxy};

const BOTH: [AppendBy; 2] = [AppendBy::Function, AppendBy::Statements];

fn key(field: &str) -> Key {
    Key::parse("a", field).unwrap()
}

fn set(field: &str, value: &[u8]) -> Batch {
    Batch::new(Context::new()).set(key(field), value)
}

fn append(driver: &PostgresDriver, batch: Batch) -> Position {
    driver.append(&[batch], Durability::Synced).unwrap().remove(0).unwrap().commit.last
}

fn audit() -> Batch {
    let context = Context::new().actor("dana").reason("asked to");
    Batch::new(context).set(Key::parse("__annals/erasures", "erasure").unwrap(), *b"\x80")
}

fn positions(numbers: impl IntoIterator<Item = u64>) -> Vec<Position> {
    numbers.into_iter().map(|number| Position::new(number).unwrap()).collect()
}

fn erase(driver: &PostgresDriver, numbers: impl IntoIterator<Item = u64>) -> Receipt {
    driver.abilities().erase.unwrap().erase(&positions(numbers), &audit()).unwrap().unwrap()
}

fn scrub(driver: &PostgresDriver) -> Result<u64, annals_core::Error> {
    driver.abilities().erase.unwrap().scrub()
}

/// Returns why a scrub fails, but that transactions of other tests may see what was erased.
fn refused(driver: &PostgresDriver) -> annals_core::Error {
    loop {
        let error = scrub(driver).unwrap_err();
        if !error.to_string().contains("transactions that began before") {
            return error;
        }
    }
}

fn commits(driver: &PostgresDriver) -> Vec<CommitEntries> {
    driver.commits(PositionRange::ALL, Order::OldestFirst, usize::MAX).unwrap()
}

fn erased(driver: &PostgresDriver) -> Vec<(u64, u64)> {
    let entries = commits(driver).into_iter().flat_map(|item| item.entries);
    let erased = entries.filter_map(|entry| match entry.action {
        Action::Erased { by } => Some((entry.position.get(), by.get())),
        _ => None,
    });
    erased.collect()
}

/// Values that no file holds by chance, and that the server stores as they are: there is nothing to
/// compress in them. Each has a mark in every few hundred bytes.
struct Marks {
    begin: [u8; 8],
}

/// What comes after the begin of a mark: its number, and its number again, so that one that is cut is none.
fn numbered(number: u64) -> [u8; 8] {
    let number = u32::try_from(number).unwrap();
    let [first, second] = [number, !number].map(u32::to_be_bytes);
    [first, second].concat().try_into().unwrap()
}

impl Marks {
    const LENGTH: usize = 16;

    fn new() -> Marks {
        Marks { begin: Batch::new(Context::new()).id.uuid().as_bytes()[8..].try_into().unwrap() }
    }

    fn mark(&self, number: u64) -> Vec<u8> {
        [self.begin, numbered(number)].concat()
    }

    fn value(&self, number: u64, length: usize) -> Vec<u8> {
        let mut dice = number;
        let mut value = Vec::new();
        while value.len() < length {
            value.extend(self.mark(number));
            for _ in 0..45 {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                value.extend(&dice.to_be_bytes()[..5]);
            }
        }
        value.truncate(length.max(Self::LENGTH));
        value
    }

    /// Returns which numbers have left a mark in these files.
    fn found_in(&self, files: &[PathBuf]) -> BTreeSet<u64> {
        let mut found = BTreeSet::new();
        // A file may go while they are read.
        for bytes in files.iter().filter_map(|file| fs::read(file).ok()) {
            for mark in bytes.windows(Self::LENGTH).filter(|window| window.starts_with(&self.begin)) {
                let number = u32::from_be_bytes(mark[8..12].try_into().unwrap()).into();
                if mark[8..] == numbered(number) {
                    found.insert(number);
                }
            }
        }
        found
    }
}

/// The files of the server, where they are on this machine.
struct Files {
    sql: Client,
    folder: PathBuf,
}

impl Files {
    fn of(scratch: &Scratch) -> Option<Files> {
        let mut sql = scratch.sql();
        let folder: String = sql.query_one("SELECT current_setting('data_directory')", &[]).unwrap().get(0);
        if fs::read_dir(&folder).is_err() {
            skipped("the files of the server cannot be read from here");
            return None;
        }
        Some(Files { sql, folder: folder.into() })
    }

    /// Returns those of the database and of what all databases share, as they are once the server has
    /// written what it knows.
    fn written(&mut self) -> Vec<PathBuf> {
        self.sql.batch_execute("CHECKPOINT").unwrap();
        let database = "SELECT 'base/' || oid FROM pg_database WHERE datname = current_database()";
        let database: String = self.sql.query_one(database, &[]).unwrap().get(0);
        let mut all = Vec::new();
        list(&self.folder.join(database), &mut all);
        list(&self.folder.join("global"), &mut all);
        all
    }
}

fn list(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => list(&entry.path(), all),
            _ => all.push(entry.path()),
        }
    }
}

#[test]
fn not_one_byte_of_what_was_erased_is_left_in_the_tables() {
    const LENGTHS: [usize; 6] = [16, 40, 300, 1900, 5000, 60_000];
    for by in BOTH {
        let Some(scratch) = Scratch::alone() else { return };
        let Some(mut files) = Files::of(&scratch) else { return };
        let driver = scratch.options().append_by(by).open().unwrap();
        let marks = Marks::new();
        let mut left = BTreeSet::new();
        for round in 0..3 {
            for number in 0..60 {
                let position = driver.last_position().unwrap().get() + 1;
                let length = LENGTHS[usize::try_from(number % 6).unwrap()];
                append(&driver, set(&format!("f{}", number % 7), &marks.value(position, length)));
                left.insert(position);
            }
            // Rows that were moved, and what is gathered about columns, may hold values as well.
            files.sql.batch_execute(&format!("ANALYZE {}.annals_entry", scratch.schema())).unwrap();
            assert_eq!(marks.found_in(&files.written()), left, "what was not erased is there");

            let chosen: Vec<u64> = left.iter().copied().filter(|number| number % 3 != round).collect();
            for some in chosen.chunks(25) {
                erase(&driver, some.iter().copied());
            }
            assert!(scrub(&driver).unwrap() > 0);
            left.retain(|number| !chosen.contains(number));
            assert_eq!(marks.found_in(&files.written()), left, "round {round} by {by:?}");
        }
        assert!(!left.is_empty());
        assert_eq!(driver.abilities().check.unwrap().check().unwrap().damages, [""; 0]);
    }
}

/// The old files of the write-ahead log are used again unless the server is told otherwise, and hold
/// what was written to them until then: `docs/drivers.md` says what to do about it.
#[test]
fn a_server_that_keeps_no_old_files_of_its_log_keeps_nothing() {
    let Some(server) = own_server(&Settings::new().set("wal_recycle", "off")) else { return };
    let scratch = Scratch::on(&server);
    let Some(mut files) = Files::of(&scratch) else { return };
    let driver = scratch.options().open().unwrap();
    let mut all = || {
        files.sql.batch_execute("SELECT pg_switch_wal()").unwrap();
        let mut all = files.written();
        list(&files.folder.join("pg_wal"), &mut all);
        all
    };
    let marks = Marks::new();
    append(&driver, set("x", &marks.value(1, 3000)));
    append(&driver, set("x", &marks.value(2, 3000)));
    assert_eq!(marks.found_in(&all()), BTreeSet::from([1, 2]));
    erase(&driver, [1]);
    scrub(&driver).unwrap();
    assert_eq!(marks.found_in(&all()), BTreeSet::from([2]));
}

#[test]
fn who_may_still_see_what_was_erased_is_waited_for() {
    for by in BOTH {
        let Some(scratch) = Scratch::alone() else { return };
        let Some(mut files) = Files::of(&scratch) else { return };
        let options = scratch.options().append_by(by);
        let driver = options.clone().busy_timeout(Duration::from_millis(100)).open().unwrap();
        let marks = Marks::new();
        append(&driver, set("x", &marks.value(1, 100)));
        append(&driver, set("x", &marks.value(2, 3000)));
        let mut sql = scratch.sql();
        let mut reader = sql
            .build_transaction()
            .isolation_level(postgres::IsolationLevel::RepeatableRead)
            .start()
            .unwrap();
        let count = format!("SELECT count(*) FROM {}.annals_entry WHERE kind IS NULL", scratch.schema());
        reader.query_one("SELECT 1", &[]).unwrap();

        erase(&driver, [1, 2]);
        let error = scrub(&driver).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert!(error.to_string().contains("the values are erased, but transactions that began"), "{error}");
        assert_eq!(reader.query_one(&count, &[]).unwrap().get::<_, i64>(0), 2, "they see what was there");

        let patient = options.open().unwrap();
        thread::scope(|scope| {
            let scrubbed = scope.spawn(|| scrub(&patient).unwrap());
            thread::sleep(Duration::from_millis(300));
            reader.commit().unwrap();
            scrubbed.join().unwrap();
        });
        assert_eq!(marks.found_in(&files.written()), BTreeSet::new());
    }
}

/// A page of commits is several statements. The one for the entries waits here until the value is erased.
#[test]
fn a_page_of_commits_has_the_erasure_if_it_has_what_was_erased() {
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let Some(scratch) = Scratch::alone() else { return };
        let driver = scratch.options().open().unwrap();
        append(&driver, set("x", b"\x01"));
        let (schema, log) = (scratch.schema(), scratch.number());
        let (mut eraser, mut watcher) = (scratch.sql(), scratch.sql());
        let mut erasing = eraser.transaction().unwrap();
        let lock = format!("LOCK TABLE {schema}.annals_entry IN ACCESS EXCLUSIVE MODE");
        erasing.batch_execute(&lock).unwrap();
        let page = thread::scope(|scope| {
            let reader = scope.spawn(|| driver.commits(PositionRange::ALL, order, 10).unwrap());
            let waits = format!(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '{schema}.annals_entry'::regclass"
            );
            while watcher.query_one(&waits, &[]).unwrap().get::<_, i64>(0) == 0 {
                assert!(!reader.is_finished(), "the entries were read beside the lock");
                thread::sleep(Duration::from_millis(1));
            }
            let erase = format!(
                "SELECT FROM {schema}.annals_erase({log}, 1, 1000, '{{1}}', ARRAY[md5(random()::text)::uuid], '{{f}}',
                '{{0}}', '{{NULL}}', '{{NULL}}', '{{NULL}}', '{{NULL}}', '{{NULL}}', '{{1}}', '{{0}}', '{{}}', '{{}}',
                '{{}}', '{{}}', '{{__annals/erasures}}', '{{erasure}}', '{{NULL}}', '{{NULL}}', '{{NULL}}',
                ARRAY['\\x80'::bytea])"
            );
            erasing.batch_execute(&erase).unwrap();
            erasing.commit().unwrap();
            reader.join().unwrap()
        });
        let by = Position::new(2).unwrap();
        let mut entries: Vec<_> = page.iter().flat_map(|whole| &whole.entries).collect();
        entries.sort_by_key(|entry| entry.position);
        assert_eq!(entries.iter().map(|entry| entry.position.get()).collect::<Vec<_>>(), [1, 2], "{order:?}");
        assert_eq!(entries[0].action, Action::Erased { by }, "{order:?}");
    }
}

#[test]
fn who_uses_the_table_for_too_long_is_named() {
    for by in BOTH {
        let Some(scratch) = Scratch::alone() else { return };
        let options = scratch.options().append_by(by);
        let driver = options.clone().busy_timeout(Duration::from_millis(100)).open().unwrap();
        append(&driver, set("x", b"\x01"));
        erase(&driver, [1]);
        let mut sql = scratch.sql();
        let mut holder = sql.transaction().unwrap();
        let lock = format!("LOCK TABLE {}.annals_entry IN ACCESS SHARE MODE", scratch.schema());
        holder.batch_execute(&lock).unwrap();
        let error = refused(&driver);
        assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
        assert!(error.to_string().contains("others used the table of entries"), "{error}");

        let hasty = options.clone().timeout(Duration::from_secs(1)).open().unwrap();
        let error = refused(&hasty);
        assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
        assert!(error.to_string().contains("annals.timeout"), "{error}");

        holder.commit().unwrap();
        scrub(&options.open().unwrap()).unwrap();
        assert_eq!(erased(&driver), [(1, 2)]);
    }
}

#[test]
fn a_scrub_for_which_there_is_no_room_says_that_the_values_are_erased() {
    let Some(scratch) = Scratch::alone() else { return };
    let driver = scratch.options().open().unwrap();
    for (code, kind, words) in [
        ("disk_full", ErrorKind::Full, "there is no room to write the table"),
        ("query_canceled", ErrorKind::Busy, "could not be written anew in time"),
    ] {
        let function = format!(
            "CREATE OR REPLACE FUNCTION {}.annals_scrub(a_wait_ms bigint) RETURNS bigint LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$",
            scratch.schema()
        );
        scratch.sql().batch_execute(&function).unwrap();
        let error = refused(&driver);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains("the values are erased, but traces"), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_log_opened_for_reading_is_not_erased_from() {
    let Some(scratch) = Scratch::new() else { return };
    append(&scratch.options().open().unwrap(), set("x", b"\x01"));
    let reader = scratch.options().read_only(true).open().unwrap();
    let erase = reader.abilities().erase.unwrap();
    assert_eq!(erase.erase(&positions([1]), &audit()).unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(erase.scrub().unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(erased(&reader), []);
}

/// A log that is reached by way of a proxy, with three values.
fn by_proxy(scratch: &Scratch, by: AppendBy) -> (Proxy, PostgresDriver) {
    let proxy = Proxy::start(scratch.url());
    let options: PostgresOptions = scratch.options_at(&proxy.url(scratch.url())).append_by(by);
    let driver = options.open().unwrap();
    for number in 1..=3 {
        append(&driver, set("x", &[number]));
    }
    (proxy, driver)
}

#[test]
fn an_erasure_whose_connection_is_cut_is_there_once() {
    for (by, request) in [(AppendBy::Function, "annals_erase"), (AppendBy::Statements, "COMMIT")] {
        for fault in [Fault::BeforeRequest, Fault::AfterRequest, Fault::BeforeAnswer] {
            let Some(scratch) = Scratch::new() else { return };
            let (proxy, driver) = by_proxy(&scratch, by);
            proxy.arm(fault, request);
            let receipt = erase(&driver, [1, 3]);
            assert!(!proxy.is_armed(), "the connection was cut");
            assert_eq!((receipt.commit.last.get(), receipt.repeated), (4, false), "{fault:?} by {by:?}");
            assert_eq!(commits(&driver).last().unwrap().commit, receipt.commit, "what was told is there");
            assert_eq!(driver.last_position().unwrap().get(), 4);
            assert_eq!(erased(&driver), [(1, 4), (3, 4)]);
        }
    }
}

#[test]
fn a_backend_that_is_killed_in_the_middle_of_an_erasure_leaves_nothing_of_it() {
    for by in BOTH {
        let Some(scratch) = Scratch::new() else { return };
        let driver = scratch.options().append_by(by).open().unwrap();
        for number in 1..=3 {
            append(&driver, set("x", &[number]));
        }
        // Somebody holds an entry, so the erasure stops behind its commit and before its end.
        let mut sql = scratch.sql();
        let mut holder = sql.transaction().unwrap();
        let (schema, log) = (scratch.schema(), scratch.number());
        let hold = format!("SELECT FROM {schema}.annals_entry WHERE log = {log} AND position = 3 FOR UPDATE");
        holder.batch_execute(&hold).unwrap();
        let until_one_waits = || {
            while scratch.waiting() == 0 {
                thread::sleep(Duration::from_millis(5));
            }
        };
        thread::scope(|scope| {
            let erasure = scope.spawn(|| erase(&driver, [1, 2, 3]));
            until_one_waits();
            let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = $1 AND wait_event_type = 'Lock'";
            assert_eq!(scratch.sql().execute(kill, &[&scratch.application()]).unwrap(), 1);
            until_one_waits();
            let beside = scratch.options().open().unwrap();
            assert_eq!((erased(&beside), beside.last_position().unwrap().get()), (vec![], 3));
            holder.commit().unwrap();
            assert_eq!(erasure.join().unwrap().commit.last.get(), 4);
        });
        assert_eq!(erased(&driver), [(1, 4), (2, 4), (3, 4)]);
        assert_eq!(driver.last_position().unwrap().get(), 4);
    }
}

#[test]
fn erasures_and_appends_of_several_clients_do_not_disturb_one_another() {
    const ROUNDS: u64 = 30;
    for by in BOTH {
        let Some(scratch) = Scratch::new() else { return };
        let open = || scratch.options().append_by(by).open().unwrap();
        let (first, second, eraser) = (open(), open(), open());
        let (told, chosen) = thread::scope(|scope| {
            let write = |driver: &PostgresDriver, field: &str| -> Vec<u64> {
                (0..ROUNDS).map(|_| append(driver, set(field, b"\x07")).get()).collect()
            };
            let (first, second) = (&first, &second);
            let writers = [scope.spawn(move || write(first, "x")), scope.spawn(move || write(second, "y"))];
            let chosen: Vec<(u64, u64)> = (0..ROUNDS)
                .filter_map(|_| {
                    let newest = eraser.last_position().unwrap().get();
                    (newest > 0).then(|| (newest, erase(&eraser, [newest]).commit.last.get()))
                })
                .collect();
            (writers.map(|writer| writer.join().unwrap()), chosen)
        });
        let all = commits(&eraser);
        let ends: Vec<u64> = all.iter().map(|item| item.commit.last.get()).collect();
        let count = 2 * ROUNDS + chosen.len() as u64;
        assert_eq!(ends, (1..=count).collect::<Vec<_>>(), "positions are dense");
        let own: BTreeSet<u64> = chosen.iter().map(|(_, by)| *by).chain(told.concat()).collect();
        assert_eq!(own.len() as u64, count, "each has its own");
        // Of several erasures of one entry the first is named.
        let mut expected = BTreeMap::new();
        for (position, by) in chosen {
            expected.entry(position).or_insert(by);
        }
        assert_eq!(erased(&eraser), expected.into_iter().collect::<Vec<_>>());
    }
}
