//! Commits are announced to those who wait for them, and found without that.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use annals_conformance::Faulty;
use annals_core::{Announce, Batch, Context, Driver, Durability, Filter, Key, Position, Store};
use annals_driver_postgres::{PostgresDriver, PostgresOptions};
use annals_test_server::given_pooler_url;
use postgres::Config;
use postgres::config::Host;

use crate::common::Scratch;

/// Whoever waits so long waits for ever.
const LONG: Duration = Duration::from_secs(120);

fn append(driver: &PostgresDriver) {
    let batch = Batch::new(Context::new()).set(Key::parse("a", "x").unwrap(), [1]);
    driver.append(&[batch], Durability::Buffered).unwrap();
}

fn announce(driver: &dyn Driver) -> &dyn Announce {
    driver.abilities().announce.expect("it was asked to announce")
}

/// Waits until announcements are heard, and returns where each arrives.
fn listen(driver: &PostgresDriver) -> Receiver<()> {
    let (ring, rings) = mpsc::channel();
    let is_heard_first = !announce(driver).is_on();
    announce(driver).tell(Box::new(move || ring.send(()).is_ok()));
    until_heard(driver);
    if is_heard_first {
        // Something may have been missed before.
        rings.recv_timeout(LONG).unwrap();
    }
    rings
}

fn until_heard(driver: &dyn Driver) {
    let start = Instant::now();
    while !announce(driver).is_on() {
        assert!(start.elapsed() < LONG, "nothing is heard");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn commits_of_others_are_announced_to_those_of_the_same_log() {
    let (Some(scratch), Some(other)) = (Scratch::new(), Scratch::new()) else { return };
    let [writer, others_writer] =
        [&scratch, &other].map(|scratch| scratch.options().notify(true).open().unwrap());
    // Both hear by the same listener, so one after the other.
    let database = scratch.options().notify(true).connect().unwrap();
    let [follower, others_follower] =
        [&scratch, &other].map(|scratch| database.open_log(scratch.log()).unwrap());
    let (rings, others_rings) = (listen(&follower), listen(&others_follower));
    for _ in 0..3 {
        append(&others_writer);
        others_rings.recv_timeout(LONG).unwrap();
    }
    assert_eq!(rings.try_iter().count(), 0, "nothing was appended to this one");
    append(&writer);
    rings.recv_timeout(LONG).unwrap();
}

#[test]
fn many_commits_are_announced_together() {
    let Some(scratch) = Scratch::new() else { return };
    let [follower, writer] = [(); 2].map(|()| scratch.options().notify(true).open().unwrap());
    let rings = listen(&follower);
    let start = Instant::now();
    let mut count = 0;
    for _ in 0..300 {
        count += rings.try_iter().count();
        append(&writer);
    }
    let ticks = start.elapsed().as_millis() / 20 + 2;
    assert!(count as u128 <= ticks, "{count} announcements in {ticks} times 20 ms");
    rings.recv_timeout(LONG).expect("what came last is announced as well");
}

#[test]
fn who_hears_what_is_announced_asks_less_often() {
    let Some(scratch) = Scratch::new() else { return };
    let [follower, writer] = [(); 2].map(|()| scratch.options().notify(true).open().unwrap());
    let counted = Arc::new(Faulty::new(follower));
    let store = Store::new(Arc::clone(&counted));
    let mut subscription = store.subscribe(Position::START, Filter::everything()).unwrap();
    until_heard(&counted);
    let before = counted.calls();
    assert_eq!(subscription.next_within(Duration::from_secs(2)).unwrap(), None);
    // After pauses of 1, 2, 4, ... 500 ms; of at most 20 ms they would be about a hundred.
    let calls = counted.calls() - before;
    assert!(calls < 20, "it has asked {calls} times");
    append(&writer);
    assert_eq!(subscription.next_within(LONG).unwrap().unwrap().commit.last.get(), 1);
}

#[test]
fn a_lost_connection_is_made_again_and_nothing_stays_unheard() {
    let Some(scratch) = Scratch::new() else { return };
    let [follower, writer] = [(); 2].map(|()| scratch.options().notify(true).open().unwrap());
    let rings = listen(&follower);
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1";
    scratch.sql().execute(end, &[&scratch.application()]).unwrap();
    append(&writer);
    rings.recv_timeout(LONG).expect("it is told that something may have been missed");
    until_heard(&follower);
    append(&writer);
    rings.recv_timeout(LONG).unwrap();
}

#[test]
fn a_follower_by_way_of_a_pooler_misses_nothing_and_hears_by_another_address() {
    let (Some(scratch), Some(url)) = (Scratch::new(), given_pooler_url()) else { return };
    let writer = scratch.options_at(&url).notify(true).open().unwrap();
    let store = Store::new(scratch.options_at(&url).notify(true).open().unwrap());
    let mut subscription = store.subscribe(Position::START, Filter::everything()).unwrap();
    append(&writer);
    assert_eq!(subscription.next_within(LONG).unwrap().unwrap().commit.last.get(), 1);

    let follower = by_address(&scratch, scratch.options_at(&url)).open().unwrap();
    let rings = listen(&follower);
    append(&writer);
    rings.recv_timeout(LONG).unwrap();
    assert!(
        !announce(store.log().driver()).is_on(),
        "what listens by way of the pooler knows that it is deaf"
    );
}

/// Lets announcements be heard where the server itself is.
fn by_address(scratch: &Scratch, options: PostgresOptions) -> PostgresOptions {
    let direct: Config = scratch.url().parse().unwrap();
    let host = match &direct.get_hosts()[0] {
        Host::Tcp(name) => name.clone(),
        Host::Unix(folder) => folder.display().to_string(),
    };
    options.notify_at(&host, direct.get_ports().first().copied().unwrap_or(5432))
}
