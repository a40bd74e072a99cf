//! An append whose connection is lost is there once, and acknowledged: promise 6.

use std::thread;
use std::time::Duration;

use annals_core::{
    Batch, CommitId, Condition, Context, Driver, Durability, ErrorKind, Key, Order, PositionRange,
};
use annals_driver_postgres::{AppendBy, PostgresDriver, PostgresOptions};

use crate::common::Scratch;
use crate::proxy::{Fault, Proxy};

fn key() -> Key {
    Key::parse("a", "x").unwrap()
}

fn batch(value: u8) -> Batch {
    Batch::new(Context::new()).set(key(), [value])
}

/// The values that the key ever had, oldest first.
fn values(driver: &dyn Driver) -> Vec<u8> {
    let history = driver.history(&key(), PositionRange::ALL, Order::OldestFirst, 0, usize::MAX).unwrap();
    history.iter().map(|change| change.entry.action.bytes().unwrap()[0]).collect()
}

/// A log that is reached by way of a proxy, which stands still until it is told to fail.
fn by_proxy(scratch: &Scratch, with: impl Fn(PostgresOptions) -> PostgresOptions) -> (Proxy, PostgresDriver) {
    let proxy = Proxy::start(scratch.url());
    let options = with(scratch.options_at(&proxy.url(scratch.url())));
    let driver = options.open().unwrap();
    (proxy, driver)
}

/// What the last request of an append holds, by which it is told from others.
const REQUESTS: [(AppendBy, &str); 2] =
    [(AppendBy::Function, "annals_append"), (AppendBy::Statements, "COMMIT")];

#[test]
fn an_append_whose_connection_is_cut_is_there_once() {
    for (by, request) in REQUESTS {
        for fault in [Fault::BeforeRequest, Fault::AfterRequest, Fault::BeforeAnswer] {
            let Some(scratch) = Scratch::new() else { return };
            let (proxy, driver) = by_proxy(&scratch, |options| options.append_by(by));
            driver.append(&[batch(0)], Durability::Synced).unwrap();
            proxy.arm(fault, request);
            let absent = Condition::KeyAbsent { key: Key::parse("b", "y").unwrap() };
            let group = [
                batch(1).set(Key::parse("b", "y").unwrap(), [1]),
                batch(9).on_condition(absent.clone()),
                batch(2),
            ];
            let answers = driver.append(&group, Durability::Synced).unwrap();
            assert!(!proxy.is_armed(), "the connection was cut");

            let receipts: Vec<_> = answers.iter().flatten().collect();
            assert_eq!(
                receipts.iter().map(|receipt| receipt.commit.id).collect::<Vec<_>>(),
                [group[0].id, group[2].id]
            );
            assert!(receipts.iter().all(|receipt| !receipt.repeated), "{fault:?}");
            assert_eq!(answers[1].as_ref().unwrap_err().condition, absent);
            assert_eq!(values(&driver), [0, 1, 2], "{fault:?} by {by:?}");
            let commits = driver.commits(PositionRange::ALL, Order::OldestFirst, usize::MAX).unwrap();
            let commits: Vec<_> = commits.into_iter().skip(1).map(|item| item.commit).collect();
            let told: Vec<_> = receipts.iter().map(|receipt| receipt.commit.clone()).collect();
            assert_eq!(commits, told, "what was told is what stands there");
        }
    }
}

#[test]
fn an_append_that_is_cut_again_and_again_is_there_once() {
    let Some(scratch) = Scratch::new() else { return };
    let (proxy, driver) = by_proxy(&scratch, |options| options);
    for fault in [Fault::BeforeAnswer, Fault::AfterRequest, Fault::BeforeRequest, Fault::BeforeAnswer] {
        proxy.arm(fault, "annals_append");
    }
    driver.append(&[batch(1)], Durability::Synced).unwrap();
    assert!(!proxy.is_armed());
    assert_eq!(values(&driver), [1]);
}

