//! Several processes with stores on one log, in an SQLite file or a PostgreSQL database. A child is this
//! test binary again, told its role by a variable.

use std::env;
use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use annals::{CommitEntries, Context, Durability, Order, PositionRange, Store};
use tempfile::TempDir;

const ROLE: &str = "ANNALS_TEST_ROLE";
const STORE: &str = "ANNALS_TEST_STORE";

/// Not a test of its own: what a child process does.
#[test]
fn plays_the_role_it_is_given() {
    let (Ok(role), Ok(url)) = (env::var(ROLE), env::var(STORE)) else { return };
    match role.as_str() {
        "count" => count(&open(&url)),
        "read_the_count" => read_the_count(&open(&url)),
        "append_buffered_until_killed" => append_buffered_until_killed(&open(&url)),
        role => panic!("no role {role}"),
    }
}

/// A child process that does not outlive its test.
struct Role(Child);

impl Drop for Role {
    fn drop(&mut self) {
        // One that has ended already cannot be killed.
        drop(self.0.kill());
        self.0.wait().unwrap();
    }
}

fn child(role: &str, url: &str) -> Role {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "processes::plays_the_role_it_is_given", "--nocapture", "--quiet"]);
    Role(command.env(ROLE, role).env(STORE, url).stdout(Stdio::piped()).spawn().unwrap())
}

fn open(url: &str) -> Store {
    Store::open(url).unwrap()
}

fn url_in(folder: &TempDir) -> String {
    format!("sqlite:{}", folder.path().join("log.db").display())
}

/// Says a line to the parent process.
fn say(line: impl Display) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nsay {line}").unwrap();
    out.flush().unwrap();
}

/// Returns the numbers that a child says, without what its test harness prints.
fn said(Role(child): &mut Role) -> impl Iterator<Item = u64> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("say ").map(str::to_owned));
    said.map(|number| number.parse().unwrap())
}

const COUNTERS: usize = 8;
const COUNTS: usize = 25;
const ALL: u64 = (COUNTERS * COUNTS) as u64;

/// Raises the counter in transactions, with a note in the same commit; says each number that it
/// counted to.
fn count(store: &Store) {
    let own = format!("by/{}", std::process::id());
    let mut done = 0;
    while done < COUNTS {
        let counted = store.transaction(Context::new(), |tx| {
            let counter = tx.record("shared")?;
            let next = counter.get::<u64>("count")?.unwrap_or(0) + 1;
            counter.set("count", &next)?;
            tx.record(&*own)?.set("count", &next)?;
            Ok(next)
        });
        match counted {
            Ok(counted) => {
                say(counted.value);
                done += 1;
            }
            // Others kept being first, and nothing was written.
            Err(error) => assert!(error.is_conflict(), "{error}"),
        }
    }
}

/// Reads until all has been counted: what is read never falls, and each reading is of one moment.
fn read_the_count(store: &Store) {
    let record = store.record("shared").unwrap();
    let (mut seen, mut position) = (0, 0);
    while seen < ALL {
        let newest = record.get("count").unwrap().unwrap_or(0);
        assert!(newest >= seen, "{newest} after {seen}");
        let snapshot = store.snapshot().unwrap();
        assert!(snapshot.position().get() >= position, "the end of the log fell");
        position = snapshot.position().get();
        seen = snapshot.record("shared").unwrap().get("count").unwrap().unwrap_or(0);
        assert!(seen >= newest, "a snapshot of {seen} after {newest}");
        assert_eq!(position, seen * 2, "a snapshot in the middle of a commit");
    }
    say(seen);
}

#[test]
fn eight_processes_count_together_and_lose_nothing() {
    let folder = TempDir::new().unwrap();
    count_together(&url_in(&folder));
}

#[cfg(feature = "postgres")]
#[test]
fn eight_processes_count_together_in_postgresql_and_lose_nothing() {
    let Some(log) = annals_test_server::OwnLog::new() else { return };
    count_together(&log.url_to_create());
}

