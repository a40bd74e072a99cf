use std::fmt;

use serde::{Deserialize, Serialize};

/// The field that every revision writes.
pub(crate) const META: &str = "__meta";

/// What a revision says of itself in its field [`META`].
///
/// Members that later versions add are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// 1, 2, 3, … without a gap.
    pub(crate) version: u64,
    pub(crate) state: State,
    /// The version whose content this one took over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) restored_from: Option<u64>,
    /// The record of the object whose deletion entailed this revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) consequence_of: Option<String>,
    /// The type version of which the content is; the empty text is that without a name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) type_version: String,
    /// Whether the content is no struct or map of named attributes, but the one attribute `value`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) single: bool,
    /// Whether the object was purged by this revision.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) purged: bool,
}

impl Meta {
    /// Returns whether the object is there, retired perhaps.
    pub(crate) fn exists(&self) -> bool {
        self.state != State::Deleted
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(truth: &bool) -> bool {
    !truth
}

/// What a revision is to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is being made, and is not stored yet: a [`Draft`](crate::Draft).
    Transient,
    /// It is what the object is.
    Locked,
    /// It was superseded, or the object was taken out of use.
    Retired,
    /// The object was deleted.
    Deleted,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            State::Transient => "transient",
            State::Locked => "locked",
            State::Retired => "retired",
            State::Deleted => "deleted",
        })
    }
}
