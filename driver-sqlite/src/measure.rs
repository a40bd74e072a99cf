use std::fs;
use std::path::Path;

use annals_core::Size;
use rusqlite::Connection;

use crate::failure::Failure;
use crate::open::in_snapshot;
use crate::place::Place;

/// Returns the sizes of the log in the file at `place`.
pub(crate) fn measure(connection: &Connection, place: &Place) -> Result<Size, Failure> {
    in_snapshot(connection, |connection| {
        // Key ids are given without a gap, and keys are never removed.
        let sql = "SELECT (SELECT count(*) FROM annals_commit), (SELECT max(id) FROM annals_key)";
        let counts: (i64, Option<i64>) =
            connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Size {
            commits: u64::try_from(counts.0).unwrap_or(0),
            keys: counts.1.and_then(|keys| u64::try_from(keys).ok()).unwrap_or(0),
            bytes: size(&place.path) + size(&place.beside("-wal")) + size(&place.beside("-shm")),
        })
    })
}

/// Asks for the size only: opening and closing the file would drop this process's locks on it.
fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}
