use std::cell::Cell;

use annals_core::Position;
use rusqlite::Connection;

use crate::failure::Failure;
use crate::reads;

/// A connection that reads, and where the log ended when it last looked.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) connection: Connection,
    seen: Cell<Option<Seen>>,
}

/// The end of the log, true as long as `data_version` answers the same on the same connection:
/// until any other connection, of this process or another, has changed the file.
#[derive(Clone, Copy, Debug)]
struct Seen {
    data_version: i64,
    last: Position,
}

impl Reader {
    pub(crate) fn new(connection: Connection) -> Reader {
        Reader { connection, seen: Cell::new(None) }
    }

    /// Returns the position of the newest entry.
    pub(crate) fn last_position(&self) -> Result<Position, Failure> {
        let mut select = self.connection.prepare_cached("PRAGMA data_version")?;
        let data_version = select.query_row([], |row| row.get(0))?;
        match self.seen.get() {
            Some(seen) if seen.data_version == data_version => Ok(seen.last),
            _ => self.look(data_version),
        }
    }

    /// What is found may be newer than `data_version`, never older: then the next call looks again.
    fn look(&self, data_version: i64) -> Result<Position, Failure> {
        let last = reads::last_position(&self.connection)?;
        self.seen.set(Some(Seen { data_version, last }));
        Ok(last)
    }
}
