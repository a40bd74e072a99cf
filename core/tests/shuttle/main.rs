//! Small programs of several threads, run under very many orders of their threads. Only built where
//! the locks of the crate are shuttle's: `RUSTFLAGS="--cfg shuttle" cargo test -p annals-core --test
//! shuttle`, which `cargo xtask test` does.

#![cfg(shuttle)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod cache;
mod driver;
mod group;

/// How many schedules of each kind are explored.
const SCHEDULES: usize = 10_000;

/// The most places at which the order of threads decides that PCT looks for.
const DEPTH: usize = 3;

/// Runs `program` under random schedules, and under schedules of PCT (Burckhardt and others, "A
/// Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", 2010). Two threads that wait
/// for each other fail as well.
fn explore(program: fn()) {
    shuttle::check_random(program, SCHEDULES);
    shuttle::check_pct(program, SCHEDULES, DEPTH);
}
