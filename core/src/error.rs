use std::fmt;
use std::sync::Arc;

use crate::log::{Conflict, Key, Position};

/// What core and every driver answer with when something cannot be done.
///
/// Texts carry names, positions and sizes, never a stored value. Act on [`Error::kind`].
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A namespace or field is not allowed.
    #[error(transparent)]
    Name(#[from] NameError),

    /// Another commit was first.
    #[error(transparent)]
    Conflict(#[from] Box<Conflict>),

    /// A field that must have a value has none: never set, or deleted.
    #[error("{key} has no value")]
    NotFound {
        /// The key.
        key: Key,
    },

    /// The answer is an entry whose payload was erased.
    #[error("{key}: the value set at {position} was erased")]
    Erased {
        /// The key.
        key: Key,
        /// The entry, not the erasure: that one is a commit in [`ERASURES`](crate::ERASURES).
        position: Position,
    },

    /// Stored bytes are not what was asked for, or are damaged.
    #[error("{key} at {position}: {problem}")]
    Decode {
        /// The key.
        key: Key,
        /// The entry.
        position: Position,
        /// What is wrong with the bytes: the type wanted and the kind stored, or where the damage is.
        problem: annals_codec::Error,
    },

    /// A value cannot be encoded.
    #[error("the value for {what} cannot be stored: {problem}")]
    Encode {
        /// The key, field or tag.
        what: String,
        /// What is wrong with the value.
        problem: annals_codec::Error,
    },

    /// Something is larger than its limit.
    #[error("{what} of {size} bytes is over the limit of {limit} bytes")]
    TooLarge {
        /// What, with the key of a value.
        what: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },

    /// A position lies beyond the end of the log, so reading there could not answer the same for ever.
    #[error("the log ends at {last}; {asked} is beyond it")]
    BeyondEnd {
        /// The position asked for.
        asked: Position,
        /// The last position.
        last: Position,
    },

    /// What was asked for makes no sense; the text says why and what to do.
    #[error("{0}")]
    Invalid(String),

    /// Commits that are to be restored do not continue the log.
    #[error("cannot restore at {position}: {reason}")]
    Restore {
        /// The first position that does not fit.
        position: Position,
        /// Why.
        reason: &'static str,
    },

    /// A dump is damaged.
    #[error("the dump is damaged at byte {offset}: {reason}")]
    Dump {
        /// Where, counted from the start of the dump.
        offset: u64,
        /// How.
        reason: String,
    },

    /// A dump cannot be read or written.
    #[error("the dump cannot be {doing}")]
    DumpIo {
        /// `read` or `written`.
        doing: &'static str,
        /// What the operating system says.
        source: Arc<std::io::Error>,
    },

    /// Values were erased while a dump was written, and it may hold some of them.
    #[error(
        "values were erased by {by} while the dump was written; write it again, and do away with this one"
    )]
    ErasedMeanwhile {
        /// Where the commit ends that erased them.
        by: Position,
    },

    /// The place where the log lives cannot do it.
    #[error(transparent)]
    Driver(#[from] DriverError),
}

/// What an error means to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no value.
    NotFound,
    /// Another commit was first: read again and decide anew.
    Conflict,
    /// The call itself is wrong.
    Invalid,
    /// The stored value is of another type than was asked for.
    TypeMismatch,
    /// Stored bytes are damaged.
    Corrupt,
    /// The payload was erased.
    Erased,
    /// The place can be reached, and there is no log yet.
    Missing,
    /// The store cannot be reached or opened.
    Unavailable,
    /// Others hold the store; trying again later may help.
    Busy,
    /// There is no room left.
    Full,
    /// The store cannot be written.
    ReadOnly,
    /// The store was written by a newer version.
    NewerFormat,
    /// An earlier failure left the disk's state unknown: open the store anew.
    Poisoned,
    /// Whether the commit was stored is not known: append it again under the same given id, or look
    /// for it by its id.
    Unknown,
    /// The driver cannot do this.
    Unsupported,
    /// Anything else.
    Other,
}

impl Error {
    /// Returns what the error means to a caller.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Name(_)
            | Error::Encode { .. }
            | Error::TooLarge { .. }
            | Error::BeyondEnd { .. }
            | Error::Restore { .. }
            | Error::Invalid(_) => ErrorKind::Invalid,
            Error::Conflict(_) => ErrorKind::Conflict,
            Error::NotFound { .. } => ErrorKind::NotFound,
            Error::Erased { .. } => ErrorKind::Erased,
            Error::Decode { problem: annals_codec::Error::TypeMismatch { .. }, .. } => {
                ErrorKind::TypeMismatch
            }
            Error::Decode { .. } | Error::Dump { .. } => ErrorKind::Corrupt,
            Error::DumpIo { .. } => ErrorKind::Other,
            Error::ErasedMeanwhile { .. } => ErrorKind::Busy,
            Error::Driver(error) => error.kind,
        }
    }

    /// Returns whether another commit was first.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.kind() == ErrorKind::Conflict
    }

    /// Returns the conflict, if that is what the error is.
    #[must_use]
    pub fn conflict(&self) -> Option<&Conflict> {
        match self {
            Error::Conflict(conflict) => Some(conflict),
            _ => None,
        }
    }
}

impl From<Conflict> for Error {
    fn from(conflict: Conflict) -> Error {
        Error::Conflict(Box::new(conflict))
    }
}

/// Names that are names already cannot fail to become one.
impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Error {
        match never {}
    }
}

/// A name that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{name}` is not valid: {rule}")]
#[non_exhaustive]
pub struct NameError {
    /// `namespace` or `field`.
    pub what: &'static str,
    /// The name, shortened to 80 characters and with control characters escaped.
    pub name: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

impl NameError {
    const SHOWN_MAX: usize = 80;

    pub(crate) fn new(what: &'static str, name: &str, rule: &'static str) -> NameError {
        let mut shown: String = name.chars().take(Self::SHOWN_MAX).flat_map(char::escape_debug).collect();
        if name.chars().nth(Self::SHOWN_MAX).is_some() {
            shown.push('…');
        }
        NameError { what, name: shown, rule }
    }
}

/// What a driver says of its place: of which kind, where, and what happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DriverError {
    /// What it means to a caller.
    pub kind: ErrorKind,
    /// Where the log lives, without secrets: `sqlite:game.db`.
    pub store: String,
    /// What happened and what to do, in words, without values.
    pub message: String,
    /// What the library underneath says.
    pub source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl DriverError {
    /// Returns an error of `kind` about `store`.
    #[must_use]
    pub fn new(kind: ErrorKind, store: impl Into<String>, message: impl Into<String>) -> DriverError {
        DriverError { kind, store: store.into(), message: message.into(), source: None }
    }

    /// Keeps what the library underneath says as the source.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> DriverError {
        self.source = Some(Arc::new(source));
        self
    }
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.store, self.message)
    }
}

impl std::error::Error for DriverError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
