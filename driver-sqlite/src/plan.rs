use annals_core::{Position, PositionRange};

use crate::positions::KeyId;
use crate::run::Run;
use crate::tail::Part;

/// What a pass takes, in order of the keys; made once, for all of its slices.
#[derive(Debug)]
pub(crate) struct Plan {
    range: PositionRange,
    entries: Vec<(KeyId, Position)>,
}

impl Plan {
    /// Returns the entries in `range` that a part of the tail and a run that follows it know.
    pub(crate) fn new(range: PositionRange, tail: &Part, added: &Run) -> Plan {
        let mut entries = tail.in_range(range);
        entries.extend(added.since(range.after).take_while(|(_, position)| range.contains(*position)));
        entries.sort_unstable();
        Plan { range, entries }
    }

    /// Returns whether the plan is that of a pass over `range`.
    pub(crate) fn is_of(&self, range: PositionRange) -> bool {
        self.range == range
    }

    /// Returns the entries of each key above `key`.
    pub(crate) fn above(&self, key: KeyId) -> impl Iterator<Item = &[(KeyId, Position)]> {
        let start = self.entries.partition_point(|(other, _)| *other <= key);
        self.entries.get(start..).unwrap_or_default().chunk_by(|(one, _), (next, _)| one == next)
    }
}
