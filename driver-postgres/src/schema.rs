//! What stands in a schema of a database, and how it comes there.
//!
//! Statements name the columns they use, so a column may be added later by `ALTER TABLE … ADD
//! COLUMN`, which rewrites no row.

use annals_core::{ErrorKind, Position};
use postgres::error::SqlState;

use crate::client::Client;
use crate::failure::{Failure, NOT_SET_UP};
use crate::place::Place;
use crate::pool::Pool;
use crate::rows;
use crate::schema_name::SchemaName;

/// The version of the format that this driver writes.
pub(crate) const FORMAT_VERSION: i32 = 1;

const TABLES: &str = include_str!("schema.sql");
const FUNCTIONS: &str = concat!(include_str!("functions.sql"), include_str!("plain.sql"));

/// What is found of a log and of the schema that it should be in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Whether commits are on disk when the server says so.
    pub(crate) is_durable: bool,
    /// Whether the schema has functions to append by.
    pub(crate) has_functions: bool,
    /// Where the log ends, if there is one.
    pub(crate) last: Option<Position>,
}

/// Looks for a log, without changing anything; `None` if there are no logs in the schema at all.
pub(crate) fn look(place: &Place) -> Result<Option<Found>, Failure> {
    let found = match place.read(&place.sql.opened, &[]) {
        Err(failure) if is_missing(&failure) => return Ok(None),
        found => found?,
    };
    let damaged = || Failure::Damaged("the schema is damaged: it does not say its version".into());
    let row = found.first().ok_or_else(damaged)?;
    let version: i32 = row.try_get(0).map_err(|_| damaged())?;
    if version != FORMAT_VERSION {
        let message =
            format!("the logs in this schema have format {version}; this version knows {FORMAT_VERSION}");
        return Err(Failure::Refused(ErrorKind::NewerFormat, message));
    }
    if !row.try_get::<_, bool>(1)? {
        let message = "the database has another encoding than UTF8; make one with `ENCODING 'UTF8'`";
        return Err(Failure::Refused(ErrorKind::Unsupported, message.into()));
    }
    let name: Option<&str> = row.try_get(4)?;
    if let Some(name) = name.filter(|name| *name != place.name.as_str()) {
        let message = format!(
            "the names of the logs `{}` and `{name}` have the same number; take another name",
            place.name
        );
        return Err(Failure::Refused(ErrorKind::Unsupported, message));
    }
    let last = rows::position_or_start(row, 5)?;
    Ok(Some(Found { is_durable: row.try_get(2)?, has_functions: row.try_get(3)?, last }))
}

fn is_missing(failure: &Failure) -> bool {
    failure.is(&SqlState::UNDEFINED_TABLE) || failure.is(&SqlState::INVALID_SCHEMA_NAME)
}

/// Returns the failure where there are no logs in the schema.
pub(crate) fn not_set_up() -> Failure {
    Failure::Refused(ErrorKind::Unavailable, NOT_SET_UP.into())
}

/// Writes the format into a schema, and makes the schema if it is missing: all of it or nothing.
pub(crate) fn create(pool: &Pool, schema: &SchemaName) -> Result<(), Failure> {
    let made = pool
        .insist(|connection, deadline| connection.run(deadline, transaction(schema, &[TABLES, FUNCTIONS])));
    match made {
        // Another process was first, or an attempt before this one whose answer was lost.
        Err(failure) if is_there_already(&failure) => Ok(()),
        // A server without PL/pgSQL takes commits by statements.
        Err(failure)
            if failure.is(&SqlState::UNDEFINED_OBJECT) || failure.is(&SqlState::FEATURE_NOT_SUPPORTED) =>
        {
            pool.insist(|connection, deadline| connection.run(deadline, transaction(schema, &[TABLES])))
        }
        made => made,
    }
}

fn is_there_already(failure: &Failure) -> bool {
    let codes = [SqlState::DUPLICATE_TABLE, SqlState::DUPLICATE_SCHEMA, SqlState::UNIQUE_VIOLATION];
    codes.iter().any(|code| failure.is(code))
}

/// Returns what makes a schema with these parts.
fn transaction(
    schema: &SchemaName,
    parts: &[&str],
) -> impl FnOnce(&mut Client) -> Result<(), Failure> + Send + 'static {
    let mut sql = vec![format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\"")];
    sql.extend(parts.iter().map(|part| schema.applied_to(part)));
    sql.push(schema.applied_to(&format!("INSERT INTO \"annals\".annals_format VALUES ({FORMAT_VERSION})")));
    move |client| {
        let mut transaction = client.transaction()?;
        for part in &sql {
            transaction.batch_execute(part)?;
        }
        transaction.commit()
    }
}
