use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::SqliteOptions;
use crate::failure::Failure;
use crate::held::HeldFiles;
use crate::open::open_reader;
use crate::reader::Reader;

/// Connections for reading. A read takes an idle one or opens another, so it never waits.
#[derive(Debug)]
pub(crate) struct Readers {
    files: Arc<HeldFiles>,
    options: SqliteOptions,
    idle: Mutex<Vec<Reader>>,
}

impl Readers {
    /// How many idle connections are kept.
    const IDLE_MAX: usize = 8;

    pub(crate) fn new(files: Arc<HeldFiles>, options: SqliteOptions, first: Reader) -> Readers {
        Readers { files, options, idle: Mutex::new(vec![first]) }
    }

    /// Reads with a connection of its own. After an error that connection is given up, and with it
    /// any transaction that it is in.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Reader) -> Result<T, Failure>) -> Result<T, Failure> {
        // To look at the files, too, would take a microsecond; a short read takes a few.
        self.files.check_known()?;
        let idle = self.idle().pop();
        let reader = match idle {
            Some(reader) => reader,
            None => self.open()?,
        };
        let answer = read(&reader).map_err(|failure| self.files.explain(failure))?;
        let mut idle = self.idle();
        if idle.len() < Self::IDLE_MAX {
            idle.push(reader);
        }
        Ok(answer)
    }

    fn open(&self) -> Result<Reader, Failure> {
        self.files.check()?;
        let reader = open_reader(self.files.path(), &self.options);
        // Another file may have come in between.
        self.files.check()?;
        reader
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Reader>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
