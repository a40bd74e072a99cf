//! The tail: the entries that no posting need name yet, known in memory by key.
//!
//! Entries never change their place, so what is known here stays true for ever; the end of a pass
//! only makes it needless. A reader that began before that end goes on with the part it holds.

use std::sync::{Arc, PoisonError, RwLock};

use annals_core::{Position, PositionRange};
use rusqlite::Connection;

use crate::failure::Failure;
use crate::open::{in_snapshot, keeping_few_pages};
use crate::pass::Progress;
use crate::positions::{KeyId, Positions};
use crate::reader::Reader;
use crate::reads;
use crate::run::Run;

/// What this process knows of the tail, shared by all of its threads.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    part: RwLock<Arc<Part>>,
}

/// Some entries at the end of the log.
///
/// Ask it before the moment at which the file is read: then the postings of that moment name every
/// entry up to `start`.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// The entries up to here stand in postings.
    start: Position,
    content: RwLock<Content>,
}

#[derive(Debug, Default)]
struct Content {
    /// Every entry after `start` up to here is known; never falls.
    through: Position,
    positions: Positions,
}

/// Entries on consecutive positions, once they are committed.
#[derive(Debug)]
pub(crate) struct Found {
    /// How far the postings went at the moment at which they were found.
    pub(crate) indexed_until: Position,
    pub(crate) run: Run,
}

