use std::sync::Arc;
use std::time::{Duration, Instant};

use annals_core::{Batch, CommitEntries, Conflict, Durability, Position, Receipt};
use rusqlite::{Connection, ErrorCode};

use crate::appender::{Appender, News};
use crate::erase;
use crate::failure::Failure;
use crate::held::HeldFiles;
use crate::known::Known;
use crate::open::set_synchronous;
use crate::pass::Pace;
use crate::reads;
use crate::schema::FORMAT_VERSION;

/// The one connection that writes.
#[derive(Debug)]
pub(crate) struct Writer {
    connection: Connection,
    files: Arc<HeldFiles>,
    /// When the `-wal` file was last seen in its place.
    wal_seen: Instant,
    /// What the connection's `synchronous` is set to.
    setting: Durability,
    pace: Pace,
    /// A write failed so that what the disk holds is unknown. SQLite itself would go on.
    poisoned: bool,
}

impl Writer {
    /// For how long writes go on without a look at the `-wal` file, which slows them down.
    const WAL_UNSEEN_MAX: Duration = Duration::from_secs(1);

    /// `setting` is what the connection's `synchronous` is set to.
    pub(crate) fn new(
        connection: Connection,
        files: Arc<HeldFiles>,
        setting: Durability,
        pace: Pace,
    ) -> Writer {
        Writer { connection, files, wal_seen: Instant::now(), setting, pace, poisoned: false }
    }

    /// Appends each batch whose conditions hold, all in one transaction.
    pub(crate) fn append(
        &mut self,
        known: &Known,
        batches: &[Batch],
        durability: Durability,
    ) -> Result<Vec<Result<Receipt, Conflict>>, Failure> {
        let pace = self.pace;
        self.transaction(known, durability, |connection| {
            let mut appender = Appender::new(connection, known)?;
            let answers: Result<Vec<_>, Failure> = batches
                .iter()
                .map(|batch| {
                    if let Some(commit) = reads::commit_of_given(connection, batch.id)? {
                        return Ok(Ok(Receipt { commit: Arc::new(commit), durability, repeated: true }));
                    }
                    let commit = appender.append(batch)?;
                    Ok(commit.map(|commit| Receipt { commit: Arc::new(commit), durability, repeated: false }))
                })
                .collect();
            let answers = answers?;
            if answers.iter().flatten().any(|receipt| receipt.repeated) {
                write_something(connection)?;
            }
            Ok((answers, appender.finish(pace)?))
        })
    }

    /// Appends commits as they stand, all in one transaction.
    pub(crate) fn restore(&mut self, known: &Known, commits: &[CommitEntries]) -> Result<(), Failure> {
        let pace = self.pace;
        self.transaction(known, Durability::Synced, |connection| {
            let mut appender = Appender::new(connection, known)?;
            appender.restore(commits)?;
            Ok(((), appender.finish(pace)?))
        })
    }

    /// Erases the values at `positions` and appends `audit`, in one transaction.
    pub(crate) fn erase(
        &mut self,
        known: &Known,
        positions: &[Position],
        audit: &Batch,
    ) -> Result<Result<Receipt, Conflict>, Failure> {
        let (pace, durability) = (self.pace, Durability::Synced);
        self.transaction(known, durability, |connection| {
            let mut appender = Appender::new(connection, known)?;
            let answer = appender.append(audit)?;
            if let Ok(erasure) = &answer {
                erase::erase(connection, positions, erasure)?;
            }
            let receipt = |commit| Receipt { commit: Arc::new(commit), durability, repeated: false };
            Ok((answer.map(receipt), appender.finish(pace)?))
        })
    }

    /// Sees to it that nothing of what was erased is left in the files.
    pub(crate) fn scrub(&mut self) -> Result<u64, Failure> {
        if self.poisoned {
            return Err(Failure::Poisoned(None));
        }
        self.files.check_wal_too()?;
        erase::scrub(&self.connection, &self.files).map_err(|failure| self.roll_back(failure, is_io_failure))
    }

    /// Makes every commit in the file durable, also those of other processes.
    ///
    /// A commit under `synchronous=FULL` ends with a sync of the whole WAL file, and so of all frames
    /// before its own; what is no longer in the WAL was synced when it was moved to the database.
    pub(crate) fn sync(&mut self, known: &Known) -> Result<(), Failure> {
        self.transaction(known, Durability::Synced, |connection| {
            write_something(connection)?;
            Ok(((), News::default()))
        })
    }

    /// Runs `body` in a transaction that commits with this durability: all of it or nothing.
    fn transaction<T>(
        &mut self,
        known: &Known,
        durability: Durability,
        body: impl FnOnce(&Connection) -> Result<(T, News), Failure>,
    ) -> Result<T, Failure> {
        if self.poisoned {
            return Err(Failure::Poisoned(None));
        }
        let begun = self.begin(durability).map_err(|failure| self.files.explain(failure));
        let attempt = begun.and_then(|()| body(&self.connection));
        let (answer, news) = attempt.map_err(|failure| self.roll_back(failure, is_io_failure))?;
        self.commit().map_err(|failure| self.roll_back(failure, leaves_commit_unknown))?;
        known.learn(news);
        Ok(answer)
    }

    fn begin(&mut self, durability: Durability) -> Result<(), Failure> {
        // A panic in the middle of a transaction could have left it open.
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        if self.setting != durability {
            set_synchronous(&self.connection, durability)?;
            self.setting = durability;
        }
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        // Not before: waiting for other writers may have taken long.
        self.check_files()
    }

    fn check_files(&mut self) -> Result<(), Failure> {
        if self.wal_seen.elapsed() < Self::WAL_UNSEEN_MAX {
            return self.files.check();
        }
        self.files.check_wal_too()?;
        self.wal_seen = Instant::now();
        Ok(())
    }

