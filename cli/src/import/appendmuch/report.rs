use std::collections::BTreeMap;

use annals::Position;

use super::python;

/// What an import appended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportReport {
    /// The rows imported, each one commit of one entry.
    pub rows: u64,
    /// The rows passed over, because the log had them already.
    pub skipped: u64,
    /// Of the rows imported, the deletions.
    pub deletions: u64,
    /// The positions of the first and the last row; `None` if none was imported.
    pub positions: Option<(Position, Position)>,
    /// Whether the log held nothing but rows of this file, so that the original times became the times of recording.
    pub kept_times: bool,
    /// The values that were kept raw, by type id.
    pub kept_raw: BTreeMap<u8, KeptRaw>,
}

impl ImportReport {
    pub(super) fn add(&mut self, position: Position, is_deletion: bool, raw_type: Option<u8>) {
        self.rows += 1;
        self.deletions += u64::from(is_deletion);
        self.positions = Some((self.positions.map_or(position, |(first, _)| first), position));
        if let Some(type_id) = raw_type {
            let kept = || KeptRaw { type_is_known: python::is_known(type_id), ..KeptRaw::default() };
            self.kept_raw.entry(type_id).or_insert_with(kept).add(position);
        }
    }
}

/// The values of one type that were kept raw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptRaw {
    /// Whether the package knows the type, so that it is the payloads that cannot be read.
    pub type_is_known: bool,
    /// How many there are.
    pub count: u64,
    /// Where the first of them stand, at most [`KeptRaw::FIRST_MAX`].
    pub first: Vec<Position>,
}

impl KeptRaw {
    /// The most positions that are listed.
    pub const FIRST_MAX: usize = 5;

    fn add(&mut self, position: Position) {
        self.count += 1;
        if self.first.len() < Self::FIRST_MAX {
            self.first.push(position);
        }
    }
}
