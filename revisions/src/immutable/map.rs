//! Values by key.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::mem;
use std::ops::{Index, IndexMut};
use std::sync::Arc;

use imbl::OrdMap;

use super::iter::{MapIntoIter, MapIter};
use super::sought::Sought;

/// Values by ascending key, of which every version shares what it has in common with the others.
///
/// A clone costs nothing. Changing a value of a map that others share copies the way to it, at most a few kilobytes, and
/// that value; so a draft that was cloned from a large map costs what it changes. What is reached by a key takes
/// O(log n).
///
/// Each key and each value has an allocation of its own, so that none is copied but the value that changes.
///
/// It is ordered, not hashed, so that equal maps are gone over in the same order in every process, and are written
/// without having been sorted first, or nearly so. It is stored as a map. A stored map in which two keys are equal for
/// `K` is refused when read: neither value is dropped in silence.
///
/// ```
/// use annals_revisions::{List, Map};
///
/// let first = Map::from([("a", List::from([1])), ("b", List::from([2]))]);
/// let mut second = first.clone();
/// second["a"].push(10);
/// second.remove("b");
/// assert_eq!(first, Map::from([("a", List::from([1])), ("b", List::from([2]))]));
/// assert_eq!(second, Map::from([("a", List::from([1, 10]))]));
/// ```
pub struct Map<K, V>(pub(super) OrdMap<Arc<K>, Arc<V>>);

impl<K, V> Map<K, V> {
    /// Returns a map without entries.
    #[must_use]
    pub fn new() -> Self {
        Self(OrdMap::new())
    }

    /// Returns how many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes out all entries.
    pub fn clear(&mut self) {
        self.0 = OrdMap::new();
    }
}

impl<K: Ord, V> Map<K, V> {
    /// Returns the entries by ascending key.
    #[must_use]
    pub fn iter(&self) -> MapIter<'_, K, V> {
        MapIter(self.0.iter())
    }

    /// Returns the keys, ascending.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + ExactSizeIterator {
        self.iter().map(|(key, _)| key)
    }

    /// Returns the values by ascending key.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator {
        self.iter().map(|(_, value)| value)
    }

    /// Returns the value at a key, `None` if there is none.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.0.get(&Sought(key)).map(|value| &**value)
    }

    /// Returns whether there is a value at a key.
    #[must_use]
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.get(key).is_some()
    }

    /// Returns the entry with the least key, if there is one.
    #[must_use]
    pub fn first_key_value(&self) -> Option<(&K, &V)> {
        self.iter().next()
    }

    /// Returns the entry with the greatest key, if there is one.
    #[must_use]
    pub fn last_key_value(&self) -> Option<(&K, &V)> {
        self.iter().next_back()
    }

    /// Keeps the entries for which `keep` holds, and takes out the others.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        let gone: Vec<Arc<K>> =
            self.0.iter().filter(|(key, value)| !keep(key, value)).map(|(key, _)| key.clone()).collect();
        for key in gone {
            self.0.remove(&key);
        }
    }

    /// Sets the value at a key, and returns the one before where there was one.
    pub(super) fn replace(&mut self, key: K, value: V) -> Option<Arc<V>> {
        let value = Arc::new(value);
        match self.0.get_mut(&Sought(&key)) {
            Some(before) => Some(mem::replace(before, value)),
            None => self.0.insert(Arc::new(key), value),
        }
    }
}

impl<K: Ord, V: Clone> Map<K, V> {
    /// Returns the value at a key to be changed, `None` if there is none; a value that others share is cloned.
    pub fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.0.get_mut(&Sought(key)).map(Arc::make_mut)
    }

    /// Returns the value at a key to be changed, after setting it to what `default` gives where there is none.
    ///
    /// ```
    /// use annals_revisions::Map;
    ///
    /// let mut lengths = Map::new();
    /// for word in ["one", "two", "three"] {
    ///     *lengths.get_or_insert_with(word.len(), || 0) += 1;
    /// }
    /// assert_eq!(lengths, Map::from([(3, 2), (5, 1)]));
    /// ```
    pub fn get_or_insert_with(&mut self, key: K, default: impl FnOnce() -> V) -> &mut V {
        Arc::make_mut(self.0.entry(Arc::new(key)).or_insert_with(|| Arc::new(default())))
    }

    /// Sets the value at a key, and returns the one before where there was one.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.replace(key, value).map(Arc::unwrap_or_clone)
    }

    /// Takes the value at a key out and returns it, `None` if there is none.
    pub fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.0.remove(&Sought(key)).map(Arc::unwrap_or_clone)
    }
}

impl<K: Ord + Clone, V: Clone> Map<K, V> {
    /// Takes the entry with the least key out and returns it, `None` if there is none.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        let key = self.0.get_min()?.0.clone();
        self.take(&key)
    }

    /// Takes the entry with the greatest key out and returns it, `None` if there is none.
    pub fn pop_last(&mut self) -> Option<(K, V)> {
        let key = self.0.get_max()?.0.clone();
        self.take(&key)
    }

    fn take(&mut self, key: &Arc<K>) -> Option<(K, V)> {
        let (key, value) = self.0.remove_with_key(key)?;
        Some((Arc::unwrap_or_clone(key), Arc::unwrap_or_clone(value)))
    }
}

impl<K: Ord + Borrow<Q>, V, Q: Ord + ?Sized> Index<&Q> for Map<K, V> {
    type Output = V;

    /// Returns the value at a key.
    ///
    /// # Panics
    /// If there is none; [`Map::get`] does not.
    #[track_caller]
    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("a key of the map")
    }
}

impl<K: Ord + Borrow<Q>, V: Clone, Q: Ord + ?Sized> IndexMut<&Q> for Map<K, V> {
    /// Returns the value at a key to be changed.
    ///
    /// # Panics
    /// If there is none; [`Map::get_mut`] does not.
    #[track_caller]
    fn index_mut(&mut self, key: &Q) -> &mut V {
        self.get_mut(key).expect("a key of the map")
    }
}

impl<K, V> Clone for Map<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord, V: PartialEq> PartialEq for Map<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.0.iter().eq(other.0.iter())
    }
}

impl<K: Ord, V: Eq> Eq for Map<K, V> {}

impl<K: Ord, V: PartialOrd> PartialOrd for Map<K, V> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.iter().partial_cmp(other)
    }
}

impl<K: Ord, V: Ord> Ord for Map<K, V> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other)
    }
}

impl<K: Ord + Hash, V: Hash> Hash for Map<K, V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len());
        self.iter().for_each(|entry| entry.hash(state));
    }
}

impl<K: Ord + fmt::Debug, V: fmt::Debug> fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Map<K, V> {
    /// Returns a map of these entries; of several with one key the last counts.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        map.extend(entries);
        map
    }
}

impl<K: Ord, V> Extend<(K, V)> for Map<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.replace(key, value);
        }
    }
}

impl<'a, K: Ord, V> IntoIterator for &'a Map<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = MapIter<'a, K, V>;

    fn into_iter(self) -> MapIter<'a, K, V> {
        self.iter()
    }
}

impl<K: Ord + Clone, V: Clone> IntoIterator for Map<K, V> {
    type Item = (K, V);
    type IntoIter = MapIntoIter<K, V>;

    fn into_iter(self) -> MapIntoIter<K, V> {
        MapIntoIter(self.0.into_iter())
    }
}
