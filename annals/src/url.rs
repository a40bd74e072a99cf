use std::fmt;
use std::str::FromStr;

use annals_core::{Driver, DriverError, Error, ErrorKind, Position, Upgrade};
#[cfg(feature = "postgres")]
use annals_driver_postgres::{PostgresDatabase, PostgresOptions};

use crate::sqlite::{Mode, SqlitePlace};

/// The schemes that a URL may have, each with an example.
const SCHEMES: &[(&str, &str, bool)] = &[
    ("memory", "memory:", cfg!(feature = "memory")),
    ("sqlite", "sqlite:game.db", cfg!(feature = "sqlite")),
    ("postgres", "postgres://user@host/db?annals.log=game", cfg!(feature = "postgres")),
];

/// Where a log lives: a driver and its place.
///
/// | form | driver |
/// |---|---|
/// | `memory:` | a new log in memory (feature `memory`) |
/// | `sqlite:PATH`, `sqlite:PATH?mode=ro` | a log in an SQLite file (feature `sqlite`); `mode` is `rwc` (created if missing, the default), `rw` or `ro` |
/// | `postgres://user@host/db?annals.log=game` | one of the logs in a PostgreSQL database (feature `postgres`); `annals.mode` is `rw` (it must be there, the default), `rwc` or `ro` |
///
/// The last is libpq's URL, as is what it means; `postgresql://` and `postgres:host=… dbname=…` are the same, and
/// `postgres:` alone takes everything from the environment (`PGHOST`, …). `PostgresOptions` lists its parameters.
/// Neither `Display` nor `Debug` shows a password, so what is shown opens only what needs none, or finds it
/// elsewhere.
///
/// ```
/// use annals::StoreUrl;
/// let url: StoreUrl = "sqlite:game.db?mode=ro".parse()?;
/// assert_eq!(url.to_string(), "sqlite:game.db?mode=ro");
/// assert!("redis:x".parse::<StoreUrl>().unwrap_err().to_string().contains("`sqlite:game.db`"));
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreUrl {
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Memory,
    Sqlite(SqlitePlace),
    #[cfg(feature = "postgres")]
    Postgres(Box<PostgresOptions>),
}

/// One of the logs that live together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedLog {
    /// Its name.
    pub name: String,
    /// Where it ends.
    pub last_position: Position,
    /// What opens it, as the others were asked for: by the same user, with the same password.
    pub url: StoreUrl,
}

impl StoreUrl {
    /// Returns the same place, to be created if it is missing and may be written.
    #[must_use]
    pub fn created(mut self) -> StoreUrl {
        match &mut self.place {
            Place::Sqlite(place) if place.mode == Mode::ReadWrite => place.mode = Mode::Create,
            Place::Memory | Place::Sqlite(_) => {}
            #[cfg(feature = "postgres")]
            Place::Postgres(options) => **options = options.as_ref().clone().create(true),
        }
        self
    }

    /// Returns the same place, not to be created if it is missing.
    #[must_use]
    pub fn existing(mut self) -> StoreUrl {
        match &mut self.place {
            Place::Sqlite(place) if place.mode == Mode::Create => place.mode = Mode::ReadWrite,
            Place::Memory | Place::Sqlite(_) => {}
            #[cfg(feature = "postgres")]
            Place::Postgres(options) => **options = options.as_ref().clone().create(false),
        }
        self
    }

