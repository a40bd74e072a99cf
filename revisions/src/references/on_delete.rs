use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Referrer;

/// What becomes of an object when one is deleted that it refers to: the deletion rule of a reference.
///
/// Where an attribute holds several names, what takes the place of the deleted one takes its place in the
/// list or the set; the other names stay. However many rules concern an object, it gets one revision, and one
/// that is deleted is not changed as well.
#[derive(Clone)]
pub enum OnDelete<T> {
    /// It is deleted as well, and so are those that refer to it, by their own rules.
    Cascade,
    /// The attribute becomes null.
    SetNull,
    /// The attribute becomes what it is in the object that this function makes, when the reference is
    /// declared: `OnDelete::SetDefault(Comment::default)`.
    SetDefault(fn() -> T),
    /// The attribute becomes this name.
    Set(String),
    /// The attribute becomes the name that this function answers with, or null: see [`OnDelete::set_with`].
    SetWith(NewName),
    /// The deletion fails, and nothing at all is written, even if this object would be deleted as well. One
    /// that refers to itself does not stand in its own way, nor one that the same transaction has deleted before.
    Restrict,
    /// It is left as it is. Such a reference may name what does not exist; that is never checked.
    DoNothing,
}

/// A function that answers what a reference is to be set to, `None` for null.
pub type NewName = Arc<dyn Fn(&Referrer) -> Option<String> + Send + Sync>;

impl<T> OnDelete<T> {
    /// Returns the rule that sets the attribute to the name that `new_name` answers with, or to null.
    ///
    /// The function is known to this store as long as that is open. A program that deletes has to have
    /// declared it: where it has not, the deletion fails. It may be called several times for one deletion.
    pub fn set_with(new_name: impl Fn(&Referrer) -> Option<String> + Send + Sync + 'static) -> OnDelete<T> {
        OnDelete::SetWith(Arc::new(new_name))
    }
}

impl<T> fmt::Debug for OnDelete<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OnDelete::Cascade => "Cascade",
            OnDelete::SetNull => "SetNull",
            OnDelete::SetDefault(_) => "SetDefault",
            OnDelete::Set(_) => "Set",
            OnDelete::SetWith(_) => "SetWith",
            OnDelete::Restrict => "Restrict",
            OnDelete::DoNothing => "DoNothing",
        })
    }
}

/// A deletion rule as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Rule {
    Cascade,
    SetNull,
    SetDefault(Vec<String>),
    Set(String),
    SetWith,
    Restrict,
    DoNothing,
}
