//! The baselines: what one would write by hand for this data alone.

mod grouped;
mod map;
mod postgres;
mod tables;

pub use grouped::GroupedByHand;
pub use map::MapByHand;
pub use postgres::{CommitByHand, EntryByHand, PostgresByHand};
pub use tables::ByHand;

use crate::workload::Write;

/// What the comparisons need of tables written by hand, wherever they are.
pub trait Tables {
    /// Appends writes as one commit.
    fn append(&self, writes: &[Write]);

    /// Appends a write as a commit of its own.
    fn append_one(&self, write: &Write) {
        self.append(std::slice::from_ref(write));
    }

    /// Appends each write as a commit of its own, in one transaction.
    fn append_each(&self, writes: &[Write]);

    /// Sets whether a commit waits for the disk.
    fn set_durable(&self, durable: bool);

    /// Returns the newest value of a key.
    fn latest(&self, key: usize) -> Vec<u8>;

    /// Returns the value of a key as of a position.
    fn as_of(&self, key: usize, position: u64) -> Option<Vec<u8>>;

    /// Returns the position of the newest entry, 0 if there is none.
    fn last_position(&self) -> u64;
}

/// Returns the time in microseconds since 1970.
fn now() -> i64 {
    let time = std::time::UNIX_EPOCH.elapsed().expect("the clock is right").as_micros();
    i64::try_from(time).expect("the clock is right")
}
