use std::collections::BTreeSet;

use annals::codec::{Timestamp, Value};
use annals::{Action, CommitEntries, Context, Error, Log, Order, Position, PositionRange};

use super::row::Row;

/// The tag of an imported commit: the row's `seq`.
const TAG: &str = "appendmuch";

/// The most bytes that the tag adds to a context.
pub(super) const MARK_BYTES_MAX: usize = 32;

/// Returns the context of the commit of a row, which makes the row known again.
pub(super) fn context(location: String, occurred_at: Timestamp, seq: i64) -> Context {
    Context::new().location(location).occurred_at(occurred_at).tag(TAG, seq)
}

/// The rows that a log has already.
pub(super) struct Imported<'a> {
    log: &'a Log,
    /// Several files may have rows of the same number.
    positions: BTreeSet<(i64, Position)>,
    commits: u64,
    last: Position,
    /// The time of the last commit, as long as every time of recording is the one that an import
    /// into an empty log gives.
    original_time: Option<Timestamp>,
}

impl<'a> Imported<'a> {
    /// Reads the whole log.
    pub(super) fn find(log: &'a Log) -> Result<Imported<'a>, Error> {
        let mut imported = Imported {
            log,
            positions: BTreeSet::new(),
            commits: 0,
            last: Position::START,
            original_time: Some(Timestamp::MIN),
        };
        for commit in log.commits(PositionRange::ALL, Order::OldestFirst) {
            imported.add(&commit?);
        }
        Ok(imported)
    }

    /// Returns whether the log has `row`: a commit with its number that was made at the same time
    /// by the same line, and did the same to the same field.
    pub(super) fn has(&self, row: &Row) -> Result<bool, Error> {
        for (_, position) in self.positions.range((row.seq, Position::START)..=(row.seq, Position::MAX)) {
            if self.log.commit_at(*position)?.is_some_and(|commit| is_of(&commit, row)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns where and when the log ends if it holds nothing but the first `known` rows of a
    /// file, with their original times: then the import of that file can go on as it began.
    pub(super) fn beginning(&self, known: u64) -> Option<(Position, Timestamp)> {
        self.original_time.filter(|_| known == self.commits).map(|time| (self.last, time))
    }

    fn add(&mut self, CommitEntries { commit, .. }: &CommitEntries) {
        if let Some(Value::Integer(seq)) = commit.context.tags.get(TAG)
            && let Ok(seq) = i64::try_from(*seq)
        {
            self.positions.insert((seq, commit.last));
        }
        let expected = self.original_time.zip(commit.context.occurred_at).map(|(last, own)| last.max(own));
        self.original_time = expected.filter(|time| *time == commit.recorded_at);
        self.commits += 1;
        self.last = commit.last;
    }
}

fn is_of(CommitEntries { commit, entries }: &CommitEntries, row: &Row) -> bool {
    let context = &commit.context;
    let is_same_change = match entries.as_slice() {
        [entry] => entry.key == row.write.key && (entry.action == Action::Deleted) == row.is_deletion(),
        _ => false,
    };
    is_same_change
        && context.occurred_at == Some(row.occurred_at)
        && context.location.as_deref() == Some(row.location.as_str())
}
