use std::fmt;
use std::sync::Arc;

use annals_core::{DriverError, Error, ErrorKind};
use postgres::error::{DbError, SqlState};

/// What went wrong inside. It becomes an [`Error`] at the edge, where the store's name is known.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The connection is gone, or was given up, so that nobody knows what became of a request on it.
    Lost(Arc<Cause>),
    /// The connection was lost in a write, and the server could not be asked what became of it.
    Unknown(Arc<Cause>),
    /// The server has undone what was asked for, since others were in the way: it can be asked again.
    Undone(Arc<Said>),
    /// The server has said no.
    Said(Arc<Said>),
    /// What stands in the database is damaged.
    Damaged(String),
    /// The driver itself says no.
    Refused(ErrorKind, String),
    /// Core has the word for it.
    Core(Error),
}

/// Why a connection is gone.
#[derive(Debug)]
pub(crate) enum Cause {
    /// Something on the way to the server.
    Client(postgres::Error),
    /// The server closed it, and said why.
    Server(Said),
    /// There was no answer in time.
    Deadline,
    /// None could be made, or none was free, in time.
    None,
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Failure {
        match error.as_db_error().map(Said::from) {
            Some(said) if said.closes() => Failure::Lost(Arc::new(Cause::Server(said))),
            Some(said) if said.is_undone() => Failure::Undone(Arc::new(said)),
            Some(said) => Failure::Said(Arc::new(said)),
            None => Failure::Lost(Arc::new(Cause::Client(error))),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Core(error)
    }
}

impl Failure {
    /// Returns the failure of a log that was there when it was opened.
    pub(crate) fn no_log() -> Failure {
        Failure::Refused(ErrorKind::Unavailable, "there is no such log any more".into())
    }

    pub(crate) fn lost(cause: Cause) -> Failure {
        Failure::Lost(Arc::new(cause))
    }

    /// Returns whether the server answers with this code.
    pub(crate) fn is(&self, code: &SqlState) -> bool {
        match self {
            Failure::Said(said) | Failure::Undone(said) => said.code == *code,
            Failure::Lost(cause) => matches!(&**cause, Cause::Server(said) if said.code == *code),
            _ => false,
        }
    }

    /// Returns whether the server has done nothing, since what was taken for granted does not hold.
    pub(crate) fn is_of_mistake(&self) -> bool {
        self.is(&SqlState::from_code(Said::MISTAKE))
    }

    /// Returns whether there was no answer by the deadline.
    pub(crate) fn is_late(&self) -> bool {
        matches!(self, Failure::Lost(cause) if matches!(**cause, Cause::Deadline))
    }

    /// Returns the error to answer with, which names the store.
    pub(crate) fn into_error(self, store: &str) -> Error {
        let error = |kind, message: &str| DriverError::new(kind, store, message);
        match self {
            Failure::Lost(cause) => {
                error(ErrorKind::Unavailable, cause.explain()).with_source(Shared(cause)).into()
            }
            Failure::Unknown(cause) => error(ErrorKind::Unknown, UNKNOWN).with_source(Shared(cause)).into(),
            Failure::Undone(said) => error(ErrorKind::Busy, IN_THE_WAY).with_source(Shared(said)).into(),
            Failure::Said(said) => {
                let (kind, message) = said.explain();
                error(kind, message).with_source(Shared(said)).into()
            }
            Failure::Damaged(what) => error(ErrorKind::Corrupt, &what).into(),
            Failure::Refused(kind, message) => error(kind, &message).into(),
            Failure::Core(error) => error,
        }
    }
}

const IN_THE_WAY: &str = "other transactions were in the way again and again; try again later";

const UNKNOWN: &str = "the connection was lost while committing, and the server could not be asked in time \
    whether the commit was stored; append it again under the same given id, or look for it by its id";

impl Cause {
    /// Returns whether the two ends did not come to speak TLS with one another.
    pub(crate) fn is_of_tls(&self) -> bool {
        // The client has no other sign of it.
        matches!(self, Cause::Client(error) if error.to_string().starts_with("error performing TLS handshake"))
    }

    /// Returns whether the server has asked for a password that nobody has given.
    fn is_of_password(&self) -> bool {
        // The client has no other sign of it.
        let cause = std::error::Error::source(self);
        cause.is_some_and(|cause| cause.to_string() == "password missing")
    }

    fn explain(&self) -> &'static str {
        match self {
            Cause::Client(_) if self.is_of_tls() => "the server and this program do not agree on TLS",
            Cause::Client(_) if self.is_of_password() => {
                "the server asks for a password; give one in the URL, in PGPASSWORD or in a password file"
            }
            Cause::Client(_) => "the server cannot be reached, or the connection to it was lost",
            Cause::Server(said) => match said.code {
                SqlState::TOO_MANY_CONNECTIONS => "the server has no connection left for this program",
                _ => "the server has closed the connection",
            },
            Cause::Deadline => "the server has not answered in time",
            Cause::None => "no connection to the server could be had in time",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Client(error) => error.fmt(f),
            Cause::Server(said) => said.fmt(f),
            Cause::Deadline => f.write_str("the deadline has passed"),
            Cause::None => f.write_str("all connections of the pool are in use, or none can be made"),
        }
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Cause::Client(error) => error.source(),
            _ => None,
        }
    }
}

