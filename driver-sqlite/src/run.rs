use annals_core::Position;

use crate::positions::KeyId;

/// Entries on consecutive positions, by their keys. Takes 8 bytes an entry.
#[derive(Debug)]
pub(crate) struct Run {
    after: Position,
    keys: Vec<KeyId>,
}

impl Run {
    /// Returns the entries of these keys, in order, on the positions after `after`.
    pub(crate) fn new(after: Position, keys: Vec<KeyId>) -> Run {
        Run { after, keys }
    }

    /// Adds the next entry.
    pub(crate) fn push(&mut self, key: KeyId) {
        self.keys.push(key);
    }

    /// Returns the position before the first entry.
    pub(crate) fn after(&self) -> Position {
        self.after
    }

    /// Returns the position of the last entry.
    pub(crate) fn through(&self) -> Position {
        self.after.plus(self.keys.len() as u64)
    }

    /// Returns how many different keys there are.
    pub(crate) fn count_keys(&self) -> usize {
        let mut keys = self.keys.clone();
        keys.sort_unstable();
        keys.dedup();
        keys.len()
    }

    /// Returns the entries after `start`.
    pub(crate) fn since(&self, start: Position) -> impl Iterator<Item = (KeyId, Position)> {
        let skipped = start.get().saturating_sub(self.after.get());
        let keys = usize::try_from(skipped).ok().and_then(|skipped| self.keys.get(skipped..));
        keys.unwrap_or_default()
            .iter()
            .zip(skipped + 1..)
            .map(|(key, number)| (*key, self.after.plus(number)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_since_a_position_are_those_after_it() {
        let at = |number| Position::new(number).unwrap();
        let run = Run::new(at(10), vec![7, 8, 7]);
        assert_eq!((run.after(), run.through()), (at(10), at(13)));
        let since = |start| run.since(at(start)).collect::<Vec<_>>();
        assert_eq!(since(0), [(7, at(11)), (8, at(12)), (7, at(13))]);
        assert_eq!(since(0), since(10));
        assert_eq!(since(12), [(7, at(13))]);
        assert_eq!(run.count_keys(), 2);
        assert_eq!([since(13), since(99)], [[], []]);
    }
}
