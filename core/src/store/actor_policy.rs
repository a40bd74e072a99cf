use crate::error::Error;
use crate::log::{Batch, Namespace, Scope, Write};

/// Where a store takes no commit without an actor.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActorPolicy {
    scopes: Vec<Scope>,
}

impl ActorPolicy {
    pub(crate) fn require_in(&mut self, scope: Scope) {
        self.scopes.push(scope);
    }

    /// Fails if a write needs an actor and has none.
    pub(crate) fn check(&self, batch: &Batch) -> Result<(), Error> {
        if self.scopes.is_empty() {
            return Ok(());
        }
        let anonymous = |write: &&Write| {
            let actor = write.actor.as_ref().or(batch.context.actor.as_ref());
            actor.is_none_or(|actor| actor.trim().is_empty()) && self.covers(write.key.namespace())
        };
        match batch.writes.iter().find(anonymous) {
            None => Ok(()),
            Some(write) => Err(Error::Invalid(format!(
                "{}: this store takes no change there without an actor; say who, with `Context::actor`",
                write.key
            ))),
        }
    }

    fn covers(&self, namespace: &Namespace) -> bool {
        self.scopes.iter().any(|scope| scope.contains(namespace))
    }
}
