//! Reads the logs of the Python package `appendmuch`: its SQLite file and its msgpack dump.
//!
//! Both hold the same rows: `seq`, `namespace` (tokens joined with `/`), `field`, `value` (a type
//! id and a payload; null for a deletion), `created_at` (seconds since 1970 UTC) and `context`
//! (the line of code). Each row becomes one commit.

mod cell;
mod dump;
mod error;
mod mark;
mod python;
mod report;
mod row;
mod source;
mod sqlite;
mod writer;

use std::collections::HashSet;
use std::path::Path;

use annals::Store;

pub use error::{ImportError, RowProblem};
pub use report::{ImportReport, KeptRaw};

use mark::Imported;
use source::Source;
use writer::Writer;

/// Appends every row of a file that the Python package `appendmuch` wrote, one commit a row, in
/// the order of their `seq`, and returns what was imported.
///
/// `file` is an SQLite file or a msgpack dump; its first bytes tell which, and it is only read.
/// `table` names the table of rows where an SQLite file has several; without it there must be
/// exactly one. `progress` is called with the number of rows imported so far.
///
/// - The code location becomes [`Context::location`](annals::Context::location), a tombstone a
///   deletion, even of a field that has no value at that point (where the package replaced rows,
///   the one that a tombstone deleted is gone).
/// - Into an empty log the original times stay: `recorded_at` is the greatest `created_at` up to
///   the row, since those may fall, and `occurred_at` is the row's own. Into any other log they
///   become `occurred_at` alone.
/// - A value of a type that the package does not know out of the box, or that no
///   [`Value`](annals::codec::Value) can hold, is kept raw: as the custom value `python.raw`, a
///   tuple of the type id and the payload's bytes. The report counts them.
/// - Each commit carries the tag `appendmuch` with the row's `seq`. A row whose commit the log has
///   already (number, field, location and time are the same) is passed over, so that an import that
///   was interrupted can be done again, and the same rows never stand there twice. To find them the
///   whole log is read once. A log that an interrupted import into an empty one left behind gets the
///   rest with the original times, too. Two imports of the same rows at the same moment are not
///   seen by one another.
///
/// # Errors
/// All rows are checked before the first is written, so that a file with a bad row imports
/// nothing; [`ImportError::Row`] names the row. [`ImportError::Write`] says how far it came if the
/// log could not be written half-way.
///
/// # Durability
/// [`Durability::Synced`](annals::Durability::Synced) where the driver can, in groups of rows.
pub fn appendmuch(
    store: &Store,
    file: &Path,
    table: Option<&str>,
    progress: &mut dyn FnMut(u64),
) -> Result<ImportReport, ImportError> {
    let mut source = Source::open(file, table)?;
    let unreadable = |source| ImportError::Write { rows: 0, through: None, source };
    let imported = Imported::find(store.log()).map_err(unreadable)?;
    let mut known = HashSet::new();
    source.each_row(&mut |row| {
        if imported.has(&row).map_err(unreadable)? {
            known.insert(row.seq);
        }
        Ok(())
    })?;
    let mut writer = Writer::new(store.log(), imported.beginning(known.len() as u64), progress);
    source.each_row(&mut |row| {
        if known.contains(&row.seq) {
            writer.pass_over();
            return Ok(());
        }
        writer.add(row)
    })?;
    writer.finish()
}
