//! What the benchmarks share: the data, the baselines written by hand, and the comparison of both.
//!
//! `cargo bench -p annals-bench` runs criterion; `cargo xtask bench` interleaves the two sides of
//! each comparison in rounds and prints the medians with their ratio, which is what the project
//! promises.

mod by_hand;
mod ratios;
mod workload;

pub use by_hand::ByHand;
pub use ratios::{Table, Wanted};
pub use workload::Workload;
