//! What is held in memory of a log: never a state that no reader of the log could have seen, never more
//! than it may take.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod bounds;
mod fills;
mod freshness;
mod model;
mod spy;
mod threads;
