//! Distinct items.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{BitAnd, BitOr, BitXor, Sub};
use std::sync::Arc;

use imbl::OrdSet;

use super::iter::{SetIntoIter, SetIter};
use super::sought::Sought;

/// Distinct items, ascending, of which every version shares what it has in common with the others.
///
/// A clone costs nothing. Adding an item to a set that others share, or taking one out, copies the way to it, at most a
/// few kilobytes, and no item. What is reached by an item takes O(log n). Each item has an allocation of its own.
///
/// It is ordered, not hashed, so that equal sets are gone over in the same order in every process. It is stored as a
/// set, as [`codec::Set`](annals_core::codec::Set) is. A stored set in which two items are equal for `T` is refused when
/// read: neither is dropped in silence.
///
/// ```
/// use annals_revisions::Set;
///
/// let first = Set::from([1, 2]);
/// let mut second = first.clone();
/// assert!(second.insert(3) && !second.insert(1));
/// assert_eq!(&second - &first, Set::from([3]));
/// assert_eq!(first, Set::from([1, 2]));
/// ```
pub struct Set<T>(pub(super) OrdSet<Arc<T>>);

impl<T> Set<T> {
    /// Returns a set without items.
    #[must_use]
    pub fn new() -> Self {
        Self(OrdSet::new())
    }

    /// Returns how many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes out all items.
    pub fn clear(&mut self) {
        self.0 = OrdSet::new();
    }
}

impl<T: Ord> Set<T> {
    /// Returns the items, ascending.
    #[must_use]
    pub fn iter(&self) -> SetIter<'_, T> {
        SetIter(self.0.iter())
    }

    /// Returns whether the item is among these.
    #[must_use]
    pub fn contains<Q>(&self, item: &Q) -> bool
    where
        T: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.0.contains(&Sought(item))
    }

    /// Returns the least item, if there is one.
    #[must_use]
    pub fn first(&self) -> Option<&T> {
        self.iter().next()
    }

    /// Returns the greatest item, if there is one.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        self.iter().next_back()
    }

    /// Returns whether all these items are among the other's.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.len() <= other.len() && self.iter().all(|item| other.contains(item))
    }

    /// Returns whether none of these items is among the other's.
    #[must_use]
    pub fn is_disjoint(&self, other: &Self) -> bool {
        let (small, large) = if self.len() <= other.len() { (self, other) } else { (other, self) };
        !small.iter().any(|item| large.contains(item))
    }

    /// Adds an item, and returns whether it is new.
    pub fn insert(&mut self, item: T) -> bool {
        let new = !self.contains(&item);
        if new {
            self.0.insert(Arc::new(item));
        }
        new
    }

    /// Takes an item out, and returns whether it was there.
    pub fn remove<Q>(&mut self, item: &Q) -> bool
    where
        T: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.0.remove(&Sought(item)).is_some()
    }

    /// Keeps the items for which `keep` holds, and takes out the others.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        let gone: Vec<Arc<T>> = self.0.iter().filter(|item| !keep(item)).cloned().collect();
        for item in gone {
            self.0.remove(&item);
        }
    }
}

impl<T: Ord + Clone> Set<T> {
    /// Takes the least item out and returns it, `None` if there is none.
    pub fn pop_first(&mut self) -> Option<T> {
        self.0.remove_min().map(Arc::unwrap_or_clone)
    }

    /// Takes the greatest item out and returns it, `None` if there is none.
    pub fn pop_last(&mut self) -> Option<T> {
        self.0.remove_max().map(Arc::unwrap_or_clone)
    }
}

macro_rules! operators {
    ($($operator:ident::$method:ident => $combine:ident, $doc:literal;)*) => {$(
        impl<T: Ord> $operator for &Set<T> {
            type Output = Set<T>;

            #[doc = $doc]
            fn $method(self, other: Self) -> Set<T> {
                Set(self.0.clone().$combine(other.0.clone()))
            }
        }
    )*};
}

operators! {
    BitOr::bitor => union, "Returns the items of either.";
    BitAnd::bitand => intersection, "Returns the items of both.";
    BitXor::bitxor => symmetric_difference, "Returns the items of one and not of the other.";
    Sub::sub => relative_complement, "Returns the items of the first and not of the second.";
}

impl<T> Clone for Set<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Ord> PartialEq for Set<T> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.0.iter().eq(other.0.iter())
    }
}

impl<T: Ord> Eq for Set<T> {}

impl<T: Ord> PartialOrd for Set<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> Ord for Set<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other)
    }
}

impl<T: Ord + Hash> Hash for Set<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len());
        self.iter().for_each(|item| item.hash(state));
    }
}

impl<T: Ord + fmt::Debug> fmt::Debug for Set<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self).finish()
    }
}

impl<T: Ord> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut set = Self::new();
        set.extend(items);
        set
    }
}

impl<T: Ord> Extend<T> for Set<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        for item in items {
            self.insert(item);
        }
    }
}

impl<'a, T: Ord> IntoIterator for &'a Set<T> {
    type Item = &'a T;
    type IntoIter = SetIter<'a, T>;

    fn into_iter(self) -> SetIter<'a, T> {
        self.iter()
    }
}

impl<T: Ord + Clone> IntoIterator for Set<T> {
    type Item = T;
    type IntoIter = SetIntoIter<T>;

    fn into_iter(self) -> SetIntoIter<T> {
        SetIntoIter(self.0.into_iter())
    }
}
