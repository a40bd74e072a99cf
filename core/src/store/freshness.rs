use super::cache::Newest;
use super::handle::Store;
use crate::error::Error;
use crate::log::{Key, Position};

/// How much a read of the present knows of what other processes have appended.
///
/// What was appended or loaded through the same store is always seen, by either, and so is the commit
/// that a [repeated](crate::Receipt::repeated) receipt names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// A read first learns whether the log moved on, and answers as of its end.
    #[default]
    Checked,
    /// A read asks nobody: it answers as of the position that the store knows, which is that of the
    /// last commit of its own, or what [`Store::refresh`] or a checked read came to, whichever is last.
    /// A value that was erased meanwhile is gone all the same, unless it is held. Without a cache a read
    /// is as fresh as the log.
    ///
    /// A [`Subscription`](crate::Subscription) does not move that position: who reads more than the
    /// commits that it gives refreshes first.
    Cached,
}

impl Store {
    /// Returns a handle on the same store whose reads of the present are as fresh as this: those of its
    /// records, its [snapshots](Store::snapshot) and views. What is read in order to write (`edit`,
    /// `delete`, commits, transactions) is checked always.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use annals_core::{Freshness, Store};
    /// use annals_driver_memory::MemoryDriver;
    ///
    /// let driver = Arc::new(MemoryDriver::new());
    /// let ours = Store::new(Arc::clone(&driver));
    /// let player = ours.record("game/player1")?;
    /// let quick = ours.with_freshness(Freshness::Cached).record("game/player1")?;
    /// player.set("score", &10)?;
    /// assert_eq!(quick.get("score")?, Some(10)); // what this store wrote is always seen
    ///
    /// let theirs = Store::new(driver);
    /// theirs.record("game/player1")?.set("score", &20)?;
    /// assert_eq!(quick.get("score")?, Some(10));
    /// assert_eq!(ours.refresh()?.get(), 2);
    /// assert_eq!(quick.get("score")?, Some(20));
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    #[must_use]
    pub fn with_freshness(&self, freshness: Freshness) -> Store {
        Store { freshness, ..self.clone() }
    }

    /// Learns of everything that was appended so far, by other processes too; returns the position up to
    /// which [cached](Freshness::Cached) reads are true now.
    ///
    /// Costs the entries that were appended since, but no more than a few thousand: after more, what is
    /// held in memory is forgotten instead.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn refresh(&self) -> Result<Position, Error> {
        let last = self.log().last_position()?;
        let Some(cache) = self.cache() else { return Ok(last) };
        cache.catch_up(last)?;
        Ok(cache.known())
    }

    /// Returns the end of the present as this handle knows it, which is the end of a commit.
    #[inline]
    pub(crate) fn end(&self) -> Result<Position, Error> {
        match (self.freshness, self.cache()) {
            (Freshness::Cached, Some(cache)) if cache.known() > Position::START => cache.with_own_commits(),
            _ => self.refresh(),
        }
    }

    /// Returns the position up to which a single read of the present looks.
    pub(crate) fn through(&self) -> Result<Position, Error> {
        match (self.freshness, self.cache()) {
            (Freshness::Cached, Some(_)) => self.end(),
            _ => Ok(Position::MAX),
        }
    }

    /// Returns the newest entry of `key` for somebody who means to write, whatever the freshness.
    pub(crate) fn newest_checked(&self, key: &Key) -> Result<Option<Newest>, Error> {
        let at = if self.cache().is_some() { self.refresh()? } else { Position::MAX };
        self.newest_at(key, at)
    }

    /// Returns the newest entry of `key` at or before `at`, the end of a commit.
    pub(crate) fn newest_at(&self, key: &Key, at: Position) -> Result<Option<Newest>, Error> {
        match self.cache() {
            Some(cache) => cache.newest_at(key, at),
            None => Ok(self.log().entry(key, at)?.as_ref().map(Newest::from)),
        }
    }
}
