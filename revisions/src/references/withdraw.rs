use annals_core::{Change, Context, Key, Namespace, Scope};

use super::declaration::{REFERENCES, declarations};
use super::declare::CHUNK;
use super::referrer::{REFERRERS, Referrer};
use crate::error::Ended;
use crate::{Error, Object, Revisions};

impl<T: Object> Revisions<T> {
    /// Takes back what was [declared](Revisions::declare_reference) of an attribute: from now on it may hold
    /// anything, and deletions pass over it. Nothing happens if nothing was declared.
    ///
    /// Costs a walk over all that refers to objects of that collection, in commits of some hundred referrers
    /// each.
    ///
    /// # Errors
    /// If the store cannot be written.
    #[track_caller]
    pub fn withdraw_reference(&self, attribute: &str) -> Result<(), Error> {
        let withdrawn = self.store.try_commit(Context::new(), |tx| {
            let mut declared = declarations(tx, &self.collection).map_err(Ended::Own)?;
            let withdrawn = declared.remove(attribute);
            if withdrawn.is_some() {
                tx.record(&self.collection)?.set(REFERENCES, &declared)?;
            }
            Ok(withdrawn)
        });
        match withdrawn.map_err(Ended::<Error>::into_own)?.value {
            Some(withdrawn) => self.forget_referrers(attribute, &withdrawn.target()?),
            None => Ok(()),
        }
    }

    /// Takes out of the records of referrers what a declaration left there that is none any more.
    pub(super) fn forget_referrers(&self, attribute: &str, target: &Namespace) -> Result<(), Error> {
        let at = self.store.snapshot()?;
        let referrers = at.entries(&Scope::Under(target.join(REFERRERS)?));
        let mut left = referrers.filter_map(|change| self.left_by(change, attribute).transpose()).peekable();
        while left.peek().is_some() {
            let chunk: Vec<Key> = left.by_ref().take(CHUNK).collect::<Result<_, _>>()?;
            let forgotten = self.store.try_commit(Context::new(), |tx| {
                if declarations(tx, &self.collection).map_err(Ended::Own)?.contains_key(attribute) {
                    return Ok(());
                }
                for key in &chunk {
                    match tx.record(key.namespace())?.delete(key.field()) {
                        Err(annals_core::Error::NotFound { .. }) => {}
                        answer => answer?,
                    }
                }
                Ok(())
            });
            forgotten.map_err(Ended::<Error>::into_own)?;
        }
        Ok(())
    }

    /// Returns the key of a referrer if it refers by this attribute of this collection.
    fn left_by(
        &self,
        change: Result<Change, annals_core::Error>,
        attribute: &str,
    ) -> Result<Option<Key>, Error> {
        let change = change?;
        let ours = Referrer::of_change(&change)?
            .is_some_and(|left| *left.collection() == self.collection && left.attribute() == attribute);
        Ok(ours.then_some(change.entry.key))
    }
}
