use std::sync::{Arc, PoisonError, Weak};

use super::{Position, Receipt, Write};
use crate::sync::RwLock;

/// A commit that was just appended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Appended<'a> {
    pub(crate) receipt: &'a Receipt,
    pub(crate) writes: &'a [Write],
}

/// Whoever has to know of each commit that is appended through a log or a clone of it.
///
/// What other processes append, and what is [restored](super::Driver::restore), is not told as a commit:
/// the positions have a gap there.
pub(crate) trait Observer: Send + Sync {
    /// Takes note of commits, in the order of their positions, before any of their callers is
    /// answered. Everybody who appends waits meanwhile: no reads, no waiting, no code of users.
    fn committed(&self, commits: &[Appended<'_>]);

    /// Is told that a caller is about to learn of a commit that ends at `position`, though it was not
    /// appended now: it was restored, or found by its given id. No reads, no waiting, no code of users.
    fn found(&self, position: Position) {
        let _ = position;
    }

    /// Is called on each thread that appended, when all locks are let go of and before it returns,
    /// with the position of its last commit. May take its time and call users.
    fn answered(&self, through: Position) {
        let _ = through;
    }
}

/// The observers of a log, in the order in which they were added. Each is kept by whoever added it.
#[derive(Default)]
pub(super) struct Observers(RwLock<Arc<[Weak<dyn Observer>]>>);

impl Observers {
    /// Lets `observer` know of every commit appended from now on.
    pub(super) fn add(&self, observer: &Arc<dyn Observer>) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let living = all.iter().filter(|observer| observer.strong_count() > 0).cloned();
        *all = living.chain([Arc::downgrade(observer)]).collect();
    }

    /// Tells of commits, which are gathered only where somebody is to be told.
    pub(super) fn committed<'a>(&self, commits: impl FnOnce() -> Vec<Appended<'a>>) {
        let observers = self.all();
        if !observers.is_empty() {
            let commits = commits();
            each(&observers, |observer| observer.committed(&commits));
        }
    }

    pub(super) fn found(&self, position: Position) {
        each(&self.all(), |observer| observer.found(position));
    }

    pub(super) fn answered(&self, through: Position) {
        each(&self.all(), |observer| observer.answered(through));
    }

    /// Returns the observers without a lock on them: while they are called, others may be added.
    fn all(&self) -> Arc<[Weak<dyn Observer>]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn each(observers: &[Weak<dyn Observer>], tell: impl Fn(&dyn Observer)) {
    observers.iter().filter_map(Weak::upgrade).for_each(|observer| tell(&*observer));
}
