//! `sqlite:` in a URL.

use std::fmt;
use std::path::PathBuf;

use annals_core::{Driver, Error, Upgrade};
#[cfg(feature = "sqlite")]
use annals_driver_sqlite::{SqliteDriver, SqliteOptions};

/// A file that holds a log, and what may be done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SqlitePlace {
    path: PathBuf,
    pub(crate) mode: Mode,
}

/// What may be done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
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

impl SqlitePlace {
    /// Reads what follows `sqlite:`.
    pub(crate) fn parse(rest: &str) -> Result<SqlitePlace, Error> {
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        if path.is_empty() {
            return Err(Error::Invalid("`sqlite:` needs a file, as in `sqlite:game.db`".into()));
        }
        let mut mode = Mode::Create;
        for option in query.split('&').filter(|option| !option.is_empty()) {
            // No value is shown: it could be a password.
            let wrong = match option.split_once('=') {
                Some(("mode", name)) => match Mode::parse(name) {
                    Some(found) => {
                        mode = found;
                        continue;
                    }
                    None => "`mode` is one of ro, rw, rwc".to_owned(),
                },
                Some((name, _)) => {
                    format!("`{}` is no option of `sqlite:`; known: mode", name.escape_debug())
                }
                None => "an option of `sqlite:` has no `=`; known: mode".to_owned(),
            };
            return Err(Error::Invalid(wrong));
        }
        Ok(SqlitePlace { path: path.into(), mode })
    }
}

#[cfg(feature = "sqlite")]
impl SqlitePlace {
    fn options(&self) -> SqliteOptions {
        SqliteDriver::options().create(self.mode == Mode::Create).read_only(self.mode == Mode::ReadOnly)
    }

    pub(crate) fn open(&self) -> Result<Box<dyn Driver>, Error> {
        Ok(Box::new(self.options().open(&self.path)?))
    }

    pub(crate) fn upgrade(&self) -> Result<Upgrade, Error> {
        self.options().upgrade(&self.path)
    }
}

#[cfg(not(feature = "sqlite"))]
impl SqlitePlace {
    #[expect(clippy::unused_self, reason = "with the feature it opens the file")]
    pub(crate) fn open(&self) -> Result<Box<dyn Driver>, Error> {
        Err(crate::url::not_built_in("sqlite"))
    }

    #[expect(clippy::unused_self, reason = "with the feature it opens the file")]
    pub(crate) fn upgrade(&self) -> Result<Upgrade, Error> {
        Err(crate::url::not_built_in("sqlite"))
    }
}

impl fmt::Display for SqlitePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sqlite:{}", self.path.display())?;
        match self.mode {
            Mode::Create => Ok(()),
            mode => write!(f, "?mode={}", mode.name()),
        }
    }
}
