use std::sync::Arc;

use annals_core::{Condition, Context, Field, Transaction};

use super::changes::ReferenceChanges;
use super::planner::Planner;
use super::referrer::Referrer;
use crate::attributes::Difference;
use crate::meta::Meta;
use crate::seen::Seen;
use crate::tracking::Telling;
use crate::{Affected, Error, Object, State, TransactionRevisions};

/// The deletion of an object: all that goes with it or changes, and who stands in the way.
pub(super) struct Deletion<'a> {
    /// The object itself first.
    pub(super) steps: Vec<Step<'a>>,
    pub(super) restricted_by: Vec<Referrer>,
    /// What has to hold for the rest to be so.
    pub(super) conditions: Vec<Condition>,
}

/// What is done to one object.
pub(super) struct Step<'a> {
    pub(super) affected: Affected,
    pub(super) seen: Seen<'a>,
    /// The attributes that are set; the object is deleted if there are none.
    pub(super) set: Vec<(Field, Arc<[u8]>)>,
}

impl Deletion<'_> {
    pub(super) fn affected(&self) -> impl Iterator<Item = &Affected> {
        self.steps.iter().map(|step| &step.affected)
    }

    /// Writes what is to be done; of the object itself `meta` and `difference`. `told` says who and why of
    /// each of the others.
    fn write(
        &self,
        tx: &Transaction<'_>,
        telling: &Telling,
        meta: &Meta,
        difference: &Difference<'_>,
        told: &dyn Fn(&Affected) -> Context,
    ) -> Result<(), Error> {
        let root = self.steps.first().map(|step| step.seen.address.namespace().to_string());
        let mut references = Vec::with_capacity(self.steps.len());
        for (index, step) in self.steps.iter().enumerate() {
            let Step { affected, seen, .. } = step;
            let reference = if index == 0 {
                let reference = ReferenceChanges::of(tx, seen, meta, difference)?;
                seen.write(telling, meta, difference)?;
                reference
            } else {
                let (meta, difference) = (step.meta(root.clone()), step.difference());
                let reference = ReferenceChanges::of(tx, seen, &meta, &difference)?;
                seen.write(&telling.of_consequence(told(affected)), &meta, &difference)?;
                reference
            };
            references.push(reference);
        }
        // Only now it is seen what is deleted.
        references.iter().try_for_each(|changes| changes.write(tx))
    }
}

impl Step<'_> {
    fn meta(&self, consequence_of: Option<String>) -> Meta {
        let state = self.seen.meta.as_ref().map_or(State::Locked, |meta| meta.state);
        let state = if self.set.is_empty() { State::Deleted } else { state };
        Meta { consequence_of, ..self.seen.next(state) }
    }

    fn difference(&self) -> Difference<'_> {
        Difference {
            set: self.set.iter().map(|(field, bytes)| (field, bytes)).collect(),
            deleted: Vec::new(),
        }
    }
}

impl<T: Object> TransactionRevisions<'_, T> {
    /// Returns an object that may be deleted.
    pub(super) fn see_deletable(&self, name: &str) -> Result<Seen<'_>, Error> {
        let seen = self.see(self.address(name)?)?;
        seen.in_state(&[State::Locked, State::Retired])?;
        self.check_known(&seen)?;
        Ok(seen)
    }

    /// Returns what the deletion of an object does.
    ///
    /// # Errors
    /// [`Error::BeyondFilter`] if it reaches beyond the filter of this handle.
    pub(super) fn plan_deletion<'a>(&'a self, root: &Seen<'a>) -> Result<Deletion<'a>, Error> {
        let deletion = Planner::new(&self.revisions.store, self.tx).plan(root)?;
        if self.revisions.filter.is_some() {
            for Step { seen, .. } in deletion.steps.iter().skip(1) {
                self.check_within_filter(root, seen)?;
            }
        }
        Ok(deletion)
    }

    fn check_within_filter(&self, root: &Seen<'_>, seen: &Seen<'_>) -> Result<(), Error> {
        if seen.address.collection() != self.revisions.collection {
            return Ok(());
        }
        self.check_known(seen).map_err(|error| match error {
            Error::NoObject { object: other } => {
                Error::BeyondFilter { object: root.address.to_string(), other }
            }
            error => error,
        })
    }

    /// Writes the deletion of an object, and what that entails.
    pub(crate) fn write_deletion(
        &self,
        seen: &Seen<'_>,
        telling: &Telling,
        meta: &Meta,
        difference: &Difference<'_>,
        told: &dyn Fn(&Affected) -> Context,
    ) -> Result<(), Error> {
        let deletion = self.plan_deletion(seen)?;
        if deletion.restricted_by.is_empty() {
            return deletion.write(self.tx, telling, meta, difference, told);
        }
        Err(Error::Restricted { object: seen.address.to_string(), by: deletion.restricted_by })
    }
}
