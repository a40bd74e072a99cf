//! Appending by plain statements in a transaction: for servers without functions, and for more than a
//! function can be given at once.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use annals_core::codec::Timestamp;
use annals_core::{Batch, Commit, CommitEntries, CommitId, Condition, Conflict, Durability, Key, Position};
use postgres::Row;

use crate::append::milliseconds;
use crate::client::{self, Client};
use crate::columns::{self, CommitColumns, EntryColumns};
use crate::copy::{CommitRow, EntryRow};
use crate::failure::Failure;
use crate::key_ids::KeyIds;
use crate::known_keys::Witness;
use crate::outcome::{Other, Outcome, become_of};
use crate::parameter::{Column, Parameter, typed};
use crate::place::Place;
use crate::rows;
use crate::sql::Statements;

/// What a transaction is begun with.
#[derive(Clone)]
pub(crate) struct Terms {
    log: i64,
    sql: Arc<Statements>,
    busy_timeout: Duration,
    /// How long the server waits for the next statement: who cannot reach it any more holds up others
    /// no longer than he waits himself.
    idle_timeout: Duration,
    durability: Durability,
}

impl Terms {
    pub(crate) fn new(place: &Place, busy_timeout: Duration, durability: Durability) -> Terms {
        let idle_timeout = place.pool.timeout;
        Terms { log: place.log, sql: Arc::clone(&place.sql), busy_timeout, idle_timeout, durability }
    }

    /// Makes them those of a transaction that has begun.
    pub(crate) fn apply(&self, transaction: &mut client::Transaction<'_>) -> Result<(), Failure> {
        let settings = [
            Parameter::text(&milliseconds(self.busy_timeout).to_string()),
            Parameter::boolean(self.durability == Durability::Synced),
            Parameter::text(&milliseconds(self.idle_timeout).to_string()),
        ];
        transaction.query_typed(&self.sql.settings, &typed(&settings)).map(drop)
    }
}

/// A transaction on one log. It holds the log's row, so nobody else appends until it has ended; dropped
/// without a commit it leaves nothing behind.
pub(crate) struct Transaction<'c> {
    inner: client::Transaction<'c>,
    sql: Arc<Statements>,
    log: Parameter,
    /// Where the log ended before, and where it ends with what was added so far.
    pub(crate) start: Position,
    last: Position,
    /// When its newest commit was recorded.
    recorded_at: Option<Timestamp>,
    commits: CommitColumns,
    entries: EntryColumns,
    /// Behind which position the entries belong that were not sent yet.
    sent: Position,
}

impl<'c> Transaction<'c> {
    /// How many bytes of entries are sent at a time.
    const BYTES_MAX: usize = 32 << 20;

