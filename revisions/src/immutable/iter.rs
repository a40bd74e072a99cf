//! What goes over the collections.

use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;

use imbl::shared_ptr::DefaultSharedPtr;
use imbl::{ordmap, ordset, vector};

macro_rules! iterators {
    ($(
        $(#[$doc:meta])*
        $name:ident<$($lifetime:lifetime,)? $($param:ident $(: $bound:ident)?),*>($inner:ty) -> $item:ty, $take:expr;
    )*) => {$(
        $(#[$doc])*
        pub struct $name<$($lifetime,)? $($param),*>(pub(super) $inner);

        impl<$($lifetime,)? $($param $(: $bound)?),*> Iterator for $name<$($lifetime,)? $($param),*> {
            type Item = $item;

            fn next(&mut self) -> Option<$item> {
                self.0.next().map($take)
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                self.0.size_hint()
            }
        }

        impl<$($lifetime,)? $($param $(: $bound)?),*> DoubleEndedIterator for $name<$($lifetime,)? $($param),*> {
            fn next_back(&mut self) -> Option<$item> {
                self.0.next_back().map($take)
            }
        }

        impl<$($lifetime,)? $($param $(: $bound)?),*> ExactSizeIterator for $name<$($lifetime,)? $($param),*> {}

        impl<$($lifetime,)? $($param $(: $bound)?),*> FusedIterator for $name<$($lifetime,)? $($param),*> {}

        impl<$($lifetime,)? $($param),*> fmt::Debug for $name<$($lifetime,)? $($param),*> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

iterators! {
    /// The items of a [`List`](crate::List), in order.
    ListIter<'a, T>(vector::Iter<'a, Arc<T>, DefaultSharedPtr>) -> &'a T, |item| &**item;

    /// The items of a [`List`](crate::List) that is taken apart, in order; cloned where another version has them.
    ListIntoIter<T: Clone>(vector::ConsumingIter<Arc<T>, DefaultSharedPtr>) -> T, Arc::unwrap_or_clone;

    /// The entries of a [`Map`](crate::Map), by ascending key.
    MapIter<'a, K: Ord, V>(ordmap::Iter<'a, Arc<K>, Arc<V>, DefaultSharedPtr>) -> (&'a K, &'a V),
        |(key, value)| (&**key, &**value);

    /// The entries of a [`Map`](crate::Map) that is taken apart, by ascending key; cloned where another version has
    /// them.
    MapIntoIter<K: Clone, V: Clone>(ordmap::ConsumingIter<Arc<K>, Arc<V>, DefaultSharedPtr>) -> (K, V),
        |(key, value)| (Arc::unwrap_or_clone(key), Arc::unwrap_or_clone(value));

    /// The items of a [`Set`](crate::Set), ascending.
    SetIter<'a, T: Ord>(ordset::Iter<'a, Arc<T>, DefaultSharedPtr>) -> &'a T, |item| &**item;

    /// The items of a [`Set`](crate::Set) that is taken apart, ascending; cloned where another version has them.
    SetIntoIter<T: Clone>(ordset::ConsumingIter<Arc<T>, DefaultSharedPtr>) -> T, Arc::unwrap_or_clone;
}
