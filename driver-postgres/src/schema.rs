//! What stands in a schema of a database, and how it comes there.
//!
//! Statements name the columns they use, so a column may be added later by `ALTER TABLE … ADD
//! COLUMN`, which rewrites no row.

use std::time::Duration;

use annals_core::{ErrorKind, Position, Upgrade};
use postgres::error::SqlState;

use crate::append::milliseconds;
use crate::client::Transaction;
use crate::failure::Failure;
use crate::log_name::LogName;
use crate::place::Place;
use crate::pool::Pool;
use crate::questions;
use crate::rows;
use crate::schema_name::SchemaName;

/// The version of the format that this driver writes.
///
/// Logs of an older one are read and written as they are, as far as what they lack is not needed.
pub(crate) const FORMAT_VERSION: i32 = 3;

/// The tables of the newest version.
const TABLES: &str = include_str!("schema.sql");

/// What makes the tables of a version out of those of the one before, in order.
///
/// Version 2 brought views and erasing; 3 other functions for plain batches, and the tables of 2.
const STEPS: [(i32, &str); 1] = [
    // What the server had gathered about a column are samples of its values; it forgets them where the type
    // is told anew, if it is the same one.
    (2, "ALTER TABLE \"annals\".annals_entry ALTER COLUMN value TYPE bytea"),
];

/// The first version whose functions for plain batches are called as they are now.
pub(crate) const PLAIN_SINCE: i32 = 3;

/// What stands beside the tables. It takes the place of what older versions had there, and keeps its rights.
const VIEWS: &str = include_str!("views.sql");
const FUNCTIONS: &str = concat!(include_str!("functions.sql"), include_str!("plain.sql"));

/// What servers are offered beside the tables, until they take it: some know no PL/pgSQL, or not all of SQL.
const OFFERS: [&[&str]; 3] =
    [&[VIEWS, FUNCTIONS, questions::FUNCTIONS], &[FUNCTIONS, questions::FUNCTIONS], &[VIEWS]];

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
    /// Whether it has functions to read by, which this user may call.
    pub(crate) has_questions: bool,
    /// What the log is called, if there is one.
    name: Option<String>,
    /// Where it ends.
    last: Option<Position>,
}

impl Found {
    /// Returns where the log ends, if there is one.
    pub(crate) fn last(&self, place: &Place) -> Result<Option<Position>, Failure> {
        match &self.name {
            Some(name) if name != place.name.as_str() => Err(named_otherwise(place, name)),
            _ => Ok(self.last),
        }
    }
}

/// Looks for a log, without changing anything; `None` if there are no logs in the schema at all.
pub(crate) fn look(place: &Place) -> Result<Option<Found>, Failure> {
    let found = match place.read(&place.sql.opened, &[]) {
        Err(failure) if is_missing(&failure) && !has_tables(place)? => return Ok(None),
        // They may have been made just now.
        Err(failure) if is_missing(&failure) => place.read(&place.sql.opened, &[]).map_err(incomplete)?,
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
        return Err(not_utf8());
    }
    Ok(Some(Found {
        version,
        is_durable: row.try_get(2)?,
        has_functions: row.try_get(3)?,
        has_questions: row.try_get(6)?,
        name: row.try_get(4)?,
        last: rows::position_or_start(row, 5)?,
    }))
}

fn named_otherwise(place: &Place, name: &str) -> Failure {
    let (wanted, found) = (&place.name, name.escape_debug());
    if LogName::new(name).is_ok_and(|name| name.id() == place.log) {
        let message =
            format!("the names of the logs `{wanted}` and `{found}` have the same number; take another name");
        return Failure::Refused(ErrorKind::Unsupported, message);
    }
    Failure::Damaged(format!(
        "the row of the log `{wanted}` in annals_log has the name `{found}`, whose number is another; a log \
         cannot be renamed: give it its name again"
    ))
}

fn is_missing(failure: &Failure) -> bool {
    failure.is(&SqlState::UNDEFINED_TABLE) || failure.is(&SqlState::INVALID_SCHEMA_NAME)
}

fn has_tables(place: &Place) -> Result<bool, Failure> {
    let found = place.pool.read(&place.sql.has_tables, Vec::new())?;
    Ok(found.first().map(|row| row.try_get(0)).transpose()?.unwrap_or(false))
}

fn incomplete(failure: Failure) -> Failure {
    match is_missing(&failure) {
        true => Failure::Damaged(
            "the schema is incomplete: it has tables of logs, but not all of them; restore it from a backup, \
             or take another schema"
                .into(),
        ),
        false => failure,
    }
}

/// Returns the failure where there are no logs in the schema.
pub(crate) fn not_set_up(schema: &SchemaName) -> Failure {
    let message = format!(
        "the database has no logs in the schema `{schema}` yet: it has to be set up first, by a user who may \
         create a schema"
    );
    Failure::Refused(ErrorKind::Missing, message)
}

