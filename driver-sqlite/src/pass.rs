//! The index in arrears: entries are appended without one, and postings follow in passes.
//!
//! A pass takes the entries of the tail in order of their keys, so that each page of the index is
//! written once for many entries. It goes in slices inside the transactions of the appends that come
//! after, whichever process makes them: how far it has come stands in the file.

use annals_core::{Position, PositionRange};
use rusqlite::{Connection, params};

use crate::failure::Failure;
use crate::known::Known;
use crate::plan::Plan;
use crate::positions::KeyId;
use crate::posting::{ENTRIES_MAX, Posting};
use crate::run::Run;

/// When a pass begins, and how fast it goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// A pass begins when this many entries stand in no posting,
    pub(crate) tail: u64,
    /// or when the file has grown (or shrunk) by so many pages since the last one began.
    pub(crate) pages: u64,
    /// A slice is made by the append that reaches a multiple of this position.
    pub(crate) step: u64,
    /// A slice takes so many entries for each entry appended.
    pub(crate) share: u64,
}

impl Default for Pace {
    /// The tail takes 2 MiB of memory, and to find it again costs a scan of 8 MiB at most. (A pass that
    /// is running adds a quarter.) Appends of one entry mostly write no page of the index, since only
    /// one in 64 has a slice to make.
    fn default() -> Pace {
        Pace { tail: 65_536, pages: 2_048, step: 64, share: 4 }
    }
}

impl Pace {
    /// Returns how many entries the append that moved the end of the log is to index, should there
    /// be a pass. Follows from positions alone, so that it is the same for a process of many appends
    /// and for many processes of one.
    fn entries_due(self, before: Position, last: Position) -> u64 {
        let steps = last.get() / self.step - before.get() / self.step;
        steps.saturating_mul(self.step).saturating_mul(self.share)
    }
}

/// How far the index has come, as the file says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) indexed_until: Position,
    pub(crate) pass_through: Position,
    pub(crate) pass_key: KeyId,
    pages: u64,
}

impl Progress {
    pub(crate) fn read(connection: &Connection) -> Result<Progress, Failure> {
        let sql = "SELECT indexed_until, pass_through, pass_key, pages FROM annals_index";
        let mut select = connection.prepare_cached(sql)?;
        let mut found = select.query([])?;
        let damaged = || Failure::Damaged("the file is damaged: `annals_index` makes no sense".into());
        let row = found.next()?.ok_or_else(damaged)?;
        let position = |at| Position::from_i64(row.get(at).unwrap_or(-1)).ok_or_else(damaged);
        let pages = u64::try_from(row.get::<_, i64>(3)?).map_err(|_| damaged())?;
        let progress = Progress {
            indexed_until: position(0)?,
            pass_through: position(1)?,
            pass_key: row.get(2)?,
            pages,
        };
        if progress.indexed_until <= progress.pass_through { Ok(progress) } else { Err(damaged()) }
    }

    fn write(&self, connection: &Connection) -> Result<(), Failure> {
        let sql = "UPDATE annals_index
            SET indexed_until = ?1, pass_through = ?2, pass_key = ?3, pages = ?4";
        let (indexed_until, pass_through) = (self.indexed_until.to_i64(), self.pass_through.to_i64());
        let pages = self.pages.cast_signed();
        connection.prepare_cached(sql)?.execute([indexed_until, pass_through, self.pass_key, pages])?;
        Ok(())
    }

    pub(crate) fn is_running(&self) -> bool {
        self.indexed_until < self.pass_through
    }

    /// Returns the positions that the running pass takes.
    fn range(&self) -> PositionRange {
        PositionRange { after: self.indexed_until, through: self.pass_through }
    }

    /// Returns whether a pass runs, or is to begin in a file of so many pages whose log ends at `last`.
    fn is_due(&self, last: Position, pages: u64, pace: Pace) -> bool {
        let tail = last.get().saturating_sub(self.indexed_until.get());
        self.is_running() || tail >= pace.tail || (tail > 0 && pages.abs_diff(self.pages) >= pace.pages)
    }

    fn begin(&mut self, through: Position, pages: u64) {
        self.pass_through = through;
        self.pass_key = 0;
        self.pages = pages;
    }

    fn end(&mut self) {
        self.indexed_until = self.pass_through;
        self.pass_key = 0;
    }
}

/// How far the index has come with a transaction, true once that is committed.
#[derive(Debug)]
pub(crate) struct Advanced {
    pub(crate) indexed_until: Position,
    /// That of the pass that runs.
    pub(crate) plan: Option<Plan>,
}

