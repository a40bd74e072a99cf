//! What stands in a schema of a database, and how it comes there.
//!
//! Statements name the columns they use, so a column may be added later by `ALTER TABLE … ADD
//! COLUMN`, which rewrites no row.

use annals_core::ErrorKind;
use postgres::error::SqlState;

use crate::failure::{Failure, NOT_SET_UP};
use crate::pool::Pool;
use crate::schema_name::SchemaName;

/// The version of the format that this driver writes.
pub(crate) const FORMAT_VERSION: i32 = 1;

const TABLES: &str = include_str!("schema.sql");
const FUNCTIONS: &str = include_str!("functions.sql");

/// What a schema holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    /// No logs: there is no such schema, or nothing of ours in it.
    Nothing,
    /// Logs in the format of this version.
    Version { version: i32, has_functions: bool },
}

/// What a database says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) contents: Contents,
    /// Whether commits are on disk when the server says so.
    pub(crate) is_durable: bool,
}

const IDENTIFY: &str = "
    SELECT current_setting('server_encoding') = 'UTF8', current_setting('fsync') = 'on',
        EXISTS (
            SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND c.relname = 'annals_format'
        ),
        EXISTS (
            SELECT FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
            WHERE n.nspname = $1 AND p.proname = 'annals_append'
        )";

/// Looks at a schema without changing it.
pub(crate) fn identify(pool: &Pool, schema: &SchemaName) -> Result<Found, Failure> {
    let found = pool.read(&IDENTIFY.into(), vec![crate::parameter::Parameter::text(schema.as_str())])?;
    let row = found.first().ok_or_else(|| Failure::Damaged("the server answers with nothing".into()))?;
    let is = |at: usize| row.try_get::<_, bool>(at).map_err(Failure::from);
    if !is(0)? {
        let message = "the database has another encoding than UTF8; create one with `ENCODING 'UTF8'`";
        return Err(Failure::Refused(ErrorKind::Unsupported, message.into()));
    }
    let contents = match is(2)? {
        false => Contents::Nothing,
        true => Contents::Version { version: version(pool, schema)?, has_functions: is(3)? },
    };
    Ok(Found { contents, is_durable: is(1)? })
}

fn version(pool: &Pool, schema: &SchemaName) -> Result<i32, Failure> {
    let sql = schema.applied_to("SELECT f.version FROM \"annals\".annals_format AS f");
    let found = pool.read(&sql.into(), Vec::new())?;
    let version = found.first().and_then(|row| row.try_get(0).ok());
    version.ok_or_else(|| Failure::Damaged("the schema is damaged: it does not say its version".into()))
}

/// Fails unless the logs in a schema can be used by this version.
pub(crate) fn check(contents: Contents, schema: &SchemaName) -> Result<bool, Failure> {
    match contents {
        Contents::Nothing => Err(Failure::Refused(ErrorKind::Unavailable, NOT_SET_UP.into())),
        Contents::Version { version, has_functions } if version == FORMAT_VERSION => Ok(has_functions),
        Contents::Version { version, .. } => Err(Failure::Refused(
            ErrorKind::NewerFormat,
            format!(
                "the logs in the schema `{schema}` have format {version}, this version knows {FORMAT_VERSION}"
            ),
        )),
    }
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
) -> impl FnOnce(&mut postgres::Client) -> Result<(), Failure> + Send + 'static {
    let mut sql = vec![format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\"")];
    sql.extend(parts.iter().map(|part| schema.applied_to(part)));
    sql.push(schema.applied_to(&format!("INSERT INTO \"annals\".annals_format VALUES ({FORMAT_VERSION})")));
    move |client| {
        let mut transaction = client.transaction()?;
        for part in &sql {
            transaction.batch_execute(part)?;
        }
        Ok(transaction.commit()?)
    }
}
