use std::path::Path;
use std::time::Duration;

use annals_core::{Error, Upgrade};

use crate::SqliteDriver;
use crate::pass::Pace;
use crate::schema::FORMAT_VERSION;

/// What SQLite's signed 32-bit number of milliseconds holds.
const BUSY_TIMEOUT_MAX: Duration = Duration::from_millis(i32::MAX as u64);

/// How to open a log in a SQLite file.
///
/// ```
/// use std::time::Duration;
/// use annals_core::{Driver, ErrorKind, Position};
/// use annals_driver_sqlite::SqliteDriver;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("log.db");
/// let careful = SqliteDriver::options().create(false).busy_timeout(Duration::from_secs(1));
/// assert_eq!(careful.open(&path).unwrap_err().kind(), ErrorKind::Missing);
///
/// let driver = SqliteDriver::open(&path)?;
/// assert_eq!(driver.last_position()?, Position::START);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is opened until `open` is called"]
pub struct SqliteOptions {
    pub(crate) busy_timeout: Duration,
    pub(crate) cache_kib: u32,
    pub(crate) create: bool,
    pub(crate) read_only: bool,
    pub(crate) pace: Pace,
}

impl Default for SqliteOptions {
    fn default() -> SqliteOptions {
        SqliteOptions {
            busy_timeout: Duration::from_secs(10),
            cache_kib: 16 * 1024,
            create: true,
            read_only: false,
            pace: Pace::default(),
        }
    }
}

impl SqliteOptions {
    /// Sets how long a write waits for the writers of other processes; 10 seconds unless set.
    ///
    /// In whole milliseconds, at most 24 days. After that the error is of the kind
    /// [`Busy`](annals_core::ErrorKind::Busy).
    pub fn busy_timeout(mut self, timeout: Duration) -> SqliteOptions {
        self.busy_timeout = timeout.min(BUSY_TIMEOUT_MAX);
        self
    }

    /// Sets how many KiB of pages each connection may keep in memory; 16 MiB unless set.
    ///
    /// There is one connection for writing and at most 8 idle ones for reading. The memory is
    /// taken as pages are read.
    pub fn cache_kib(mut self, kib: u32) -> SqliteOptions {
        self.cache_kib = kib;
        self
    }

    /// Sets whether a log is created where the file is missing or empty; it is unless set.
    pub fn create(mut self, create: bool) -> SqliteOptions {
        self.create = create;
        self
    }

    /// Sets whether the log is only read; it is not unless set.
    ///
    /// Nothing is created then, and every write answers with the kind
    /// [`ReadOnly`](annals_core::ErrorKind::ReadOnly). SQLite still wants to keep its `-wal` and
    /// `-shm` files beside the file, so the folder must be writable unless they are there.
    pub fn read_only(mut self, read_only: bool) -> SqliteOptions {
        self.read_only = read_only;
        self
    }

    /// Sets how the index follows: a pass begins at so many entries without it, an append that reaches
    /// a multiple of `step` makes a slice, of `share` entries for each appended one. For tests.
    #[doc(hidden)]
    pub fn pace(mut self, tail: u64, step: u64, share: u64) -> SqliteOptions {
        let (tail, names) = (tail.max(1), tail.max(1));
        self.pace = Pace { tail, names, step: step.max(1), share: share.max(1), ..self.pace };
        self
    }

    /// Opens the log in the file at `path`; see [`SqliteDriver::open`].
    ///
    /// # Errors
    /// As [`SqliteDriver::open`].
    pub fn open(&self, path: impl AsRef<Path>) -> Result<SqliteDriver, Error> {
        crate::open::open(self, path.as_ref())
    }

    /// Brings the file at `path`, which must be there, to the newest format.
    ///
    /// There has been one format so far, so this changes nothing yet.
    ///
    /// # Errors
    /// As [`SqliteDriver::open`]; of the kind [`Missing`](annals_core::ErrorKind::Missing) if there is no log.
    pub fn upgrade(&self, path: impl AsRef<Path>) -> Result<Upgrade, Error> {
        self.clone().create(false).open(path)?;
        let version = FORMAT_VERSION.unsigned_abs();
        Ok(Upgrade { before: version, after: version })
    }
}
