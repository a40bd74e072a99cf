//! Subscriptions on a driver that fails, and on drivers that do not keep their word.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use annals_core::{
    CommitEntries, Driver, DriverError, Entry, Error, ErrorKind, Filter, Order, Position, PositionRange,
    Store, Subscription, forward_driver,
};
use annals_driver_memory::MemoryDriver;

type Answer = Result<Vec<CommitEntries>, Error>;

/// A log in memory whose pages of commits go through a function.
struct Altered<F> {
    driver: MemoryDriver,
    alter: F,
}

impl<F: Fn(Answer) -> Answer + Send + Sync> Driver for Altered<F> {
    forward_driver!(append, sync, last_position, boundary, entry => self.driver);
    forward_driver!(history, state, namespaces, restore, abilities => self.driver);

    fn commits(&self, range: PositionRange, order: Order, limit: usize) -> Answer {
        (self.alter)(self.driver.commits(range, order, limit))
    }
}

/// A store of 40 commits.
fn store(alter: impl Fn(Answer) -> Answer + Send + Sync + 'static) -> Store {
    let store = Store::new(Altered { driver: MemoryDriver::new(), alter });
    for number in 0..40 {
        store.record("r").unwrap().set("n", &number).unwrap();
    }
    store
}

fn everything(store: &Store) -> Subscription {
    store.subscribe(Position::START, Filter::everything()).unwrap()
}

/// The position of the next commit that is there.
fn next(subscription: &mut Subscription) -> Result<u64, Error> {
    let next = subscription.next_within(Duration::ZERO)?;
    Ok(next.expect("a commit that is there").commit.last.get())
}

#[test]
fn a_subscription_can_be_sent_to_a_thread() {
    fn is_send<T: Send>() {}
    is_send::<Subscription>();
}

#[test]
fn an_error_is_told_once_and_nothing_is_lost() {
    let failing = Arc::new(AtomicBool::new(false));
    let fails = Arc::clone(&failing);
    let store = store(move |page| match fails.swap(false, Ordering::SeqCst) {
        true => Err(DriverError::new(ErrorKind::Unavailable, "test:", "the cable is out").into()),
        false => page,
    });
    let mut subscription = everything(&store);
    let mut seen = Vec::new();
    for step in 0..200 {
        failing.store(step % 3 == 0, Ordering::SeqCst);
        let before = subscription.position();
        match subscription.next_within(Duration::ZERO) {
            Ok(Some(commit)) => seen.push(commit.commit.last.get()),
            Ok(None) => {}
            Err(error) => {
                assert_eq!(error.to_string(), "test:: the cable is out");
                assert_eq!(subscription.position(), before);
            }
        }
    }
    assert_eq!(seen, (1..=40).collect::<Vec<_>>());

    store.record("r").unwrap().set("n", &40).unwrap();
    failing.store(true, Ordering::SeqCst);
    assert_eq!(subscription.next().unwrap().unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(subscription.next().unwrap().unwrap().commit.last.get(), 41, "an iterator goes on as well");
}

#[test]
fn a_lost_commit_is_an_error_not_a_gap() {
    let store = store(|page| {
        let mut page = page?;
        page.retain(|commit| commit.commit.last.get() != 7);
        Ok(page)
    });
    let mut subscription = everything(&store);
    for position in 1..=6 {
        assert_eq!(next(&mut subscription).unwrap(), position);
    }
    for _ in 0..2 {
        let error = next(&mut subscription).unwrap_err();
        let text = "this log: the driver does not give the commit that begins at @7; verify the log";
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Corrupt, text));
    }
    assert_eq!(subscription.position().get(), 6);
}

#[test]
fn a_commit_that_is_found_again_is_given_at_once() {
    let lost = AtomicBool::new(true);
    let store = store(move |page| {
        let mut page = page?;
        if lost.swap(false, Ordering::SeqCst) {
            page.remove(0);
        }
        Ok(page)
    });
    let mut subscription = everything(&store);
    assert_eq!(next(&mut subscription).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(next(&mut subscription).unwrap(), 1);
}

#[test]
fn commits_that_are_told_of_but_not_given_are_an_error_not_a_loop() {
    let store =
        store(|page| page.map(|page| page.into_iter().filter(|c| c.commit.last.get() <= 5).collect()));
    let mut subscription = everything(&store);
    for position in 1..=5 {
        assert_eq!(next(&mut subscription).unwrap(), position);
    }
    assert_eq!(next(&mut subscription).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(subscription.position().get(), 5);
}

#[test]
fn pages_are_bounded_whatever_the_log_has() {
    let largest = Arc::new(Mutex::new(0));
    let seen = Arc::clone(&largest);
    let store = store(move |page| {
        let bytes: usize = page.iter().flatten().flat_map(|c| &c.entries).map(size).sum();
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = bytes.max(*seen);
        page
    });
    let text = "x".repeat(1 << 20);
    for _ in 0..60 {
        store.record("r").unwrap().set("text", &text).unwrap();
    }
    let mut subscription = store.subscribe(Position::new(40).unwrap(), Filter::everything()).unwrap();
    for position in 41..=100 {
        assert_eq!(next(&mut subscription).unwrap(), position);
    }
    assert_eq!(subscription.next_within(Duration::ZERO).unwrap(), None);
    // The first page does not know yet how large the values are.
    assert!(*largest.lock().unwrap() < 17 << 20, "{} bytes in one page", largest.lock().unwrap());
}

fn size(entry: &Entry) -> usize {
    entry.action.bytes().map_or(0, |bytes| bytes.len())
}