/// What the server has said, without the details, which may quote what was to be stored.
#[derive(Debug)]
pub(crate) struct Said {
    code: SqlState,
    message: String,
    is_fatal: bool,
}

impl From<&DbError> for Said {
    fn from(error: &DbError) -> Said {
        let is_fatal = matches!(error.severity(), "FATAL" | "PANIC");
        Said { code: error.code().clone(), message: error.message().to_owned(), is_fatal }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (SQLSTATE {})", self.message, self.code.code())
    }
}

impl std::error::Error for Said {}

impl Said {
    /// The log that the functions of the schema do not find.
    const NO_LOG: &str = "AN001";
    /// What the functions of the schema are told to take for granted does not hold.
    const MISTAKE: &str = "AN002";
    /// What the functions of the schema are asked for would damage the log.
    const REFUSED: &str = "AN003";

    /// Returns whether the connection is gone with it.
    fn closes(&self) -> bool {
        let ends = [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::TOO_MANY_CONNECTIONS,
            SqlState::IDLE_SESSION_TIMEOUT,
        ];
        ends.contains(&self.code)
            || self.code.code().starts_with("08")
            || (self.is_fatal && !self.explains_refusal())
    }

    /// Returns whether the server refuses this connection for a reason that stays.
    fn explains_refusal(&self) -> bool {
        let reasons = [
            SqlState::INVALID_PASSWORD,
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
            SqlState::INVALID_CATALOG_NAME,
            SqlState::INSUFFICIENT_PRIVILEGE,
        ];
        reasons.contains(&self.code)
    }

    /// Returns whether the server undid it because of others.
    fn is_undone(&self) -> bool {
        // CockroachDB says 40003 where it does not know whether a statement was done.
        self.code == SqlState::T_R_SERIALIZATION_FAILURE || self.code == SqlState::T_R_DEADLOCK_DETECTED
    }

    fn explain(&self) -> (ErrorKind, &'static str) {
        if self.code.code() == Self::NO_LOG {
            return (ErrorKind::Unavailable, "there is no such log any more");
        }
        if self.code.code() == Self::REFUSED || self.code == SqlState::CHECK_VIOLATION {
            return (
                ErrorKind::Invalid,
                "the functions of the schema refuse this, since it would damage the log",
            );
        }
        match self.code {
            SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                (ErrorKind::Unavailable, "the server refuses this user, or the password")
            }
            SqlState::INVALID_CATALOG_NAME => (ErrorKind::Unavailable, "there is no such database"),
            SqlState::UNDEFINED_TABLE | SqlState::INVALID_SCHEMA_NAME => {
                (ErrorKind::Missing, "there are no logs in this schema any more")
            }
            SqlState::UNDEFINED_FUNCTION | SqlState::UNDEFINED_COLUMN => (
                ErrorKind::Unsupported,
                "the schema of the logs is of an older format, which has no place for this; `annals upgrade` \
                 brings it up to date, with the user whose schema it is",
            ),
            SqlState::INSUFFICIENT_PRIVILEGE if self.is_fatal => {
                (ErrorKind::Unavailable, "the user may not enter this database; grant it CONNECT")
            }
            SqlState::INSUFFICIENT_PRIVILEGE => (
                ErrorKind::ReadOnly,
                "the user may not do this; see which rights a user needs in docs/drivers.md",
            ),
            SqlState::READ_ONLY_SQL_TRANSACTION => (
                ErrorKind::ReadOnly,
                "the server only reads: it is a standby, or its transactions are read-only unless set otherwise",
            ),
            SqlState::DISK_FULL => (
                ErrorKind::Full,
                "the server has no room left; nothing of this write was stored, and what was there stays readable",
            ),
            SqlState::LOCK_NOT_AVAILABLE => (
                ErrorKind::Busy,
                "others held the log's row for the whole busy timeout; end long transactions on it, then try again",
            ),
            SqlState::QUERY_CANCELED => (ErrorKind::Busy, "the server gave up, since it took too long"),
            SqlState::OUT_OF_MEMORY | SqlState::PROGRAM_LIMIT_EXCEEDED => {
                (ErrorKind::Full, "this is more than the server can take at once; write less in one commit")
            }
            SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => {
                (ErrorKind::Corrupt, "the server finds its files damaged")
            }
            SqlState::UNIQUE_VIOLATION | SqlState::NOT_NULL_VIOLATION => {
                (ErrorKind::Corrupt, "the log is damaged: its tables contradict one another")
            }
            _ => (ErrorKind::Other, "the server failed"),
        }
    }
}

/// An error that several answers share as their source.
#[derive(Debug)]
struct Shared<E>(Arc<E>);

impl<E: fmt::Display> fmt::Display for Shared<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: std::error::Error> std::error::Error for Shared<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
