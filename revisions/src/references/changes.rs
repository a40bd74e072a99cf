use std::collections::BTreeSet;

use annals_core::codec::{self, Value};
use annals_core::{Condition, Transaction};

use super::declaration::{Declaration, declarations};
use super::names::names;
use super::referrer::{Referrer, record_of_referrers};
use crate::Error;
use crate::attributes::{Difference, field};
use crate::meta::{META, Meta};
use crate::name::Address;
use crate::seen::Seen;

/// What a revision changes in whom its object refers to.
///
/// An object that exists stands with each object that it refers to by a declared attribute, and nobody else
/// does: all writes of objects keep that so.
pub(crate) struct ReferenceChanges {
    object: Address,
    added: Vec<Reference>,
    removed: Vec<Reference>,
}

struct Reference {
    attribute: String,
    target: Address,
    /// Whether the target has to exist.
    checked: bool,
}

impl ReferenceChanges {
    /// Returns what changes when an object becomes what `meta` and `difference` say, which is not written yet.
    pub(crate) fn of(
        tx: &Transaction<'_>,
        seen: &Seen<'_>,
        meta: &Meta,
        difference: &Difference<'_>,
    ) -> Result<ReferenceChanges, Error> {
        let (existed, exists) = (seen.exists(), meta.exists());
        let mut changes = ReferenceChanges { object: seen.address.clone(), added: vec![], removed: vec![] };
        for (attribute, declaration) in declarations(tx, &seen.address.collection())? {
            let field = field(&attribute)?;
            let written = difference.of(&field);
            if existed && exists && written.is_none() {
                continue;
            }
            let stored = stored(seen, &attribute)?;
            let after = match written {
                None => stored.clone(),
                Some(None) => None,
                Some(Some(bytes)) => codec::decode(bytes).ok(),
            };
            // What was stored before it was declared may be anything.
            let before = stored.filter(|_| existed).unwrap_or(Value::Null);
            let before: BTreeSet<&str> = names(&before).into_iter().flatten().collect();
            let after = after.filter(|_| exists).unwrap_or(Value::Null);
            let after = names(&after).ok_or_else(|| no_reference(&seen.address, &attribute))?;
            let after: BTreeSet<&str> = after.into_iter().collect();
            for name in after.difference(&before) {
                changes.added.push(Reference::new(&attribute, &declaration, name)?);
            }
            for name in before.difference(&after) {
                changes.removed.extend(Reference::new(&attribute, &declaration, name).ok());
            }
        }
        Ok(changes)
    }

    /// Writes the changes, after the object was written.
    ///
    /// # Errors
    /// [`Error::NoTarget`] if it refers to what does not exist.
    pub(crate) fn write(&self, tx: &Transaction<'_>) -> Result<(), Error> {
        for Reference { attribute, target, .. } in &self.removed {
            let field = Referrer::new(&self.object, attribute).field()?;
            match tx.record(&record_of_referrers(target)?)?.delete(field) {
                // It stood there before the reference was declared, and was not brought to the target yet.
                Err(annals_core::Error::NotFound { .. }) => {}
                answer => answer?,
            }
        }
        if let Some(missing) = self.missing(tx, |_| false)? {
            return Err(missing);
        }
        for Reference { attribute, target, .. } in &self.added {
            let referrer = Referrer::new(&self.object, attribute);
            tx.record(&record_of_referrers(target)?)?.set(referrer.field()?, &referrer.to_stored())?;
        }
        Ok(())
    }

    /// Returns the error of the first object that has to exist and neither does nor is expected to.
    pub(super) fn missing(
        &self,
        tx: &Transaction<'_>,
        expected: impl Fn(&Address) -> bool,
    ) -> Result<Option<Error>, Error> {
        for Reference { attribute, target, .. } in self.added.iter().filter(|reference| reference.checked) {
            if !expected(target) && !exists(tx, target)? {
                return Ok(Some(no_target(&self.object, attribute, target)));
            }
        }
        Ok(None)
    }
}

impl Reference {
    fn new(attribute: &str, declaration: &Declaration, name: &str) -> Result<Reference, Error> {
        let target = Address::new(&declaration.target()?, name)?;
        Ok(Reference { attribute: attribute.to_owned(), target, checked: declaration.is_checked() })
    }
}

/// Returns what an attribute of an object holds, `None` if that is nothing, or was erased.
pub(super) fn stored(seen: &Seen<'_>, attribute: &str) -> Result<Option<Value>, Error> {
    match seen.record.get(field(attribute)?) {
        Err(annals_core::Error::Erased { .. }) => Ok(None),
        answer => Ok(answer?),
    }
}

/// Returns whether an object exists, on condition that it stays so until the transaction commits.
pub(super) fn exists(tx: &Transaction<'_>, target: &Address) -> Result<bool, Error> {
    tx.rely_on(Condition::KeyUnchanged { key: target.meta().clone(), since: tx.position() });
    let meta: Option<Meta> = tx.record(target.namespace())?.get(META)?;
    Ok(meta.is_some_and(|meta| meta.exists()))
}

pub(super) fn no_target(object: &Address, attribute: &str, target: &Address) -> Error {
    let (object, target) = (object.to_string(), target.to_string());
    Error::NoTarget { object, attribute: attribute.to_owned(), target }
}

pub(super) fn no_reference(object: &Address, attribute: &str) -> Error {
    Error::NoReference { object: object.to_string(), attribute: attribute.to_owned() }
}
