//! What becomes of a log, and of those who use it, when the server, or the way to it, is not as it should be.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod announcing;
mod checks;
mod clocks;
#[path = "../common/mod.rs"]
mod common;
mod cuts;
mod database;
mod delays;
mod erasing;
mod guards;
mod load;
mod lost_commits;
mod names;
mod outcomes;
mod plans;
mod processes;
mod proxy;
mod questions;
mod races;
mod refusals;
mod restarts;
mod restoring;
mod rights;
mod runtimes;
mod sessions;
mod space;
mod stopped;
mod surroundings;
#[cfg(feature = "tls-rustls")]
mod tls;
mod upgrades;
mod views;
