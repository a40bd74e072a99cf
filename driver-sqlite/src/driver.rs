use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use annals_core::{
    Abilities, At, Batch, Change, Check, CheckReport, CommitEntries, Conflict, Driver, Durability, Entry,
    Erase, Error, ErrorKind, Key, Measure, Namespace, Order, Position, PositionRange, Receipt, Scope, Size,
};

use crate::SqliteOptions;
use crate::failure::Failure;
use crate::held::HeldFiles;
use crate::known::Known;
use crate::reader::Reader;
use crate::readers::Readers;
use crate::writer::Writer;
use crate::{check, measure, of_key, reads, scopes};

/// A log in a SQLite file.
///
/// See the [crate's page](crate) for durability, for what several threads and processes may do, and
/// for moving the file.
pub struct SqliteDriver {
    /// What the log is called in errors.
    store: String,
    files: Arc<HeldFiles>,
    pub(crate) known: Known,
    // Before the writer: the connection that is closed last tidies up, and must be able to write.
    pub(crate) readers: Readers,
    writer: Option<Mutex<Writer>>,
}

impl SqliteDriver {
    /// Opens the log in the file at `path` with the default [options](SqliteDriver::options),
    /// creating it (with mode 0600) if the file is missing or empty.
    ///
    /// # Errors
    /// Each says what is wrong with which file, which is left as it was. By kind:
    /// - `Unavailable`: there is no such folder or file, it cannot be opened, it is no SQLite file,
    ///   or the SQLite file of another program;
    /// - `NewerFormat`: it was written by a newer version;
    /// - `ReadOnly`: it cannot be written;
    /// - `Full`: the disk has no room for the files that SQLite keeps beside it while it is open;
    /// - `Corrupt`: it is damaged;
    /// - `Busy`: another process held it for longer than the busy timeout;
    /// - `Unsupported`: the SQLite library or the file system is not good enough.
    pub fn open(path: impl AsRef<Path>) -> Result<SqliteDriver, Error> {
        SqliteDriver::options().open(path)
    }

    /// Returns the default options, to be changed before opening.
    pub fn options() -> SqliteOptions {
        SqliteOptions::default()
    }

    pub(crate) fn new(
        store: String,
        files: Arc<HeldFiles>,
        readers: Readers,
        writer: Option<Writer>,
    ) -> SqliteDriver {
        SqliteDriver { store, files, known: Known::default(), readers, writer: writer.map(Mutex::new) }
    }

    fn read<T>(&self, read: impl FnOnce(&Reader) -> Result<T, Failure>) -> Result<T, Error> {
        self.readers.read(read).map_err(|failure| failure.into_error(&self.store))
    }

    fn write<T>(&self, write: impl FnOnce(&mut Writer) -> Result<T, Failure>) -> Result<T, Error> {
        let answer = match &self.writer {
            // After a panic the next transaction begins by rolling back.
            Some(writer) => write(&mut writer.lock().unwrap_or_else(PoisonError::into_inner)),
            None => Err(Failure::Refused(ErrorKind::ReadOnly, "the log was opened for reading only".into())),
        };
        answer.map_err(|failure| failure.into_error(&self.store))
    }
}

impl Driver for SqliteDriver {
    fn append(
        &self,
        batches: &[Batch],
        durability: Durability,
    ) -> Result<Vec<Result<Receipt, Conflict>>, Error> {
        self.write(|writer| writer.append(&self.known, batches, durability))
    }

    fn sync(&self) -> Result<(), Error> {
        self.write(|writer| writer.sync(&self.known))
    }

    fn last_position(&self) -> Result<Position, Error> {
        self.read(Reader::last_position)
    }

    fn boundary(&self, at: At) -> Result<Position, Error> {
        self.read(|reader| match at {
            At::Position(position) => self.known.commits.boundary(&reader.connection, position),
            At::Time(time) => reads::boundary_in_time(&reader.connection, time),
        })
    }

    fn commits(&self, range: PositionRange, order: Order, limit: usize) -> Result<Vec<CommitEntries>, Error> {
        self.read(|reader| reads::commits(&reader.connection, &self.known.names, range, order, limit))
    }

    fn entry(&self, key: &Key, at: Position) -> Result<Option<Entry>, Error> {
        self.read(|reader| match self.known.keys.find(&reader.connection, key)? {
            Some(id) => of_key::entry(reader, &self.known.tail, (key, id), at),
            None => Ok(None),
        })
    }

    fn history(
        &self,
        key: &Key,
        range: PositionRange,
        order: Order,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        self.read(|reader| match self.known.keys.find(&reader.connection, key)? {
            Some(id) => of_key::history(reader, &self.known, (key, id), range, order, skip, limit),
            None => Ok(Vec::new()),
        })
    }

    fn state(
        &self,
        scope: &Scope,
        at: Position,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        self.read(|reader| scopes::state(reader, &self.known, scope, at, after, limit))
    }

    fn namespaces(
        &self,
        scope: &Scope,
        after: Option<&Namespace>,
        limit: usize,
    ) -> Result<Vec<Namespace>, Error> {
        self.read(|reader| scopes::namespaces(&reader.connection, scope, after, limit))
    }

    fn restore(&self, commits: &[CommitEntries]) -> Result<(), Error> {
        self.write(|writer| writer.restore(&self.known, commits))
    }

    fn abilities(&self) -> Abilities<'_> {
        let mut abilities = Abilities::default();
        abilities.measure = Some(self);
        abilities.check = Some(self);
        abilities.erase = Some(self);
        abilities
    }
}

impl Erase for SqliteDriver {
    fn erase(&self, positions: &[Position], audit: &Batch) -> Result<Result<Receipt, Conflict>, Error> {
        self.write(|writer| writer.erase(&self.known, positions, audit))
    }

    /// Writes the file anew without what was erased, and empties the `-wal`. Takes as long as copying
    /// the file, and as much room again meanwhile, beside the file and in the folder for temporary files
    /// (`SQLITE_TMPDIR`, else `TMPDIR`): without it that is the error `Full`. Other writers wait, and
    /// readers who began before keep the `-wal` from being emptied: after the busy timeout that is the
    /// error `Busy`. Either way what was erased stays so; scrub again.
    fn scrub(&self) -> Result<u64, Error> {
        self.write(Writer::scrub)
    }
}

impl Measure for SqliteDriver {
    /// Takes the size of the file with its `-wal` and `-shm`, and counts the commits, which reads
    /// their pages and no others.
    fn measure(&self) -> Result<Size, Error> {
        self.read(|reader| measure::measure(&reader.connection, &self.files))
    }
}

impl Check for SqliteDriver {
    /// Checks the pages and indexes of the file, and that keys, entries and commits fit together.
    /// Reads everything, at one moment of the log; writers go on meanwhile.
    fn check(&self) -> Result<CheckReport, Error> {
        self.read(|reader| check::check(&reader.connection, &self.known.names))
    }
}

impl fmt::Debug for SqliteDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteDriver").field("path", &self.files.path()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_types_go_wherever_a_thread_goes() {
        fn assert_shared<T: Send + Sync + fmt::Debug>() {}
        assert_shared::<SqliteDriver>();
        assert_shared::<SqliteOptions>();
    }
}
