use std::path::{Path, PathBuf};

use annals_core::{Error, ErrorKind};

use crate::failure::Failure;

/// Where the file is to be, and what it is called in errors.
#[derive(Debug)]
pub(crate) struct Place {
    /// Absolute, so that a later change of folder does not matter, and so that `:memory:` and the
    /// empty path, which mean something else to SQLite, are ordinary names.
    pub(crate) path: PathBuf,
    /// `sqlite:` and the path as the caller wrote it.
    pub(crate) store: String,
}

impl Place {
    pub(crate) fn new(path: &Path) -> Result<Place, Error> {
        let store = format!("sqlite:{}", path.display());
        match std::path::absolute(path) {
            Ok(path) => Ok(Place { path, store }),
            Err(error) => {
                let message = format!("the path cannot be made absolute: {error}");
                Err(Failure::Refused(ErrorKind::Invalid, message).into_error(&store))
            }
        }
    }
}
