use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use crate::SqliteOptions;
use crate::failure::Failure;
use crate::open::open_reader;
use crate::place::Place;

/// Connections for reading. A read takes an idle one or opens another, so it never waits.
#[derive(Debug)]
pub(crate) struct Readers {
    place: Place,
    options: SqliteOptions,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// How many idle connections are kept.
    const IDLE_MAX: usize = 8;

    pub(crate) fn new(place: Place, options: SqliteOptions, first: Connection) -> Readers {
        Readers { place, options, idle: Mutex::new(vec![first]) }
    }

    /// Reads with a connection of its own. After an error that connection is given up, and with it
    /// any transaction that it is in.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.place, &self.options)?,
        };
        let answer = read(&connection)?;
        let mut idle = self.idle();
        if idle.len() < Self::IDLE_MAX {
            idle.push(connection);
        }
        Ok(answer)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