#[test]
fn an_append_that_comes_late_does_not_come_twice() {
    for (by, request) in [(AppendBy::Function, "annals_append"), (AppendBy::Statements, "UPDATE")] {
        let Some(scratch) = Scratch::new() else { return };
        let (proxy, driver) = by_proxy(&scratch, |options| options.append_by(by));
        driver.append(&[batch(0)], Durability::Synced).unwrap();

        // Somebody holds the log, so both the request whose connection is cut and the one after it wait
        // at the server, and go on one after the other.
        let mut holder = scratch.sql();
        let mut held = holder.transaction().unwrap();
        scratch.hold(&mut held);
        proxy.arm(Fault::AfterRequest, request);
        thread::scope(|scope| {
            let append = scope.spawn(|| driver.append(&[batch(1)], Durability::Synced).unwrap());
            while scratch.waiting() < 2 {
                thread::sleep(Duration::from_millis(10));
            }
            held.commit().unwrap();
            let answers = append.join().unwrap();
            assert!(answers[0].is_ok());
        });
        assert_eq!(values(&driver), [0, 1], "by {by:?}");
    }
}

#[test]
fn an_id_that_was_given_repeats_what_the_lost_attempt_appended() {
    let Some(scratch) = Scratch::new() else { return };
    let (proxy, driver) = by_proxy(&scratch, |options| options);
    proxy.arm(Fault::BeforeAnswer, "annals_append");
    let given = batch(1).with_id(batch(0).id.uuid());
    let answers = driver.append(std::slice::from_ref(&given), Durability::Synced).unwrap();
    assert_eq!(answers[0].as_ref().unwrap().commit.id, given.id);
    assert!(matches!(given.id, CommitId::Given(_)));
    assert_eq!(values(&driver), [1]);
}

#[test]
fn an_append_that_cannot_be_settled_in_time_is_said_to_be_unknown() {
    let Some(scratch) = Scratch::new() else { return };
    let (proxy, driver) = by_proxy(&scratch, |options| options.timeout(Duration::from_secs(1)));
    proxy.arm(Fault::Stall, "annals_append");
    let error = driver.append(&[batch(1)], Durability::Synced).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown, "{error}");
    assert_eq!(values(&driver), [0; 0], "it never reached the server");
    driver.append(&[batch(2)], Durability::Synced).unwrap();
    assert_eq!(values(&driver), [2], "the connection that stands still is not used again");
}

#[test]
fn a_writer_who_cannot_reach_the_server_any_more_holds_up_nobody_for_long() {
    let Some(scratch) = Scratch::new() else { return };
    let by_statements = |options: PostgresOptions| options.append_by(AppendBy::Statements);
    let (proxy, driver) =
        by_proxy(&scratch, |options| by_statements(options).timeout(Duration::from_secs(1)));
    proxy.arm(Fault::Stall, "COMMIT");
    let error = driver.append(&[batch(1)], Durability::Synced).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown, "{error}");

    // The server still holds the connection on which it was never told to commit.
    let other = scratch.options().busy_timeout(Duration::from_secs(30)).open().unwrap();
    let appended = other.append(&[batch(2)], Durability::Synced);
    end_backends(&scratch);
    appended.unwrap();
    assert_eq!(values(&driver), [2], "what was given up is undone");
}

#[test]
fn a_read_that_is_not_answered_in_time_says_so() {
    let Some(scratch) = Scratch::new() else { return };
    let (proxy, driver) = by_proxy(&scratch, |options| options.timeout(Duration::from_secs(1)));
    proxy.arm(Fault::Stall, "annals_log");
    let error = driver.last_position().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(driver.last_position().unwrap().get(), 0);
}

#[test]
fn a_read_whose_connection_is_cut_is_answered() {
    let Some(scratch) = Scratch::new() else { return };
    let (proxy, driver) = by_proxy(&scratch, |options| options);
    driver.append(&[batch(1)], Durability::Synced).unwrap();
    for fault in [Fault::BeforeRequest, Fault::AfterRequest, Fault::BeforeAnswer] {
        proxy.arm(fault, "annals_read_history");
        assert_eq!(values(&driver), [1], "{fault:?}");
        assert!(!proxy.is_armed());
    }
}

/// Ends all that work for the log.
fn end_backends(scratch: &Scratch) {
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1";
    scratch.sql().execute(sql, &[&scratch.application()]).unwrap();
}
