//! Histories: what threads that use one log at the same time ask and are answered, and whether all of
//! it can be explained by one operation after the other.

mod body;
mod client;
mod keys;
mod model;
mod operation;

use std::env;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use annals_core::{Error, Store};
use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::{Action, History};

use crate::rounds::for_a_while;
use client::Client;
use model::Model;
use operation::{Operation, Recorded};

/// Lets several threads use the stores that `open` returns, one store a thread, and panics unless
/// what each of them was answered can be explained by one operation after the other, each at some
/// moment between its call and its return (linearizability).
///
/// The stores share one log; they may be clones of one store, or several over one driver. `open` is
/// called before each round, of which there are many; nobody else may write meanwhile. The threads
/// set, delete and set on condition, run transactions, and read: the newest value, all fields of a
/// snapshot, a field as of an earlier position.
///
/// The choice of operations follows from a seed, which a failure names; the variable `ANNALS_SEED`
/// sets that of the first round. The threads' speed does not follow from it, so that a failure may
/// need several runs to be seen again.
///
/// # Panics
/// If no order explains a history; the message lists it. If an operation ends in an error other
/// than a conflict or a missing value.
///
/// The algorithm is Wing and Gong's in Lowe's form, as the crate `todc-utils` has it.
///
/// ```
/// use std::sync::Arc;
/// use annals_conformance::{ScanDriver, assert_linearizable};
/// use annals_core::Store;
///
/// let store = Store::new(Arc::new(ScanDriver::new()));
/// assert_linearizable(|| vec![store.clone(); 3]);
/// ```
pub fn assert_linearizable(open: impl FnMut() -> Vec<Store>) {
    assert_linearizable_despite(open, |_| false);
}

/// As [`assert_linearizable`], but an operation may end in an error that `is_fault` knows.
///
/// A read has no answer then, and a write wrote nothing, unless the error is of the kind
/// [`Poisoned`](annals_core::ErrorKind::Poisoned): then its outcome is open, and the thread writes no
/// more in this round.
///
/// # Panics
/// As [`assert_linearizable`]; errors that `is_fault` knows excepted.
///
/// ```
/// use std::sync::Arc;
/// use annals_conformance::{Faulty, ScanDriver, assert_linearizable_despite};
/// use annals_core::{Error, Store};
///
/// let driver = Arc::new(ScanDriver::new());
/// let mut round = 0;
/// let open = || {
///     round += 1;
///     vec![Store::new(Faulty::new(Arc::clone(&driver)).fail_at_random(10, round)); 3]
/// };
/// assert_linearizable_despite(open, |error| matches!(error, Error::Driver(_)));
/// ```
pub fn assert_linearizable_despite(
    mut open: impl FnMut() -> Vec<Store>,
    is_fault: impl Fn(&Error) -> bool + Sync,
) {
    let first = seed();
    for round in for_a_while() {
        let seed = first.wrapping_add(round);
        let history = record(&open(), seed, &is_fault);
        assert!(is_linearizable(&history), "no order explains this, of seed {seed}:\n{}", list(&history));
    }
}

fn seed() -> u64 {
    let given = env::var("ANNALS_SEED").map(|seed| seed.parse().expect("ANNALS_SEED is a number"));
    given.unwrap_or_else(|_| fastrand::u64(..))
}

/// Runs one round, on keys of its own, and returns what was done, in the order of the calls.
fn record(stores: &[Store], seed: u64, is_fault: &(dyn Fn(&Error) -> bool + Sync)) -> Vec<Recorded> {
    let begin = last_position(&stores[0], is_fault);
    let clock = Clock::default();
    let mut history = vec![clock.record(Operation::Begin(begin))];
    let start = Barrier::new(stores.len());
    thread::scope(|scope| {
        let client = |(thread, store)| Client::new(store, begin, (thread, seed), is_fault);
        let threads: Vec<_> = (0..)
            .zip(stores)
            .map(client)
            .map(|client| {
                scope.spawn(|| {
                    start.wait();
                    client.run(&clock)
                })
            })
            .collect();
        for thread in threads {
            history.extend(thread.join().unwrap());
        }
    });
    history.sort_by_key(|recorded| recorded.called);
    history
}

fn last_position(store: &Store, is_fault: &dyn Fn(&Error) -> bool) -> u64 {
    loop {
        match store.log().last_position() {
            Ok(last) => return last.get(),
            Err(error) => assert!(is_fault(&error), "{error}"),
        }
    }
}

/// Numbers calls and returns in the order in which they happened.
#[derive(Default)]
struct Clock(AtomicU64);

impl Clock {
    fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    /// Records what has no duration.
    fn record(&self, operation: Operation) -> Recorded {
        Recorded { thread: 0, called: self.tick(), returned: self.tick(), operation }
    }
}

fn is_linearizable(history: &[Recorded]) -> bool {
    let mut actions = Vec::new();
    // Each operation has a process of its own, as one whose outcome is open has no end.
    for (process, recorded) in history.iter().enumerate() {
        actions.push((recorded.called, (process, Action::Call(recorded.operation.clone()))));
        actions.push((recorded.returned, (process, Action::Response(recorded.operation.clone()))));
    }
    actions.sort_by_key(|(tick, _)| *tick);
    let actions = actions.into_iter().map(|(_, action)| action).collect();
    WGLChecker::<Model>::is_linearizable(History::from_actions(actions))
}

fn list(history: &[Recorded]) -> String {
    history.iter().map(|recorded| format!("{recorded}\n")).collect()
}

#[cfg(test)]
mod tests;
