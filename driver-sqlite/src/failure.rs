use annals_core::{DriverError, Error, ErrorKind};
use rusqlite::{ErrorCode, ffi};

/// What went wrong inside. It becomes an [`Error`] at the edge, where the store's name is known.
#[derive(Debug)]
pub(crate) enum Failure {
    /// SQLite could not do it.
    Sqlite(rusqlite::Error),
    /// What stands in the file is damaged.
    Damaged(String),
    /// The driver itself says no.
    Refused(ErrorKind, String),
    /// A write failed so that nobody knows what the disk holds.
    Poisoned(Option<rusqlite::Error>),
    /// Core has the word for it.
    Core(Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Failure {
        Failure::Sqlite(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Core(error)
    }
}

impl Failure {
    /// Returns SQLite's own code, if it was SQLite that failed.
    pub(crate) fn code(&self) -> Option<ErrorCode> {
        match self {
            Failure::Sqlite(error) => error.sqlite_error_code(),
            _ => None,
        }
    }

    /// Returns the error to answer with, which names the store.
    pub(crate) fn into_error(self, store: &str) -> Error {
        let error = |kind, message: &str| DriverError::new(kind, store, message);
        match self {
            Failure::Sqlite(source) => {
                let (kind, message) = explain(&source);
                error(kind, message).with_source(source).into()
            }
            Failure::Damaged(what) => error(ErrorKind::Corrupt, &what).into(),
            Failure::Refused(kind, message) => error(kind, &message).into(),
            Failure::Poisoned(None) => error(ErrorKind::Poisoned, POISONED).into(),
            Failure::Poisoned(Some(source)) => error(ErrorKind::Poisoned, UNKNOWN).with_source(source).into(),
            Failure::Core(error) => error,
        }
    }
}

pub(crate) const NOT_SQLITE: &str = "the file is not a SQLite database";

const NO_ROOM_BESIDE: &str = "there is no room for the -shm file that SQLite keeps beside the log, \
    also to read it; make room, or copy the log to a disk that has some";

const POISONED: &str = "an earlier write failed, so what the disk holds is unknown; \
    open the log anew before writing again (reading goes on)";

const UNKNOWN: &str = "the write failed, and whether it was stored is unknown; \
    open the log anew, and look for the commit by its id";

fn explain(error: &rusqlite::Error) -> (ErrorKind, &'static str) {
    // Almost always it is a full disk that stops SQLite from making the file as large as it needs.
    if error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_SHMSIZE) {
        return (ErrorKind::Full, NO_ROOM_BESIDE);
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            ErrorKind::Busy,
            "another process or connection held the file's write lock for the whole busy timeout; \
             end its long transaction (a shell with an open BEGIN, a backup, a checkpoint), \
             then try again; a program can also set a longer busy timeout",
        ),
        Some(ErrorCode::DiskFull) => (
            ErrorKind::Full,
            "there is no room left; nothing of this write was stored, and what was there stays readable",
        ),
        Some(ErrorCode::ReadOnly) => (
            ErrorKind::ReadOnly,
            "the file or its folder cannot be written, which SQLite needs even to read a log that it \
             has to share; copy the log to a folder that can be written",
        ),
        Some(ErrorCode::DatabaseCorrupt) => (ErrorKind::Corrupt, "the SQLite file is damaged"),
        Some(ErrorCode::NotADatabase) => (ErrorKind::Unavailable, NOT_SQLITE),
        Some(ErrorCode::ConstraintViolation) => {
            (ErrorKind::Corrupt, "the file is damaged: its tables contradict one another")
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            (ErrorKind::Unavailable, "the file cannot be opened")
        }
        Some(ErrorCode::SystemIoFailure) => (ErrorKind::Unavailable, "the disk refused to read or write"),
        _ => (ErrorKind::Other, "SQLite failed"),
    }
}
