use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::{self, ThreadId};

use crate::error::Error;
use crate::log::{Change, Entry, Receipt, Write};

type Callback = Arc<dyn Fn(&Change) + Send + Sync>;

/// The change callbacks of a store, and the commits that they have not been told of.
///
/// Commits are queued in the order of their positions. Whichever committing thread finds the queue
/// without a teller tells of all that is in it; the others wait until their own commit was told of.
#[derive(Default)]
pub(crate) struct Hooks {
    callbacks: RwLock<Vec<(u64, Callback)>>,
    /// Written while a commit is appended and queued, so that the queue is in position order; read
    /// while one is appended that nobody is told of, so that no callback is added meanwhile.
    order: RwLock<()>,
    queue: Mutex<Queue>,
    told: Condvar,
}

#[derive(Default)]
struct Queue {
    commits: VecDeque<Vec<Change>>,
    /// How many commits were ever queued, and how many of them were told of.
    queued: u64,
    done: u64,
    teller: Option<ThreadId>,
    next_callback: u64,
}

impl Hooks {
    pub(crate) fn add(self: &Arc<Hooks>, callback: Callback) -> Watch {
        let id = {
            let mut queue = self.queue();
            queue.next_callback += 1;
            queue.next_callback
        };
        let _order = self.order.write().unwrap_or_else(PoisonError::into_inner);
        self.callbacks.write().unwrap_or_else(PoisonError::into_inner).push((id, callback));
        Watch { hooks: Arc::clone(self), id }
    }

    /// Runs `append`, then tells the callbacks of it, in order with the commits of other threads.
    pub(crate) fn around(
        &self,
        writes: &[Write],
        append: impl FnOnce() -> Result<Receipt, Error>,
    ) -> Result<Receipt, Error> {
        {
            let _order = self.order.read().unwrap_or_else(PoisonError::into_inner);
            if self.callbacks().is_empty() {
                return append();
            }
        }
        let (receipt, ticket) = {
            let _order = self.order.write().unwrap_or_else(PoisonError::into_inner);
            let receipt = append()?;
            if receipt.repeated {
                return Ok(receipt);
            }
            let mut queue = self.queue();
            queue.commits.push_back(changes(&receipt, writes));
            queue.queued += 1;
            (receipt, queue.queued)
        };
        self.tell(ticket);
        Ok(receipt)
    }

    fn tell(&self, ticket: u64) {
        let me = thread::current().id();
        let mut queue = self.queue();
        while queue.done < ticket {
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
            drop(queue);
            for change in &changes {
                for callback in self.callbacks() {
                    call(callback, change);
                }
            }
            queue = self.queue();
            queue.done += 1;
            self.told.notify_all();
        }
        queue.teller = None;
        self.told.notify_all();
        queue
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

fn changes(receipt: &Receipt, writes: &[Write]) -> Vec<Change> {
    let entry = |(index, write): (u64, &Write)| Entry {
        position: receipt.commit.first.plus(index),
        key: write.key.clone(),
        action: write.action.clone(),
        actor: write.actor.clone(),
        reason: write.reason.clone(),
    };
    let change = |entry| Change { entry, commit: Arc::clone(&receipt.commit) };
    (0..).zip(writes).map(entry).map(change).collect()
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
