//! The server, or what works for a writer in it, is killed under load.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use annals_core::{Driver, Durability, Order, PositionRange};
use annals_driver_postgres::{AppendBy, PostgresDriver};
use annals_test_server::{Settings, counted};

use crate::common::{Scratch, own_server};
use crate::delays::delay_appends;
use crate::load::{Account, Outcome, assert_settled, batch, write_until};
use crate::proxy::{Fault, Proxy};

/// Lets writers append, one to each driver, while `disturb` does what it does with the count of what was
/// acknowledged.
fn under_load(drivers: &[PostgresDriver], disturb: impl FnOnce(&AtomicU64)) -> Vec<Account> {
    let (is_over, acknowledged) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let (is_over, acknowledged) = (&is_over, &acknowledged);
        let _end = Raised(is_over);
        let write = |(writer, driver)| {
            scope.spawn(move || write_until(|| is_over.load(Ordering::SeqCst), driver, writer, acknowledged))
        };
        let writers: Vec<_> = drivers.iter().enumerate().map(write).collect();
        disturb(acknowledged);
        is_over.store(true, Ordering::SeqCst);
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    })
}

/// Ends the writers also where the test fails: a scope waits for them.
struct Raised<'a>(&'a AtomicBool);

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Waits until some more were acknowledged, and then for a moment that nobody knows.
fn let_some_pass(acknowledged: &AtomicU64) {
    let enough = acknowledged.load(Ordering::SeqCst) + fastrand::u64(5..40);
    let start = Instant::now();
    while acknowledged.load(Ordering::SeqCst) < enough {
        assert!(start.elapsed() < Duration::from_secs(120), "nobody writes any more");
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_micros(fastrand::u64(..5000)));
}

#[test]
fn a_server_that_is_killed_under_load_keeps_what_it_acknowledged() {
    const KILLS: usize = 30;
    let Some(mut server) = own_server(&Settings::new()) else { return };
    let scratch = Scratch::on(&server);
    let drivers = [
        (AppendBy::Function, 60_000),
        (AppendBy::Statements, 60_000),
        (AppendBy::Function, 100),
        (AppendBy::Statements, 100),
    ];
    let drivers = drivers.map(|(by, milliseconds)| {
        let patience = Duration::from_millis(milliseconds);
        scratch.options().append_by(by).timeout(patience).open().unwrap()
    });
    let accounts = under_load(&drivers, |acknowledged| {
        for _ in 0..KILLS {
            let_some_pass(acknowledged);
            server.kill().unwrap();
            // Some writers give up before it is back.
            thread::sleep(Duration::from_millis(fastrand::u64(..100)));
            server.start_again().unwrap();
        }
        let_some_pass(acknowledged);
    });
    let outcome = assert_settled(&drivers[0], &accounts);
    assert!(outcome.acknowledged > KILLS * 5, "{outcome:?}");
    assert!(outcome.in_doubt_and_absent + outcome.in_doubt_and_there > 0, "{outcome:?}");
    counted(&format!("{KILLS} kills of the server: {outcome:?}"));
}

/// A crash may take commits that did not wait for the disk. Who has seen them must not take it that the
/// positions behind the new end were there before.
#[test]
fn positions_that_a_crash_took_are_not_taken_for_old_ones() {
    let Some(mut server) = own_server(&Settings::new().set("wal_writer_delay", "10s")) else { return };
    let scratch = Scratch::on(&server);
    let proxy = Proxy::start(scratch.url());
    let driver = scratch.options_at(&proxy.url(scratch.url())).open().unwrap();
    for number in 0..100 {
        driver.append(&[batch(0, 6 * number)], Durability::Buffered).unwrap();
    }
    server.kill().unwrap();
    server.start_again().unwrap();
    let kept = driver.last_position().unwrap();
    assert!(kept.get() < 99, "the newest were not on disk");

    proxy.arm(Fault::BeforeAnswer, "annals_append");
    let batch = batch(0, 0);
    driver.append(std::slice::from_ref(&batch), Durability::Synced).unwrap();
    assert!(!proxy.is_armed(), "the connection was cut");
    let there = driver.commits(PositionRange::after(kept), Order::OldestFirst, usize::MAX).unwrap();
    assert_eq!(there.iter().map(|item| item.commit.id).collect::<Vec<_>>(), [batch.id]);
}

#[test]
fn who_writes_while_the_server_is_away_waits_for_it_longer_than_for_one_connection() {
    let Some(mut server) = own_server(&Settings::new()) else { return };
    let scratch = Scratch::on(&server);
    let url = format!("{}&connect_timeout=2", scratch.url());
    let driver = scratch.options_at(&url).open().unwrap();
    server.kill().unwrap();
    thread::scope(|scope| {
        let append = scope.spawn(|| driver.append(&[batch(0, 0)], Durability::Synced));
        thread::sleep(Duration::from_secs(5));
        server.start_again().unwrap();
        append.join().unwrap().unwrap().remove(0).unwrap();
    });
    assert_eq!(driver.last_position().unwrap().get(), batch(0, 0).writes.len() as u64);
}

#[test]
fn backends_that_are_ended_in_the_middle_of_commits_lose_nothing() {
    const KILLS: u64 = 250;
    let Some(scratch) = Scratch::alone() else { return };
    let drivers = [AppendBy::Function, AppendBy::Statements, AppendBy::Function, AppendBy::Statements]
        .map(|by| scratch.options().append_by(by).open().unwrap());
    delay_appends(&scratch);
    let mut admin = scratch.sql();
    // Whoever holds the log's row is about to commit.
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = $1 AND (state = 'active' AND wait_event_type IS DISTINCT FROM 'Lock'
            OR state = 'idle in transaction')";
    let accounts = under_load(&drivers, |acknowledged| {
        let mut killed = 0;
        while killed < KILLS {
            // Not before some were acknowledged: who is killed sooner than he begins never ends.
            let enough = acknowledged.load(Ordering::SeqCst) + 2;
            killed += admin.execute(kill, &[&scratch.application()]).unwrap();
            let start = Instant::now();
            while acknowledged.load(Ordering::SeqCst) < enough {
                assert!(start.elapsed() < Duration::from_secs(120), "nobody writes any more");
                thread::sleep(Duration::from_micros(fastrand::u64(..2000)));
            }
        }
    });
    let outcome = assert_settled(&drivers[0], &accounts);
    let Outcome { acknowledged, found_by_id, .. } = outcome;
    let all = Outcome { acknowledged, found_by_id, ..Outcome::default() };
    assert_eq!(outcome, all, "each is acknowledged in the end");
    counted(&format!("{KILLS} backends ended or more: {acknowledged} commits, each there once"));
}
