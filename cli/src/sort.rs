//! What became of something between two moments.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Added,
    Changed,
    Removed,
}

impl Sort {
    /// Returns what became of `before`, which is not the same as `after`.
    pub(crate) fn between<T>(before: Option<&T>, after: Option<&T>) -> Sort {
        match (before, after) {
            (None, _) => Sort::Added,
            (_, None) => Sort::Removed,
            _ => Sort::Changed,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Sort::Added => "added",
            Sort::Changed => "changed",
            Sort::Removed => "removed",
        }
    }

    /// Returns the change as a line for people.
    pub(crate) fn line(self, name: &str, before: &str, after: &str) -> String {
        match self {
            Sort::Added => format!("  + {name}  {after}"),
            Sort::Changed => format!("  ~ {name}  {before} -> {after}"),
            Sort::Removed => format!("  - {name}  {before}"),
        }
    }
}
