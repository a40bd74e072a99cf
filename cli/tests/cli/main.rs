//! The command as its users and their scripts meet it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod apply;
mod bad_input;
mod dump;
mod erase;
mod git_history;
mod golden;
mod import;
mod item_12_rev;
mod pipes;
mod place;
mod postgres;
mod processes;
mod tail;
mod writing;
