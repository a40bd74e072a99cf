use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use annals_core::{Condition, Field, Key, Namespace, Transaction};
use serde::{Deserialize, Serialize};

use super::on_delete::{NewName, Rule};
use crate::Error;

/// The field of a collection's own record that says which attributes refer to which collections.
pub(super) const REFERENCES: &str = "__references";

/// The declared references of a collection, by attribute.
pub(super) type Declarations = BTreeMap<String, Declaration>;

/// What an attribute refers to, and what becomes of it when that is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Declaration {
    pub(super) to: String,
    pub(super) rule: Rule,
    /// Whether all objects that were there when this was declared stand with those they refer to.
    pub(super) indexed: bool,
}

impl Declaration {
    pub(super) fn target(&self) -> Result<Namespace, Error> {
        Ok(Namespace::new(&self.to)?)
    }

    /// Returns whether what the attribute names has to exist.
    pub(super) fn is_checked(&self) -> bool {
        self.rule != Rule::DoNothing
    }
}

/// Returns the key that holds the declared references of a collection.
pub(super) fn key(collection: &Namespace) -> Result<Key, Error> {
    Ok(Key::new(collection.clone(), Field::new(REFERENCES)?)?)
}

/// Returns the declared references of a collection, on condition that they stay so until the transaction
/// commits.
pub(super) fn declarations(tx: &Transaction<'_>, collection: &Namespace) -> Result<Declarations, Error> {
    tx.rely_on(Condition::KeyUnchanged { key: key(collection)?, since: tx.position() });
    Ok(tx.record(collection)?.get(REFERENCES)?.unwrap_or_default())
}

/// The functions that rules name, as far as this program has declared them to a store.
#[derive(Default)]
pub(super) struct NewNames(RwLock<HashMap<(Namespace, String), NewName>>);

impl NewNames {
    pub(super) fn declare(&self, collection: &Namespace, attribute: &str, new_name: NewName) {
        let mut declared = self.0.write().unwrap_or_else(PoisonError::into_inner);
        declared.insert((collection.clone(), attribute.to_owned()), new_name);
    }

    pub(super) fn get(&self, collection: &Namespace, attribute: &str) -> Option<NewName> {
        let declared = self.0.read().unwrap_or_else(PoisonError::into_inner);
        declared.get(&(collection.clone(), attribute.to_owned())).map(Arc::clone)
    }
}

impl fmt::Debug for NewNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewNames").finish_non_exhaustive()
    }
}
