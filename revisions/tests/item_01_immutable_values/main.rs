//! Immutable values: what was once made stays as it is, whatever is made of it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod conversions;
mod list;
mod list_model;
mod map;
mod map_model;
mod nested;
mod set;
mod set_model;
mod stored;
mod values;
