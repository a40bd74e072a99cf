use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use annals_core::codec::Timestamp;
use annals_core::{
    Action, Batch, Commit, CommitEntries, CommitId, Conflict, Durability, Entry, Error, Key, Position,
    Receipt, Write,
};
use rusqlite::{CachedStatement, Connection, ErrorCode, params};

use crate::conditions;
use crate::erase;
use crate::failure::Failure;
use crate::held::HeldFiles;
use crate::keys::{KeyIds, NewKeys};
use crate::open::set_synchronous;
use crate::reads;
use crate::rows::kind;
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
    /// A write failed so that what the disk holds is unknown. SQLite itself would go on.
    poisoned: bool,
}

impl Writer {
    /// For how long writes go on without a look at the `-wal` file, which slows them down.
    const WAL_UNSEEN_MAX: Duration = Duration::from_secs(1);

    pub(crate) fn new(connection: Connection, files: Arc<HeldFiles>, setting: Durability) -> Writer {
        Writer { connection, files, wal_seen: Instant::now(), setting, poisoned: false }
    }

    /// Appends each batch whose conditions hold, all in one transaction.
    pub(crate) fn append(
        &mut self,
        keys: &KeyIds,
        batches: &[Batch],
        durability: Durability,
    ) -> Result<Vec<Result<Receipt, Conflict>>, Failure> {
        self.transaction(durability, |connection| {
            let mut appender = Appender::new(connection, keys)?;
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
            Ok((answers, appender.keys))
        })
    }

    /// Appends commits as they stand, all in one transaction.
    pub(crate) fn restore(&mut self, keys: &KeyIds, commits: &[CommitEntries]) -> Result<(), Failure> {
        self.transaction(Durability::Synced, |connection| {
            let mut appender = Appender::new(connection, keys)?;
            CommitEntries::check_sequence(commits, appender.last)?;
            for CommitEntries { commit, entries } in commits {
                if reads::commit_of_given(connection, commit.id)?.is_some() {
                    let (position, reason) = (commit.first, CommitEntries::GIVEN_TWICE);
                    return Err(Error::Restore { position, reason }.into());
                }
                appender.add(commit, entries.iter().map(NewEntry::from))?;
            }
            Ok(((), appender.keys))
        })
    }

    /// Erases the values at `positions` and appends `audit`, in one transaction.
    pub(crate) fn erase(
        &mut self,
        keys: &KeyIds,
        positions: &[Position],
        audit: &Batch,
    ) -> Result<Result<Receipt, Conflict>, Failure> {
        self.transaction(Durability::Synced, |connection| {
            let mut appender = Appender::new(connection, keys)?;
            let answer = appender.append(audit)?;
            if let Ok(commit) = &answer {
                erase::erase(connection, positions, commit)?;
            }
            let receipt = |commit| Receipt {
                commit: Arc::new(commit),
                durability: Durability::Synced,
                repeated: false,
            };
            Ok((answer.map(receipt), appender.keys))
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
    pub(crate) fn sync(&mut self, keys: &KeyIds) -> Result<(), Failure> {
        self.transaction(Durability::Synced, |connection| {
            write_something(connection)?;
            Ok(((), NewKeys::new(keys)))
        })
    }

    /// Runs `body` in a transaction that commits with this durability: all of it or nothing.
    fn transaction<'k, T>(
        &mut self,
        durability: Durability,
        body: impl FnOnce(&Connection) -> Result<(T, NewKeys<'k>), Failure>,
    ) -> Result<T, Failure> {
        if self.poisoned {
            return Err(Failure::Poisoned(None));
        }
        let begun = self.begin(durability).map_err(|failure| self.files.explain(failure));
        let attempt = begun.and_then(|()| body(&self.connection));
        let (answer, keys) = attempt.map_err(|failure| self.roll_back(failure, is_io_failure))?;
        self.commit().map_err(|failure| self.roll_back(failure, leaves_commit_unknown))?;
        keys.committed();
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

/// Adds commits at the end of the log, inside one transaction.
struct Appender<'c, 'k> {
    connection: &'c Connection,
    insert: CachedStatement<'c>,
    keys: NewKeys<'k>,
    /// Where the last commit ends and when it was recorded.
    last: Option<(Position, Timestamp)>,
}

impl<'c, 'k> Appender<'c, 'k> {
    fn new(connection: &'c Connection, keys: &'k KeyIds) -> Result<Appender<'c, 'k>, Failure> {
        let sql = "INSERT INTO annals_entry (position, key, kind, actor, reason, value)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        Ok(Appender {
            connection,
            insert: connection.prepare_cached(sql)?,
            keys: NewKeys::new(keys),
            last: reads::last_commit(connection)?,
        })
    }

    fn append(&mut self, batch: &Batch) -> Result<Result<Commit, Conflict>, Failure> {
        let (before, time) = self.last.unwrap_or((Position::START, batch.now));
        let conflict = conditions::conflict(self.connection, &mut self.keys, &batch.conditions, before)?;
        if let Some(conflict) = conflict {
            return Ok(Err(conflict));
        }
        let commit = Commit {
            first: before.plus(1),
            last: before.plus(batch.writes.len() as u64),
            id: batch.id,
            recorded_at: time.max(batch.now),
            context: batch.context.clone(),
        };
        self.add(&commit, batch.writes.iter().map(NewEntry::from))?;
        Ok(Ok(commit))
    }

    fn add<'e>(
        &mut self,
        commit: &Commit,
        entries: impl Iterator<Item = NewEntry<'e>>,
    ) -> Result<(), Failure> {
        for (entry, position) in entries.zip(commit.first.to_i64()..) {
            let key = self.keys.find_or_add(self.connection, entry.key)?;
            let (kind, value) = stored(entry.action);
            self.insert.execute(params![position, key, kind, entry.actor, entry.reason, value.as_deref()])?;
        }
        insert_commit(self.connection, commit)?;
        self.last = Some((commit.last, commit.recorded_at));
        Ok(())
    }
}

fn insert_commit(connection: &Connection, commit: &Commit) -> Result<(), Failure> {
    let sql = "INSERT INTO annals_commit
            (last, length, id, given, recorded_at, occurred_at, actor, reason, location, tags)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let context = &commit.context;
    connection.prepare_cached(sql)?.execute(params![
        commit.last.to_i64(),
        commit.last.to_i64() - commit.first.to_i64() + 1,
        commit.id.uuid().as_bytes(),
        matches!(commit.id, CommitId::Given(_)),
        commit.recorded_at.as_micros(),
        context.occurred_at.map(Timestamp::as_micros),
        context.actor,
        context.reason,
        context.location,
        context.tags_to_bytes()?,
    ])?;
    Ok(())
}

/// What is to be stored of an entry, whose position follows from its place.
struct NewEntry<'e> {
    key: &'e Key,
    action: &'e Action,
    actor: Option<&'e str>,
    reason: Option<&'e str>,
}

impl<'e> From<&'e Write> for NewEntry<'e> {
    fn from(write: &'e Write) -> NewEntry<'e> {
        let Write { key, action, actor, reason } = write;
        NewEntry { key, action, actor: actor.as_deref(), reason: reason.as_deref() }
    }
}

impl<'e> From<&'e Entry> for NewEntry<'e> {
    fn from(entry: &'e Entry) -> NewEntry<'e> {
        let Entry { key, action, actor, reason, .. } = entry;
        NewEntry { key, action, actor: actor.as_deref(), reason: reason.as_deref() }
    }
}

fn stored(action: &Action) -> (i64, Option<Cow<'_, [u8]>>) {
    match action {
        Action::Set(bytes) => (kind::SET, Some(Cow::Borrowed(bytes))),
        Action::Deleted => (kind::DELETED, None),
        Action::Erased { by } => (kind::ERASED, Some(Cow::Owned(by.get().to_be_bytes().to_vec()))),
    }
}

#[cfg(test)]
mod tests {
    use annals_core::{Context, ErrorKind};
    use rusqlite::ffi;

