//! Immutable values, and objects whose every revision is kept.
