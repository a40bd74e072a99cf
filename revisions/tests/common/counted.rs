use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use annals_core::{
    Abilities, At, Batch, Change, CommitEntries, Conflict, Driver, Durability, Entry, Error, Key, Namespace,
    Order, Position, PositionRange, Receipt, Scope,
};

/// A driver that counts the calls of its reading methods by name.
pub struct Counted {
    inner: Box<dyn Driver>,
    calls: Calls,
}

/// What was called how often.
#[derive(Clone, Default)]
pub struct Calls(Arc<Mutex<BTreeMap<&'static str, usize>>>);

impl Calls {
    /// Returns the calls since the last time, but for those that only ask where the log ends.
    pub fn take(&self) -> BTreeMap<&'static str, usize> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn count(&self, method: &'static str) {
        *self.0.lock().unwrap().entry(method).or_default() += 1;
    }
}

impl Counted {
    pub fn new(inner: Box<dyn Driver>) -> (Counted, Calls) {
        let calls = Calls::default();
        (Counted { inner, calls: calls.clone() }, calls)
    }
}

impl Driver for Counted {
    fn append(
        &self,
        batches: &[Batch],
        durability: Durability,
    ) -> Result<Vec<Result<Receipt, Conflict>>, Error> {
        self.inner.append(batches, durability)
    }

    fn sync(&self) -> Result<(), Error> {
        self.inner.sync()
    }

    fn last_position(&self) -> Result<Position, Error> {
        self.inner.last_position()
    }

    fn boundary(&self, at: At) -> Result<Position, Error> {
        self.calls.count("boundary");
        self.inner.boundary(at)
    }

    fn commits(&self, range: PositionRange, order: Order, limit: usize) -> Result<Vec<CommitEntries>, Error> {
        self.calls.count("commits");
        self.inner.commits(range, order, limit)
    }

    fn entry(&self, key: &Key, at: Position) -> Result<Option<Entry>, Error> {
        self.calls.count("entry");
        self.inner.entry(key, at)
    }

    fn history(
        &self,
        key: &Key,
        range: PositionRange,
        order: Order,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        self.calls.count("history");
        self.inner.history(key, range, order, skip, limit)
    }

    fn state(
        &self,
        scope: &Scope,
        at: Position,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        self.calls.count("state");
        self.inner.state(scope, at, after, limit)
    }

    fn namespaces(
        &self,
        scope: &Scope,
        after: Option<&Namespace>,
        limit: usize,
    ) -> Result<Vec<Namespace>, Error> {
        self.calls.count("namespaces");
        self.inner.namespaces(scope, after, limit)
    }

    fn restore(&self, commits: &[CommitEntries]) -> Result<(), Error> {
        self.inner.restore(commits)
    }

    fn abilities(&self) -> Abilities<'_> {
        self.inner.abilities()
    }
}
