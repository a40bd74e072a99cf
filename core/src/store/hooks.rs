use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

use super::handle::Store;
use crate::log::{Appended, Change, Entry, Observer, Position, Write};
use crate::sync::thread::{self, ThreadId};
use crate::sync::{Condvar, Mutex, MutexGuard, RwLock};

type Callback = Arc<dyn Fn(&Change) + Send + Sync>;

/// The change callbacks of a store, and the commits that they have not been told of.
///
/// Commits are queued as the log appends them. Whichever committing thread finds the queue without a
/// teller tells of all that is in it; the others wait until their own commit was told of.
#[derive(Default)]
pub(crate) struct Hooks {
    callbacks: RwLock<Vec<(u64, Callback)>>,
    queue: Mutex<Queue>,
    told: Condvar,
}

#[derive(Default)]
struct Queue {
    /// In the order of their positions; never empty ones.
    commits: VecDeque<Vec<Change>>,
    /// The commit that is being told of, and by whom.
    telling: Option<Position>,
    teller: Option<ThreadId>,
    next_callback: u64,
}

impl Queue {
    /// Returns the first commit that was not wholly told of.
    fn untold(&self) -> Option<Position> {
        self.telling.or_else(|| self.commits.front().and_then(|changes| commit_of(changes)))
    }
}

fn commit_of(changes: &[Change]) -> Option<Position> {
    changes.first().map(|change| change.commit.last)
}

impl Observer for Hooks {
    fn committed(&self, commits: &[Appended<'_>]) {
        if !self.is_empty() {
            self.queue().commits.extend(commits.iter().map(changes));
        }
    }

    fn answered(&self, through: Position) {
        self.tell(through);
    }
}

impl Hooks {
    pub(crate) fn add(self: &Arc<Hooks>, callback: Callback) -> Watch {
        let id = {
            let mut queue = self.queue();
            queue.next_callback += 1;
            queue.next_callback
        };
        self.callbacks.write().unwrap_or_else(PoisonError::into_inner).push((id, callback));
        Watch { hooks: Arc::clone(self), id }
    }

    /// Returns when the callbacks were told of every commit up to `through`, by this thread or others.
    fn tell(&self, through: Position) {
        let mut queue = self.queue();
        while queue.untold().is_some_and(|first| first <= through) {
            let me = thread::current().id();
            match queue.teller {
                // A commit made inside a callback: the loop below, further up, will tell of it.
                Some(teller) if teller == me => return,
                Some(_) => queue = self.told.wait(queue).unwrap_or_else(PoisonError::into_inner),
                None => queue = self.tell_all(queue, me),
            }
        }
    }

    fn tell_all<'a>(&'a self, mut queue: MutexGuard<'a, Queue>, me: ThreadId) -> MutexGuard<'a, Queue> {
        queue.teller = Some(me);
        while let Some(changes) = queue.commits.pop_front() {
            queue.telling = commit_of(&changes);
            drop(queue);
            for change in &changes {
                for callback in self.callbacks() {
                    call(callback, change);
                }
            }
            queue = self.queue();
            queue.telling = None;
            self.told.notify_all();
        }
        queue.teller = None;
        self.told.notify_all();
        queue
    }

    fn is_empty(&self) -> bool {
        self.callbacks.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn callbacks(&self) -> Vec<Callback> {
        let callbacks = self.callbacks.read().unwrap_or_else(PoisonError::into_inner);
        callbacks.iter().map(|(_, callback)| Arc::clone(callback)).collect()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls and gives up `callback`. The commit is durable whatever it does; its panic was reported by
/// the panic hook and must not take down the thread that happens to tell.
fn call(callback: Callback, change: &Change) {
    let called = catch_unwind(AssertUnwindSafe(move || callback(change)));
    // What was thrown is the callback's, and may panic when it is dropped.
    called.unwrap_or_else(std::mem::forget);
}

fn changes(Appended { receipt, writes }: &Appended<'_>) -> Vec<Change> {
    let entry = |(index, write): (u64, &Write)| Entry {
        position: receipt.commit.first.plus(index),
        key: write.key.clone(),
        action: write.action.clone(),
        actor: write.actor.clone(),
        reason: write.reason.clone(),
    };
    let change = |entry| Change { entry, commit: Arc::clone(&receipt.commit) };
    (0..).zip(*writes).map(entry).map(change).collect()
}

impl Store {
    /// Calls `callback` with each change that this store (any clone of it) commits from now on, also
    /// through its [log](Store::log).
    ///
    /// Calls come after the commit is as durable as its receipt says, in position order, outside of all locks, on
    /// whichever committing thread has the turn; a commit returns after its own calls, unless it
    /// was made inside a callback. Callbacks may write, but must not wait for another thread that
    /// does: it would wait for its turn to tell. A panic in one harms nothing.
    pub fn on_change(&self, callback: impl Fn(&Change) + Send + Sync + 'static) -> Watch {
        self.shared.hooks.add(Arc::new(callback))
    }
}

/// Keeps a change callback in place; dropping it ends the calls, but for one that is under way.
#[must_use = "the callback is removed when this is dropped"]
pub struct Watch {
    hooks: Arc<Hooks>,
    id: u64,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut callbacks = self.hooks.callbacks.write().unwrap_or_else(PoisonError::into_inner);
        let place = callbacks.iter().position(|(id, _)| *id == self.id);
        let own = place.map(|place| callbacks.remove(place));
        // What the callback owns may be another watch: let go of the lock before of it.
        drop(callbacks);
        drop(own);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("id", &self.id).finish_non_exhaustive()
    }
}
