//! A driver that counts what is read from it, and lets a test come between.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use annals_core::{
    Abilities, At, Batch, Change, CommitEntries, Conflict, Driver, DriverError, Durability, Entry, Error,
    ErrorKind, Key, Namespace, Order, Position, PositionRange, Receipt, Scope,
};
use annals_driver_memory::MemoryDriver;

/// How often each method was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Calls {
    pub(crate) last_position: u64,
    pub(crate) entry: u64,
    pub(crate) commits: u64,
    pub(crate) others: u64,
}

#[derive(Default)]
pub(crate) struct Spy {
    driver: MemoryDriver,
    last_position: AtomicU64,
    entry: AtomicU64,
    commits: AtomicU64,
    others: AtomicU64,
    /// Whether whole commits cannot be read.
    pub(crate) damaged: AtomicBool,
    between: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Spy {
    pub(crate) fn new() -> Arc<Spy> {
        Arc::default()
    }

    /// Returns the calls since the last time.
    pub(crate) fn calls(&self) -> Calls {
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        Calls {
            last_position: take(&self.last_position),
            entry: take(&self.entry),
            commits: take(&self.commits),
            others: take(&self.others),
        }
    }

    /// Does `action` once, after the next entry was read and before it is answered.
    pub(crate) fn before_next_answer(&self, action: impl FnOnce() + Send + 'static) {
        *self.between.lock().unwrap() = Some(Box::new(action));
    }
}

fn count(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

impl Driver for Spy {
    fn append(
        &self,
        batches: &[Batch],
        durability: Durability,
    ) -> Result<Vec<Result<Receipt, Conflict>>, Error> {
        self.driver.append(batches, durability)
    }

    fn sync(&self) -> Result<(), Error> {
        self.driver.sync()
    }

    fn last_position(&self) -> Result<Position, Error> {
        count(&self.last_position);
        self.driver.last_position()
    }

    fn boundary(&self, at: At) -> Result<Position, Error> {
        count(&self.others);
        self.driver.boundary(at)
    }

    fn commits(&self, range: PositionRange, order: Order, limit: usize) -> Result<Vec<CommitEntries>, Error> {
        count(&self.commits);
        if self.damaged.load(Ordering::Relaxed) {
            return Err(DriverError::new(ErrorKind::Corrupt, "spy", "a page is damaged").into());
        }
        self.driver.commits(range, order, limit)
    }

    fn entry(&self, key: &Key, at: Position) -> Result<Option<Entry>, Error> {
        count(&self.entry);
        let entry = self.driver.entry(key, at);
        let between = mem::take(&mut *self.between.lock().unwrap());
        if let Some(action) = between {
            action();
        }
        entry
    }

    fn history(
        &self,
        key: &Key,
        range: PositionRange,
        order: Order,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        count(&self.others);
        self.driver.history(key, range, order, skip, limit)
    }

    fn state(
        &self,
        scope: &Scope,
        at: Position,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        count(&self.others);
        self.driver.state(scope, at, after, limit)
    }

    fn namespaces(
        &self,
        scope: &Scope,
        after: Option<&Namespace>,
        limit: usize,
    ) -> Result<Vec<Namespace>, Error> {
        count(&self.others);
        self.driver.namespaces(scope, after, limit)
    }

    fn restore(&self, commits: &[CommitEntries]) -> Result<(), Error> {
        self.driver.restore(commits)
    }

    fn abilities(&self) -> Abilities<'_> {
        self.driver.abilities()
    }
}