    fn commit(&self) -> Result<(), Failure> {
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    /// Undoes what was begun. If that fails, or what failed says nothing about the disk's state any
    /// more, no further write is let through.
    fn roll_back(&mut self, failure: Failure, is_unknown: fn(&Failure) -> bool) -> Failure {
        let undone = self.connection.is_autocommit() || self.connection.execute_batch("ROLLBACK").is_ok();
        if undone && !is_unknown(&failure) {
            return failure;
        }
        self.poisoned = true;
        match failure {
            Failure::Sqlite(error) => Failure::Poisoned(Some(error)),
            _ => Failure::Poisoned(None),
        }
    }
}

/// Makes the transaction one that is synced, with all before it, though it may have nothing to say: the
/// format version is written even if it is the same.
fn write_something(connection: &Connection) -> Result<(), Failure> {
    Ok(connection.pragma_update(None, "user_version", FORMAT_VERSION)?)
}

fn is_io_failure(failure: &Failure) -> bool {
    failure.code() == Some(ErrorCode::SystemIoFailure)
}

/// A commit that fails for want of room or a lock has not happened. After any other failure its last
/// frame may stand in the WAL all the same, for a later recovery to find.
fn leaves_commit_unknown(failure: &Failure) -> bool {
    !matches!(failure.code(), Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy))
}

#[cfg(test)]
mod tests {
    use annals_core::{Context, ErrorKind, Key, Position};
    use rusqlite::ffi;

    use super::*;
    use crate::schema;

    fn writer() -> Writer {
        let connection = Connection::open_in_memory().unwrap();
        schema::create(&connection).unwrap();
        set_synchronous(&connection, Durability::Synced).unwrap();
        // Any file that stays where it is.
        let files = HeldFiles::find(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").as_ref()).unwrap();
        Writer::new(connection, Arc::new(files), Durability::Synced, Pace::default())
    }

    fn batch(bytes: &[u8]) -> Batch {
        Batch::new(Context::new()).set(Key::parse("a", "b").unwrap(), bytes)
    }

    fn failing(code: i32) -> Failure {
        Failure::Sqlite(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
    }

    fn kind(failure: Failure) -> ErrorKind {
        failure.into_error("test").kind()
    }

    #[test]
    fn an_io_error_ends_writing_and_any_other_does_not() {
        for (code, expected) in [
            (ffi::SQLITE_IOERR_FSYNC, ErrorKind::Poisoned),
            (ffi::SQLITE_IOERR_WRITE, ErrorKind::Poisoned),
            (ffi::SQLITE_FULL, ErrorKind::Full),
            (ffi::SQLITE_BUSY, ErrorKind::Busy),
            (ffi::SQLITE_NOMEM, ErrorKind::Other),
        ] {
            let (mut writer, known) = (writer(), Known::default());
            let failed = writer.transaction(&known, Durability::Synced, |_| -> Result<((), News), Failure> {
                Err(failing(code))
            });
            assert_eq!(kind(failed.unwrap_err()), expected);
            let next = writer.append(&known, &[batch(b"\x01")], Durability::Synced);
            match expected {
                ErrorKind::Poisoned => assert_eq!(kind(next.unwrap_err()), ErrorKind::Poisoned),
                _ => assert_eq!(next.unwrap().len(), 1),
            }
        }
    }

    #[test]
    fn a_commit_that_fails_for_want_of_room_or_a_lock_is_known_not_to_have_happened() {
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_BUSY] {
            assert!(!leaves_commit_unknown(&failing(code)));
        }
        for code in [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_NOMEM, ffi::SQLITE_CORRUPT] {
            assert!(leaves_commit_unknown(&failing(code)));
        }
    }

    #[test]
    fn no_room_in_the_file_rolls_back_and_goes_on_when_there_is_some() {
        let (mut writer, known) = (writer(), Known::default());
        let pages: i64 = writer.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        writer.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
        let group = [batch(b"\x01"), batch(&[0; 100_000])];
        assert_eq!(kind(writer.append(&known, &group, Durability::Synced).unwrap_err()), ErrorKind::Full);
        assert_eq!(reads::last_position(&writer.connection).unwrap(), Position::START);

        writer.connection.query_row("PRAGMA max_page_count = 1000", [], |_| Ok(())).unwrap();
        assert_eq!(writer.append(&known, &group, Durability::Synced).unwrap().len(), 2);
        assert_eq!(reads::last_position(&writer.connection).unwrap().get(), 2);
    }

    #[test]
    fn each_commit_has_the_durability_that_its_receipt_says() {
        let (mut writer, known) = (writer(), Known::default());
        for (durability, level) in
            [(Durability::Synced, 2), (Durability::Buffered, 1), (Durability::Synced, 2)]
        {
            let answers = writer.append(&known, &[batch(b"\x01")], durability).unwrap();
            assert_eq!(answers[0].as_ref().unwrap().durability, durability);
            let setting: i64 =
                writer.connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap();
            assert_eq!(setting, level);
        }
    }

    #[test]
    fn a_transaction_left_open_by_a_panic_is_rolled_back() {
        let (mut writer, known) = (writer(), Known::default());
        writer.connection.execute_batch("BEGIN; DELETE FROM sqlite_schema").unwrap_err();
        writer
            .connection
            .execute_batch("INSERT INTO annals_key (namespace, field) VALUES ('a', 'b')")
            .unwrap();
        assert!(!writer.connection.is_autocommit());
        assert_eq!(writer.append(&known, &[batch(b"\x01")], Durability::Synced).unwrap().len(), 1);
        let count: i64 =
            writer.connection.query_row("SELECT count(*) FROM annals_key", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 1);
    }
}
