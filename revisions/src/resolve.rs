use annals_core::Context;

/// What is written with a revision beside its content: the context of the commit, and what its entries say
/// of their own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resolved {
    pub(crate) context: Context,
    /// Who, where that differs from the commit's actor.
    pub(crate) actor: Option<String>,
    /// Why the object was changed, where that differs from the commit's reason.
    pub(crate) object_reason: Option<String>,
    /// Why attributes were changed.
    pub(crate) attribute_reason: Option<String>,
    /// Why the object was deleted.
    pub(crate) deletion_reason: Option<String>,
}

/// Returns what is written for somebody who gave this context.
pub(crate) fn resolve(context: Context) -> Resolved {
    Resolved { context, ..Resolved::default() }
}
