use annals_core::Namespace;

use crate::ObjectAction;
use crate::name::Address;

/// An object that a deletion concerns, and what it does to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affected {
    collection: Namespace,
    name: String,
    depth: usize,
    attributes: Vec<String>,
}

impl Affected {
    /// Returns what a deletion does to an object: sets these attributes, or deletes it if there are none.
    pub(super) fn new(address: &Address, depth: usize, attributes: Vec<String>) -> Affected {
        Affected { collection: address.collection(), name: address.name().to_owned(), depth, attributes }
    }

    /// Returns the collection of the object.
    #[must_use]
    pub fn collection(&self) -> &Namespace {
        &self.collection
    }

    /// Returns the name of the object.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns [`ObjectAction::Delete`], or [`ObjectAction::Update`] where a rule sets an attribute.
    #[must_use]
    pub fn action(&self) -> ObjectAction {
        if self.attributes.is_empty() { ObjectAction::Delete } else { ObjectAction::Update }
    }

    /// Returns the attributes that are set.
    #[must_use]
    pub fn attributes(&self) -> &[String] {
        &self.attributes
    }

    /// Returns how many references lead to the object that is to be deleted, by the shortest way: 0 for that
    /// object itself.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }
}
