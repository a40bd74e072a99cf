use super::Context;
use super::activity::{ID_TAG, NAME_TAG};
use super::in_force::with_in_force;
use super::tracked::TRACKED_TAG;
use crate::error::Error;

impl Context {
    /// Adds what this says to the innermost context in force on this thread, over what that one said.
    /// It ends as that one does: with its body, or its future.
    ///
    /// In the body of a [commit](crate::Store::commit) the innermost is the commit's own, unless
    /// another was put in force there.
    ///
    /// ```
    /// use annals_core::{Context, ContextPart};
    /// Context::new().actor("alice").in_scope(|| {
    ///     Context::new().in_scope(|| {
    ///         Context::new().actor("bob").set_in_force()?;
    ///         assert_eq!(Context::current().actor.as_deref(), Some("bob"));
    ///         assert!(ContextPart::Actor.unset());
    ///         assert_eq!(Context::current().actor.as_deref(), Some("alice"));
    ///         Context::new().actor("carol").set_in_force()
    ///     })?;
    ///     assert_eq!(Context::current().actor.as_deref(), Some("alice"));
    ///     Ok::<(), annals_core::Error>(())
    /// })?;
    /// assert!(Context::new().actor("dana").set_in_force().is_err(), "nothing is in force");
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] if nothing is in force on this thread.
    pub fn set_in_force(self) -> Result<(), Error> {
        let mut added = Some(self);
        with_in_force(|in_force| {
            let innermost = in_force.last_mut()?;
            let before = std::mem::take(innermost);
            *innermost = added.take()?.or(&before);
            Some(())
        })
        .ok_or_else(|| {
            let why =
                "no context is in force on this thread to add to; put one there with `Context::in_scope`";
            Error::Invalid(why.into())
        })
    }
}

/// What a context can say, by name: to take it from those [in force](Context::in_scope).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContextPart<'a> {
    /// Who.
    Actor,
    /// Why.
    Reason,
    /// From where.
    Location,
    /// When it happened in the caller's world.
    OccurredAt,
    /// The [activity](Context::activity).
    Activity,
    /// Whether commits carry who and why; see [`Context::untracked`].
    Tracked,
    /// The tag of this name.
    Tag(&'a str),
}

impl ContextPart<'_> {
    /// Takes this from the innermost context in force on this thread that says it, so that what the
    /// next one outwards says counts. Returns whether there was one.
    ///
    /// That context may stand further out than the innermost: it does without until its body ends.
    #[expect(clippy::must_use_candidate, reason = "most callers know that it was set")]
    pub fn unset(self) -> bool {
        with_in_force(|in_force| in_force.iter_mut().rev().any(|context| self.take_from(context)))
    }

    /// Takes this from all contexts in force on this thread.
    pub fn reset(self) {
        with_in_force(|in_force| {
            for context in in_force {
                self.take_from(context);
            }
        });
    }

    /// Returns whether it was there.
    fn take_from(self, context: &mut Context) -> bool {
        match self {
            ContextPart::Actor => context.actor.take().is_some(),
            ContextPart::Reason => context.reason.take().is_some(),
            ContextPart::Location => context.location.take().is_some(),
            ContextPart::OccurredAt => context.occurred_at.take().is_some(),
            ContextPart::Activity => {
                context.tags.remove(ID_TAG);
                context.tags.remove(NAME_TAG).is_some()
            }
            ContextPart::Tracked => context.tags.remove(TRACKED_TAG).is_some(),
            ContextPart::Tag(name) => context.tags.remove(name).is_some(),
        }
    }
}
