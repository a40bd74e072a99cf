use std::sync::Arc;

use annals_core::{Action, Condition, Field, Transaction, TransactionRecord};

use crate::attributes::{Attributes, Difference, is_attribute};
use crate::meta::{META, Meta};
use crate::name::Address;
use crate::read::no_object;
use crate::tracking::Telling;
use crate::{Error, State};

/// An object as a transaction that may write it sees it.
#[derive(Clone)]
pub(crate) struct Seen<'a> {
    pub(crate) address: Address,
    pub(crate) record: TransactionRecord<'a>,
    /// What its newest revision says of itself, `None` if it never was; of what this transaction wrote, if
    /// it did.
    pub(crate) meta: Option<Meta>,
    pub(crate) written: bool,
}

impl<'a> Seen<'a> {
    /// Returns the object as it is, on condition that it stays so until the transaction commits.
    pub(crate) fn see(tx: &'a Transaction<'_>, address: Address) -> Result<Seen<'a>, Error> {
        tx.rely_on(Condition::KeyUnchanged { key: address.meta().clone(), since: tx.position() });
        Seen::look(tx, address)
    }

    /// Returns the object as it is.
    pub(crate) fn look(tx: &'a Transaction<'_>, address: Address) -> Result<Seen<'a>, Error> {
        let record = tx.record(address.namespace())?;
        let (meta, written) = (record.get(META)?, record.is_written(META)?);
        Ok(Seen { address, record, meta, written })
    }

    /// Returns whether the object was inserted, and was not deleted since.
    pub(crate) fn exists(&self) -> bool {
        self.meta.as_ref().is_some_and(Meta::exists)
    }

    /// Returns what the revision that is being made says of itself.
    pub(crate) fn next(&self, state: State) -> Meta {
        let version = match &self.meta {
            None => 1,
            Some(meta) if self.written => meta.version,
            Some(meta) => meta.version + 1,
        };
        let single = self.meta.as_ref().is_some_and(|meta| meta.single);
        let type_version = self.type_version().to_owned();
        Meta {
            version,
            state,
            restored_from: None,
            consequence_of: None,
            type_version,
            single,
            purged: false,
        }
    }

    /// Returns the type version of which the stored content is.
    pub(crate) fn type_version(&self) -> &str {
        self.meta.as_ref().map_or("", |meta| &meta.type_version)
    }

    /// Returns the object's meta if it is in one of these states.
    pub(crate) fn in_state(&self, states: &[State]) -> Result<&Meta, Error> {
        match &self.meta {
            None => Err(no_object(&self.address)),
            Some(meta) if states.contains(&meta.state) => Ok(meta),
            Some(Meta { state: State::Deleted, .. }) => Err(no_object(&self.address)),
            Some(Meta { state, .. }) => {
                Err(Error::WrongState { object: self.address.to_string(), state: *state })
            }
        }
    }

    /// Writes a revision: the attributes that differ, and what it says of itself.
    pub(crate) fn write(
        &self,
        telling: &Telling,
        meta: &Meta,
        difference: &Difference<'_>,
    ) -> Result<(), Error> {
        let attributes = telling.of_attributes(self.record.clone());
        for (field, bytes) in &difference.set {
            attributes.set_encoded(*field, Arc::clone(bytes))?;
        }
        for field in &difference.deleted {
            match attributes.delete(*field) {
                // A member that this type leaves out by itself was never stored.
                Err(annals_core::Error::NotFound { .. }) => {}
                answer => answer?,
            }
        }
        Ok(telling.of_object(self.record.clone()).set(META, meta)?)
    }

    /// Returns the attributes that are stored, and those fields whose values were erased.
    pub(crate) fn attributes(&self) -> Result<(Attributes, Vec<Field>), Error> {
        let single = self.meta.as_ref().is_some_and(|meta| meta.single);
        let mut attributes = Attributes { single, ..Attributes::default() };
        let mut erased = Vec::new();
        for (field, action) in self.record.values()? {
            match action {
                _ if !is_attribute(&field) => {}
                Action::Set(bytes) => drop(attributes.fields.insert(field, bytes)),
                Action::Deleted | Action::Erased { .. } => erased.push(field),
            }
        }
        Ok((attributes, erased))
    }
}
