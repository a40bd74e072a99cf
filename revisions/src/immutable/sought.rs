//! How a key is looked up among keys that are shared.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::sync::Arc;

use equivalent::{Comparable, Equivalent};

/// What is looked for: an `Arc<String>` can be borrowed as a `String`, but not as the `str` that callers have.
pub(super) struct Sought<'q, Q: ?Sized>(pub(super) &'q Q);

impl<K: Borrow<Q>, Q: Eq + ?Sized> Equivalent<Arc<K>> for Sought<'_, Q> {
    fn equivalent(&self, key: &Arc<K>) -> bool {
        self.0 == K::borrow(key)
    }
}

impl<K: Borrow<Q>, Q: Ord + ?Sized> Comparable<Arc<K>> for Sought<'_, Q> {
    fn compare(&self, key: &Arc<K>) -> Ordering {
        self.0.cmp(K::borrow(key))
    }
}
