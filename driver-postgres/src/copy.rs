//! What is stored, row by row, as COPY takes it.

use std::borrow::Cow;

use annals_core::codec::Timestamp;
use annals_core::{Commit, CommitId, Entry, Error};
use postgres::types::{ToSql, Type};

use crate::columns::stored;
use crate::parameter::Parameter;

/// A row of a table, of so many columns.
pub(crate) trait Row<const CELLS: usize> {
    const TYPES: [Type; CELLS];

    fn cells(&self) -> [&(dyn ToSql + Sync); CELLS];
}

/// A row of `annals_entry`.
pub(crate) struct EntryRow<'a> {
    log: &'a Parameter,
    position: i64,
    /// `None` where no id was found, which the table refuses.
    key: Option<i32>,
    kind: Option<i16>,
    actor: Option<&'a [u8]>,
    reason: Option<&'a [u8]>,
    value: Option<Cow<'a, [u8]>>,
}

impl<'a> EntryRow<'a> {
    pub(crate) fn new(log: &'a Parameter, entry: &'a Entry, key: Option<i32>) -> EntryRow<'a> {
        let (kind, value) = stored(&entry.action);
        EntryRow {
            log,
            position: entry.position.to_i64(),
            key,
            kind,
            actor: entry.actor.as_deref().map(str::as_bytes),
            reason: entry.reason.as_deref().map(str::as_bytes),
            value,
        }
    }
}

impl Row<7> for EntryRow<'_> {
    const TYPES: [Type; 7] =
        [Type::INT8, Type::INT8, Type::INT4, Type::INT2, Type::BYTEA, Type::BYTEA, Type::BYTEA];

    fn cells(&self) -> [&(dyn ToSql + Sync); 7] {
        [self.log, &self.position, &self.key, &self.kind, &self.actor, &self.reason, &self.value]
    }
}

/// A row of `annals_commit`.
pub(crate) struct CommitRow<'a> {
    log: &'a Parameter,
    last: i64,
    length: i64,
    recorded_at: i64,
    occurred_at: Option<i64>,
    id: Parameter,
    given: bool,
    actor: Option<&'a [u8]>,
    reason: Option<&'a [u8]>,
    location: Option<&'a [u8]>,
    tags: Parameter,
}

impl<'a> CommitRow<'a> {
    pub(crate) fn new(log: &'a Parameter, commit: &'a Commit) -> Result<CommitRow<'a>, Error> {
        let context = &commit.context;
        Ok(CommitRow {
            log,
            last: commit.last.to_i64(),
            length: commit.last.to_i64() - commit.first.to_i64() + 1,
            recorded_at: commit.recorded_at.as_micros(),
            occurred_at: context.occurred_at.map(Timestamp::as_micros),
            id: Parameter::id(&commit.id.uuid()),
            given: matches!(commit.id, CommitId::Given(_)),
            actor: context.actor.as_deref().map(str::as_bytes),
            reason: context.reason.as_deref().map(str::as_bytes),
            location: context.location.as_deref().map(str::as_bytes),
            tags: Parameter::bytes_or_null(context.tags_to_bytes()?),
        })
    }
}

impl Row<11> for CommitRow<'_> {
    const TYPES: [Type; 11] = [
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::UUID,
        Type::BOOL,
        Type::BYTEA,
        Type::BYTEA,
        Type::BYTEA,
        Type::BYTEA,
    ];

    fn cells(&self) -> [&(dyn ToSql + Sync); 11] {
        [
            self.log,
            &self.last,
            &self.length,
            &self.recorded_at,
            &self.occurred_at,
            &self.id,
            &self.given,
            &self.actor,
            &self.reason,
            &self.location,
            &self.tags,
        ]
    }
}
