//! What rules write, and the calls that rules expect to succeed.

use std::sync::Arc;

use annals_core::codec::Timestamp;
use annals_core::{
    Batch, Change, Commit, CommitEntries, Conflict, Context, Driver, Durability, Field, Key, Namespace,
    Order, Position, PositionRange, Receipt, Scope,
};

#[track_caller]
pub(crate) fn namespace(text: &str) -> Namespace {
    Namespace::new(text).unwrap()
}

#[track_caller]
pub(crate) fn key(namespace: &str, field: &str) -> Key {
    Key::new(Namespace::new(namespace).unwrap(), Field::new(field).unwrap()).unwrap()
}

#[track_caller]
pub(crate) fn position(number: u64) -> Position {
    Position::new(number).unwrap()
}

#[track_caller]
pub(crate) fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

/// Returns the range of positions after `after` up to and including `through`.
#[track_caller]
pub(crate) fn range(after: u64, through: u64) -> PositionRange {
    PositionRange { after: position(after), through: position(through) }
}

/// Returns an empty batch that says nothing, at a fixed time.
pub(crate) fn batch() -> Batch {
    batch_at(1_000_000)
}

/// Returns an empty batch that says nothing, at so many microseconds.
pub(crate) fn batch_at(micros: i64) -> Batch {
    Batch { now: time(micros), ..Batch::new(Context::new()) }
}

/// The calls of a driver that a rule expects to succeed.
pub(crate) trait DriverExt: Driver {
    /// Appends one batch and returns the commit that it became.
    #[track_caller]
    fn commit(&self, batch: Batch) -> Arc<Commit> {
        let [answer] = <[_; 1]>::try_from(self.answers(&[batch])).unwrap();
        answer.expect("the batch's conditions hold").commit
    }

    /// Appends one batch that must be refused and returns why.
    #[track_caller]
    fn refusal(&self, batch: Batch) -> Conflict {
        let [answer] = <[_; 1]>::try_from(self.answers(&[batch])).unwrap();
        answer.expect_err("a condition of the batch does not hold")
    }

    /// Appends batches and returns the answers, one a batch.
    #[track_caller]
    fn answers(&self, batches: &[Batch]) -> Vec<Result<Receipt, Conflict>> {
        let answers = self.append(batches, Durability::Buffered).unwrap();
        assert_eq!(answers.len(), batches.len(), "each batch has an answer");
        answers
    }

    /// Returns every commit, oldest first.
    #[track_caller]
    fn all_commits(&self) -> Vec<CommitEntries> {
        self.commits(PositionRange::ALL, Order::OldestFirst, usize::MAX).unwrap()
    }

    /// Returns every change of `key`, oldest first.
    #[track_caller]
    fn versions(&self, key: &Key) -> Vec<Change> {
        self.history(key, PositionRange::ALL, Order::OldestFirst, 0, usize::MAX).unwrap()
    }

    /// Returns the newest change of `key`.
    #[track_caller]
    fn newest(&self, key: &Key) -> Option<Change> {
        self.history(key, PositionRange::ALL, Order::NewestFirst, 0, 1).unwrap().pop()
    }

    /// Returns the whole state at `at`.
    #[track_caller]
    fn state_at(&self, scope: &Scope, at: Position) -> Vec<Change> {
        self.state(scope, at, None, usize::MAX).unwrap()
    }
}

impl<D: Driver + ?Sized> DriverExt for D {}

/// Returns the positions of changes, in their order.
pub(crate) fn positions(changes: &[Change]) -> Vec<u64> {
    changes.iter().map(|change| change.position().get()).collect()
}

/// Returns the keys of changes, in their order, written `namespace field`.
pub(crate) fn keys(changes: &[Change]) -> Vec<String> {
    changes.iter().map(|change| change.key().to_string()).collect()
}

/// Returns the first and last positions of commits, in their order.
pub(crate) fn bounds(commits: &[CommitEntries]) -> Vec<(u64, u64)> {
    commits.iter().map(|item| (item.commit.first.get(), item.commit.last.get())).collect()
}
