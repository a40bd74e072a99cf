//! What the file holds. `schema.sql` is the format, and is stored in the file with its comments.
//!
//! Statements name the columns they use, so a column may be added later by `ALTER TABLE … ADD
//! COLUMN`, which rewrites no row: a digest of each commit can come that way, under a new version.

use rusqlite::Connection;

use crate::failure::Failure;

/// The `application_id` of our files: "ANLS".
pub(crate) const APPLICATION_ID: i32 = 0x414E_4C53;

/// The `user_version` of our files: the version of the format.
pub(crate) const FORMAT_VERSION: i32 = 1;

const SCHEMA: &str = include_str!("schema.sql");

/// What a SQLite file turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    /// Nothing at all.
    Empty,
    /// A log in the format of this version.
    Version(i32),
    /// Something of another program.
    Foreign,
}

/// Looks at the file without changing it. The answer is of one moment only inside a transaction.
pub(crate) fn identify(connection: &Connection) -> Result<Contents, Failure> {
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i32>(0));
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    Ok(match (application, version, tables) {
        (0, 0, 0) => Contents::Empty,
        (APPLICATION_ID, version, 1..) => Contents::Version(version),
        _ => Contents::Foreign,
    })
}

/// Writes the format into an empty file, inside the caller's transaction.
pub(crate) fn create(connection: &Connection) -> Result<(), Failure> {
    connection.execute_batch(SCHEMA)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", FORMAT_VERSION)?;
    Ok(())
}
