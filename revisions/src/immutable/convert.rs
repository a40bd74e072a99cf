//! From and to the standard library's collections, and values of any type.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};

use annals_core::codec::{self, Value, from_value, to_value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{List, Map, Set};

macro_rules! from_items {
    ($([$($param:tt)*] $from:ty => $to:ty;)*) => {$(
        impl<$($param)*> From<$from> for $to {
            fn from(items: $from) -> Self {
                items.into_iter().collect()
            }
        }
    )*};
}

from_items! {
    [T] Vec<T> => List<T>;
    [T, const N: usize] [T; N] => List<T>;
    [T: Clone] List<T> => Vec<T>;
    [K: Ord, V] BTreeMap<K, V> => Map<K, V>;
    [K: Ord, V, S] HashMap<K, V, S> => Map<K, V>;
    [K: Ord, V, const N: usize] [(K, V); N] => Map<K, V>;
    [K: Ord + Clone, V: Clone] Map<K, V> => BTreeMap<K, V>;
    [K: Ord + Hash + Clone, V: Clone, S: BuildHasher + Default] Map<K, V> => HashMap<K, V, S>;
    [T: Ord] BTreeSet<T> => Set<T>;
    [T: Ord, S] HashSet<T, S> => Set<T>;
    [T: Ord, const N: usize] [T; N] => Set<T>;
    [T: Ord + Clone] Set<T> => BTreeSet<T>;
    [T: Ord + Hash + Clone, S: BuildHasher + Default] Set<T> => HashSet<T, S>;
}

macro_rules! values {
    ($([$($param:ident $(: $bound:ident)?),*] $collection:ty;)*) => {$(
        impl<$($param: Serialize $(+ $bound)?),*> TryFrom<&$collection> for Value {
            type Error = codec::Error;

            /// Returns the value as which the collection is stored.
            fn try_from(collection: &$collection) -> Result<Self, codec::Error> {
                to_value(collection)
            }
        }

        impl<$($param: DeserializeOwned $(+ $bound)?),*> TryFrom<&Value> for $collection {
            type Error = codec::Error;

            /// Returns the collection, read as from what is stored.
            fn try_from(value: &Value) -> Result<Self, codec::Error> {
                from_value(value)
            }
        }
    )*};
}

values! {
    [T] List<T>;
    [K: Ord, V] Map<K, V>;
    [T: Ord] Set<T>;
}
