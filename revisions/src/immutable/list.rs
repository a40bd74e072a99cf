//! Items in order.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Index, IndexMut};
use std::sync::Arc;

use imbl::Vector;

use super::iter::{ListIntoIter, ListIter};

/// Items in order, of which every version shares what it has in common with the others.
///
/// A clone costs nothing. Changing an item of a list that others share copies the way to it, at most a few kilobytes,
/// and that item, as does adding or taking out at either end; so a draft that was cloned from a long list costs what it
/// changes. Adding or taking out in between copies more of the tree: where lists have more than 64 items, some ten
/// kilobytes with a thousand, forty with ten thousand, but no item.
///
/// Each item has an allocation of its own, so that none is copied but the one that changes. A list of many small
/// numbers that change together is better off as a `Vec` in an [`Immutable`](crate::Immutable).
///
/// It is stored as a list.
///
/// ```
/// use annals_revisions::List;
///
/// let first = List::from([1, 2, 3]);
/// let mut second = first.clone();
/// second[1] = 20;
/// second.push(4);
/// assert_eq!(first, List::from([1, 2, 3]));
/// assert_eq!(second, List::from([1, 20, 3, 4]));
/// ```
pub struct List<T>(pub(super) Vector<Arc<T>>);

impl<T> List<T> {
    /// Returns a list without items.
    #[must_use]
    pub fn new() -> Self {
        Self(Vector::new())
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

    /// Returns the item at an index, `None` beyond the end.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&T> {
        self.0.get(index).map(|item| &**item)
    }

    /// Returns the first item, if there is one.
    #[must_use]
    pub fn first(&self) -> Option<&T> {
        self.0.front().map(|item| &**item)
    }

    /// Returns the last item, if there is one.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        self.0.back().map(|item| &**item)
    }

    /// Returns the items in order.
    #[must_use]
    pub fn iter(&self) -> ListIter<'_, T> {
        ListIter(self.0.iter())
    }

    /// Returns whether an item is equal to this one.
    #[must_use]
    pub fn contains(&self, item: &T) -> bool
    where
        T: PartialEq,
    {
        self.iter().any(|own| own == item)
    }

    /// Adds an item at the end.
    pub fn push(&mut self, item: T) {
        self.0.push_back(Arc::new(item));
    }

    /// Adds an item before the one at `index`, or at the end if `index` is the length.
    ///
    /// # Panics
    /// If `index` is greater than the length.
    #[track_caller]
    pub fn insert(&mut self, index: usize, item: T) {
        let len = self.len();
        assert!(index <= len, "the index {index} is beyond the end of a list of {len} items");
        self.0.insert(index, Arc::new(item));
    }

    /// Adds all items of another list at the end, sharing them with it.
    pub fn append(&mut self, other: Self) {
        self.0.append(other.0);
    }

    /// Keeps the first `len` items, and takes out the others.
    pub fn truncate(&mut self, len: usize) {
        if len < self.len() {
            self.0.truncate(len);
        }
    }

    /// Takes out all items.
    pub fn clear(&mut self) {
        self.0 = Vector::new();
    }

    /// Keeps the items for which `keep` holds, and takes out the others.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        let kept: Vector<Arc<T>> = self.0.iter().filter(|item| keep(item)).cloned().collect();
        if kept.len() < self.len() {
            self.0 = kept;
        }
    }

    /// Turns the order of the items round.
    pub fn reverse(&mut self) {
        self.0 = self.0.iter().rev().cloned().collect();
    }

    /// Sorts the items; equal ones keep their order.
    pub fn sort(&mut self)
    where
        T: Ord,
    {
        self.sort_by(T::cmp);
    }

    /// Sorts the items as `compare` orders them; equal ones keep their order.
    pub fn sort_by(&mut self, mut compare: impl FnMut(&T, &T) -> Ordering) {
        let mut items: Vec<Arc<T>> = self.0.iter().cloned().collect();
        items.sort_by(|a, b| compare(a, b));
        self.0 = items.into_iter().collect();
    }
}

impl<T: Clone> List<T> {
    /// Returns the item at an index to be changed, `None` beyond the end; an item that others share is cloned.
    ///
    /// ```
    /// use annals_revisions::{List, Map};
    ///
    /// let before = List::from([Map::from([("a", List::from([1, 2]))])]);
    /// let mut after = before.clone();
    /// if let Some(leaf) = after.get_mut(0).and_then(|map| map.get_mut("a")?.get_mut(1)) {
    ///     *leaf = 3;
    /// }
    /// assert_eq!((before[0]["a"][1], after[0]["a"][1]), (2, 3));
    /// ```
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        self.0.get_mut(index).map(Arc::make_mut)
    }

    /// Returns the items in order, all to be changed; those that others share are cloned.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> + ExactSizeIterator {
        self.0.iter_mut().map(Arc::make_mut)
    }

    /// Takes the last item out and returns it, `None` if there is none.
    pub fn pop(&mut self) -> Option<T> {
        self.0.pop_back().map(Arc::unwrap_or_clone)
    }

    /// Takes the item at an index out and returns it, `None` beyond the end.
    pub fn remove(&mut self, index: usize) -> Option<T> {
        (index < self.len()).then(|| Arc::unwrap_or_clone(self.0.remove(index)))
    }
}

impl<T> Index<usize> for List<T> {
    type Output = T;

    /// Returns the item at an index.
    ///
    /// # Panics
    /// Beyond the end; [`List::get`] does not.
    #[track_caller]
    fn index(&self, index: usize) -> &T {
        self.get(index).expect("an index within the list")
    }
}

impl<T: Clone> IndexMut<usize> for List<T> {
    /// Returns the item at an index to be changed.
    ///
    /// # Panics
    /// Beyond the end; [`List::get_mut`] does not.
    #[track_caller]
    fn index_mut(&mut self, index: usize) -> &mut T {
        self.get_mut(index).expect("an index within the list")
    }
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: PartialEq> PartialEq for List<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T: Eq> Eq for List<T> {}

impl<T: PartialOrd> PartialOrd for List<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.iter().partial_cmp(other)
    }
}

impl<T: Ord> Ord for List<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other)
    }
}

impl<T: Hash> Hash for List<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len());
        self.iter().for_each(|item| item.hash(state));
    }
}

impl<T: fmt::Debug> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().map(Arc::new).collect())
    }
}

impl<T> Extend<T> for List<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        self.0.extend(items.into_iter().map(Arc::new));
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = ListIter<'a, T>;

    fn into_iter(self) -> ListIter<'a, T> {
        self.iter()
    }
}

impl<T: Clone> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = ListIntoIter<T>;

    fn into_iter(self) -> ListIntoIter<T> {
        ListIntoIter(self.0.into_iter())
    }
}
