use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use crate::SqliteOptions;
use crate::failure::Failure;
use crate::held::HeldFiles;
use crate::open::open_reader;

/// Connections for reading. A read takes an idle one or opens another, so it never waits.
#[derive(Debug)]
pub(crate) struct Readers {
    files: Arc<HeldFiles>,
    options: SqliteOptions,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// How many idle connections are kept.
    const IDLE_MAX: usize = 8;

    pub(crate) fn new(files: Arc<HeldFiles>, options: SqliteOptions, first: Connection) -> Readers {
        Readers { files, options, idle: Mutex::new(vec![first]) }
    }

    /// Reads with a connection of its own. After an error that connection is given up, and with it
    /// any transaction that it is in.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        // To look at the files, too, would take a microsecond; a short read takes a few.
        self.files.check_known()?;
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.open()?,
        };
        let answer = read(&connection).map_err(|failure| self.files.explain(failure))?;
        let mut idle = self.idle();
        if idle.len() < Self::IDLE_MAX {
            idle.push(connection);
        }
        Ok(answer)
    }

    fn open(&self) -> Result<Connection, Failure> {
        self.files.check()?;
        let connection = open_reader(self.files.path(), &self.options);
        // Another file may have come in between.
        self.files.check()?;
        connection
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
