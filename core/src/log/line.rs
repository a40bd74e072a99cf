use std::collections::VecDeque;
use std::iter;
use std::sync::{Arc, PoisonError};

use super::handle::unknown_outcome;
use super::{Batch, Conflict, Durability, Position, Receipt};
use crate::error::Error;
use crate::sync::{Condvar, Mutex, MutexGuard};

/// What one call has appended: batches that keep their order, with the durability asked for.
pub(super) struct Request {
    pub(super) batches: Vec<Batch>,
    pub(super) durability: Durability,
    /// Where the one batch tells of an erasure: what is erased. Nothing else has a part in its write.
    pub(super) erases: Option<Vec<Position>>,
}

/// The answer to one request: one a batch.
pub(super) type Outcome = Result<Vec<Result<Receipt, Conflict>>, Error>;

/// The line in which appends wait while the one before is under way.
///
/// The thread that finds nobody leading leads at once, with its own request alone. All that come
/// meanwhile wait; when the turn ends, the first of them leads with whatever waits by then. Nobody
/// leads twice in a row while others wait, and no thread, timer or pause is needed.
#[derive(Default)]
pub(super) struct Line {
    state: Mutex<State>,
}

/// Somebody leads wherever somebody waits.
#[derive(Default)]
struct State {
    is_led: bool,
    waiting: VecDeque<(Request, Arc<Waiter>)>,
}

/// How a request got through the line.
pub(super) enum Passage<'a> {
    /// The caller leads: it is to append these requests, its own first, and to end the turn.
    Lead(Turn<'a>, Vec<Request>),
    /// Another thread appended it.
    Done(Outcome),
}

impl Line {
    /// The most that is taken into one turn, unless a single request is larger: beyond this a group
    /// gains nothing more, and keeps those waiting that come after.
    const ENTRIES_MAX: usize = 4000;
    const BYTES_MAX: usize = 4 << 20;

    /// Waits until the request was appended by another thread, or until this one is to lead.
    pub(super) fn pass(&self, request: Request) -> Passage<'_> {
        let mut state = self.state();
        if !state.is_led {
            state.is_led = true;
            return Passage::Lead(Turn { line: self, followers: Vec::new() }, vec![request]);
        }
        let waiter = Arc::<Waiter>::default();
        state.waiting.push_back((request, Arc::clone(&waiter)));
        drop(state);
        match waiter.wait() {
            Word::Lead => self.lead(),
            Word::Done(outcome) => Passage::Done(outcome),
        }
    }

    /// Takes the first requests of the line; the very first is the caller's own.
    fn lead(&self) -> Passage<'_> {
        let mut state = self.state();
        let is_shared = state.waiting.front().is_none_or(|(first, _)| first.erases.is_none());
        let (mut entries, mut bytes) = (0, 0);
        let fitting = state.waiting.iter().take_while(|(request, _)| {
            let is_first = entries == 0;
            entries += request.entries();
            bytes += request.bytes();
            let is_fitting = entries <= Self::ENTRIES_MAX && bytes <= Self::BYTES_MAX;
            is_first || is_shared && request.erases.is_none() && is_fitting
        });
        let count = fitting.count();
        let (requests, waiters): (Vec<_>, Vec<_>) = state.waiting.drain(..count).unzip();
        Passage::Lead(Turn { line: self, followers: waiters.into_iter().skip(1).collect() }, requests)
    }

    /// Lets the first who waits lead.
    fn pass_on(&self) {
        let mut state = self.state();
        match state.waiting.front() {
            Some((_, next)) => next.tell(Word::Lead),
            None => state.is_led = false,
        }
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Request {
    fn entries(&self) -> usize {
        self.batches.iter().map(|batch| batch.writes.len()).sum()
    }

    fn bytes(&self) -> usize {
        let writes = self.batches.iter().flat_map(|batch| &batch.writes);
        writes.filter_map(|write| write.action.bytes()).map(|bytes| bytes.len()).sum()
    }
}

/// The turn of the leading thread. However it ends, nobody is left waiting.
pub(super) struct Turn<'a> {
    line: &'a Line,
    followers: Vec<Arc<Waiter>>,
}

impl Turn<'_> {
    /// Answers everybody whose request was appended in this turn; returns the leader's own outcome.
    pub(super) fn end(mut self, outcomes: Vec<Outcome>) -> Outcome {
        let followers = std::mem::take(&mut self.followers);
        // First of all the next leader: the disk is idle until it comes.
        drop(self);
        let mut outcomes = outcomes.into_iter().chain(iter::repeat_with(lost));
        let own = outcomes.next().unwrap_or_else(lost);
        for (follower, outcome) in followers.into_iter().zip(outcomes) {
            follower.tell(Word::Done(outcome));
        }
        own
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.line.pass_on();
        for follower in self.followers.drain(..) {
            follower.tell(Word::Done(lost()));
        }
    }
}

fn lost() -> Outcome {
    Err(unknown_outcome(
        "the thread that appended this together with others panicked; whether it was stored is \
         unknown: look for the commit by its id",
    ))
}

/// A thread in the line.
#[derive(Default)]
struct Waiter {
    word: Mutex<Option<Word>>,
    told: Condvar,
}

enum Word {
    Lead,
    Done(Outcome),
}

impl Waiter {
    fn wait(&self) -> Word {
        let mut word = self.word.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match word.take() {
                Some(word) => return word,
                None => word = self.told.wait(word).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn tell(&self, word: Word) {
        *self.word.lock().unwrap_or_else(PoisonError::into_inner) = Some(word);
        self.told.notify_one();
    }
}
