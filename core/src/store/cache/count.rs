use super::shelf::Growth;
use crate::sync::atomic::{AtomicIsize, AtomicU64, Ordering::Relaxed};

/// What the cache holds, and how often it could not answer. Nothing here is touched by a hit.
#[derive(Default)]
pub(crate) struct Counts {
    slots: AtomicIsize,
    /// Signed: of two threads, the one that takes away may count before the one that added.
    bytes: AtomicIsize,
    pub(crate) misses: AtomicU64,
    pub(crate) evictions: AtomicU64,
}

impl Counts {
    pub(crate) fn add(&self, growth: Growth) {
        self.slots.fetch_add(growth.slots, Relaxed);
        self.bytes.fetch_add(growth.bytes, Relaxed);
    }

    pub(crate) fn slots(&self) -> usize {
        usize::try_from(self.slots.load(Relaxed)).unwrap_or(0)
    }

    pub(crate) fn bytes(&self) -> usize {
        usize::try_from(self.bytes.load(Relaxed)).unwrap_or(0)
    }
}