fn count_together(url: &str) {
    let mut reader = child("read_the_count", url);
    let counters: Vec<Role> = (0..COUNTERS).map(|_| child("count", url)).collect();
    let store = open(url);
    let mut counted: Vec<u64> = thread::scope(|scope| {
        let listen = |mut counter: Role| {
            let record = store.record("shared").unwrap();
            scope.spawn(move || {
                let listened = said(&mut counter).inspect(|number| {
                    let there: u64 = record.get("count").unwrap().unwrap();
                    assert!(there >= *number, "{number} was acknowledged, {there} is read");
                });
                let counted: Vec<u64> = listened.collect();
                assert!(counter.0.wait().unwrap().success());
                counted
            })
        };
        let listeners: Vec<_> = counters.into_iter().map(listen).collect();
        listeners.into_iter().flat_map(|listener| listener.join().unwrap()).collect()
    });
    counted.sort_unstable();
    assert!(counted.iter().copied().eq(1..=ALL), "an update was lost: {counted:?}");
    assert_eq!(said(&mut reader).collect::<Vec<_>>(), [ALL]);
    assert!(reader.0.wait().unwrap().success());

    assert_eq!(store.log().last_position().unwrap().get(), ALL * 2);
    assert_eq!(store.log().verify(|_| {}).unwrap().damages, []);
    let history = store.record("shared").unwrap().history("count").unwrap();
    let values = history.into_iter().map(|change| change.unwrap().get::<u64>().unwrap().unwrap());
    assert!(values.eq(1..=ALL), "each count saw the one before");
}

/// Makes commits of 1 to 4 entries that all hold the commit's number, without waiting for the disk;
/// says each number once it is acknowledged.
fn append_buffered_until_killed(store: &Store) {
    let buffered = store.with_durability(Durability::Buffered);
    for number in numbers(store).len() as u64.. {
        let done = buffered.commit(Context::new(), |tx| {
            let record = tx.record("killed")?;
            (0..=number % 4).try_for_each(|field| record.set(&*format!("f{field}"), &number))
        });
        assert_eq!(done.unwrap().receipt.unwrap().durability, Durability::Buffered);
        say(number);
    }
}

/// Returns the number of each commit, which must be whole.
fn numbers(store: &Store) -> Vec<u64> {
    let number = |item: CommitEntries| {
        let numbers: Vec<u64> = item.entries.iter().map(|entry| entry.get().unwrap().unwrap()).collect();
        let number = numbers[0];
        assert!(numbers.iter().all(|other| *other == number), "two commits in one");
        assert_eq!(numbers.len() as u64, number % 4 + 1, "half a commit");
        number
    };
    store.commits(PositionRange::ALL, Order::OldestFirst).map(|item| number(item.unwrap())).collect()
}

#[test]
fn a_killed_process_leaves_a_prefix_of_what_it_buffered() {
    let folder = TempDir::new().unwrap();
    let url = url_in(&folder);
    drop(open(&url));
    let mut acknowledged = 0;
    for round in 0..20 {
        let mut writer = child("append_buffered_until_killed", &url);
        let mut lines = said(&mut writer);
        // Until it is at work; then for a while that differs from round to round.
        let first = lines.next().unwrap();
        thread::sleep(Duration::from_micros(1_700 * round));
        writer.0.kill().unwrap();
        acknowledged = lines.last().unwrap_or(first) + 1;
        drop(writer);

        let numbers = numbers(&open(&url));
        assert!(numbers.iter().copied().eq(0..numbers.len() as u64), "not a prefix: {numbers:?}");
        let there = numbers.len() as u64;
        assert!(there >= acknowledged, "{acknowledged} acknowledged, {there} there");
        assert!(there <= acknowledged + 1, "more than one commit that was not acknowledged");
    }
    assert!(acknowledged > 50, "only {acknowledged} commits in all: killed too early to mean anything");
    assert_eq!(open(&url).log().verify(|_| {}).unwrap().damages, []);
}
