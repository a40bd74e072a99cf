use std::hash::BuildHasher;
use std::sync::{Arc, PoisonError};

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use super::shelf::{Growth, Shelf};
use crate::log::{Namespace, Position};
use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use crate::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The shelves of a cache, by namespace, in parts with a lock each.
///
/// Whoever holds a record holds its shelf and takes none of these locks. A shelf that somebody holds
/// stays, empty if need be, so that there is never a second one of the same record. Of two locks, that
/// of a part is taken before that of a shelf in it.
pub(crate) struct Shelves {
    parts: [RwLock<Part>; Self::PARTS],
    hasher: RandomState,
    /// The part that is swept next.
    hand: AtomicUsize,
    /// The hits of shelves that are gone.
    hits_before: AtomicU64,
}

#[derive(Default)]
struct Part {
    shelves: IndexMap<Namespace, Arc<Shelf>, RandomState>,
    /// The shelf that is swept next.
    hand: usize,
}

/// What a sweep did.
#[derive(Default)]
pub(crate) struct Swept {
    pub(crate) growth: Growth,
    pub(crate) visited: usize,
}

impl Shelves {
    const PARTS: usize = 16;
    /// How many shelves are swept under one lock.
    const VISITS: usize = 16;

    pub(crate) fn new() -> Shelves {
        Shelves {
            parts: std::array::from_fn(|_| RwLock::default()),
            hasher: RandomState::default(),
            hand: AtomicUsize::new(0),
            hits_before: AtomicU64::new(0),
        }
    }

    pub(crate) fn find(&self, namespace: &Namespace) -> Option<Arc<Shelf>> {
        read(self.part(namespace)).shelves.get(namespace).cloned()
    }

    /// Returns the shelf of `namespace`; a new one may have changed at what `changed` answers last.
    ///
    /// `changed` is asked under the lock: a commit that did not find the shelf has announced itself.
    pub(crate) fn find_or_add(
        &self,
        namespace: &Namespace,
        changed: impl FnOnce() -> Position,
    ) -> Arc<Shelf> {
        if let Some(shelf) = self.find(namespace) {
            return shelf;
        }
        let mut part = write(self.part(namespace));
        let add = || Arc::new(Shelf::new(namespace, changed()));
        Arc::clone(part.shelves.entry(namespace.clone()).or_insert_with(add))
    }

    /// Empties all shelves; what was read before `to` may not be put there any more.
    pub(crate) fn forget(&self, to: Position) -> Growth {
        let mut growth = Growth::default();
        for part in &self.parts {
            let mut part = write(part);
            part.shelves.values().for_each(|shelf| growth.add(shelf.write().forget(to)));
            let mut hits = 0;
            part.shelves.retain(|_, shelf| {
                let held = is_held(shelf);
                hits += if held { 0 } else { shelf.hits() };
                held
            });
            self.hits_before.fetch_add(hits, Relaxed);
        }
        growth
    }

    /// Sweeps a few shelves for `excess` bytes; see [`Contents::sweep`](super::shelf::Contents::sweep).
    pub(crate) fn sweep(&self, excess: usize, spare: bool) -> Swept {
        let hand = self.hand.load(Relaxed);
        let Some(part) = self.parts.get(hand % Self::PARTS) else { return Swept::default() };
        let mut part = write(part);
        let mut swept = Swept::default();
        while swept.visited < Self::VISITS && swept.growth.gained() < excess {
            let index = part.hand;
            let Some((_, shelf)) = part.shelves.get_index(index) else {
                part.hand = 0;
                self.hand.store(hand.wrapping_add(1), Relaxed);
                break;
            };
            let mut contents = shelf.write();
            swept.growth.add(contents.sweep(excess - swept.growth.gained(), spare));
            swept.visited += 1;
            let empty = contents.is_empty();
            drop(contents);
            if empty && !is_held(shelf) {
                self.hits_before.fetch_add(shelf.hits(), Relaxed);
                part.remove(index);
            } else {
                part.hand += 1;
            }
        }
        swept
    }

    /// Returns how many visits it takes at most to sweep every shelf once.
    pub(crate) fn round(&self) -> usize {
        self.parts.iter().map(|part| read(part).shelves.len() + 1).sum()
    }

    /// Returns how often a shelf knew the answer.
    pub(crate) fn hits(&self) -> u64 {
        let hits = |part| read(part).shelves.values().map(|shelf| shelf.hits()).sum::<u64>();
        self.parts.iter().map(hits).sum::<u64>() + self.hits_before.load(Relaxed)
    }

    fn part(&self, namespace: &Namespace) -> &RwLock<Part> {
        let hash = self.hasher.hash_one(namespace);
        let [first, ..] = &self.parts;
        usize::try_from(hash % Self::PARTS as u64)
            .ok()
            .and_then(|index| self.parts.get(index))
            .unwrap_or(first)
    }
}

impl Part {
    fn remove(&mut self, index: usize) {
        self.shelves.swap_remove_index(index);
        if self.shelves.len() < self.shelves.capacity() / 4 {
            self.shelves.shrink_to(self.shelves.len() * 2);
        }
    }
}

/// Returns whether a handle, or a commit that is being applied, holds the shelf. Asked under the lock of
/// its part, without which nobody can begin to.
fn is_held(shelf: &Arc<Shelf>) -> bool {
    Arc::strong_count(shelf) > 1
}

fn read(part: &RwLock<Part>) -> RwLockReadGuard<'_, Part> {
    part.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(part: &RwLock<Part>) -> RwLockWriteGuard<'_, Part> {
    part.write().unwrap_or_else(PoisonError::into_inner)
}
