//! Immutable values, and objects whose every revision is kept.
//!
//! # Immutable values
//!
//! An [`Immutable`] value never changes: an update makes a new one. [`List`], [`Map`] and [`Set`] are collections for such
//! values: they stand inside one another to any depth, and a version shares with the others all that they have in
//! common, so that a thousand versions of a large document take hardly more memory than the document.
//!
//! ```
//! use annals_revisions::{Immutable, List, Map};
//!
//! type Chapter = Map<String, List<String>>;
//!
//! let mut book: List<Chapter> = List::new();
//! book.push(Map::from([("pages".to_owned(), List::from(["Once".to_owned()]))]));
//! let first = Immutable::new(book);
//!
//! let second = first.update(|draft| draft[0]["pages"].push("upon a time".to_owned()));
//! assert_eq!((first[0]["pages"].len(), second[0]["pages"].len()), (1, 2));
//!
//! // A change that fails, or panics, leaves nothing behind.
//! let failed = first.try_update(|draft| {
//!     draft.clear();
//!     Err("not today")
//! });
//! assert_eq!(failed, Err("not today"));
//! assert_eq!(first.len(), 1);
//! ```

mod attributes;
mod collection;
mod draft;
mod error;
mod escape;
mod history;
mod hooks;
mod immutable;
mod kept;
mod members;
mod meta;
mod name;
mod purge;
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
pub use immutable::*;
pub use meta::State;
pub use name::NAME_BYTES_MAX;
pub use revision::{Revision, RevisionInfo};
pub use tracking::{ATTRIBUTE_DESCRIPTION, DELETION_DESCRIPTION, OBJECT_DESCRIPTION, Tracking};
pub use transaction::TransactionRevisions;
