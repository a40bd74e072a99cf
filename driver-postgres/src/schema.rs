//! What stands in a schema of a database, and how it comes there.
//!
//! Statements name the columns they use, so a column may be added later by `ALTER TABLE … ADD
//! COLUMN`, which rewrites no row.

use annals_core::{ErrorKind, Position, Upgrade};
use postgres::Transaction;
use postgres::error::SqlState;

use crate::failure::{Failure, NOT_SET_UP};
use crate::place::Place;
use crate::pool::Pool;
use crate::rows;
use crate::schema_name::SchemaName;

/// The version of the format that this driver writes.
///
/// Logs of an older one are read and written as they are, as far as what they lack is not needed.
pub(crate) const FORMAT_VERSION: i32 = 2;

/// What each version does to the tables of the one before, in order; version 2 brought the views.
const STEPS: [(i32, &str); 1] = [(1, include_str!("schema.sql"))];

/// What stands beside the tables. It takes the place of what older versions had there, and keeps its rights.
const VIEWS: &str = include_str!("views.sql");
const FUNCTIONS: &str = include_str!("functions.sql");

/// What servers are offered beside the tables, until they take it: some know no PL/pgSQL, or not all of SQL.
const OFFERS: [&[&str]; 3] = [&[VIEWS, FUNCTIONS], &[FUNCTIONS], &[VIEWS]];

/// Makes the statements that let those read the views who may read the tables.
const GRANTS: &str = "
    SELECT DISTINCT pg_catalog.format('GRANT SELECT ON %s TO %s', v.oid::pg_catalog.regclass, CASE a.grantee
        WHEN 0 THEN 'PUBLIC'
        ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee))
    END)
    FROM pg_catalog.pg_class AS e CROSS JOIN LATERAL pg_catalog.aclexplode(e.relacl) AS a
    JOIN pg_catalog.pg_class AS v ON v.relnamespace = e.relnamespace AND v.relkind = 'v'
    WHERE e.oid = '\"annals\".annals_entry'::pg_catalog.regclass AND a.privilege_type = 'SELECT'
        AND a.grantee <> e.relowner AND v.relname IN ('annals_current', 'annals_history', 'annals_commits')";

/// What is found of a log and of the schema that it should be in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The version of the format.
    pub(crate) version: i32,
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
    if version > FORMAT_VERSION {
        let message = format!(
            "the logs in this schema have format {version}, and this program knows formats up to \
             {FORMAT_VERSION}; use a newer program"
        );
        return Err(Failure::Refused(ErrorKind::NewerFormat, message));
    }
    if version < 1 {
        return Err(damaged());
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
    Ok(Some(Found { version, is_durable: row.try_get(2)?, has_functions: row.try_get(3)?, last }))
}

fn is_missing(failure: &Failure) -> bool {
    failure.is(&SqlState::UNDEFINED_TABLE) || failure.is(&SqlState::INVALID_SCHEMA_NAME)
}

/// Returns the failure where there are no logs in the schema.
pub(crate) fn not_set_up() -> Failure {
    Failure::Refused(ErrorKind::Missing, NOT_SET_UP.into())
}

/// Writes the format into a schema, and makes the schema if it is missing: all of it or nothing.
pub(crate) fn create(pool: &Pool, schema: &SchemaName) -> Result<(), Failure> {
    match offer(pool, schema, creation) {
        // Another process was first, or an attempt before this one whose answer was lost.
        Err(failure) if is_there_already(&failure) => Ok(()),
        made => made,
    }
}

fn is_there_already(failure: &Failure) -> bool {
    let codes = [SqlState::DUPLICATE_TABLE, SqlState::DUPLICATE_SCHEMA, SqlState::UNIQUE_VIOLATION];
    codes.iter().any(|code| failure.is(code))
}

/// Brings a schema of an older version to the newest: all the way, or not at all.
pub(crate) fn upgrade(place: &Place, schema: &SchemaName) -> Result<Upgrade, Failure> {
    let before = look(place)?.ok_or_else(not_set_up)?.version;
    if before < FORMAT_VERSION {
        offer(&place.pool, schema, upgrading)?;
    }
    Ok(Upgrade { before, after: FORMAT_VERSION })
}

/// Changes a schema, in a transaction, so that these parts stand in it beside the tables.
type Change = fn(&mut Transaction<'_>, &SchemaName, &[&str]) -> Result<(), Failure>;

/// Makes a change with as much beside the tables as the server takes.
fn offer(pool: &Pool, schema: &SchemaName, change: Change) -> Result<(), Failure> {
    for parts in OFFERS {
        match make(pool, schema, change, parts) {
            Err(failure) if is_beyond_server(&failure) => {}
            made => return made,
        }
    }
    make(pool, schema, change, &[])
}

fn make(
    pool: &Pool,
    schema: &SchemaName,
    change: Change,
    parts: &'static [&'static str],
) -> Result<(), Failure> {
    pool.insist(|connection, deadline| {
        let schema = schema.clone();
        connection.run(deadline, move |client| {
            let mut transaction = client.transaction()?;
            change(&mut transaction, &schema, parts)?;
            Ok(transaction.commit()?)
        })
    })
}

fn is_beyond_server(failure: &Failure) -> bool {
    let codes = [
        SqlState::FEATURE_NOT_SUPPORTED,
        SqlState::SYNTAX_ERROR,
        SqlState::UNDEFINED_FUNCTION,
        SqlState::UNDEFINED_OBJECT,
    ];
    codes.iter().any(|code| failure.is(code))
}

fn creation(transaction: &mut Transaction<'_>, schema: &SchemaName, parts: &[&str]) -> Result<(), Failure> {
    transaction.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\""))?;
    bring_up(transaction, schema, parts, 0)
}

fn upgrading(transaction: &mut Transaction<'_>, schema: &SchemaName, parts: &[&str]) -> Result<(), Failure> {
    // Whoever else upgrades waits here, and then has nothing left to do.
    let lock = schema.applied_to("SELECT f.version FROM \"annals\".annals_format AS f FOR UPDATE");
    let found = transaction.query_typed(&lock, &[])?;
    let version = found.first().map(|row| row.try_get(0)).transpose()?.unwrap_or(FORMAT_VERSION);
    if version < FORMAT_VERSION { bring_up(transaction, schema, parts, version) } else { Ok(()) }
}

/// Takes the steps from version `before` to the newest.
fn bring_up(
    transaction: &mut Transaction<'_>,
    schema: &SchemaName,
    parts: &[&str],
    before: i32,
) -> Result<(), Failure> {
    let steps = STEPS.iter().filter(|(version, _)| *version > before).map(|(_, step)| step);
    for part in steps.chain(parts) {
        transaction.batch_execute(&schema.applied_to(part))?;
    }
    if parts.contains(&VIEWS) {
        for grant in transaction.query_typed(&schema.applied_to(GRANTS), &[])? {
            transaction.batch_execute(grant.try_get(0)?)?;
        }
    }
    let version = format!("UPDATE \"annals\".annals_format SET version = {FORMAT_VERSION}");
    Ok(transaction.batch_execute(&schema.applied_to(&version))?)
}
