//! A driver that counts what is read from it, and lets a test come between.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use annals_core::{
    CommitEntries, Driver, DriverError, Entry, Error, ErrorKind, Key, Order, Position, PositionRange,
    forward_driver,
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

    fn counted(&self, calls: &AtomicU64) -> &MemoryDriver {
        calls.fetch_add(1, Ordering::Relaxed);
        &self.driver
    }

    /// Does `action` once, after the next entry was read and before it is answered.
    pub(crate) fn before_next_answer(&self, action: impl FnOnce() + Send + 'static) {
        *self.between.lock().unwrap() = Some(Box::new(action));
    }
}

impl Driver for Spy {
    forward_driver!(append, sync, restore, abilities => self.driver);
    forward_driver!(last_position => self.counted(&self.last_position));
    forward_driver!(boundary, history, state, namespaces => self.counted(&self.others));

    fn commits(&self, range: PositionRange, order: Order, limit: usize) -> Result<Vec<CommitEntries>, Error> {
        let driver = self.counted(&self.commits);
        if self.damaged.load(Ordering::Relaxed) {
            return Err(DriverError::new(ErrorKind::Corrupt, "spy", "a page is damaged").into());
        }
        driver.commits(range, order, limit)
    }

    fn entry(&self, key: &Key, at: Position) -> Result<Option<Entry>, Error> {
        let entry = self.counted(&self.entry).entry(key, at);
        let between = mem::take(&mut *self.between.lock().unwrap());
        if let Some(action) = between {
            action();
        }
        entry
    }
}
