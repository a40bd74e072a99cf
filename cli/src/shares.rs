//! What takes the room in a store.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use annals::{Action, Entry, Field, Key, Namespace};

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum By {
    /// Each record
    Namespace,
    /// Each field of each record
    Field,
}

/// What one record, or one field, has of the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) namespace: Namespace,
    pub(crate) field: Option<Field>,
    pub(crate) keys: u64,
    pub(crate) entries: u64,
    pub(crate) erased: u64,
    pub(crate) bytes: u64,
}

impl Share {
    /// Returns the share that `key` belongs to, with nothing in it.
    pub(crate) fn of(key: &Key, by: By) -> Share {
        let field = (by == By::Field).then(|| key.field().clone());
        Share { namespace: key.namespace().clone(), field, keys: 0, entries: 0, erased: 0, bytes: 0 }
    }

    pub(crate) fn holds(&self, key: &Key) -> bool {
        self.namespace == *key.namespace() && self.field.as_ref().is_none_or(|field| field == key.field())
    }

    pub(crate) fn count(&mut self, entry: &Entry) {
        self.entries += 1;
        match &entry.action {
            Action::Set(bytes) => self.bytes += bytes.len() as u64,
            Action::Erased { .. } => self.erased += 1,
            Action::Deleted => {}
        }
    }

    /// Shares are ordered by their bytes, those of equal bytes by their names.
    fn rank(&self) -> (u64, Reverse<(&Namespace, &Option<Field>)>) {
        (self.bytes, Reverse((&self.namespace, &self.field)))
    }
}

impl Ord for Share {
    fn cmp(&self, other: &Share) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Share) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The largest of any number of shares.
pub(crate) struct Largest {
    shares: BinaryHeap<Reverse<Share>>,
    max: usize,
}

impl Largest {
    pub(crate) fn new(max: usize) -> Largest {
        Largest { shares: BinaryHeap::new(), max }
    }

    pub(crate) fn add(&mut self, share: Share) {
        self.shares.push(Reverse(share));
        if self.shares.len() > self.max {
            self.shares.pop();
        }
    }

    /// Returns them, the largest first.
    pub(crate) fn into_sorted(self) -> impl Iterator<Item = Share> {
        self.shares.into_sorted_vec().into_iter().map(|Reverse(share)| share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_are_kept_and_come_first() {
        let mut largest = Largest::new(3);
        for (field, bytes) in [("a", 5), ("b", 9), ("c", 1), ("d", 9), ("e", 5), ("f", 0)] {
            let key = Key::parse("n", field).unwrap();
            largest.add(Share { bytes, ..Share::of(&key, By::Field) });
        }
        let fields: Vec<String> =
            largest.into_sorted().map(|share| share.field.unwrap().to_string()).collect();
        assert_eq!(fields, ["b", "d", "a"]);
        let mut none = Largest::new(0);
        none.add(Share::of(&Key::parse("n", "a").unwrap(), By::Namespace));
        assert_eq!(none.into_sorted().count(), 0);
    }
}
