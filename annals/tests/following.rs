//! Subscriptions across processes. A child is this test binary again, told its role by a variable.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::env;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use annals::{CommitEntries, Context, Filter, Order, Position, PositionRange, Store, Subscription};

const ROLE: &str = "ANNALS_TEST_ROLE";
const URL: &str = "ANNALS_TEST_URL";

/// As long as it takes on a busy machine; a test that waits so long has failed.
const LONG: Duration = Duration::from_secs(120);

const WRITERS: usize = 3;
const COMMITS: usize = 60;

fn child(role: &str, url: &str) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "plays_the_role_it_is_given", "--nocapture", "--quiet"]);
    command.env(ROLE, role).env(URL, url).stdout(Stdio::null()).spawn().unwrap()
}

/// Not a test of its own: what a child process does.
#[test]
fn plays_the_role_it_is_given() {
    let (Ok(role), Ok(url)) = (env::var(ROLE), env::var(URL)) else { return };
    let store = Store::open(&url).unwrap();
    match role.as_str() {
        "write" => (0..COMMITS).for_each(|number| write(&store, number)),
        "follow" => {
            let seen = follow(&mut store.subscribe(Position::START, Filter::everything()).unwrap());
            assert_eq!(seen, log(&store));
        }
        role => panic!("no role {role}"),
    }
}

/// Commits of one to three entries.
fn write(store: &Store, number: usize) {
    let committed = store.commit(Context::new().actor(std::process::id().to_string()), |tx| {
        let record = tx.record("log")?;
        ["a", "b", "c"].into_iter().take(number % 3 + 1).try_for_each(|field| record.set(field, &number))
    });
    let _ = committed.unwrap();
}

fn follow(subscription: &mut Subscription) -> Vec<CommitEntries> {
    let next = |_| subscription.next_within(LONG).unwrap().expect("a commit in time");
    (0..WRITERS * COMMITS).map(next).collect()
}

fn log(store: &Store) -> Vec<CommitEntries> {
    store.commits(PositionRange::ALL, Order::OldestFirst).collect::<Result<_, _>>().unwrap()
}

#[test]
fn subscribers_of_several_processes_see_exactly_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("log.db").display());
    let store = Store::open(&url).unwrap();
    let mut subscription = store.subscribe(Position::START, Filter::everything()).unwrap();

    let follower = child("follow", &url);
    let writers: Vec<Child> = (0..WRITERS).map(|_| child("write", &url)).collect();
    let seen = follow(&mut subscription);
    for mut process in writers.into_iter().chain([follower]) {
        assert!(process.wait().unwrap().success());
    }
    assert_eq!(seen, log(&store));
    assert_eq!(subscription.next_within(Duration::ZERO).unwrap(), None);

    let middle = seen[seen.len() / 2].commit.last;
    let mut resumed = store.subscribe(middle, Filter::everything()).unwrap();
    let rest: Vec<_> = std::iter::from_fn(|| resumed.next_within(Duration::ZERO).unwrap()).collect();
    assert_eq!(rest, seen[seen.len() / 2 + 1..]);
}
