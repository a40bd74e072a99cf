//! Several processes on one log, whose commits overlap. A child is this test binary again, told its role
//! by a variable.

use std::collections::HashSet;
use std::env;
use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::ops::Range;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use annals_core::{
    Batch, Context, Driver, Durability, Entry, Filter, Key, Order, Position, PositionRange, Store,
};
use annals_driver_postgres::{AppendBy, PostgresDriver, PostgresOptions};
use annals_test_server::{counted, given_url};
use postgres::{Client, NoTls};

use crate::common::Scratch;
use crate::delays::delay_some_commits;

const WRITERS: u64 = 4;
const READERS: u64 = 2;

const ROLE: &str = "ANNALS_TEST_ROLE";
const NUMBERS: &str = "ANNALS_TEST_NUMBERS";
const SCHEMA: &str = "ANNALS_TEST_SCHEMA";

/// What says that no number follows.
const END: u64 = u64::MAX;

fn child(role: &str, scratch: &Scratch, numbers: Range<u64>) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "processes::plays_the_role_it_is_given", "--nocapture", "--quiet"]);
    command.env(ROLE, role).env(SCHEMA, scratch.schema());
    command.env(NUMBERS, format!("{} {}", numbers.start, numbers.end)).stdout(Stdio::piped());
    command.spawn().unwrap()
}

/// Not a test of its own: what a child process does.
#[test]
fn plays_the_role_it_is_given() {
    let (Ok(role), Ok(schema), Ok(numbers)) = (env::var(ROLE), env::var(SCHEMA), env::var(NUMBERS)) else {
        return;
    };
    let (start, end) = numbers.split_once(' ').unwrap();
    let numbers = start.parse().unwrap()..end.parse().unwrap();
    let options = given_url().unwrap().parse::<PostgresOptions>().unwrap().schema(&schema).unwrap();
    match role.as_str() {
        "append" => append(&options, numbers),
        // One of them listens as well.
        "follow" => follow(options.notify(numbers.start == 1).open().unwrap()),
        "insert" => insert(&schema, numbers),
        "poll" => poll(&schema),
        role => panic!("no role {role}"),
    }
}

/// Says a line to the parent process.
fn say(line: impl Display) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nsay {line}").unwrap();
    out.flush().unwrap();
}

