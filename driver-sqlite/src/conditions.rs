//! What must hold for a batch, judged inside the transaction that appends it.

use std::sync::Arc;

use annals_core::{Condition, Conflict, Namespace, Position, PositionRange};
use rusqlite::Connection;

use crate::failure::Failure;
use crate::index;
use crate::keys::NewKeys;
use crate::positions::{KeyId, Positions};
use crate::reads;
use crate::rows::{self, kind};
use crate::tail::Part;

/// The log as it is inside a transaction that appends.
pub(crate) struct Moment<'a> {
    pub(crate) connection: &'a Connection,
    /// Knows all entries that were there before.
    pub(crate) tail: &'a Part,
    /// The entries that the transaction has appended so far.
    pub(crate) added: &'a Positions,
    pub(crate) last: Position,
}

/// Returns the conflict of the first condition that does not hold.
pub(crate) fn conflict(
    moment: &Moment<'_>,
    keys: &mut NewKeys<'_>,
    conditions: &[Condition],
) -> Result<Option<Conflict>, Failure> {
    for condition in conditions {
        if let Some(position) = moment.broken_by(keys, condition)? {
            let lost_to = reads::commit_of(moment.connection, position)?;
            let concerned = |key: &_| condition.concerns(key);
            let concerned = reads::keys_of(moment.connection, &lost_to, Conflict::KEYS_MAX, concerned)?;
            return Ok(Some(Conflict::new(condition.clone(), Arc::new(lost_to), concerned)));
        }
    }
    Ok(None)
}

impl Moment<'_> {
    /// Returns the position of the entry that breaks `condition`.
    fn broken_by(&self, keys: &mut NewKeys<'_>, condition: &Condition) -> Result<Option<Position>, Failure> {
        match condition {
            Condition::KeyUnchanged { key, since } => match keys.find(self.connection, key)? {
                Some(id) => self.first_after(id, *since),
                None => Ok(None),
            },
            Condition::KeyAbsent { key } => match keys.find(self.connection, key)? {
                Some(id) => self.in_effect(id),
                None => Ok(None),
            },
            Condition::NamespaceUnchanged { namespace, since } => {
                self.first_of_record_after(keys, namespace, *since)
            }
            Condition::LogUnchanged { since } => Ok((self.last > *since).then(|| since.plus(1))),
        }
    }

    fn first_after(&self, key: KeyId, since: Position) -> Result<Option<Position>, Failure> {
        let before = index::first_after(self.connection, self.tail, key, since)?;
        Ok(before.or_else(|| self.added.of_key(key, PositionRange::after(since)).next()))
    }

    fn first_of_record_after(
        &self,
        keys: &mut NewKeys<'_>,
        namespace: &Namespace,
        since: Position,
    ) -> Result<Option<Position>, Failure> {
        let mut first = None;
        for id in keys.of_record(self.connection, namespace)? {
            let of_key = self.first_after(id, since)?;
            first = first.into_iter().chain(of_key).min();
        }
        Ok(first)
    }

    /// Returns the newest entry of a key unless it is a deletion.
    fn in_effect(&self, key: KeyId) -> Result<Option<Position>, Failure> {
        let newest = match self.added.newest(key, Position::MAX) {
            Some(position) => Some(position),
            None => index::newest(self.connection, self.tail, key)?,
        };
        let Some(newest) = newest else { return Ok(None) };
        let sql = "SELECT key, kind FROM annals_entry WHERE position = ?1";
        let mut select = self.connection.prepare_cached(sql)?;
        let mut found = select.query([newest.to_i64()])?;
        let row = found.next()?.ok_or_else(|| rows::wrong_index(newest))?;
        rows::check_key(row, 0, key, newest)?;
        Ok(Some(newest).filter(|_| row.get(1) != Ok(kind::DELETED)))
    }
}
