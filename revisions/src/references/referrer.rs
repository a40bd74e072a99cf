use std::fmt;

use annals_core::{Action, Change, Field, Namespace, TransactionRecord, codec};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Error;
use crate::name::Address;

/// The token below a collection under which stand, for each of its objects, those that refer to it.
pub(crate) const REFERRERS: &str = "__referrers";

/// An object that refers to another one, and by which attribute.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Referrer {
    collection: Namespace,
    name: String,
    attribute: String,
}

/// How a referrer is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    collection: String,
    name: String,
    attribute: String,
}

impl Referrer {
    pub(super) fn new(object: &Address, attribute: &str) -> Referrer {
        let (collection, name) = (object.collection(), object.name().to_owned());
        Referrer { collection, name, attribute: attribute.to_owned() }
    }

    /// Returns the collection of the object that refers.
    #[must_use]
    pub fn collection(&self) -> &Namespace {
        &self.collection
    }

    /// Returns the name of the object that refers.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the attribute by which it does.
    #[must_use]
    pub fn attribute(&self) -> &str {
        &self.attribute
    }

    pub(super) fn address(&self) -> Result<Address, Error> {
        Address::new(&self.collection, &self.name)
    }

    /// Returns the field that holds this referrer: a digest of it, since a key has less room than two names
    /// may need.
    pub(super) fn field(&self) -> Result<Field, Error> {
        let mut digest = Sha256::new();
        for part in [self.collection.as_str(), &self.name, &self.attribute] {
            digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(part);
        }
        let mut field = "r".to_owned();
        for byte in digest.finalize().iter().take(16) {
            field.push_str(&format!("{byte:02x}"));
        }
        Ok(Field::new(&field)?)
    }

    pub(super) fn to_stored(&self) -> impl Serialize {
        let Referrer { collection, name, attribute } = self.clone();
        Stored { collection: collection.to_string(), name, attribute }
    }

    /// Returns the referrers that a record of them holds: one read of it.
    pub(super) fn all(record: &TransactionRecord<'_>) -> Result<Vec<Referrer>, Error> {
        let mut referrers = Vec::new();
        for (field, action) in record.values()? {
            let bytes = if let Action::Set(bytes) = &action { Some(bytes) } else { None };
            let stored = match bytes.map(|bytes| codec::decode(bytes)) {
                Some(Ok(stored)) => Some(stored),
                // Says what is wrong, and where.
                _ => record.get(field)?,
            };
            referrers.extend(stored.map(Referrer::read).transpose()?);
        }
        Ok(referrers)
    }

    /// Returns the referrer that a change of a record of them holds, `None` if that was taken out.
    pub(super) fn of_change(change: &Change) -> Result<Option<Referrer>, Error> {
        change.get()?.map(Referrer::read).transpose()
    }

    fn read(Stored { collection, name, attribute }: Stored) -> Result<Referrer, Error> {
        Ok(Referrer { collection: Namespace::new(&collection)?, name, attribute })
    }
}

/// Writes the referrer as errors call it: `the object`, its name, its collection, the attribute.
impl fmt::Display for Referrer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address() {
            Ok(address) => write!(f, "{address} refers by `{}`", self.attribute),
            Err(_) => write!(f, "an object of {} refers by `{}`", self.collection, self.attribute),
        }
    }
}

impl fmt::Debug for Referrer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Returns the record of those that refer to `target`.
pub(super) fn record_of_referrers(target: &Address) -> Result<Namespace, Error> {
    Ok(target.collection().join(REFERRERS)?.join(target.token())?)
}

/// Returns whether `namespace` tells of referrers to objects of `collection`.
pub(crate) fn is_of_referrers(collection: &Namespace, namespace: &Namespace) -> bool {
    let below = namespace.as_str().strip_prefix(collection.as_str()).and_then(|rest| rest.strip_prefix('/'));
    below.and_then(|rest| rest.strip_prefix(REFERRERS)).is_some_and(|rest| rest.starts_with('/'))
}
