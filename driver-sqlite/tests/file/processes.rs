//! Several processes on one file. A child is this test binary again, told its role by a variable.

use std::collections::hash_map::RandomState;
use std::env;
use std::fmt::Display;
use std::hash::{BuildHasher, Hasher};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use annals_core::{
    Action, Batch, Check, CommitEntries, Context, Driver, Order, Position, PositionRange, Scope,
};
use annals_driver_sqlite::SqliteDriver;

use crate::common::{Scratch, append, key, set, values};

const ROLE: &str = "ANNALS_TEST_ROLE";
const FILE: &str = "ANNALS_TEST_FILE";

/// Returns the command that runs this binary as a child with a role, on a file.
pub(crate) fn child(role: &str, path: &Path) -> Command {
    child_after(":", role, path)
}

/// Returns such a command, with what the shell is to set up before it.
pub(crate) fn child_after(set_up: &str, role: &str, path: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{set_up}; exec \"$0\" \"$@\"")]).arg(env::current_exe().unwrap());
    command.args(["--exact", "processes::plays_the_role_it_is_given", "--nocapture", "--quiet"]);
    command.env(ROLE, role).env(FILE, path).stdout(Stdio::piped());
    command
}

/// Not a test of its own: what a child process does.
#[test]
fn plays_the_role_it_is_given() {
    let (Ok(role), Some(path)) = (env::var(ROLE), env::var_os(FILE).map(PathBuf::from)) else { return };
    match role.as_str() {
        "add_keys_in_short_passes" => crate::names::add_keys_in_short_passes(&path),
        "add_the_same_150_keys" => crate::names::add_the_same_150_keys(&path),
        "append_100" => append_100(&path),
        "append_and_read_150" => crate::passes::append_and_read_150(&path),
        "append_in_short_passes" => crate::passes::append_in_short_passes(&path),
        "append_until_killed" => append_until_killed(&path),
        "erase_until_killed" => crate::erasing::erase_until_killed(&path),
        "follow_to_800" => follow_to_800(&path),
        "read_until_a_deletion" => crate::erasing::read_until_a_deletion(&path),
        "read_while_others_write" => crate::passes::read_while_others_write(&path),
        "show_permissions" => crate::opening::show_permissions(&path),
        "write_until_the_disk_refuses" => crate::faults::write_until_the_disk_refuses(&path),
        "append_in_groups_until_killed" => crate::groups::append_in_groups_until_killed(&path),
        "write_in_groups_until_the_disk_refuses" => {
            crate::groups::write_in_groups_until_the_disk_refuses(&path);
        }
        "write_from_another_folder" => crate::moving::write_from_another_folder(&path),
        role => panic!("no role {role}"),
    }
}

/// Says a line to the parent process.
pub(crate) fn say(line: impl Display) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nsay {line}").unwrap();
    out.flush().unwrap();
}

/// Returns what a child says, without what its test harness prints.
pub(crate) fn said(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("say ").map(str::to_owned))
}

fn append_100(path: &Path) {
    let driver = SqliteDriver::open(path).unwrap();
    let own = key(&format!("process/{}", std::process::id()), "count");
    for number in 0..100_u8 {
        append(&driver, set(&own, &[number])).unwrap();
    }
}

fn follow_to_800(path: &Path) {
    let driver = SqliteDriver::open(path).unwrap();
    let mut seen = Position::START;
    while seen.get() < 800 {
        for commit in driver.commits(PositionRange::after(seen), Order::OldestFirst, 10).unwrap() {
            assert_eq!(commit.commit.first, seen.plus(1), "the reader skipped a commit");
            seen = commit.commit.last;
        }
        assert!(driver.last_position().unwrap() >= seen);
    }
    say("saw all");
}

