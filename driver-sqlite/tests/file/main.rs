//! What only this driver promises: its file, its views, its processes, its faults.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test panics where a promise is broken, and says what it must leave out"
)]

mod common;
mod erasing;
mod faults;
mod format;
mod groups;
mod moving;
mod names;
mod opening;
mod passes;
mod processes;
mod scan;
mod views;
