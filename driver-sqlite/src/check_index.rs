//! Whether the index says the same as the entries.

use annals_core::Position;
use rusqlite::{CachedStatement, Connection, OptionalExtension};

use crate::check::LISTED_MAX;
use crate::failure::Failure;
use crate::pass::Progress;
use crate::positions::KeyId;
use crate::{posting, reads};

/// Returns what is wrong: each entry that is to stand in a posting must stand in one of its key, once.
pub(crate) fn check(connection: &Connection) -> Result<Vec<String>, Failure> {
    let mut check = IndexCheck {
        progress: Progress::read(connection)?,
        key_of: connection.prepare_cached("SELECT key FROM annals_entry WHERE position = ?1")?,
        before: (0, Position::START),
        named: 0,
        damages: Vec::new(),
    };
    if check.progress.pass_through > reads::last_position(connection)? {
        check.damages.push("the index goes beyond the last entry".into());
    }
    check.all_postings(connection)?;
    let expected = count_indexed(connection, &check.progress)?;
    if check.damages.is_empty() && check.named != expected {
        check.damages.push(format!("the index names {} entries and should name {expected}", check.named));
    }
    Ok(check.damages)
}

struct IndexCheck<'c> {
    progress: Progress,
    key_of: CachedStatement<'c>,
    /// The key and position named last: a key's positions ascend, so none is named twice.
    before: (KeyId, Position),
    named: i64,
    damages: Vec<String>,
}

impl IndexCheck<'_> {
    fn all_postings(&mut self, connection: &Connection) -> Result<(), Failure> {
        let sql = "SELECT key, first, last, middle FROM annals_posting ORDER BY key, first";
        let mut select = connection.prepare(sql)?;
        let mut found = select.query([])?;
        while self.damages.len() < LISTED_MAX {
            let Some(row) = found.next()? else { break };
            let key = row.get(0)?;
            match posting::read(row, 1)?.positions() {
                Ok(positions) => positions.into_iter().try_for_each(|position| self.named(key, position))?,
                Err(posting::Damaged) => {
                    self.damages.push(format!("a posting of the key {key} makes no sense"));
                }
            }
        }
        Ok(())
    }

    fn named(&mut self, key: KeyId, position: Position) -> Result<(), Failure> {
        let wrong = if self.key_of(position)? != Some(key) {
            Some("another key's")
        } else if self.before >= (key, position) {
            Some("named twice")
        } else if !is_indexed(&self.progress, key, position) {
            Some("named too early")
        } else {
            None
        };
        self.damages.extend(wrong.map(|wrong| format!("in the index the entry at {position} is {wrong}")));
        self.before = (key, position);
        self.named += 1;
        Ok(())
    }

    fn key_of(&mut self, position: Position) -> Result<Option<KeyId>, Failure> {
        Ok(self.key_of.query_row([position.to_i64()], |row| row.get(0)).optional()?)
    }
}

fn is_indexed(progress: &Progress, key: KeyId, position: Position) -> bool {
    position <= progress.indexed_until || (position <= progress.pass_through && key <= progress.pass_key)
}

/// Counts the entries of which [`is_indexed`] is true.
fn count_indexed(connection: &Connection, progress: &Progress) -> Result<i64, Failure> {
    let sql = "SELECT count(*) FROM annals_entry WHERE position <= ?1 OR (position <= ?2 AND key <= ?3)";
    let (indexed_until, pass_through) = (progress.indexed_until.to_i64(), progress.pass_through.to_i64());
    let parameters = [indexed_until, pass_through, progress.pass_key];
    Ok(connection.query_row(sql, parameters, |row| row.get(0))?)
}
