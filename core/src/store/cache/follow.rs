//! Brings the cache from one commit to the next.
//!
//! Commits are applied whole and in the order of their positions. All shelves that one changes are locked
//! before the first of them is changed, and the position moves on before the first lock is let go of: who
//! has seen a part of a commit sees all of it from then on.
//!
//! Commits of the own process are taken in as they are appended, unless others are missing between or
//! somebody is catching up at that moment: then the next read catches up.

use std::sync::{Arc, PoisonError};

use super::shelf::{Growth, Shelf};
use super::{Cache, Newest};
use crate::error::Error;
use crate::log::{Action, Appended, CommitEntries, Field, Key, Observer, Order, Position, PositionRange};
use crate::sync::MutexGuard;
use crate::sync::atomic::Ordering;

/// The most entries that are read to catch up. Beyond, the cache begins anew, which bounds the time of
/// one read. Few where schedules are explored, so that these come to both.
const GAP_MAX: u64 = if cfg!(shuttle) { 3 } else { 4096 };

impl Cache {
    /// Makes the cache true up to `to`, the end of a commit, or further.
    ///
    /// # Errors
    /// If the log cannot be read; then it is true up to an earlier commit.
    #[inline]
    pub(crate) fn catch_up(&self, to: Position) -> Result<(), Error> {
        if self.known() >= to { Ok(()) } else { self.follow(to) }
    }

    fn follow(&self, to: Position) -> Result<(), Error> {
        let _turn = self.turn();
        let known = self.known();
        if known >= to {
            return Ok(());
        }
        let gap = to.get() - known.get();
        if gap <= GAP_MAX && self.counts.slots() > 0 {
            for commit in self.log.commits(PositionRange { after: known, through: to }, Order::OldestFirst) {
                let CommitEntries { commit, entries } = commit?;
                self.apply(
                    commit.last,
                    entries.iter().map(|entry| (entry.position, &entry.key, &entry.action)),
                );
            }
        }
        if self.known() < to {
            self.forget(to);
        }
        Ok(())
    }

    /// Takes in the commit that ends at `last`. The one before it was taken in already.
    fn apply<'a>(
        &self,
        last: Position,
        entries: impl Iterator<Item = (Position, &'a Key, &'a Action)> + Clone,
    ) {
        if entries.clone().any(|(_, key, _)| key.namespace().is_reserved()) {
            // The log tells there of what was erased, whichever values that were.
            return self.forget(last);
        }
        self.announced.store(last.get(), Ordering::Release);
        let mut changes = self.on_shelves(entries);
        changes.sort_by_key(|change| Arc::as_ptr(&change.shelf).addr());
        let of_one_shelf = changes.chunk_by(|a, b| Arc::ptr_eq(&a.shelf, &b.shelf));
        let mut locked: Vec<_> =
            of_one_shelf.filter_map(|changes| Some((changes.first()?.shelf.write(), changes))).collect();
        let mut growth = Growth::default();
        for (contents, changes) in &mut locked {
            for Changed { field, newest, .. } in *changes {
                growth.add(contents.take_in(field, newest.clone(), self.value_bytes_max()));
            }
        }
        self.known.store(last.get(), Ordering::Release);
        drop(locked);
        self.counts.add(growth);
        self.make_room();
    }

    /// Returns those of a commit's entries whose record has a shelf.
    fn on_shelves<'a>(
        &self,
        entries: impl Iterator<Item = (Position, &'a Key, &'a Action)>,
    ) -> Vec<Changed<'a>> {
        let mut found = Vec::new();
        let mut looked_for = None;
        let mut shelf: Option<Arc<Shelf>> = None;
        for (position, key, action) in entries {
            if looked_for.replace(key.namespace()) != Some(key.namespace()) {
                shelf = self.shelves.find(key.namespace());
            }
            if let Some(shelf) = &shelf {
                let newest = Newest::new(position, action);
                found.push(Changed { shelf: Arc::clone(shelf), field: key.field(), newest });
            }
        }
        found
    }

    /// Forgets all that is held and is true up to `to` from then on. While it lasts, what is not
    /// forgotten yet and what is read belong to the same state: the one before.
    fn forget(&self, to: Position) {
        self.announced.store(to.get(), Ordering::Release);
        self.counts.add(self.shelves.forget(to));
        self.known.store(to.get(), Ordering::Release);
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Cache {
    fn found(&self, position: Position) {
        self.appended.fetch_max(position.get(), Ordering::AcqRel);
    }

    fn committed(&self, commits: &[Appended<'_>]) {
        let Some(last) = commits.last() else { return };
        self.found(last.receipt.commit.last);
        // Who has the turn may be reading the log, and nobody can append while this waits.
        let Ok(_turn) = self.turn.try_lock() else { return };
        for Appended { receipt, writes } in commits {
            if receipt.commit.first == self.known().plus(1) {
                let entries = (receipt.commit.first.get()..)
                    .zip(*writes)
                    .map(|(position, write)| (Position::START.plus(position), &write.key, &write.action));
                self.apply(receipt.commit.last, entries);
            }
        }
    }
}

/// An entry of a commit on its way to a shelf.
struct Changed<'a> {
    shelf: Arc<Shelf>,
    field: &'a Field,
    newest: Newest,
}