/// Goes on with the index as far as these new entries oblige to, inside their transaction. Returns
/// how far it is then, if this was looked at.
pub(crate) fn advance(
    connection: &Connection,
    known: &Known,
    added: &Run,
    pace: Pace,
) -> Result<Option<Advanced>, Failure> {
    let mut due = pace.entries_due(added.after(), added.through());
    if due == 0 {
        return Ok(None);
    }
    let mut progress = Progress::read(connection)?;
    let pages = page_count(connection)?;
    let mut plan = None;
    if progress.is_due(added.through(), pages, pace) {
        known.tail.catch_up(connection, progress.indexed_until, added.after())?;
        plan = known.take_plan();
        while due > 0 && progress.is_due(added.through(), pages, pace) {
            if !progress.is_running() {
                progress.begin(added.through(), pages);
            }
            let range = progress.range();
            let current = plan.take().filter(|plan| plan.is_of(range));
            let current = current.unwrap_or_else(|| Plan::new(range, &known.tail.part(), added));
            due = due.saturating_sub(slice(connection, &current, &mut progress, due)?);
            plan = progress.is_running().then_some(current);
        }
        progress.write(connection)?;
    }
    Ok(Some(Advanced { indexed_until: progress.indexed_until, plan }))
}

fn page_count(connection: &Connection) -> Result<u64, Failure> {
    let pages: i64 = connection.prepare_cached("PRAGMA page_count")?.query_row([], |row| row.get(0))?;
    Ok(pages.unsigned_abs())
}

/// Writes the postings of the next `due` entries of the pass, and ends it if there are no more.
/// Returns how many they were.
fn slice(connection: &Connection, plan: &Plan, progress: &mut Progress, due: u64) -> Result<u64, Failure> {
    let mut taken = 0;
    for of_key in plan.above(progress.pass_key) {
        if taken >= due {
            return Ok(taken);
        }
        let positions: Vec<Position> = of_key.iter().map(|(_, position)| *position).collect();
        progress.pass_key = of_key.first().map_or(0, |(key, _)| *key);
        write_postings(connection, progress.pass_key, &positions)?;
        taken += positions.len() as u64;
    }
    progress.end();
    Ok(taken)
}

/// A posting that stands there already can only be the same.
fn write_postings(connection: &Connection, key: KeyId, positions: &[Position]) -> Result<(), Failure> {
    let sql = "INSERT OR REPLACE INTO annals_posting (key, first, last, middle) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = connection.prepare_cached(sql)?;
    for posting in positions.chunks(ENTRIES_MAX).filter_map(Posting::pack) {
        insert.execute(params![key, posting.first.to_i64(), posting.last.to_i64(), posting.middle])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteDriver;
    use annals_core::{Batch, Context, Driver, Durability, Error, Key};

    #[test]
    fn a_pass_forgets_the_plan_of_a_transaction_that_was_rolled_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        let driver = SqliteDriver::options().pace(8, 4, 1).open(&path).unwrap();
        let append = |fields: &str| {
            let batch = fields.chars().fold(Batch::new(Context::new()), |batch, field| {
                batch.set(Key::parse("a", &field.to_string()).unwrap(), *b"\x01")
            });
            driver.append(&[batch], Durability::Buffered).map(drop)
        };
        append("abcdefg").unwrap();
        // The last thing that a slice writes is how far it has come.
        let other = Connection::open(&path).unwrap();
        let refuse =
            "CREATE TRIGGER refuse BEFORE UPDATE ON annals_index BEGIN SELECT raise(ABORT, 'no'); END";
        other.execute_batch(refuse).unwrap();
        assert!(matches!(append("abcd"), Err(Error::Driver(_))));
        other.execute_batch("DROP TRIGGER refuse").unwrap();
        for fields in ["gfed", "abcd", "gfed"] {
            append(fields).unwrap();
        }
        let report = driver.abilities().check.unwrap().check().unwrap();
        assert_eq!(report.damages, [""; 0]);
    }

    #[test]
    fn small_appends_and_large_ones_owe_the_same() {
        let pace = Pace { step: 64, share: 4, ..Pace::default() };
        let due =
            |before, last| pace.entries_due(Position::new(before).unwrap(), Position::new(last).unwrap());
        assert_eq!([due(0, 1), due(62, 63), due(63, 64), due(64, 65)], [0, 0, 256, 0]);
        assert_eq!((0..1000).map(|before| due(before, before + 1)).sum::<u64>(), due(0, 1000));
        assert_eq!(due(5, 5), 0);
    }
}