/// Returns the numbers that a child says in one line, when it has ended well.
fn said(mut child: Child) -> Vec<u64> {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.find_map(|line| line.strip_prefix("say ").map(str::to_owned)).unwrap_or_default();
    lines.for_each(drop);
    assert!(child.wait().unwrap().success());
    line.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

/// What readers made of numbers that were written.
#[derive(Debug, Default, PartialEq, Eq)]
struct Misreadings {
    skipped: usize,
    repeated: usize,
}

fn compare(written: &[u64], seen: &[u64]) -> Misreadings {
    let distinct: HashSet<_> = seen.iter().collect();
    Misreadings {
        skipped: written.iter().filter(|number| !distinct.contains(number)).count(),
        repeated: seen.len() - distinct.len(),
    }
}

/// Lets 4 processes write `count` numbers by one role while 2 follow by another, until somebody has said
/// that there are no more. Returns what each reader has seen.
fn write_and_read(scratch: &Scratch, roles: [&str; 2], count: u64, end: impl FnOnce()) -> Vec<Vec<u64>> {
    let [write, read] = roles;
    let readers: Vec<_> = (0..READERS).map(|nth| child(read, scratch, nth..nth)).collect();
    let share = count / WRITERS;
    let writers = (0..WRITERS).map(|nth| child(write, scratch, nth * share..(nth + 1) * share));
    for writer in writers.collect::<Vec<_>>() {
        assert_eq!(said(writer), [0; 0]);
    }
    end();
    readers.into_iter().map(said).collect()
}

#[test]
fn followers_of_overlapping_writers_skip_and_repeat_nothing() {
    const COMMITS: u64 = 20_000;
    let Some(scratch) = Scratch::alone() else { return };
    let driver = scratch.options().open().unwrap();
    delay_some_commits(&scratch, "annals_commit");
    let seen = write_and_read(&scratch, ["append", "follow"], COMMITS, || write(&driver, END));

    let there = driver.commits(PositionRange::ALL, Order::OldestFirst, usize::MAX).unwrap();
    assert!(there.iter().zip(1..).all(|(commit, position)| commit.commit.last.get() == position));
    let mut written: Vec<u64> = there.iter().map(|commit| number_of(&commit.entries[0])).collect();
    assert_eq!(written.pop(), Some(END));
    let turns =
        written.windows(2).filter(|pair| pair[0] / (COMMITS / WRITERS) != pair[1] / (COMMITS / WRITERS));
    let turns = turns.count();
    assert!(turns > 1000, "the writers hardly met: {turns}");
    for numbers in seen {
        assert_eq!(compare(&written, &numbers), Misreadings::default());
        assert_eq!(numbers, written, "in the order of positions");
    }
    written.sort_unstable();
    assert!(written.into_iter().eq(0..COMMITS), "each is there once");
    counted(&format!(
        "{COMMITS} commits of {WRITERS} processes, {turns} changes between them: {READERS} readers skipped 0 and repeated 0"
    ));
}

/// What the test above would come across, if positions were drawn from a sequence.
#[test]
fn followers_of_a_sequence_skip() {
    let Some(scratch) = Scratch::alone() else { return };
    scratch.options().connect().unwrap().init().unwrap();
    let mut sql = scratch.sql();
    let schema = scratch.schema();
    let table = format!("CREATE TABLE {schema}.control (id bigserial PRIMARY KEY, number bigint NOT NULL)");
    sql.batch_execute(&table).unwrap();
    delay_some_commits(&scratch, "control");
    let end = format!("INSERT INTO {schema}.control (number) VALUES (-1)");
    let seen = write_and_read(&scratch, ["insert", "poll"], 4000, || sql.batch_execute(&end).unwrap());

    let written = scratch.sql().query(&format!("SELECT number FROM {schema}.control WHERE number >= 0"), &[]);
    let written: Vec<u64> =
        written.unwrap().iter().map(|row| row.get::<_, i64>(0).try_into().unwrap()).collect();
    assert_eq!(written.len(), 4000);
    let misread: Vec<_> = seen.iter().map(|numbers| compare(&written, numbers)).collect();
    assert!(misread.iter().any(|misread| misread.skipped > 0), "{misread:?}");
    counted(&format!("of 4000 rows behind a sequence two readers missed {misread:?}"));
}

fn key() -> Key {
    Key::parse("a", "number").unwrap()
}

fn write(driver: &PostgresDriver, number: u64) {
    let batch = Batch::new(Context::new()).set(key(), number.to_be_bytes());
    // Neither waits for the disk: what is to overlap are commits, not syncs.
    assert!(driver.append(&[batch], Durability::Buffered).unwrap()[0].is_ok());
}

fn number_of(entry: &Entry) -> u64 {
    u64::from_be_bytes(entry.action.bytes().unwrap()[..].try_into().unwrap())
}

fn append(options: &PostgresOptions, numbers: Range<u64>) {
    let by = [AppendBy::Function, AppendBy::Statements];
    let drivers = by.map(|by| options.clone().append_by(by).notify(true).open().unwrap());
    for number in numbers {
        write(&drivers[usize::from(number % 4 == 0)], number);
    }
}

/// Follows as any program does. That the positions leave nothing out either, the subscription sees to.
fn follow(driver: PostgresDriver) {
    let subscription = Store::new(driver).subscribe(Position::START, Filter::everything()).unwrap();
    let commits = subscription.map(Result::unwrap);
    let numbers = commits.flat_map(|commit| commit.entries).map(|entry| number_of(&entry));
    say_all(&numbers.take_while(|number| *number != END).collect::<Vec<_>>());
}

fn insert(schema: &str, numbers: Range<u64>) {
    let mut client = Client::connect(&given_url().unwrap(), NoTls).unwrap();
    let sql = format!("INSERT INTO {schema}.control (number) VALUES ($1)");
    for number in numbers {
        client.execute(&sql, &[&i64::try_from(number).unwrap()]).unwrap();
    }
}

fn poll(schema: &str) {
    let mut client = Client::connect(&given_url().unwrap(), NoTls).unwrap();
    let sql = format!("SELECT id, number FROM {schema}.control WHERE id > $1 ORDER BY id LIMIT 100");
    let (mut last, mut seen) = (0_i64, Vec::new());
    loop {
        for row in client.query(&sql, &[&last]).unwrap() {
            last = row.get(0);
            match u64::try_from(row.get::<_, i64>(1)) {
                Ok(number) => seen.push(number),
                Err(_) => return say_all(&seen),
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn say_all(numbers: &[u64]) {
    say(numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(" "));
}
