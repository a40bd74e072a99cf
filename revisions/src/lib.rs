//! Immutable values, and objects whose every revision is kept.

mod tracking;

pub use tracking::{ATTRIBUTE_DESCRIPTION, DELETION_DESCRIPTION, OBJECT_DESCRIPTION, Tracking};
