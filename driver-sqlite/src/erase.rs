//! Taking values out of the file, so that not one byte of them is left.

use annals_core::{Commit, ErrorKind, Position};
use rusqlite::{Connection, ErrorCode, params};

use crate::failure::Failure;
use crate::held::HeldFiles;
use crate::measure;
use crate::rows::kind;

/// Turns those entries before `erasure` that are set into erased ones, inside the caller's transaction.
pub(crate) fn erase(
    connection: &Connection,
    positions: &[Position],
    erasure: &Commit,
) -> Result<(), Failure> {
    let by = erasure.last.get().to_be_bytes();
    let sql = "UPDATE annals_entry SET kind = ?3, value = ?2 WHERE position = ?1 AND kind = ?4";
    let mut update = connection.prepare_cached(sql)?;
    for position in positions.iter().filter(|position| **position < erasure.first) {
        update.execute(params![position.to_i64(), by, kind::ERASED, kind::SET])?;
    }
    Ok(())
}

/// Writes the whole file anew and empties the `-wal`; returns how many bytes that gave back.
///
/// Nothing less will do: when rows change their length SQLite moves their neighbours from page to
/// page, and although what it frees is overwritten (`secure_delete`), copies of moved rows may
/// stay in the gap of a page. Were such a row to be erased later, its copy would still be there.
pub(crate) fn scrub(connection: &Connection, files: &HeldFiles) -> Result<u64, Failure> {
    let size = || measure::bytes(files);
    let before = size();
    connection.execute_batch("VACUUM").map_err(|error| without_room(error.into()))?;
    empty_wal(connection).map_err(without_room)?;
    Ok(before.saturating_sub(size()))
}

/// Other writes that find no room have stored nothing; here the erasure stands already.
fn without_room(failure: Failure) -> Failure {
    if failure.code() != Some(ErrorCode::DiskFull) {
        return failure;
    }
    let message = "the values are erased, but traces of them may be left: there is no room to write the file \
        anew, which takes as much again beside it and in the folder for temporary files; make room, and run \
        it again";
    Failure::Refused(ErrorKind::Full, message.into())
}

fn empty_wal(connection: &Connection) -> Result<(), Failure> {
    let is_busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if is_busy {
        let message = "the values are erased, but readers that began before keep their old pages in the -wal \
            file; end them, and run it again";
        return Err(Failure::Refused(ErrorKind::Busy, message.into()));
    }
    Ok(())
}
