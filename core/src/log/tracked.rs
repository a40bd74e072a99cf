use std::panic::Location;

use annals_codec::Value;

use super::Context;

/// The tag that says whether commits carry who and why.
pub(super) const TRACKED_TAG: &str = "__annals.scope.tracked";

impl Context {
    /// How the names of tags begin that are for whatever runs under a context: a commit does not keep
    /// them.
    pub const SCOPE_TAGS: &str = "__annals.scope.";

    /// Makes commits carry no actor and no reason, whoever says one, until [`Context::tracked`] further
    /// in. What they write is written all the same.
    ///
    /// ```
    /// use annals_core::{Context, Store};
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let record = store.record("game/player1")?;
    /// Context::new().actor("alice").in_scope(|| {
    ///     Context::new().untracked().in_scope(|| {
    ///         let receipt = record.set("score", &40)?;
    ///         assert_eq!(receipt.commit.context.actor, None);
    ///         let receipt = Context::new().tracked().in_scope(|| record.set("score", &41))?;
    ///         assert_eq!(receipt.commit.context.actor.as_deref(), Some("alice"));
    ///         Ok::<(), annals_core::Error>(())
    ///     })
    /// })?;
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    #[must_use]
    pub fn untracked(self) -> Context {
        self.tag(TRACKED_TAG, false)
    }

    /// Makes commits carry who and why, also inside what is [untracked](Context::untracked).
    #[must_use]
    pub fn tracked(self) -> Context {
        self.tag(TRACKED_TAG, true)
    }

    /// Returns whether commits under this context carry who and why: unless it is
    /// [untracked](Context::untracked).
    #[must_use]
    pub fn is_tracked(&self) -> bool {
        self.tags.get(TRACKED_TAG) != Some(&Value::Bool(false))
    }

    /// Returns what a commit of `caller` carries, what this leaves open coming from the contexts in force:
    /// no empty actor or reason, none at all where that is untracked, and no tag of the scope.
    pub(crate) fn completed(self, caller: &Location<'_>) -> Context {
        let mut all = self.or_in_force().or_location(caller);
        let tracked = all.is_tracked();
        all.actor = all.actor.filter(|actor| tracked && !actor.is_empty());
        all.reason = all.reason.filter(|reason| tracked && !reason.is_empty());
        all.tags.retain(|name, _| !name.starts_with(Self::SCOPE_TAGS));
        all
    }
}
