//! Readers of what other programs wrote.

mod appendmuch;

pub use appendmuch::{ImportError, ImportReport, KeptRaw, RowProblem, appendmuch};
