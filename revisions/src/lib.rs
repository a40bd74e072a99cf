//! Immutable values, and objects whose every revision is kept.

mod attributes;
mod collection;
mod draft;
mod error;
mod escape;
mod history;
mod hooks;
mod kept;
mod members;
mod meta;
mod name;
mod read;
mod revision;
mod stored;
mod tracking;
mod transaction;
mod walk;
mod write;

pub use collection::{Object, Revisions};
pub use draft::Draft;
pub use error::Error;
pub use history::{History, RevisionInfos};
pub use meta::State;
pub use name::NAME_BYTES_MAX;
pub use revision::{Revision, RevisionInfo};
pub use tracking::{ATTRIBUTE_DESCRIPTION, DELETION_DESCRIPTION, OBJECT_DESCRIPTION, Tracking};
pub use transaction::TransactionRevisions;