#[test]
fn eight_processes_append_to_one_file_and_a_reader_skips_nothing() {
    let scratch = Scratch::new();
    let mut reader = child("follow_to_800", &scratch.path).spawn().unwrap();
    let writers: Vec<Child> = (0..8).map(|_| child("append_100", &scratch.path).spawn().unwrap()).collect();
    for writer in writers {
        assert!(writer.wait_with_output().unwrap().status.success());
    }
    assert_eq!(said(&mut reader).collect::<Vec<_>>(), ["saw all"]);
    assert!(reader.wait().unwrap().success());

    let driver = scratch.open();
    let commits = driver.commits(PositionRange::ALL, Order::OldestFirst, usize::MAX).unwrap();
    let positions: Vec<u64> = commits.iter().map(|commit| commit.commit.last.get()).collect();
    assert_eq!(positions, (1..=800).collect::<Vec<u64>>());
    assert!(commits.windows(2).all(|pair| pair[0].commit.recorded_at <= pair[1].commit.recorded_at));
    let keys = driver.state(&Scope::All, Position::MAX, None, 100).unwrap();
    assert_eq!(keys.len(), 8);
    for newest in keys {
        assert_eq!(values(&driver, newest.key()), (0..100_u8).map(|number| vec![number]).collect::<Vec<_>>());
    }
    assert_eq!(driver.check().unwrap().damages, Vec::<String>::new());
}

/// Commits of 1 to 5 entries that all carry the commit's number; says each number once it stands.
fn append_until_killed(path: &Path) {
    let driver = SqliteDriver::open(path).unwrap();
    let last = driver.commits(PositionRange::ALL, Order::NewestFirst, 1).unwrap();
    let next = last.first().map_or(0, |last| number_of(&last.entries[0].action) + 1);
    for number in next.. {
        let mut batch = Batch::new(Context::new());
        for field in 0..=number % 5 {
            batch = batch.set(key("killed", &format!("f{field}")), number.to_be_bytes());
        }
        append(&driver, batch).unwrap();
        say(number);
    }
}

fn number_of(action: &Action) -> u64 {
    u64::from_be_bytes(action.bytes().unwrap()[..].try_into().unwrap())
}

/// Every commit is whole, and the numbers end with the newest one's.
fn assert_whole(commits: &[CommitEntries]) {
    for commit in commits {
        let number = number_of(&commit.entries[0].action);
        assert_eq!(commit.entries.len() as u64, number % 5 + 1, "half a commit");
        assert!(commit.entries.iter().all(|entry| number_of(&entry.action) == number));
    }
}

#[test]
fn a_killed_writer_loses_nothing_that_it_acknowledged_and_leaves_no_half_commit() {
    let scratch = Scratch::new();
    let mut acknowledged = 0;
    for round in 0..100 {
        let mut writer = child("append_until_killed", &scratch.path).spawn().unwrap();
        let mut numbers = said(&mut writer);
        // Most are killed while they append, some while they open the log.
        let first = if round % 5 == 0 { None } else { numbers.next() };
        thread::sleep(Duration::from_micros(RandomState::new().build_hasher().finish() % 20_000));
        writer.kill().unwrap();
        // What was said before the end still stands in the pipe.
        if let Some(last) = numbers.last().or(first) {
            acknowledged = last.parse::<u64>().unwrap() + 1;
        }
        writer.wait().unwrap();

        let newest = scratch.open().commits(PositionRange::ALL, Order::NewestFirst, 20).unwrap();
        assert_whole(&newest);
        let there = newest.first().map_or(0, |newest| number_of(&newest.entries[0].action) + 1);
        assert!(there >= acknowledged, "{acknowledged} acknowledged, {there} there");
    }
    assert!(acknowledged >= 80, "only {acknowledged} commits in all");

    let driver = scratch.open();
    let all = driver.commits(PositionRange::ALL, Order::OldestFirst, usize::MAX).unwrap();
    assert_whole(&all);
    let numbers = all.iter().map(|commit| number_of(&commit.entries[0].action));
    assert!(numbers.eq(0..all.len() as u64));
    assert_eq!(driver.check().unwrap().damages, Vec::<String>::new());
}