impl Tail {
    /// Returns what is known now.
    pub(crate) fn part(&self) -> Arc<Part> {
        Arc::clone(&self.part.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns a part that knows every entry up to `at` that no posting names, and `at` itself, or
    /// the last position if `at` is beyond.
    pub(crate) fn covering(&self, reader: &Reader, at: Position) -> Result<(Arc<Part>, Position), Failure> {
        let part = self.part();
        if at <= part.through() {
            return Ok((part, at));
        }
        let last = reader.last_position()?;
        let at = at.min(last);
        if at <= part.through() {
            return Ok((part, at));
        }
        in_snapshot(&reader.connection, |connection| {
            let last = reads::last_position(connection)?;
            self.catch_up(connection, Progress::read(connection)?.indexed_until, last)
        })?;
        Ok((self.part(), at))
    }

    /// Returns a part that knows every entry up to `last`, the end of the log before the transaction
    /// that the connection is in, which nobody else can move.
    pub(crate) fn covering_in(&self, connection: &Connection, last: Position) -> Result<Arc<Part>, Failure> {
        if self.part().through() < last {
            self.catch_up(connection, Progress::read(connection)?.indexed_until, last)?;
        }
        Ok(self.part())
    }

    /// Learns the entries up to `last`, of a file whose postings go to `indexed_until`.
    pub(crate) fn catch_up(
        &self,
        connection: &Connection,
        indexed_until: Position,
        last: Position,
    ) -> Result<(), Failure> {
        if indexed_until > last {
            return Err(Failure::Damaged("the file is damaged: the index goes beyond the last entry".into()));
        }
        let after = self.part().through().max(indexed_until);
        let range = PositionRange { after, through: last };
        let run = if last.get().saturating_sub(after.get()) < MANY {
            scan(connection, range)?
        } else {
            keeping_few_pages(connection, || scan(connection, range))?
        };
        self.learn(&Found { indexed_until, run });
        Ok(())
    }

    /// Takes in what was found, unless something before it is not known.
    pub(crate) fn learn(&self, found: &Found) {
        let mut part = self.part.write().unwrap_or_else(PoisonError::into_inner);
        if found.run.after() <= part.through() {
            part.extend(&found.run);
            if part.start < found.indexed_until {
                *part = Arc::new(part.after(found.indexed_until));
            }
        } else if found.run.after() <= found.indexed_until {
            *part = Arc::new(Part::new(found));
        }
    }
}

impl Part {
    fn new(found: &Found) -> Part {
        let start = found.indexed_until;
        let part = Part { start, content: RwLock::new(Content { through: start, ..Content::default() }) };
        part.extend(&found.run);
        part
    }

    /// Returns the position up to which postings name the entries.
    pub(crate) fn start(&self) -> Position {
        self.start
    }

    /// Returns the position up to which the entries after [`Part::start`] are known.
    pub(crate) fn through(&self) -> Position {
        self.read(|content| content.through)
    }

    /// Returns the newest known entry of a key that is not after `at`.
    pub(crate) fn newest(&self, key: KeyId, at: Position) -> Option<Position> {
        self.newest_and_through(key, at).0
    }

    /// The same as [`Part::newest`], and how far entries were known at that moment.
    pub(crate) fn newest_and_through(&self, key: KeyId, at: Position) -> (Option<Position>, Position) {
        // Most reads of the past need not look any further.
        if at <= self.start {
            return (None, self.start);
        }
        self.read(|content| (content.positions.newest(key, at), content.through))
    }

    /// Hands on the known entries of a key in a range, the oldest first.
    pub(crate) fn of_key<T>(
        &self,
        key: KeyId,
        range: PositionRange,
        take: impl FnOnce(&mut dyn DoubleEndedIterator<Item = Position>) -> T,
    ) -> T {
        self.read(|content| take(&mut content.positions.of_key(key, range)))
    }

    /// Returns the known entries in a range, in no order.
    pub(crate) fn in_range(&self, range: PositionRange) -> Vec<(KeyId, Position)> {
        self.read(|content| content.positions.in_range(range))
    }

    fn read<T>(&self, read: impl FnOnce(&Content) -> T) -> T {
        read(&self.content.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds what was found after what is known. It may begin before that, since what is found
    /// before a pass ends may come late.
    fn extend(&self, found: &Run) {
        let mut content = self.content.write().unwrap_or_else(PoisonError::into_inner);
        let known = content.through.max(self.start);
        if content.positions.is_empty() {
            content.positions.reserve(found.count_keys());
        }
        content.positions.extend(found.since(known));
        content.through = known.max(found.through());
    }

    /// Returns the part without the entries up to `start`.
    fn after(&self, start: Position) -> Part {
        self.read(|content| {
            let content = Content { through: content.through, positions: content.positions.after(start) };
            Part { start, content: RwLock::new(content) }
        })
    }
}

/// From so many entries on, a scan takes more pages than it should leave in memory.
const MANY: u64 = 4096;

fn scan(connection: &Connection, range: PositionRange) -> Result<Run, Failure> {
    let sql = "SELECT key FROM annals_entry WHERE position > ?1 AND position <= ?2 ORDER BY position";
    let mut select = connection.prepare_cached(sql)?;
    let mut found = select.query([range.after.to_i64(), range.through.to_i64()])?;
    let mut run = Run::new(range.after, Vec::new());
    while let Some(row) = found.next()? {
        run.push(row.get(0)?);
    }
    // Positions are unique: if their count is right, none is missing.
    if run.through() != range.through.max(range.after) {
        let message = format!("the file is damaged: entries before {} are missing", range.through);
        return Err(Failure::Damaged(message));
    }
    Ok(run)
}

#[cfg(test)]
mod tests {
    use annals_core::{Batch, Context, Driver, Durability, Key, Order};

    use super::*;
    use crate::{SqliteDriver, index};

    fn at(number: u64) -> Position {
        Position::new(number).unwrap()
    }

    /// Entries of the key 1 on all these positions.
    fn found(indexed_until: u64, after: u64, through: u64) -> Found {
        let keys = (after..through).map(|_| 1).collect();
        Found { indexed_until: at(indexed_until), run: Run::new(at(after), keys) }
    }

    fn known(tail: &Tail) -> (u64, u64, Vec<u64>) {
        let part = tail.part();
        let positions = part.of_key(1, PositionRange::ALL, |found| found.map(Position::get).collect());
        (part.start().get(), part.through().get(), positions)
    }

    #[test]
    fn what_is_found_joins_what_is_known() {
        let tail = Tail::default();
        tail.learn(&found(0, 0, 3));
        tail.learn(&found(0, 2, 5));
        assert_eq!(known(&tail), (0, 5, vec![1, 2, 3, 4, 5]));
        tail.learn(&found(0, 1, 2));
        assert_eq!(known(&tail), (0, 5, vec![1, 2, 3, 4, 5]), "what is known stays known");
    }

    #[test]
    fn what_would_leave_a_gap_is_not_learned() {
        let tail = Tail::default();
        tail.learn(&found(0, 0, 3));
        tail.learn(&found(2, 5, 7));
        assert_eq!(known(&tail), (0, 3, vec![1, 2, 3]));
    }

    #[test]
    fn what_stands_in_postings_is_forgotten() {
        let tail = Tail::default();
        tail.learn(&found(0, 0, 5));
        tail.learn(&found(3, 5, 6));
        assert_eq!(known(&tail), (3, 6, vec![4, 5, 6]));
        tail.learn(&found(0, 6, 7));
        assert_eq!(known(&tail), (3, 7, vec![4, 5, 6, 7]), "the start never falls");
        // Others appended and indexed meanwhile.
        tail.learn(&found(20, 20, 22));
        assert_eq!(known(&tail), (20, 22, vec![21, 22]));
        // A reader that looked long ago comes late.
        tail.learn(&found(3, 7, 9));
        tail.learn(&found(3, 7, 21));
        assert_eq!(known(&tail), (20, 22, vec![21, 22]));
        // The pass ended with these very entries.
        tail.learn(&found(32, 30, 32));
        assert_eq!(known(&tail), (32, 32, vec![]));
    }

    #[test]
    fn a_reader_of_an_old_moment_goes_on_over_the_end_of_a_pass() {
        let folder = tempfile::tempdir().unwrap();
        let driver = SqliteDriver::options().pace(8, 1, 1).open(folder.path().join("log.db")).unwrap();
        let key = Key::parse("a", "b").unwrap();
        let append = |count| {
            for _ in 0..count {
                let batch = Batch::new(Context::new()).set(key.clone(), *b"\x01");
                let _ = driver.append(&[batch], Durability::Buffered).unwrap();
            }
        };
        append(7);
        let read = |reader: &Reader| {
            let (part, through) = driver.known.tail.covering(reader, Position::MAX)?;
            in_snapshot(&reader.connection, |connection| {
                // The moment begins with the first look at the file.
                assert_eq!(Progress::read(connection)?.indexed_until, Position::START);
                append(30);
                let newer = driver.known.tail.part();
                assert!(newer.start() >= through, "the pass has not come so far");
                let range = PositionRange::through(through);
                index::positions(connection, &part, 1, range, Order::OldestFirst, 0, 100)
            })
        };
        let positions = driver.readers.read(read).unwrap();
        assert!(positions.into_iter().map(Position::get).eq(1..=7));
    }
}
