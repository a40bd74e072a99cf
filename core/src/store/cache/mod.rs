//! The newest entries of fields that were read, in memory.
//!
//! The cache is true up to one position: each slot holds the newest entry of its field there, and what is
//! not held is read from the driver *as of* that position. So all of it together is the state after
//! one commit, and never a mixture. [Catching up](follow) brings it from commit to commit.
//!
//! An entry that was read and comes late, after a commit that changed its record, is not kept: a shelf
//! knows the last commit that changed it. A new shelf begins with the last commit that was announced, in
//! case that commit looked for it in vain.

mod count;
mod follow;
mod footprint;
mod held;
mod shelf;
mod shelves;
mod slot;
mod slots;
mod stats;

use std::sync::Arc;

use self::count::Counts;
pub(crate) use self::shelf::Shelf;
use self::shelves::Shelves;
pub(crate) use self::slot::Newest;
pub use self::stats::CacheStats;
use crate::error::Error;
use crate::log::{Key, Log, Namespace, Position};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

pub(crate) struct Cache {
    log: Log,
    shelves: Shelves,
    counts: Counts,
    bytes_max: usize,
    /// The position up to which the cache is true: the end of a commit.
    known: AtomicU64,
    /// The end of the last commit whose entries are looked for on the shelves.
    announced: AtomicU64,
    /// The end of the last commit that was appended, restored or found by its given id through the log,
    /// taken in or not.
    appended: AtomicU64,
    /// Held by whoever brings the cache from one commit to the next.
    turn: Mutex<()>,
}

impl Cache {
    /// The most bytes that a cache takes unless told otherwise: 64 MiB.
    pub(crate) const BYTES: usize = 64 << 20;

    /// Returns an empty cache of what is read from `log`.
    pub(crate) fn new(log: Log, bytes_max: usize) -> Cache {
        Cache {
            log,
            shelves: Shelves::new(),
            counts: Counts::default(),
            bytes_max,
            known: AtomicU64::new(0),
            announced: AtomicU64::new(0),
            appended: AtomicU64::new(0),
            turn: Mutex::new(()),
        }
    }

    /// Returns the position up to which the cache is true, [`Position::START`] if it never asked.
    #[inline]
    pub(crate) fn known(&self) -> Position {
        Position::START.plus(self.known.load(Ordering::Acquire))
    }

    /// Returns the position up to which the cache is true after it took in what was appended through the
    /// log.
    ///
    /// # Errors
    /// If the log cannot be read.
    #[inline]
    pub(crate) fn with_own_commits(&self) -> Result<Position, Error> {
        self.catch_up(Position::START.plus(self.appended.load(Ordering::Acquire)))?;
        Ok(self.known())
    }

    /// Returns the shelf of a record, for as long as its handle lives.
    pub(crate) fn shelf(&self, namespace: &Namespace) -> Arc<Shelf> {
        let announced = || Position::START.plus(self.announced.load(Ordering::Acquire));
        self.shelves.find_or_add(namespace, announced)
    }

    /// Returns the newest entry of `key` at or before `at`, the end of a commit.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(crate) fn newest_at(&self, key: &Key, at: Position) -> Result<Option<Newest>, Error> {
        if at > self.known() {
            return self.ask(key, at);
        }
        let mut found = None;
        let shelf = self.shelves.find(key.namespace());
        if shelf.is_some_and(|shelf| shelf.find(&mut found, key.field().as_str(), at)) {
            return Ok(found);
        }
        let newest = self.ask(key, at)?;
        // Of an older state nothing could be kept on a new shelf.
        if at == self.known() {
            self.keep(&self.shelf(key.namespace()), key, at, newest.clone());
        }
        Ok(newest)
    }

    /// Reads the newest entry of `key` at or before `at` from the log, and keeps it on its `shelf`.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(crate) fn read(&self, shelf: &Shelf, key: &Key, at: Position) -> Result<Option<Newest>, Error> {
        let newest = self.ask(key, at)?;
        self.keep(shelf, key, at, newest.clone());
        Ok(newest)
    }

    /// Returns what the cache holds and how useful it was.
    pub(crate) fn stats(&self) -> CacheStats {
        CacheStats {
            entries: self.counts.slots() as u64,
            bytes: self.counts.bytes() as u64,
            hits: self.shelves.hits(),
            misses: self.counts.misses.load(Ordering::Relaxed),
            evictions: self.counts.evictions.load(Ordering::Relaxed),
        }
    }

    fn ask(&self, key: &Key, at: Position) -> Result<Option<Newest>, Error> {
        self.counts.misses.fetch_add(1, Ordering::Relaxed);
        Ok(self.log.entry(key, at)?.as_ref().map(Newest::from))
    }

    /// Keeps what was read as of `at`, unless the record has changed since, or it is too large.
    fn keep(&self, shelf: &Shelf, key: &Key, at: Position, newest: Option<Newest>) {
        let size = newest.as_ref().and_then(Newest::bytes).map_or(0, <[u8]>::len);
        let mut contents = shelf.write();
        if size > self.value_bytes_max() || !contents.unchanged_since(at) {
            return;
        }
        let growth = contents.keep(key.field(), newest);
        drop(contents);
        self.counts.add(growth);
        self.make_room();
    }

    /// One value must not drive out most others.
    fn value_bytes_max(&self) -> usize {
        self.bytes_max / 8
    }

    /// Lets go of what was not read for long, until the cache is inside its bounds with some to spare.
    fn make_room(&self) {
        if self.counts.bytes() <= self.bytes_max {
            return;
        }
        let enough = self.bytes_max - self.bytes_max / 32;
        let all = self.shelves.round();
        let mut visited = 0;
        // Once around sparing what is in use, once more sparing nothing.
        while visited < 2 * all {
            let excess = self.counts.bytes().saturating_sub(enough);
            if excess == 0 {
                return;
            }
            let swept = self.shelves.sweep(excess, visited < all);
            self.counts.add(swept.growth);
            self.counts.evictions.fetch_add(swept.growth.slots.unsigned_abs() as u64, Ordering::Relaxed);
            visited += swept.visited.max(1);
        }
    }
}
