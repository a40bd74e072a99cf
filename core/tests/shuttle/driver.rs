use std::sync::atomic::{AtomicBool, Ordering};

use annals_core::{
    Abilities, At, Batch, Change, CommitEntries, Conflict, Driver, DriverError, Durability, Entry, Error,
    ErrorKind, Key, Namespace, Order, Position, PositionRange, Receipt, Scope,
};
use annals_driver_memory::MemoryDriver;
use shuttle::thread::yield_now;

/// A log in memory that lets other threads go on before and after whatever it does.
#[derive(Debug)]
pub(crate) struct Yielding {
    inner: MemoryDriver,
    room: usize,
    is_appending: AtomicBool,
}

impl Yielding {
    pub(crate) fn new() -> Yielding {
        Yielding::with_room(usize::MAX)
    }

    /// Has room for so many batches in one call, and for none whose reason is `large`.
    pub(crate) fn with_room(room: usize) -> Yielding {
        Yielding { inner: MemoryDriver::new(), room, is_appending: AtomicBool::new(false) }
    }

    fn around<T>(&self, call: impl FnOnce(&MemoryDriver) -> T) -> T {
        yield_now();
        let answer = call(&self.inner);
        yield_now();
        answer
    }

    fn fits(&self, batches: &[Batch]) -> bool {
        let is_large = |batch: &Batch| batch.context.reason.as_deref() == Some("large");
        batches.len() <= self.room && !batches.iter().any(is_large)
    }
}

impl Driver for Yielding {
    fn append(
        &self,
        batches: &[Batch],
        durability: Durability,
    ) -> Result<Vec<Result<Receipt, Conflict>>, Error> {
        assert!(!self.is_appending.swap(true, Ordering::SeqCst), "two threads append at the same time");
        let answers = self.around(|inner| {
            let full = || DriverError::new(ErrorKind::Full, "yielding", "there is no room");
            if self.fits(batches) { inner.append(batches, durability) } else { Err(full().into()) }
        });
        self.is_appending.store(false, Ordering::SeqCst);
        answers
    }

    fn sync(&self) -> Result<(), Error> {
        self.around(MemoryDriver::sync)
    }

    fn last_position(&self) -> Result<Position, Error> {
        self.around(MemoryDriver::last_position)
    }

    fn boundary(&self, at: At) -> Result<Position, Error> {
        self.around(|inner| inner.boundary(at))
    }

    fn commits(&self, range: PositionRange, order: Order, limit: usize) -> Result<Vec<CommitEntries>, Error> {
        self.around(|inner| inner.commits(range, order, limit))
    }

    fn entry(&self, key: &Key, at: Position) -> Result<Option<Entry>, Error> {
        self.around(|inner| inner.entry(key, at))
    }

    fn history(
        &self,
        key: &Key,
        range: PositionRange,
        order: Order,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        self.around(|inner| inner.history(key, range, order, skip, limit))
    }

    fn state(
        &self,
        scope: &Scope,
        at: Position,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        self.around(|inner| inner.state(scope, at, after, limit))
    }

    fn namespaces(
        &self,
        scope: &Scope,
        after: Option<&Namespace>,
        limit: usize,
    ) -> Result<Vec<Namespace>, Error> {
        self.around(|inner| inner.namespaces(scope, after, limit))
    }

    fn restore(&self, commits: &[CommitEntries]) -> Result<(), Error> {
        self.around(|inner| inner.restore(commits))
    }

    fn abilities(&self) -> Abilities<'_> {
        self.inner.abilities()
    }
}