    /// Returns the same place, only to be read; it must exist.
    ///
    /// ```
    /// use annals::{ErrorKind, StoreUrl};
    /// let folder = tempfile::tempdir()?;
    /// let url: StoreUrl = format!("sqlite:{}", folder.path().join("game.db").display()).parse()?;
    /// let nothing = url.clone().read_only().open().err().unwrap();
    /// assert_eq!(nothing.kind(), ErrorKind::Missing);
    /// url.open()?;
    /// url.clone().read_only().open()?;
    /// assert!(url.read_only().to_string().ends_with("game.db?mode=ro"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn read_only(mut self) -> StoreUrl {
        match &mut self.place {
            Place::Memory => {}
            Place::Sqlite(place) => place.mode = Mode::ReadOnly,
            #[cfg(feature = "postgres")]
            Place::Postgres(options) => **options = options.as_ref().clone().read_only(true),
        }
        self
    }

    /// Opens the log that lives there.
    ///
    /// # Errors
    /// What the driver says; of the kind [`Missing`](ErrorKind::Missing) if there is no log, and it is not to be
    /// created; [`Unsupported`](ErrorKind::Unsupported) if the driver's feature is not built in.
    pub fn open(&self) -> Result<Box<dyn Driver>, Error> {
        #[cfg(feature = "tracing")]
        let _span = tracing::debug_span!(target: "annals", "open", store = %self).entered();
        match &self.place {
            Place::Memory => open_memory(),
            Place::Sqlite(place) => place.open(),
            #[cfg(feature = "postgres")]
            Place::Postgres(options) => Ok(Box::new(options.open()?)),
        }
    }

    /// Brings the place where the log lives to the newest format: all the way, or not at all. In PostgreSQL that
    /// is the schema, with all logs in it.
    ///
    /// ```
    /// use annals::StoreUrl;
    /// let folder = tempfile::tempdir()?;
    /// let url: StoreUrl = format!("sqlite:{}", folder.path().join("game.db").display()).parse()?;
    /// url.open()?;
    /// let upgrade = url.upgrade()?;
    /// assert_eq!(upgrade.before, upgrade.after);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`open`](Self::open); of the kind [`NewerFormat`](ErrorKind::NewerFormat) if a newer program wrote it,
    /// [`ReadOnly`](ErrorKind::ReadOnly) if it cannot be written, [`Unsupported`](ErrorKind::Unsupported) in memory.
    pub fn upgrade(&self) -> Result<Upgrade, Error> {
        match &self.place {
            Place::Memory => Err(self.unsupported("a log in memory has no format")),
            Place::Sqlite(place) => place.upgrade(),
            #[cfg(feature = "postgres")]
            Place::Postgres(options) => options.connect()?.upgrade(),
        }
    }

    /// Returns the logs that live together there, by name.
    ///
    /// # Errors
    /// Of the kind [`Unsupported`](ErrorKind::Unsupported) unless it is a PostgreSQL database: elsewhere there is
    /// one log, without a name. Else what the driver says.
    pub fn logs(&self) -> Result<Vec<ListedLog>, Error> {
        match &self.place {
            Place::Memory | Place::Sqlite(_) => {
                Err(self.unsupported("this is one log, without a name; a PostgreSQL database holds several"))
            }
            #[cfg(feature = "postgres")]
            Place::Postgres(options) => postgres_logs(options, &options.connect()?),
        }
    }

    fn unsupported(&self, message: &str) -> Error {
        DriverError::new(ErrorKind::Unsupported, self.to_string(), message).into()
    }
}

#[cfg(feature = "postgres")]
fn postgres_logs(options: &PostgresOptions, database: &PostgresDatabase) -> Result<Vec<ListedLog>, Error> {
    let listed = |(name, last_position): (String, Position)| {
        let place = Place::Postgres(Box::new(options.clone().log(&name)?));
        Ok(ListedLog { name, last_position, url: StoreUrl { place } })
    };
    database.logs()?.into_iter().map(listed).collect()
}

#[cfg(feature = "postgres")]
fn postgres_place(url: &str) -> Result<Place, Error> {
    Ok(Place::Postgres(Box::new(url.parse()?)))
}

#[cfg(not(feature = "postgres"))]
fn postgres_place(_url: &str) -> Result<Place, Error> {
    Err(not_built_in("postgres"))
}

#[cfg(feature = "memory")]
#[expect(clippy::unnecessary_wraps, reason = "opening a driver can fail")]
fn open_memory() -> Result<Box<dyn Driver>, Error> {
    Ok(Box::new(annals_driver_memory::MemoryDriver::new()))
}

#[cfg(not(feature = "memory"))]
fn open_memory() -> Result<Box<dyn Driver>, Error> {
    Err(not_built_in("memory"))
}

#[cfg(not(all(feature = "memory", feature = "sqlite", feature = "postgres")))]
pub(crate) fn not_built_in(scheme: &str) -> Error {
    let message =
        format!("this program was built without the feature `{scheme}` of the crate `annals`: add it there");
    let store = format!("{scheme}:");
    DriverError::new(ErrorKind::Unsupported, store, message).into()
}

impl FromStr for StoreUrl {
    type Err = Error;

    fn from_str(url: &str) -> Result<StoreUrl, Error> {
        let (scheme, rest) = url.split_once(':').ok_or_else(|| unknown_scheme(""))?;
        let place = match scheme {
            "memory" if rest.is_empty() => Place::Memory,
            "memory" => return Err(Error::Invalid("`memory:` takes nothing after the colon".into())),
            "sqlite" => Place::Sqlite(SqlitePlace::parse(rest)?),
            "postgres" | "postgresql" => postgres_place(url)?,
            _ => return Err(unknown_scheme(scheme)),
        };
        Ok(StoreUrl { place })
    }
}

fn unknown_scheme(scheme: &str) -> Error {
    let known = SCHEMES.iter().filter(|(_, _, built_in)| *built_in).map(|(_, form, _)| format!("`{form}`"));
    let known = known.collect::<Vec<_>>().join(", ");
    // Anything else may be a password.
    let is_plain = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let what = if is_plain { format!("`{scheme}`") } else { "this".to_owned() };
    Error::Invalid(format!("{what} is no kind of store; a store is written as one of {known}"))
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Memory => f.write_str("memory:"),
            Place::Sqlite(place) => place.fmt(f),
            #[cfg(feature = "postgres")]
            Place::Postgres(options) => options.fmt(f),
        }
    }
}
