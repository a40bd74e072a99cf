use std::collections::HashMap;

use annals_core::{Position, PositionRange};
use foldhash::fast::RandomState;
use smallvec::SmallVec;

/// The id of a key, as the table of keys gives it: 1, 2, 3, …
pub(crate) type KeyId = i64;

/// Which entries there are, by key. Takes 8 to 70 bytes an entry: most where each key has but one.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    /// Those of a key ascend. Up to two take no memory of their own.
    of_keys: HashMap<KeyId, SmallVec<[Position; 2]>, RandomState>,
}

impl Positions {
    pub(crate) fn is_empty(&self) -> bool {
        self.of_keys.is_empty()
    }

    /// Makes room for so many keys at once: to grow step by step would take half as much again.
    pub(crate) fn reserve(&mut self, keys: usize) {
        self.of_keys.reserve(keys);
    }

    /// Adds entries, each of which must be newer than those of its key that are there.
    pub(crate) fn extend(&mut self, entries: impl IntoIterator<Item = (KeyId, Position)>) {
        for (key, position) in entries {
            self.of_keys.entry(key).or_default().push(position);
        }
    }

    /// Returns the entries in a range, in no order.
    pub(crate) fn in_range(&self, range: PositionRange) -> Vec<(KeyId, Position)> {
        let of_keys = self.of_keys.iter();
        of_keys
            .flat_map(|(key, positions)| inside(positions, range).iter().map(|position| (*key, *position)))
            .collect()
    }

    /// Returns the entries that are after `start`.
    pub(crate) fn after(&self, start: Position) -> Positions {
        let range = PositionRange::after(start);
        let of_keys = self.of_keys.iter().map(|(key, positions)| (*key, inside(positions, range)));
        let of_keys = of_keys.filter(|(_, positions)| !positions.is_empty());
        Positions {
            of_keys: of_keys.map(|(key, positions)| (key, SmallVec::from_slice(positions))).collect(),
        }
    }

    /// Returns the entries of one key in a range, the oldest first.
    pub(crate) fn of_key(
        &self,
        key: KeyId,
        range: PositionRange,
    ) -> impl DoubleEndedIterator<Item = Position> {
        let positions = self.of_keys.get(&key).map(|positions| inside(positions, range));
        positions.unwrap_or_default().iter().copied()
    }

    /// Returns the newest entry of a key that is not after `at`.
    pub(crate) fn newest(&self, key: KeyId, at: Position) -> Option<Position> {
        self.of_key(key, PositionRange::through(at)).next_back()
    }
}

fn inside(positions: &[Position], range: PositionRange) -> &[Position] {
    let start = positions.partition_point(|position| *position <= range.after);
    let end = positions.partition_point(|position| *position <= range.through);
    positions.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: u64) -> Position {
        Position::new(number).unwrap()
    }

    fn positions(entries: &[(KeyId, u64)]) -> Positions {
        let mut positions = Positions::default();
        positions.extend(entries.iter().map(|(key, number)| (*key, at(*number))));
        positions
    }

    #[test]
    fn entries_of_a_key_are_those_in_the_range() {
        let positions = positions(&[(1, 1), (2, 2), (1, 3), (1, 5), (3, 6)]);
        let range = |after, through| PositionRange { after: at(after), through: at(through) };
        let found = |key, range| positions.of_key(key, range).map(Position::get).collect::<Vec<_>>();
        assert_eq!(found(1, PositionRange::ALL), [1, 3, 5]);
        assert_eq!(found(1, range(1, 3)), [3]);
        assert_eq!(found(1, range(3, 3)), [0; 0]);
        assert_eq!(found(1, range(5, 1)), [0; 0]);
        assert_eq!(found(2, PositionRange::ALL), [2]);
        assert_eq!(found(4, PositionRange::ALL), [0; 0]);
        assert_eq!(found(1, PositionRange::after(Position::MAX)), [0; 0]);
        assert_eq!(positions.newest(1, at(4)), Some(at(3)));
        assert_eq!(positions.newest(2, at(1)), None);
    }

    #[test]
    fn entries_of_all_keys_are_those_in_the_range() {
        let positions = positions(&[(1, 1), (2, 2), (1, 3), (1, 4), (1, 5), (3, 6)]);
        let found = |positions: &Positions, range| {
            let mut found = positions.in_range(range);
            found.sort_unstable();
            found
        };
        let range = PositionRange { after: at(1), through: at(4) };
        let expected = [(1, at(3)), (1, at(4)), (2, at(2))];
        assert_eq!(found(&positions, range), expected);
        assert_eq!(found(&positions.after(at(1)), PositionRange::through(at(4))), expected);
        assert_eq!(positions.after(at(3)).of_keys.len(), 2, "keys without entries are forgotten");
    }
}
