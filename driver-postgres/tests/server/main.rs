//! What becomes of a log, and of those who use it, when the server, or the way to it, is not as it should be.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "../common/mod.rs"]
mod common;
mod lost_commits;
mod outcomes;
mod proxy;
mod races;
mod refusals;
mod rights;
mod runtimes;
