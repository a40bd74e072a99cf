use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use annals_core::{Driver, Error};

/// The schemes that a URL may have, each with an example.
const SCHEMES: &[(&str, &str, bool)] = &[
    ("memory", "memory:", cfg!(feature = "memory")),
    ("sqlite", "sqlite:game.db", cfg!(feature = "sqlite")),
];

/// Where a log lives: a driver and its place.
///
/// | form | driver |
/// |---|---|
/// | `memory:` | a new log in memory (feature `memory`) |
/// | `sqlite:PATH`, `sqlite:PATH?mode=ro` | a log in an SQLite file (feature `sqlite`); `mode` is `rwc` (created if missing, the default), `rw` or `ro` |
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
    Sqlite { path: PathBuf, mode: Mode },
}

/// What may be done with a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    ReadOnly,
    ReadWrite,
    Create,
}

impl Mode {
    const NAMES: [(&str, Mode); 3] = [("ro", Mode::ReadOnly), ("rw", Mode::ReadWrite), ("rwc", Mode::Create)];

    fn parse(name: &str) -> Option<Mode> {
        Mode::NAMES.iter().find(|(known, _)| *known == name).map(|(_, mode)| *mode)
    }

    fn name(self) -> &'static str {
        Mode::NAMES.iter().find(|(_, mode)| *mode == self).map_or("", |(name, _)| name)
    }
}

impl StoreUrl {
    /// Returns the same place, not to be created if it is missing.
    #[must_use]
    pub fn existing(mut self) -> StoreUrl {
        if let Place::Sqlite { mode: mode @ Mode::Create, .. } = &mut self.place {
            *mode = Mode::ReadWrite;
        }
        self
    }

    /// Returns the same place, only to be read; it must exist.
    #[must_use]
    pub fn read_only(mut self) -> StoreUrl {
        if let Place::Sqlite { mode, .. } = &mut self.place {
            *mode = Mode::ReadOnly;
        }
        self
    }

    /// Returns whether there is nothing at that place yet. Nothing is opened or created.
    ///
    /// ```
    /// use annals::StoreUrl;
    /// let folder = tempfile::tempdir()?;
    /// let url: StoreUrl = format!("sqlite:{}", folder.path().join("game.db").display()).parse()?;
    /// assert!(url.is_missing() && url.clone().read_only().open().is_err());
    /// url.open()?;
    /// assert!(!url.is_missing());
    /// assert!(url.read_only().to_string().ends_with("game.db?mode=ro"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_missing(&self) -> bool {
        match &self.place {
            Place::Memory => true,
            Place::Sqlite { path, .. } => !path.exists(),
        }
    }

    /// Opens the log that lives there.
    ///
    /// # Errors
    /// What the driver says; [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if its feature is not built in.
    pub fn open(&self) -> Result<Box<dyn Driver>, Error> {
        #[cfg(feature = "tracing")]
        let _span = tracing::debug_span!(target: "annals", "open", store = %self).entered();
        match &self.place {
            Place::Memory => open_memory(),
            Place::Sqlite { path, mode } => open_sqlite(path, *mode),
        }
    }
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

#[cfg(feature = "sqlite")]
fn open_sqlite(path: &std::path::Path, mode: Mode) -> Result<Box<dyn Driver>, Error> {
    let options = annals_driver_sqlite::SqliteDriver::options()
        .create(mode == Mode::Create)
        .read_only(mode == Mode::ReadOnly);
    Ok(Box::new(options.open(path)?))
}

#[cfg(not(feature = "sqlite"))]
fn open_sqlite(_path: &std::path::Path, _mode: Mode) -> Result<Box<dyn Driver>, Error> {
    Err(not_built_in("sqlite"))
}

#[cfg(not(all(feature = "memory", feature = "sqlite")))]
fn not_built_in(scheme: &str) -> Error {
    let message =
        format!("this program was built without the feature `{scheme}` of the crate `annals`: add it there");
    let store = format!("{scheme}:");
    annals_core::DriverError::new(annals_core::ErrorKind::Unsupported, store, message).into()
}

impl FromStr for StoreUrl {
    type Err = Error;

    fn from_str(url: &str) -> Result<StoreUrl, Error> {
        let Some((scheme, rest)) = url.split_once(':') else { return Err(unknown_scheme(url)) };
        let place = match scheme {
            "memory" if rest.is_empty() => Place::Memory,
            "memory" => return Err(Error::Invalid("`memory:` takes nothing after the colon".into())),
            "sqlite" => sqlite_place(rest)?,
            _ => return Err(unknown_scheme(scheme)),
        };
        Ok(StoreUrl { place })
    }
}

fn sqlite_place(rest: &str) -> Result<Place, Error> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    if path.is_empty() {
        return Err(Error::Invalid("`sqlite:` needs a file, as in `sqlite:game.db`".into()));
    }
    let mut mode = Mode::Create;
    for option in query.split('&').filter(|option| !option.is_empty()) {
        mode = match option.split_once('=') {
            Some(("mode", name)) => Mode::parse(name)
                .ok_or_else(|| Error::Invalid(format!("`mode={name}` is none of ro, rw, rwc")))?,
            _ => return Err(Error::Invalid(format!("`{option}` is no option of `sqlite:`; known: mode"))),
        };
    }
    Ok(Place::Sqlite { path: path.into(), mode })
}

fn unknown_scheme(scheme: &str) -> Error {
    let known = SCHEMES.iter().filter(|(_, _, built_in)| *built_in).map(|(_, form, _)| format!("`{form}`"));
    let known = known.collect::<Vec<_>>().join(", ");
    Error::Invalid(format!("`{scheme}` is no kind of store; a store is written as one of {known}"))
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Memory => f.write_str("memory:"),
            Place::Sqlite { path, mode: Mode::Create } => write!(f, "sqlite:{}", path.display()),
            Place::Sqlite { path, mode } => write!(f, "sqlite:{}?mode={}", path.display(), mode.name()),
        }
    }
}