fn not_utf8() -> Failure {
    let message = "the database has another encoding than UTF8; make one with `ENCODING 'UTF8'`";
    Failure::Refused(ErrorKind::Unsupported, message.into())
}

/// Writes the format into a schema, and makes the schema if it is missing: all of it or nothing.
pub(crate) fn create(pool: &Pool, schema: &SchemaName) -> Result<(), Failure> {
    let work = Work { schema: schema.clone(), wait_ms: 0, change: creation };
    match work.offer(pool) {
        // Another process was first, or an attempt before this one whose answer was lost.
        Err(failure) if is_there_already(&failure) => Ok(()),
        made => made,
    }
}

fn is_there_already(failure: &Failure) -> bool {
    let codes = [SqlState::DUPLICATE_TABLE, SqlState::DUPLICATE_SCHEMA, SqlState::UNIQUE_VIOLATION];
    codes.iter().any(|code| failure.is(code))
}

/// Brings a schema of an older version to the newest: all the way, or not at all. Waits no longer than
/// `busy_timeout` for those who use it.
pub(crate) fn upgrade(
    place: &Place,
    schema: &SchemaName,
    busy_timeout: Duration,
) -> Result<Upgrade, Failure> {
    let before = look(place)?.ok_or_else(|| not_set_up(schema))?.version;
    if before < FORMAT_VERSION {
        let work = Work { schema: schema.clone(), wait_ms: milliseconds(busy_timeout), change: upgrading };
        work.offer(&place.pool)?;
    }
    Ok(Upgrade { before: before.unsigned_abs(), after: FORMAT_VERSION.unsigned_abs() })
}

/// A change of a schema, in one transaction.
#[derive(Clone)]
struct Work {
    schema: SchemaName,
    /// How long it waits for the locks of others; 0 for as long as any call may take.
    wait_ms: i64,
    /// Makes these parts stand beside the tables.
    change: fn(&Work, &mut Transaction<'_>, &[&str]) -> Result<(), Failure>,
}

impl Work {
    /// Does the work with as much beside the tables as the server takes.
    fn offer(&self, pool: &Pool) -> Result<(), Failure> {
        for parts in OFFERS {
            match self.run(pool, parts) {
                Err(failure) if is_beyond_server(&failure) => {}
                made => return made,
            }
        }
        self.run(pool, &[])
    }

    fn run(&self, pool: &Pool, parts: &'static [&'static str]) -> Result<(), Failure> {
        pool.insist(|connection, deadline| {
            let work = self.clone();
            connection.run(deadline, move |client| {
                let mut transaction = client.transaction()?;
                transaction.batch_execute(&format!("SET LOCAL lock_timeout = {}", work.wait_ms))?;
                (work.change)(&work, &mut transaction, parts)?;
                transaction.commit()
            })
        })
    }

    fn execute(&self, transaction: &mut Transaction<'_>, sql: &str) -> Result<(), Failure> {
        transaction.batch_execute(&self.schema.applied_to(sql))
    }
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

fn creation(work: &Work, transaction: &mut Transaction<'_>, parts: &[&str]) -> Result<(), Failure> {
    let is_utf8 = "SELECT pg_catalog.current_setting('server_encoding') = 'UTF8'";
    if !transaction.query_typed(is_utf8, &[])?.first().map_or(Ok(false), |row| row.try_get(0))? {
        return Err(not_utf8());
    }
    work.execute(transaction, &format!("CREATE SCHEMA IF NOT EXISTS \"{}\"", work.schema))?;
    [TABLES].iter().chain(parts).try_for_each(|part| work.execute(transaction, part))
}

fn upgrading(work: &Work, transaction: &mut Transaction<'_>, parts: &[&str]) -> Result<(), Failure> {
    // Whoever else upgrades waits here, and then has nothing left to do.
    let lock = work.schema.applied_to("SELECT f.version FROM \"annals\".annals_format AS f FOR UPDATE");
    let found = transaction.query_typed(&lock, &[])?;
    let before = found.first().map(|row| row.try_get(0)).transpose()?.unwrap_or(FORMAT_VERSION);
    if before >= FORMAT_VERSION {
        return Ok(());
    }
    let steps = STEPS.iter().filter(|(version, _)| *version > before).map(|(_, step)| step);
    steps.chain(parts).try_for_each(|part| work.execute(transaction, part))?;
    if parts.contains(&VIEWS) {
        for grant in transaction.query_typed(&work.schema.applied_to(GRANTS), &[])? {
            transaction.batch_execute(grant.try_get(0)?)?;
        }
    }
    work.execute(transaction, &format!("UPDATE \"annals\".annals_format SET version = {FORMAT_VERSION}"))
}
