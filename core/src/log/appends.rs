use std::sync::Arc;

use super::group::Group;
use super::line::{Line, Outcome, Passage, Request, Turn};
use super::observer::{Observer, Observers};
use super::{Driver, Position, Receipt};
use crate::sync::atomic::{AtomicU64, Ordering};

/// The way of every append of a log and its clones.
#[derive(Default)]
pub(super) struct Appends {
    line: Line,
    observers: Observers,
    /// The greatest position that the log is known to have reached.
    reached: AtomicU64,
}

impl Appends {
    /// Has `request` appended, together with those of other threads that come at the same time.
    pub(super) fn append(&self, driver: &dyn Driver, request: Request) -> Outcome {
        let outcome = match self.line.pass(request) {
            Passage::Done(outcome) => outcome,
            Passage::Lead(turn, requests) => self.lead(driver, turn, requests),
        };
        if let Some(repeated) = last_repeated(&outcome) {
            self.found(repeated);
        }
        if let Some(last) = last_position(&outcome) {
            self.observers.answered(last);
        }
        outcome
    }

    fn lead(&self, driver: &dyn Driver, turn: Turn<'_>, requests: Vec<Request>) -> Outcome {
        let group = Group::of(requests);
        let outcomes = group.append(driver);
        if let Some(last) = outcomes.iter().rev().find_map(last_position) {
            self.reach(last);
            self.observers.committed(|| group.appended(&outcomes));
        }
        turn.end(outcomes)
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.line.waiting()
    }

    pub(super) fn observe(&self, observer: &Arc<dyn Observer>) {
        self.observers.add(observer);
    }

    /// Lets observers know of a commit that the log has without an append.
    pub(super) fn found(&self, last: Position) {
        self.reach(last);
        self.observers.found(last);
    }

    /// Remembers a position that the log has.
    pub(super) fn reach(&self, position: Position) {
        if position > self.reached() {
            self.reached.fetch_max(position.get(), Ordering::Relaxed);
        }
    }

    /// Returns a position that the log has reached; it may be further on by now.
    pub(super) fn reached(&self) -> Position {
        Position::START.plus(self.reached.load(Ordering::Relaxed))
    }
}

/// Returns the end of the last commit that a request found in the log by its given id.
fn last_repeated(outcome: &Outcome) -> Option<Position> {
    let receipts = outcome.as_ref().ok()?.iter().flatten();
    receipts.filter(|receipt| receipt.repeated).map(Receipt::position).max()
}

/// Returns the end of the last commit that a request became.
fn last_position(outcome: &Outcome) -> Option<Position> {
    let mut receipts = outcome.as_ref().ok()?.iter().rev().flatten();
    receipts.find(|receipt| !receipt.repeated).map(Receipt::position)
}
