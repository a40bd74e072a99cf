use std::borrow::Cow;

use annals_core::codec::Timestamp;
use annals_core::{
    Action, Batch, Commit, CommitEntries, CommitId, Conflict, Entry, Error, Key, Position, Write,
};
use rusqlite::{Connection, params};

use crate::added::Added;
use crate::conditions::{self, Moment};
use crate::entry_inserts::{EntryInserts, EntryRow};
use crate::failure::Failure;
use crate::keys::NewKeys;
use crate::known::Known;
use crate::pass::{self, Pace};
use crate::plan::Plan;
use crate::positions::KeyId;
use crate::reads;
use crate::rows::kind;
use crate::tail::Found;

/// Adds commits at the end of the log, inside one transaction.
pub(crate) struct Appender<'c, 'k> {
    connection: &'c Connection,
    known: &'k Known,
    insert: EntryInserts<'c>,
    keys: NewKeys<'k>,
    /// Where the last commit ends and when it was recorded.
    last: Option<(Position, Timestamp)>,
    added: Added,
}

/// What a transaction found out, true once it is committed.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) ids: Vec<(Key, KeyId)>,
    pub(crate) found: Option<Found>,
    pub(crate) plan: Option<Plan>,
}

impl<'c, 'k> Appender<'c, 'k> {
    pub(crate) fn new(connection: &'c Connection, known: &'k Known) -> Result<Appender<'c, 'k>, Failure> {
        let last = reads::last_commit(connection)?;
        Ok(Appender {
            connection,
            known,
            insert: EntryInserts::new(connection),
            keys: NewKeys::new(&known.keys),
            last,
            added: Added::new(last.map_or(Position::START, |(position, _)| position)),
        })
    }

    /// Appends the batch if its conditions hold.
    pub(crate) fn append(&mut self, batch: &Batch) -> Result<Result<Commit, Conflict>, Failure> {
        let (before, time) = self.last.unwrap_or((Position::START, batch.now));
        if let Some(conflict) = self.conflict(batch)? {
            return Ok(Err(conflict));
        }
        let commit = Commit {
            first: before.plus(1),
            last: before.plus(batch.writes.len() as u64),
            id: batch.id,
            recorded_at: time.max(batch.now),
            context: batch.context.clone(),
        };
        self.add(&commit, &batch.writes)?;
        Ok(Ok(commit))
    }

    fn conflict(&mut self, batch: &Batch) -> Result<Option<Conflict>, Failure> {
        if batch.conditions.is_empty() {
            return Ok(None);
        }
        let tail = self.known.tail.covering_in(self.connection, self.added.run().after())?;
        let last = self.added.run().through();
        let moment = Moment { connection: self.connection, tail: &tail, added: self.added.by_key(), last };
        conditions::conflict(&moment, &mut self.keys, &batch.conditions)
    }

    /// Appends commits as they stood in another log.
    pub(crate) fn restore(&mut self, commits: &[CommitEntries]) -> Result<(), Failure> {
        CommitEntries::check_sequence(commits, self.last)?;
        for CommitEntries { commit, entries } in commits {
            if reads::commit_of_given(self.connection, commit.id)?.is_some() {
                let (position, reason) = (commit.first, CommitEntries::GIVEN_TWICE);
                return Err(Error::Restore { position, reason }.into());
            }
            self.add(commit, entries)?;
        }
        Ok(())
    }

    /// Does what the new entries oblige to, and returns what is true once all of it is committed.
    pub(crate) fn finish(self, pace: Pace) -> Result<News, Failure> {
        let advanced = pass::advance(self.connection, self.known, self.added.run(), pace)?;
        let indexed_until = advanced.as_ref().map_or(Position::START, |advanced| advanced.indexed_until);
        let found = Found { indexed_until, run: self.added.into_run() };
        let plan = advanced.and_then(|advanced| advanced.plan);
        Ok(News { ids: self.keys.into_found(), found: Some(found), plan })
    }

    fn add<'e, E>(&mut self, commit: &Commit, entries: &'e [E]) -> Result<(), Failure>
    where
        NewEntry<'e>: From<&'e E>,
    {
        for chunk in entries.chunks(EntryInserts::ROWS) {
            let mut rows = Vec::with_capacity(chunk.len());
            for entry in chunk.iter().map(NewEntry::from) {
                let key = self.keys.find_or_add(self.connection, entry.key)?;
                self.added.push(key);
                rows.push(entry.row(self.added.run().through(), key));
            }
            self.insert.insert(&rows)?;
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

impl<'e> NewEntry<'e> {
    fn row(self, position: Position, key: KeyId) -> EntryRow<'e> {
        let (kind, value) = match self.action {
            Action::Set(bytes) => (kind::SET, Some(Cow::Borrowed(&**bytes))),
            Action::Deleted => (kind::DELETED, None),
            Action::Erased { by } => (kind::ERASED, Some(Cow::Owned(by.get().to_be_bytes().to_vec()))),
        };
        EntryRow { position, key, kind, actor: self.actor, reason: self.reason, value }
    }
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
