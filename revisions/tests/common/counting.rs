//! A driver that counts what is read from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use annals_core::{
    Abilities, At, Batch, Change, CommitEntries, Conflict, Driver, Durability, Entry, Error, Key, Log,
    Namespace, Order, Position, PositionRange, Receipt, Scope, Store,
};

/// How often each method was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    pub last_position: u64,
    pub boundary: u64,
    pub commits: u64,
    pub entry: u64,
    pub history: u64,
    pub state: u64,
    pub namespaces: u64,
}

#[derive(Default)]
struct Counters {
    last_position: AtomicU64,
    boundary: AtomicU64,
    commits: AtomicU64,
    entry: AtomicU64,
    history: AtomicU64,
    state: AtomicU64,
    namespaces: AtomicU64,
}

/// The driver of another store's log, counted.
pub struct Counting {
    log: Log,
    counters: Counters,
}

impl Counting {
    /// Returns a second store on the log of `store`, which has read nothing yet, and its counters.
    pub fn over(store: &Store) -> (Store, Arc<Counting>) {
        let counting = Arc::new(Counting { log: store.log().clone(), counters: Counters::default() });
        (Store::new(Arc::clone(&counting)), counting)
    }

    /// Returns the calls since the last time.
    pub fn calls(&self) -> Calls {
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        let Counters { last_position, boundary, commits, entry, history, state, namespaces } = &self.counters;
        Calls {
            last_position: take(last_position),
            boundary: take(boundary),
            commits: take(commits),
            entry: take(entry),
            history: take(history),
            state: take(state),
            namespaces: take(namespaces),
        }
    }
}

fn count(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

impl Driver for Counting {
    fn append(
        &self,
        batches: &[Batch],
        durability: Durability,
    ) -> Result<Vec<Result<Receipt, Conflict>>, Error> {
        self.log.driver().append(batches, durability)
    }

    fn sync(&self) -> Result<(), Error> {
        self.log.driver().sync()
    }

    fn last_position(&self) -> Result<Position, Error> {
        count(&self.counters.last_position);
        self.log.driver().last_position()
    }

    fn boundary(&self, at: At) -> Result<Position, Error> {
        count(&self.counters.boundary);
        self.log.driver().boundary(at)
    }

    fn commits(&self, range: PositionRange, order: Order, limit: usize) -> Result<Vec<CommitEntries>, Error> {
        count(&self.counters.commits);
        self.log.driver().commits(range, order, limit)
    }

    fn entry(&self, key: &Key, at: Position) -> Result<Option<Entry>, Error> {
        count(&self.counters.entry);
        self.log.driver().entry(key, at)
    }

    fn history(
        &self,
        key: &Key,
        range: PositionRange,
        order: Order,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        count(&self.counters.history);
        self.log.driver().history(key, range, order, skip, limit)
    }

    fn state(
        &self,
        scope: &Scope,
        at: Position,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        count(&self.counters.state);
        self.log.driver().state(scope, at, after, limit)
    }

    fn namespaces(
        &self,
        scope: &Scope,
        after: Option<&Namespace>,
        limit: usize,
    ) -> Result<Vec<Namespace>, Error> {
        count(&self.counters.namespaces);
        self.log.driver().namespaces(scope, after, limit)
    }

    fn restore(&self, commits: &[CommitEntries]) -> Result<(), Error> {
        self.log.driver().restore(commits)
    }

    fn abilities(&self) -> Abilities<'_> {
        self.log.driver().abilities()
    }
}
