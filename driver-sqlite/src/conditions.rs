//! What must hold for a batch, judged inside the transaction that appends it.

use std::sync::Arc;

use annals_core::{Condition, Conflict, Namespace, Position};
use rusqlite::{Connection, OptionalExtension, params};

use crate::failure::Failure;
use crate::keys::NewKeys;
use crate::reads;
use crate::rows::{self, kind};

/// Returns the conflict of the first condition that does not hold in a log that ends at `last`.
pub(crate) fn conflict(
    connection: &Connection,
    keys: &mut NewKeys<'_>,
    conditions: &[Condition],
    last: Position,
) -> Result<Option<Conflict>, Failure> {
    for condition in conditions {
        if let Some(position) = broken_by(connection, keys, condition, last)? {
            let lost_to = reads::commit_of(connection, position)?;
            let concerned =
                reads::keys_of(connection, &lost_to, Conflict::KEYS_MAX, |key| condition.concerns(key))?;
            return Ok(Some(Conflict::new(condition.clone(), Arc::new(lost_to), concerned)));
        }
    }
    Ok(None)
}

/// Returns the position of the entry that breaks `condition`.
fn broken_by(
    connection: &Connection,
    keys: &mut NewKeys<'_>,
    condition: &Condition,
    last: Position,
) -> Result<Option<Position>, Failure> {
    match condition {
        Condition::KeyUnchanged { key, since } => match keys.find(connection, key)? {
            Some(id) => first_of_key_after(connection, id, *since),
            None => Ok(None),
        },
        Condition::KeyAbsent { key } => match keys.find(connection, key)? {
            Some(id) => in_effect(connection, id),
            None => Ok(None),
        },
        Condition::NamespaceUnchanged { namespace, since } => {
            first_of_record_after(connection, namespace, *since)
        }
        Condition::LogUnchanged { since } => Ok((last > *since).then(|| since.plus(1))),
    }
}

fn first_of_key_after(
    connection: &Connection,
    id: i64,
    since: Position,
) -> Result<Option<Position>, Failure> {
    let sql = "SELECT min(position) FROM annals_entry WHERE key = ?1 AND position > ?2";
    let mut first = connection.prepare_cached(sql)?;
    first.query_row(params![id, since.to_i64()], |row| Ok(position_or_none(row)))?
}

fn first_of_record_after(
    connection: &Connection,
    namespace: &Namespace,
    since: Position,
) -> Result<Option<Position>, Failure> {
    let sql = "SELECT min((SELECT min(position) FROM annals_entry WHERE key = k.id AND position > ?2))
        FROM annals_key AS k WHERE k.namespace = ?1";
    let mut first = connection.prepare_cached(sql)?;
    first.query_row(params![namespace.as_str(), since.to_i64()], |row| Ok(position_or_none(row)))?
}

/// Returns the newest entry of a key unless it is a deletion.
fn in_effect(connection: &Connection, id: i64) -> Result<Option<Position>, Failure> {
    let sql = "SELECT position, kind FROM annals_entry WHERE key = ?1 ORDER BY position DESC LIMIT 1";
    let mut newest = connection.prepare_cached(sql)?;
    let newest = newest.query_row([id], |row| Ok((rows::position(row, 0), row.get::<_, i64>(1)?)));
    match newest.optional()? {
        Some((position, newest)) if newest != kind::DELETED => position.map(Some),
        _ => Ok(None),
    }
}

fn position_or_none(row: &rusqlite::Row<'_>) -> Result<Option<Position>, Failure> {
    Ok(Some(rows::position_or_start(row)?).filter(|position| *position > Position::START))
}
