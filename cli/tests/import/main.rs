//! Imports of files that other programs wrote.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod bad_input;
mod files;
mod python_repr;
mod rows;
mod seed;
