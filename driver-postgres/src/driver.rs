use std::fmt;

use annals_core::{
    Abilities, At, Batch, Change, Check, CheckReport, CommitEntries, Conflict, Driver, Durability, Entry,
    Erase, Error, ErrorKind, Key, Measure, Namespace, Order, Position, PositionRange, Receipt, Scope, Size,
};

use crate::PostgresOptions;
use crate::announcing::Topic;
use crate::append::{self, Seen, Writing};
use crate::failure::Failure;
use crate::place::Place;
use crate::{check, erase, measure, reads, restore, scrub, walk};

/// A log in a PostgreSQL database.
///
/// See the [crate's page](crate) for durability, and for what several threads and processes may do.
pub struct PostgresDriver {
    /// What the log is called in errors.
    store: String,
    place: Place,
    seen: Seen,
    settings: Settings,
}

/// What a log was opened with.
pub(crate) struct Settings {
    pub(crate) is_read_only: bool,
    /// Whether the server waits for its disk.
    pub(crate) is_durable: bool,
    pub(crate) writing: Writing,
    /// Where commits are announced, if they are.
    pub(crate) topic: Option<Topic>,
}

impl PostgresDriver {
    /// Opens the log at a URL, as in `postgres://alice@db.example/games?annals.log=chess`; see
    /// [`PostgresOptions`].
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is no such URL. By kind:
    /// - `Unavailable`: the server cannot be reached, or refuses the user; there is no such database;
    /// - `Missing`: the schema was not set up; there is no such log;
    /// - `NewerFormat`: the logs in the schema were written by a newer version;
    /// - `Unsupported`: the database has another encoding than UTF8.
    pub fn open(url: &str) -> Result<PostgresDriver, Error> {
        url.parse::<PostgresOptions>()?.open()
    }

    pub(crate) fn new(store: String, place: Place, seen: Seen, settings: Settings) -> PostgresDriver {
        PostgresDriver { store, place, seen, settings }
    }

    fn read<T>(&self, read: impl FnOnce(&Place) -> Result<T, Failure>) -> Result<T, Error> {
        read(&self.place).map_err(|failure| failure.into_error(&self.store))
    }

    fn write<T>(&self, write: impl FnOnce(&Place) -> Result<T, Failure>) -> Result<T, Error> {
        if self.settings.is_read_only {
            let message = "the log was opened for reading only";
            return Err(Failure::Refused(ErrorKind::ReadOnly, message.into()).into_error(&self.store));
        }
        self.read(write)
    }

    /// Lets others know that the log has grown.
    fn announce(&self) {
        if let Some(topic) = &self.settings.topic {
            topic.announce();
        }
    }

    /// Returns the durability that a receipt may speak of.
    fn reached(&self, asked: Durability) -> Durability {
        if self.settings.is_durable { asked } else { Durability::Buffered }
    }
}

impl Driver for PostgresDriver {
    fn append(
        &self,
        batches: &[Batch],
        durability: Durability,
    ) -> Result<Vec<Result<Receipt, Conflict>>, Error> {
        if batches.is_empty() {
            return Ok(Vec::new());
        }
        let writing = &self.settings.writing;
        let mut answers =
            self.write(|place| append::append(place, &self.seen, writing, batches, durability))?;
        for receipt in answers.iter_mut().flatten() {
            receipt.durability = self.reached(durability);
        }
        if answers.iter().any(Result::is_ok) {
            self.announce();
        }
        Ok(answers)
    }

    fn sync(&self) -> Result<(), Error> {
        self.write(|place| append::sync(place, &self.settings.writing))
    }

    fn last_position(&self) -> Result<Position, Error> {
        let last = self.read(reads::last_position)?;
        self.seen.note(last);
        Ok(last)
    }

    fn boundary(&self, at: At) -> Result<Position, Error> {
        self.read(|place| match at {
            At::Position(position) => reads::boundary(place, position),
            At::Time(time) => reads::boundary_in_time(place, time),
        })
    }

    fn commits(&self, range: PositionRange, order: Order, limit: usize) -> Result<Vec<CommitEntries>, Error> {
        self.read(|place| walk::commits(place, range, order, limit))
    }

    fn entry(&self, key: &Key, at: Position) -> Result<Option<Entry>, Error> {
        self.read(|place| reads::entry(place, key, at))
    }

    fn history(
        &self,
        key: &Key,
        range: PositionRange,
        order: Order,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        self.read(|place| reads::history(place, key, range, order, skip, limit))
    }

    fn state(
        &self,
        scope: &Scope,
        at: Position,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        self.read(|place| reads::state(place, scope, at, after, limit))
    }

    fn namespaces(
        &self,
        scope: &Scope,
        after: Option<&Namespace>,
        limit: usize,
    ) -> Result<Vec<Namespace>, Error> {
        self.read(|place| reads::namespaces(place, scope, after, limit))
    }

    fn restore(&self, commits: &[CommitEntries]) -> Result<(), Error> {
        self.write(|place| restore::restore(place, &self.settings.writing, commits))?;
        self.announce();
        Ok(())
    }

    fn abilities(&self) -> Abilities<'_> {
        let mut abilities = Abilities::default();
        abilities.measure = Some(self);
        abilities.check = Some(self);
        abilities.erase = Some(self);
        abilities.announce = self.settings.topic.as_ref().map(|topic| topic as _);
        abilities
    }
}

impl Measure for PostgresDriver {
    /// Adds up the sizes of the log's rows, which reads them, but no long values. The server may keep
    /// long values compressed, and room that it has not given back.
    fn measure(&self) -> Result<Size, Error> {
        self.read(measure::measure)
    }
}

impl Check for PostgresDriver {
    /// Checks that keys, entries and commits fit together, and reads every row. What the server's
    /// files are like only its administrator can check, with `pg_amcheck` and checksums.
    fn check(&self) -> Result<CheckReport, Error> {
        self.read(check::check)
    }
}

impl Erase for PostgresDriver {
    /// Erases in one transaction of the server; one whose connection is lost is settled as an append is.
    /// As durable as one too.
    fn erase(&self, positions: &[Position], audit: &Batch) -> Result<Result<Receipt, Conflict>, Error> {
        let writing = &self.settings.writing;
        let mut answer = self.write(|place| erase::erase(place, &self.seen, writing, positions, audit))?;
        if let Ok(receipt) = &mut answer {
            receipt.durability = self.reached(Durability::Synced);
            self.announce();
        }
        Ok(answer)
    }

    /// Writes the table of entries anew, which all logs of the schema share: meanwhile they can be
    /// neither read nor written. It takes as much room again, and has to be done by the
    /// [timeout](PostgresOptions::timeout). First it waits, at most for the
    /// [busy timeout](PostgresOptions::busy_timeout), for transactions that began before.
    ///
    /// What cannot be reached from here, the server's write-ahead log above all, is told in
    /// `docs/drivers.md` of the project.
    fn scrub(&self) -> Result<u64, Error> {
        self.write(|place| scrub::scrub(place, &self.settings.writing))
    }
}

impl fmt::Debug for PostgresDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresDriver").field("store", &self.store).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PostgresDatabase;

    #[test]
    fn public_types_go_wherever_a_thread_goes() {
        fn assert_shared<T: Send + Sync + fmt::Debug>() {}
        assert_shared::<PostgresDriver>();
        assert_shared::<PostgresDatabase>();
        assert_shared::<PostgresOptions>();
    }
}
