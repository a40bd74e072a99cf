use std::sync::{Condvar, Mutex, MutexGuard};

use super::Tables;
use crate::workload::Write;

/// Tables for several threads: who finds nobody writing writes for all that wait, in one durable
/// transaction.
#[derive(Debug)]
pub struct GroupedByHand<T> {
    tables: Mutex<T>,
    queue: Mutex<Queue>,
    group_done: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Write>,
    /// How many writes ever joined the queue, and how many of those are in the tables.
    joined: u64,
    done: u64,
    writing: bool,
}

impl<T: Tables> GroupedByHand<T> {
    /// Returns the same tables for several threads.
    #[must_use]
    pub fn new(tables: T) -> GroupedByHand<T> {
        GroupedByHand { tables: Mutex::new(tables), queue: Mutex::default(), group_done: Condvar::new() }
    }

    /// Returns the tables again.
    ///
    /// # Panics
    /// If a thread panicked while it wrote.
    #[must_use]
    pub fn into_tables(self) -> T {
        self.tables.into_inner().expect(NO_PANIC)
    }

    /// Returns the tables for this thread alone.
    pub fn tables(&self) -> MutexGuard<'_, T> {
        self.tables.lock().expect(NO_PANIC)
    }

    /// Appends a write as a commit of its own; it is durable on return.
    pub fn append(&self, write: Write) {
        let mut queue = self.queue.lock().expect(NO_PANIC);
        queue.waiting.push(write);
        queue.joined += 1;
        let own = queue.joined;
        while queue.done < own {
            queue = if queue.writing {
                self.group_done.wait(queue).expect(NO_PANIC)
            } else {
                self.write_group(queue)
            };
        }
    }

    fn write_group<'a>(&'a self, mut queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
        queue.writing = true;
        let group = std::mem::take(&mut queue.waiting);
        drop(queue);
        self.tables().append_each(&group);
        let mut queue = self.queue.lock().expect(NO_PANIC);
        queue.writing = false;
        queue.done += group.len() as u64;
        self.group_done.notify_all();
        queue
    }
}

const NO_PANIC: &str = "no thread panics";
