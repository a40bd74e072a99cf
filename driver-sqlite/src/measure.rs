use std::fs;
use std::path::Path;

use annals_core::Size;
use rusqlite::Connection;

use crate::failure::Failure;
use crate::held::HeldFiles;
use crate::open::in_snapshot;

/// Returns the sizes of the log in these files.
pub(crate) fn measure(connection: &Connection, files: &HeldFiles) -> Result<Size, Failure> {
    in_snapshot(connection, |connection| {
        // Key ids are given without a gap, and keys are never removed.
        let sql = "SELECT (SELECT count(*) FROM annals_commit), (SELECT max(id) FROM annals_key)";
        let counts: (i64, Option<i64>) =
            connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Size {
            commits: u64::try_from(counts.0).unwrap_or(0),
            keys: counts.1.and_then(|keys| u64::try_from(keys).ok()).unwrap_or(0),
            bytes: bytes(files),
        })
    })
}

/// Returns the bytes that all files of the log have.
pub(crate) fn bytes(files: &HeldFiles) -> u64 {
    size(files.path()) + size(&files.beside("-wal")) + size(&files.beside("-shm"))
}

/// Asks for the size only: opening and closing the file would drop this process's locks on it.
fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}
