use std::collections::BTreeSet;
use std::ops::Bound;

use annals_core::{Position, PositionRange};

/// The id of a key, as the table of keys gives it: 1, 2, 3, …
pub(crate) type KeyId = i64;

/// Which entries there are, in order of key and position. Takes about 25 bytes an entry.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    of_keys: BTreeSet<(KeyId, Position)>,
}

impl Positions {
    pub(crate) fn insert(&mut self, key: KeyId, position: Position) {
        self.of_keys.insert((key, position));
    }

    pub(crate) fn extend(&mut self, entries: impl IntoIterator<Item = (KeyId, Position)>) {
        self.of_keys.extend(entries);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (KeyId, Position)> {
        self.of_keys.iter().copied()
    }

    /// Returns the entries that are after `start`.
    pub(crate) fn after(&self, start: Position) -> Positions {
        self.iter().filter(|(_, position)| *position > start).collect()
    }

    /// Returns the entries of one key in a range, the oldest first.
    pub(crate) fn of_key(
        &self,
        key: KeyId,
        range: PositionRange,
    ) -> impl DoubleEndedIterator<Item = Position> {
        let through = range.through.max(range.after);
        let bounds = (Bound::Excluded((key, range.after)), Bound::Included((key, through)));
        self.of_keys.range(bounds).map(|(_, position)| *position)
    }

    /// Returns the newest entry of a key that is not after `at`.
    pub(crate) fn newest(&self, key: KeyId, at: Position) -> Option<Position> {
        self.of_key(key, PositionRange::through(at)).next_back()
    }

    /// Returns the entries in a range of positions of keys above `key`: `count` of them, and then
    /// the others of the last one's key.
    pub(crate) fn of_keys_above(
        &self,
        key: KeyId,
        range: PositionRange,
        count: usize,
    ) -> Vec<(KeyId, Position)> {
        let bounds = (Bound::Excluded((key, Position::MAX)), Bound::Unbounded);
        let mut found: Vec<(KeyId, Position)> = Vec::new();
        for &(key, position) in self.of_keys.range(bounds) {
            if found.len() >= count && found.last().is_some_and(|(last, _)| *last != key) {
                break;
            }
            if range.contains(position) {
                found.push((key, position));
            }
        }
        found
    }
}

impl FromIterator<(KeyId, Position)> for Positions {
    fn from_iter<I: IntoIterator<Item = (KeyId, Position)>>(entries: I) -> Positions {
        Positions { of_keys: entries.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: u64) -> Position {
        Position::new(number).unwrap()
    }

    fn positions(entries: &[(KeyId, u64)]) -> Positions {
        entries.iter().map(|(key, number)| (*key, at(*number))).collect()
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
    fn entries_of_further_keys_end_with_a_whole_key() {
        let positions = positions(&[(1, 1), (2, 2), (2, 4), (2, 9), (3, 5), (4, 6), (4, 7)]);
        let found = |key, count| positions.of_keys_above(key, PositionRange::through(at(8)), count);
        assert_eq!(found(0, 2), [(1, at(1)), (2, at(2)), (2, at(4))]);
        assert_eq!(found(2, 1), [(3, at(5))]);
        assert_eq!(found(2, 9), [(3, at(5)), (4, at(6)), (4, at(7))]);
        assert_eq!(found(4, 9), []);
    }
}
