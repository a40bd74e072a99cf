use annals_core::codec;
use annals_core::{Conflict, ErrorKind, NameError, Namespace};

use crate::name::shown;
use crate::{Referrer, State};

/// What a collection answers with when something cannot be done.
///
/// Texts carry names, versions and positions, never a stored value. Act on [`Error::kind`].
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store cannot do it, another commit was first, or what is stored is damaged or erased.
    #[error(transparent)]
    Core(annals_core::Error),

    /// A text is no name of an object.
    #[error("the object name `{name}` is not valid: {rule}")]
    Name {
        /// The name, shortened and with control characters escaped.
        name: String,
        /// The rule that it breaks.
        rule: &'static str,
    },

    /// There is no such object, or this handle does not show it.
    #[error("{object} does not exist")]
    NoObject {
        /// The collection and the object's name.
        object: String,
    },

    /// There is such an object, in a state in which this cannot be done to it.
    #[error("{object} is {state}")]
    WrongState {
        /// The collection and the object's name.
        object: String,
        /// The state that it is in.
        state: State,
    },

    /// There is no such revision of the object.
    #[error("{object} has no such revision")]
    NoRevision {
        /// The collection and the object's name.
        object: String,
    },

    /// The object was purged, so that there is nothing to bring back.
    #[error("{object} was purged; it can be inserted anew")]
    Purged {
        /// The collection and the object's name.
        object: String,
    },

    /// The object cannot be deleted, since others refer to it, or to what would go with it, and
    /// [restrict](crate::OnDelete::Restrict) that. Nothing was written.
    #[error("{object} cannot be deleted: {}", told(by))]
    Restricted {
        /// The collection and the object's name.
        object: String,
        /// Who refers to what would be deleted.
        by: Vec<Referrer>,
    },

    /// The object would refer to one that does not exist.
    #[error("{object} refers by `{attribute}` to {target}, which does not exist")]
    NoTarget {
        /// The collection and the object's name.
        object: String,
        /// The attribute.
        attribute: String,
        /// The collection and the name of what does not exist.
        target: String,
    },

    /// An attribute that is to refer to objects holds no name.
    #[error(
        "{object} has an attribute `{attribute}` that is to hold the name of an object, or null, or a list of names, and does not"
    )]
    NoReference {
        /// The collection and the object's name.
        object: String,
        /// The attribute.
        attribute: String,
    },

    /// A deletion rule does not fit the collection's type, or needs a function that this program has not
    /// declared.
    #[error("the deletion rule of `{attribute}` of {collection} {problem}")]
    Rule {
        /// The collection that refers.
        collection: Namespace,
        /// The attribute.
        attribute: String,
        /// What is wrong, and what to do.
        problem: String,
    },

    /// A deletion would reach beyond the filter of the handle.
    #[error(
        "{object} cannot be deleted through this handle: {other} would go with it or change, and is beyond the filter"
    )]
    BeyondFilter {
        /// The collection and the object's name.
        object: String,
        /// The object that the filter does not accept.
        other: String,
    },

    /// What a revision holds does not fit the collection's type.
    #[error(
        "{object}, version {version}{}, is not of the collection's type: {problem}; \
         `Revisions::untyped` reads it",
        of_attribute(.attribute)
    )]
    Unfit {
        /// The collection and the object's name.
        object: String,
        /// The revision.
        version: u64,
        /// The attribute that does not fit, or is missing; `None` if it cannot be told.
        attribute: Option<String>,
        /// What does not fit.
        problem: codec::Error,
    },

    /// A revision is of a type version from which no upcaster leads to that of the collection: one that a newer
    /// program wrote, perhaps.
    #[error(
        "{object}, version {version}, is of {stored}, and no upcaster leads from there to {wanted}; \
         `Revisions::untyped` reads it",
        stored = type_version(.stored),
        wanted = type_version(.wanted)
    )]
    TypeVersion {
        /// The collection and the object's name.
        object: String,
        /// The revision.
        version: u64,
        /// The type version that it is of, empty for the one without a name.
        stored: String,
        /// The type version of the collection.
        wanted: String,
    },

    /// The upcasters of a collection do not lead each to its type version.
    #[error("the upcasters of {collection} are no chain: {problem}")]
    Upcasters {
        /// The collection.
        collection: String,
        /// What is wrong with which of them.
        problem: String,
    },
}

fn of_attribute(attribute: &Option<String>) -> String {
    attribute.as_deref().map_or(String::new(), |name| format!(", attribute `{}`", shown(name)))
}

/// Returns what errors call a type version.
pub(crate) fn type_version(name: &str) -> String {
    match name {
        "" => "the type version without a name".to_owned(),
        name => format!("the type version `{}`", shown(name)),
    }
}

impl Error {
    /// Returns what the error means to a caller.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Core(error) => error.kind(),
            Error::Name { .. }
            | Error::WrongState { .. }
            | Error::Restricted { .. }
            | Error::NoReference { .. }
            | Error::Rule { .. }
            | Error::BeyondFilter { .. }
            | Error::Upcasters { .. } => ErrorKind::Invalid,
            Error::NoObject { .. } | Error::NoRevision { .. } | Error::NoTarget { .. } => ErrorKind::NotFound,
            Error::Purged { .. } => ErrorKind::Erased,
            Error::Unfit { .. } | Error::TypeVersion { .. } => ErrorKind::TypeMismatch,
        }
    }

    /// Returns whether another commit was first.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.kind() == ErrorKind::Conflict
    }

    /// Returns the conflict, if that is what the error is: it names the commit that was first.
    #[must_use]
    pub fn conflict(&self) -> Option<&Conflict> {
        match self {
            Error::Core(error) => error.conflict(),
            _ => None,
        }
    }
}

/// Returns the first of those who refer, and how many others do.
fn told(by: &[Referrer]) -> String {
    let first = by.first().map(|first| format!("{first} to what would be deleted")).unwrap_or_default();
    match by.len() {
        0 | 1 => first,
        more => format!("{first}, and {} more do", more - 1),
    }
}

impl From<annals_core::Error> for Error {
    fn from(error: annals_core::Error) -> Error {
        Error::Core(error)
    }
}

impl From<NameError> for Error {
    fn from(error: NameError) -> Error {
        Error::Core(error.into())
    }
}

/// What ends a commit: an error of ours or of core's, or the caller's own.
pub(crate) enum Ended<E> {
    Core(annals_core::Error),
    Own(E),
}

impl<E> From<annals_core::Error> for Ended<E> {
    fn from(error: annals_core::Error) -> Ended<E> {
        Ended::Core(error)
    }
}

impl<E: From<Error>> Ended<E> {
    pub(crate) fn into_own(self) -> E {
        match self {
            Ended::Core(error) => Error::from(error).into(),
            Ended::Own(error) => error,
        }
    }
}