    use super::*;
    use crate::schema;

    fn writer() -> Writer {
        let connection = Connection::open_in_memory().unwrap();
        schema::create(&connection).unwrap();
        set_synchronous(&connection, Durability::Synced).unwrap();
        // Any file that stays where it is.
        let files = HeldFiles::find(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").as_ref()).unwrap();
        Writer::new(connection, Arc::new(files), Durability::Synced)
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
            let (mut writer, keys) = (writer(), KeyIds::default());
            let failed = writer.transaction(Durability::Synced, |_| -> Result<((), NewKeys<'_>), Failure> {
                Err(failing(code))
            });
            assert_eq!(kind(failed.unwrap_err()), expected);
            let next = writer.append(&keys, &[batch(b"\x01")], Durability::Synced);
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
        let (mut writer, keys) = (writer(), KeyIds::default());
        let pages: i64 = writer.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        writer.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
        let group = [batch(b"\x01"), batch(&[0; 100_000])];
        assert_eq!(kind(writer.append(&keys, &group, Durability::Synced).unwrap_err()), ErrorKind::Full);
        assert_eq!(reads::last_position(&writer.connection).unwrap(), Position::START);

        writer.connection.query_row("PRAGMA max_page_count = 1000", [], |_| Ok(())).unwrap();
        assert_eq!(writer.append(&keys, &group, Durability::Synced).unwrap().len(), 2);
        assert_eq!(reads::last_position(&writer.connection).unwrap().get(), 2);
    }

    #[test]
    fn each_commit_has_the_durability_that_its_receipt_says() {
        let (mut writer, keys) = (writer(), KeyIds::default());
        for (durability, level) in
            [(Durability::Synced, 2), (Durability::Buffered, 1), (Durability::Synced, 2)]
        {
            let answers = writer.append(&keys, &[batch(b"\x01")], durability).unwrap();
            assert_eq!(answers[0].as_ref().unwrap().durability, durability);
            let setting: i64 =
                writer.connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap();
            assert_eq!(setting, level);
        }
    }

    #[test]
    fn a_transaction_left_open_by_a_panic_is_rolled_back() {
        let (mut writer, keys) = (writer(), KeyIds::default());
        writer.connection.execute_batch("BEGIN; DELETE FROM sqlite_schema").unwrap_err();
        writer
            .connection
            .execute_batch("INSERT INTO annals_key (namespace, field) VALUES ('a', 'b')")
            .unwrap();
        assert!(!writer.connection.is_autocommit());
        assert_eq!(writer.append(&keys, &[batch(b"\x01")], Durability::Synced).unwrap().len(), 1);
        let count: i64 =
            writer.connection.query_row("SELECT count(*) FROM annals_key", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 1);
    }
}
