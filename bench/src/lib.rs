//! What the benchmarks share: the data, the baselines written by hand, and the comparison of both.
//!
//! `cargo xtask bench` runs this crate's program: it interleaves the two sides of each comparison in
//! rounds and prints the medians with their ratio, which is what the project promises.
//! `cargo bench -p annals-bench` shows some of the same with criterion's statistics.

mod by_hand;
mod postgres;
mod ratios;
mod sides;
mod workload;

pub use by_hand::{ByHand, CommitByHand, EntryByHand, GroupedByHand, MapByHand, PostgresByHand, Tables};
pub use postgres::Scratch;
pub use ratios::{Row, Run, Table, Wanted, percentile, timed};
pub use sides::{Commits, Sides, new_store};
pub use workload::{Workload, Write};