    /// Begins with the log's row: what is read after it, nobody can change any more.
    pub(crate) fn begin(client: &'c mut Client, terms: &Terms) -> Result<Transaction<'c>, Failure> {
        let sql = Arc::clone(&terms.sql);
        let mut inner = client.transaction()?;
        terms.apply(&mut inner)?;
        let log = Parameter::number(terms.log);
        let found = inner.query_typed(&sql.lock, &typed(slice::from_ref(&log)))?;
        let row = found.first().ok_or_else(Failure::no_log)?;
        let start = rows::position_or_start(row, 0)?.unwrap_or(Position::START);
        let recorded_at = rows::time(row, 1)?;
        let (commits, entries) = (CommitColumns::new(), EntryColumns::new());
        Ok(Transaction { inner, sql, log, start, last: start, recorded_at, commits, entries, sent: start })
    }

    /// Appends each batch whose conditions hold.
    pub(crate) fn append(&mut self, batches: &[Batch], seen: Position) -> Result<Outcome, Failure> {
        let recorded_at = self.recorded_at;
        let mut others = Vec::new();
        for (nth, batch) in batches.iter().enumerate() {
            if let Some(other) = self.judge(batch, seen)? {
                others.push((nth, other));
                continue;
            }
            let commit = become_of(batch, self.last, self.recorded_at);
            self.add_commit(&commit)?;
            for write in &batch.writes {
                self.entries.push(&write.key, &write.action, write.actor.as_deref(), write.reason.as_deref());
                self.send_if_many()?;
            }
        }
        Ok(Outcome { last: self.start, recorded_at, others })
    }

    /// Returns the end of the first of these commits whose given id is there already.
    pub(crate) fn given_twice(&mut self, commits: &[CommitEntries]) -> Result<Option<Position>, Failure> {
        let (mut ends, mut ids) = (Column::numbers(), Column::ids());
        for commit in commits.iter().map(|item| &item.commit) {
            if let CommitId::Given(id) = commit.id {
                ends.push_number(commit.last.to_i64());
                ids.push(Some(id.as_bytes()));
            }
        }
        if ids.len() == 0 {
            return Ok(None);
        }
        let found = self.ask(|sql| &sql.given_twice, &[ends.into(), ids.into()])?;
        Ok(found.first().map(|row| rows::position_or_start(row, 0)).transpose()?.flatten())
    }

    /// Appends commits as they stand, which must continue the log.
    pub(crate) fn restore(&mut self, commits: &[CommitEntries]) -> Result<(), Failure> {
        for item in commits {
            self.add_commit(&item.commit)?;
            for entry in &item.entries {
                self.entries.push(&entry.key, &entry.action, entry.actor.as_deref(), entry.reason.as_deref());
                self.send_if_many()?;
            }
        }
        Ok(())
    }

    /// Does the same by COPY, for a user who may write the tables.
    pub(crate) fn copy(&mut self, commits: &[CommitEntries], keys: &KeyIds<'_>) -> Result<(), Failure> {
        let Some(newest) = commits.last() else { return Ok(()) };
        let log = &self.log;
        let entries = commits.iter().flat_map(|item| &item.entries);
        let entries = entries.map(|entry| EntryRow::new(log, entry, keys.get(&entry.key)));
        self.inner.copy_in(&self.sql.copy_entries, entries)?;
        let rows = commits.iter().map(|item| CommitRow::new(log, &item.commit));
        self.inner.copy_in(&self.sql.copy_commits, rows.collect::<Result<Vec<_>, _>>()?)?;
        self.last = newest.commit.last;
        self.recorded_at = Some(newest.commit.recorded_at);
        Ok(())
    }

    /// Returns whether the log has the commit that vouches for what was known of it.
    pub(crate) fn has(&mut self, witness: Witness) -> Result<bool, Failure> {
        let found = self.ask(|sql| &sql.witness, &Witness::parameters(Some(witness)))?;
        Ok(!found.is_empty())
    }

    /// Returns the ids of keys, in their order.
    pub(crate) fn ids_of_keys(&mut self, keys: &[&Key]) -> Result<Vec<Option<i32>>, Failure> {
        let found = self.ask(|sql| &sql.ids_of_keys, &columns::of_keys(keys))?;
        Ok(found.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
    }

    /// Gives ids to keys that have none yet, each named once.
    pub(crate) fn add_keys(&mut self, keys: &[&Key]) -> Result<(), Failure> {
        self.ask(|sql| &sql.insert_keys, &columns::of_keys(keys)).map(drop)
    }

    /// Turns entries that were there before, and are set, into ones that the last commit has erased.
    pub(crate) fn erase(&mut self, positions: Parameter) -> Result<(), Failure> {
        let by = Parameter::bytes(&self.last.get().to_be_bytes());
        let before = Parameter::number(self.start.to_i64());
        self.ask(|sql| &sql.erase_entries, &[before, by, positions]).map(drop)
    }

    /// Sends what is left, says where the log ends now, and ends the transaction.
    pub(crate) fn commit(mut self) -> Result<(), Failure> {
        self.send()?;
        let end = [Parameter::number(self.last.to_i64()), Parameter::time_or_null(self.recorded_at)];
        self.ask(|sql| &sql.end, &end)?;
        self.inner.commit()
    }

    fn ask(
        &mut self,
        which: fn(&Statements) -> &Arc<str>,
        others: &[Parameter],
    ) -> Result<Vec<Row>, Failure> {
        let parameters: Vec<Parameter> = std::iter::once(&self.log).chain(others).cloned().collect();
        self.inner.query_typed(which(&self.sql), &typed(&parameters))
    }

    fn add_commit(&mut self, commit: &Commit) -> Result<(), Failure> {
        self.last = commit.last;
        self.recorded_at = Some(commit.recorded_at);
        Ok(self.commits.push(commit)?)
    }

    fn send_if_many(&mut self) -> Result<(), Failure> {
        if self.entries.size() < Self::BYTES_MAX { Ok(()) } else { self.send_entries() }
    }

    fn send(&mut self) -> Result<(), Failure> {
        self.send_entries()?;
        if self.commits.len() == 0 {
            return Ok(());
        }
        let commits = std::mem::replace(&mut self.commits, CommitColumns::new()).into_parameters();
        self.ask(|sql| &sql.insert_commits, &commits).map(drop)
    }

    fn send_entries(&mut self) -> Result<(), Failure> {
        if self.entries.len() == 0 {
            return Ok(());
        }
        let entries = std::mem::replace(&mut self.entries, EntryColumns::new());
        let before = Parameter::number(self.sent.to_i64());
        self.sent = self.sent.plus(entries.len());
        let columns: Vec<Parameter> = std::iter::once(before).chain(entries.into_parameters()).collect();
        self.ask(|sql| &sql.insert_keys, columns.get(1..3).unwrap_or_default())?;
        self.ask(|sql| &sql.insert_entries, &columns).map(drop)
    }

    /// Returns why a batch is not appended, if it is not.
    fn judge(&mut self, batch: &Batch, seen: Position) -> Result<Option<Other>, Failure> {
        let is_given = matches!(batch.id, CommitId::Given(_));
        if !is_given && batch.conditions.is_empty() && seen >= self.start {
            return Ok(None);
        }
        self.send()?;
        if let Some(commit) = self.find(batch.id, seen)? {
            return Ok(Some(Other::There(Arc::new(commit))));
        }
        for (condition, number) in batch.conditions.iter().zip(0..) {
            if let Some(position) = self.broken_by(condition)? {
                return self.conflict(condition, number, position).map(Some);
            }
        }
        Ok(None)
    }

    /// Returns the commit that has this id, as far as it is looked for.
    fn find(&mut self, id: CommitId, seen: Position) -> Result<Option<Commit>, Failure> {
        let uuid = Parameter::id(&id.uuid());
        let found = match id {
            CommitId::Given(_) => self.ask(|sql| &sql.commit_of_given, &[uuid])?,
            CommitId::Made(_) if seen < self.start => {
                let bounds = [seen, self.start].map(|position| Parameter::number(position.to_i64()));
                let [after, through] = bounds;
                self.ask(|sql| &sql.commit_of_made, &[uuid, after, through])?
            }
            CommitId::Made(_) => return Ok(None),
        };
        found.first().map(|row| rows::commit(row, 0)).transpose()
    }

    /// Returns the position of the entry that breaks `condition`.
    fn broken_by(&mut self, condition: &Condition) -> Result<Option<Position>, Failure> {
        let number = |position: &Position| Parameter::number(position.to_i64());
        let found = match condition {
            Condition::KeyUnchanged { key, since } => {
                let [namespace, field] = Parameter::names(key);
                self.ask(|sql| &sql.first_of_key, &[namespace, field, number(since)])?
            }
            Condition::KeyAbsent { key } => {
                let [namespace, field] = Parameter::names(key);
                let newest =
                    self.ask(|sql| &sql.questions.entry, &[namespace, field, number(&Position::MAX)])?;
                newest.into_iter().filter(|row| row.try_get(1).ok() != Some(rows::kind::DELETED)).collect()
            }
            Condition::NamespaceUnchanged { namespace, since } => {
                self.ask(|sql| &sql.first_of_record, &[Parameter::text(namespace.as_str()), number(since)])?
            }
            Condition::LogUnchanged { since } => return Ok((self.last > *since).then(|| since.plus(1))),
        };
        Ok(found.first().map(|row| rows::position_or_start(row, 0)).transpose()?.flatten())
    }

    fn conflict(&mut self, condition: &Condition, number: usize, first: Position) -> Result<Other, Failure> {
        let found = self.ask(|sql| &sql.commit_of, &[Parameter::number(first.to_i64())])?;
        let lost_to = found.first().map(|row| rows::commit(row, 0)).transpose()?;
        let lost_to = lost_to.ok_or_else(|| rows::no_commit(first))?;
        let (namespace, field) = match condition {
            Condition::KeyUnchanged { key, .. } | Condition::KeyAbsent { key } => {
                (Some(key.namespace().as_str()), Some(key.field().as_str()))
            }
            Condition::NamespaceUnchanged { namespace, .. } => (Some(namespace.as_str()), None),
            Condition::LogUnchanged { .. } => (None, None),
        };
        let parameters = [
            Parameter::number(lost_to.first.before().to_i64()),
            Parameter::number(lost_to.last.to_i64()),
            Parameter::text_or_null(namespace),
            Parameter::text_or_null(field),
            Parameter::number(i64::try_from(Conflict::KEYS_MAX).unwrap_or(i64::MAX)),
        ];
        let found = self.ask(|sql| &sql.keys_between, &parameters)?;
        let keys = found.iter().map(|row| {
            let names = (row.try_get(0).unwrap_or_default(), row.try_get(1).unwrap_or_default());
            rows::key(names.0, names.1)
        });
        Ok(Other::Conflict {
            condition: number,
            lost_to: Arc::new(lost_to),
            keys: keys.collect::<Result<_, _>>()?,
        })
    }
}
