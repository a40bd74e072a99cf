//! What the server says of a group of batches.

use std::sync::Arc;

use annals_core::codec::Timestamp;
use annals_core::{Batch, Commit, CommitId, Conflict, Durability, Key, Position, Receipt};
use postgres::Row;

use crate::failure::Failure;
use crate::rows;

/// What the server says of a group: where the log ended before, and what was not appended.
pub(crate) struct Outcome {
    pub(crate) last: Position,
    pub(crate) recorded_at: Option<Timestamp>,
    /// By the number of the batch, ascending.
    pub(crate) others: Vec<(usize, Other)>,
}

/// What became of a batch that was not appended.
pub(crate) enum Other {
    /// Its id is there already.
    There(Arc<Commit>),
    /// One of its conditions, counted from 0, does not hold.
    Conflict { condition: usize, lost_to: Arc<Commit>, keys: Vec<Key> },
}

impl Outcome {
    /// Reads what the function of the schema returns.
    pub(crate) fn read(found: &[Row]) -> Result<Outcome, Failure> {
        let (first, others) = found.split_first().ok_or_else(no_answer)?;
        let others = others.iter().map(|row| {
            let batch = index(row, 0)?;
            Ok((batch, Other::read(row)?))
        });
        Ok(Outcome {
            last: rows::position_or_start(first, 4)?.unwrap_or(Position::START),
            recorded_at: rows::time(first, 8)?,
            others: others.collect::<Result<_, Failure>>()?,
        })
    }

    /// Returns the answers to the batches, which have become commits one behind the other but for
    /// those that have not.
    pub(crate) fn answers(
        self,
        batches: &[Batch],
        durability: Durability,
    ) -> Result<Vec<Result<Receipt, Conflict>>, Failure> {
        let Outcome { mut last, mut recorded_at, others } = self;
        let mut others = others.into_iter().peekable();
        let receipt = |commit, repeated| Ok(Receipt { commit, durability, repeated });
        let mut answers = Vec::with_capacity(batches.len());
        for (nth, batch) in batches.iter().enumerate() {
            answers.push(match others.next_if(|(number, _)| *number == nth).map(|(_, other)| other) {
                Some(Other::There(commit)) => {
                    let repeated = matches!(commit.id, CommitId::Given(_));
                    receipt(commit, repeated)
                }
                Some(Other::Conflict { condition, lost_to, keys }) => {
                    let condition = batch.conditions.get(condition).ok_or_else(no_answer)?;
                    Err(Conflict::new(condition.clone(), lost_to, keys))
                }
                None => {
                    let commit = become_of(batch, last, recorded_at);
                    (last, recorded_at) = (commit.last, Some(commit.recorded_at));
                    receipt(Arc::new(commit), false)
                }
            });
        }
        if others.next().is_some() { Err(no_answer()) } else { Ok(answers) }
    }
}

impl Other {
    fn read(row: &Row) -> Result<Other, Failure> {
        let commit = Arc::new(rows::commit(row, 4)?);
        let number: i32 = row.try_get(1).map_err(|_| no_answer())?;
        if number == 0 {
            return Ok(Other::There(commit));
        }
        let names = |at| row.try_get::<_, Option<Vec<&str>>>(at).map_err(|_| no_answer());
        let (namespaces, fields) = (names(2)?.unwrap_or_default(), names(3)?.unwrap_or_default());
        let keys = namespaces.iter().zip(&fields).map(|(namespace, field)| rows::key(namespace, field));
        let keys = keys.collect::<Result<_, _>>()?;
        Ok(Other::Conflict { condition: index(row, 1)?, lost_to: commit, keys })
    }
}

/// Returns the number in column `at`, counted from 1, as an index.
fn index(row: &Row, at: usize) -> Result<usize, Failure> {
    let number: i32 = row.try_get(at).map_err(|_| no_answer())?;
    usize::try_from(number).ok().and_then(|number| number.checked_sub(1)).ok_or_else(no_answer)
}

/// Returns the failure of a function that answers otherwise than it should.
pub(crate) fn no_answer() -> Failure {
    Failure::Damaged("the schema is damaged: its function answers otherwise than it should".into())
}

/// Returns the commit that a batch became in a log that ended at `last`.
pub(crate) fn become_of(batch: &Batch, last: Position, recorded_at: Option<Timestamp>) -> Commit {
    Commit {
        first: last.plus(1),
        last: last.plus(batch.writes.len() as u64),
        id: batch.id,
        recorded_at: recorded_at.map_or(batch.now, |last| last.max(batch.now)),
        context: batch.context.clone(),
    }
}
