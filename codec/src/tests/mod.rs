//! What the parts of the crate promise together.

mod canonical;
mod hostile;
mod interop;
mod json;
mod silence;
mod typed;
