use std::fmt;
use std::ops::Deref;

use annals_core::Receipt;

use crate::meta::Meta;
use crate::name::Address;
use crate::{Immutable, Revision, RevisionInfo, State};

/// A revision in the making: what an object will be when the transaction commits.
///
/// Dereferences to the content.
pub struct Draft<T> {
    pub(crate) address: Address,
    pub(crate) content: Immutable<T>,
    /// The bytes of the content, `None` if it is not to be remembered.
    pub(crate) size: Option<usize>,
    pub(crate) origin: Origin,
}

/// Where the content of a draft comes from.
#[derive(Clone)]
pub(crate) enum Origin {
    /// There was nothing to write: it is this revision.
    Kept(RevisionInfo),
    /// It was written in this transaction.
    Written(Written),
}

/// What a transaction wrote of a revision beside its content.
#[derive(Clone)]
pub(crate) struct Written {
    pub(crate) meta: Meta,
    /// Who and why; the empty text is none.
    pub(crate) said: [String; 2],
}

impl Written {
    pub(crate) fn info(&self, address: &Address, receipt: &Receipt) -> RevisionInfo {
        RevisionInfo::new(address, self.meta.clone(), &receipt.commit, self.said.clone(), None)
    }
}

impl<T> Draft<T> {
    /// Returns the draft that leaves `revision` as it is.
    pub(crate) fn kept(revision: &Revision<T>) -> Draft<T> {
        Draft {
            address: revision.info().address().clone(),
            content: revision.content().clone(),
            size: None,
            origin: Origin::Kept(revision.info().clone()),
        }
    }

    /// Returns the draft of what was written.
    pub(crate) fn written(address: Address, content: T, size: usize, written: Written) -> Draft<T> {
        let (content, origin) = (Immutable::new(content), Origin::Written(written));
        Draft { address, content, size: Some(size), origin }
    }

    /// Returns the name of the object.
    #[must_use]
    pub fn name(&self) -> &str {
        self.address.name()
    }

    /// Returns the version that the revision will have.
    #[must_use]
    pub fn version(&self) -> u64 {
        match &self.origin {
            Origin::Kept(info) => info.version(),
            Origin::Written(written) => written.meta.version,
        }
    }

    /// Returns [`State::Transient`], or the state of the revision that there was nothing to change in.
    #[must_use]
    pub fn state(&self) -> State {
        match &self.origin {
            Origin::Kept(info) => info.state(),
            Origin::Written(_) => State::Transient,
        }
    }

    /// Returns the revision that the transaction's `receipt` made of this, `None` if it made none: it
    /// wrote nothing, or it was [a repetition](Receipt::repeated), and the first commit counts.
    ///
    /// Of several drafts of one object in one transaction the last one counts.
    #[must_use]
    pub fn into_revision(self, receipt: Option<&Receipt>) -> Option<Revision<T>> {
        let info = match (&self.origin, receipt) {
            (Origin::Kept(info), _) => info.clone(),
            (Origin::Written(written), Some(receipt)) if !receipt.repeated => {
                written.info(&self.address, receipt)
            }
            _ => return None,
        };
        Some(Revision::new(info, self.content))
    }
}

impl<T> Deref for Draft<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.content
    }
}

impl<T> Clone for Draft<T> {
    fn clone(&self) -> Draft<T> {
        let Draft { address, content, size, origin } = self;
        Draft { address: address.clone(), content: content.clone(), size: *size, origin: origin.clone() }
    }
}

/// Shows which revision it is to be, never its content.
impl<T> fmt::Debug for Draft<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("name", &self.name())
            .field("version", &self.version())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
