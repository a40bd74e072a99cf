//! Whole commits, page by page. A page is a statement for the commits and one for their entries, which
//! name their keys by ids: a walk meets the same keys again and again, and most are known by then.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use annals_core::{Action, Commit, CommitEntries, Entry, Key, Order, Position, PositionRange};
use postgres::Row;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::known_keys::Witness;
use crate::parameter::{Column, Parameter};
use crate::place::Place;
use crate::reads::whole;
use crate::rows;
use crate::sql::Statements;

/// Returns whole commits whose last position lies in `range`, until there are `limit` entries.
pub(crate) fn commits(
    place: &Place,
    range: PositionRange,
    order: Order,
    limit: usize,
) -> Result<Vec<CommitEntries>, Failure> {
    let mut whole = place.pool.insist(|connection, deadline| {
        let mut walk = Walk { place, connection, deadline };
        loop {
            let page = walk.page(range, order, limit)?;
            let end = page.end;
            let whole = walk.whole(page)?;
            // The entries were read after the commits. All that can have changed meanwhile is erased.
            if !whole.iter().flat_map(|whole| &whole.entries).any(|entry| is_erased_behind(end, entry)) {
                return Ok(whole);
            }
        }
    })?;
    if order == Order::NewestFirst {
        whole.reverse();
    }
    Ok(whole)
}

fn is_erased_behind(end: Position, entry: &Entry) -> bool {
    matches!(entry.action, Action::Erased { by } if by > end)
}

/// The commits of a page, oldest first.
struct Page {
    /// Where the log ended when they were read.
    end: Position,
    commits: Vec<Commit>,
    /// How many entries it could have besides.
    missing: u64,
    /// What vouches for the keys that were known before, if it is there.
    witness: Option<Witness>,
    /// The age of what was known then.
    age: u64,
}

/// The statements of a page, on one connection.
struct Walk<'a> {
    place: &'a Place,
    connection: &'a mut Connection,
    deadline: Instant,
}

impl Walk<'_> {
    fn ask(
        &mut self,
        which: fn(&Statements) -> &Arc<str>,
        parameters: &[Parameter],
    ) -> Result<Vec<Row>, Failure> {
        let parameters = self.place.parameters(parameters).into();
        self.connection.query(self.deadline, which(&self.place.sql), &parameters)
    }

    fn page(&mut self, range: PositionRange, order: Order, limit: usize) -> Result<Page, Failure> {
        let known = self.place.keys.read();
        let mut page = Page {
            commits: Vec::new(),
            end: Position::MAX,
            missing: limit as u64,
            witness: known.witness(),
            age: known.age(),
        };
        drop(known);
        match order {
            Order::NewestFirst => {
                self.add(&mut page, |sql| &sql.commits_newest_first, range, limit)?;
                page.commits.reverse();
            }
            Order::OldestFirst => {
                let which: fn(&Statements) -> &Arc<str> = |sql| &sql.commits_oldest_first;
                // A commit has an entry at least, so no more are needed than those that end so soon, and one.
                let soon = range.after.plus(limit as u64).min(range.through);
                self.add(&mut page, which, PositionRange { through: soon, ..range }, limit)?;
                if page.missing > 0 && soon < range.through {
                    // Others may have appended meanwhile: what is next follows from what is there.
                    let after = page.commits.last().map_or(range.after, |last| last.last);
                    self.add(&mut page, which, PositionRange { after, ..range }, 1)?;
                }
            }
        }
        Ok(page)
    }

    /// Adds commits to a page until it has as many entries as it shall.
    fn add(
        &mut self,
        page: &mut Page,
        which: fn(&Statements) -> &Arc<str>,
        range: PositionRange,
        limit: usize,
    ) -> Result<(), Failure> {
        let [after, through] = [range.after, range.through].map(position);
        let [last, id] = Witness::parameters(page.witness);
        let found = self.ask(which, &[after, through, Parameter::number(whole(limit)), last, id])?;
        let is_there = found.first().map(|row| row.try_get(WITNESS)).transpose()?;
        if page.witness.is_some() && is_there == Some(false) {
            self.place.keys.forget();
            page.witness = None;
        }
        if let Some(row) = found.first() {
            page.end = page.end.min(rows::position_or_start(row, END)?.unwrap_or(Position::START));
        }
        for row in found {
            if page.missing == 0 {
                break;
            }
            let commit = rows::commit(&row, 0)?;
            page.missing = page.missing.saturating_sub(commit.len());
            page.commits.push(commit);
        }
        Ok(())
    }

    /// Returns the commits of a page with their entries.
    fn whole(&mut self, page: Page) -> Result<Vec<CommitEntries>, Failure> {
        let Some((oldest, newest)) = page.commits.first().zip(page.commits.last()) else {
            return Ok(Vec::new());
        };
        let bounds = [oldest.first.before(), newest.last].map(position);
        let entries = self.ask(|sql| &sql.entries_between, &bounds)?;
        let keys = self.keys(&page, &entries)?;
        with_entries(page.commits, entries.iter().zip(keys).map(|(row, key)| rows::entry(row, key)))
    }

    /// Returns the keys of a page's entries, and learns those that were not known.
    fn keys(&mut self, page: &Page, entries: &[Row]) -> Result<Vec<Key>, Failure> {
        let ids = entries.iter().map(|row| row.try_get(KEY)).collect::<Result<Vec<i32>, _>>()?;
        let mut keys: Vec<Option<Key>> = {
            let known = self.place.keys.read();
            let is_valid = page.witness.is_some() && known.age() == page.age;
            ids.iter().map(|id| known.key(*id).filter(|_| is_valid).cloned()).collect()
        };
        let unknown = ids.iter().zip(&keys).filter(|(_, key)| key.is_none()).map(|(id, _)| *id);
        let unknown: BTreeSet<i32> = unknown.collect();
        if !unknown.is_empty() {
            let found = self.read_keys(unknown)?;
            for (id, key) in ids.iter().zip(&mut keys).filter(|(_, key)| key.is_none()) {
                *key = found.get(id).cloned();
            }
            if let Some(newest) = page.commits.last() {
                let learned = found.into_iter().map(|(id, key)| (key, id));
                self.place.keys.learn(page.witness, Witness::of(newest), learned);
            }
        }
        let all = keys.into_iter().zip(entries);
        all.map(|(key, row)| key.ok_or_else(|| rows::no_key(row))).collect()
    }

    fn read_keys(&mut self, ids: BTreeSet<i32>) -> Result<HashMap<i32, Key>, Failure> {
        let mut column = Column::keys();
        ids.into_iter().for_each(|id| column.push_key(Some(id)));
        self.ask(|sql| &sql.keys, &[column.into()])?.iter().map(rows::id_and_key).collect()
    }
}

/// The columns behind those of a commit and of an entry.
const WITNESS: usize = 10;
const END: usize = 11;
const KEY: usize = 5;

fn position(position: Position) -> Parameter {
    Parameter::number(position.to_i64())
}

/// Returns commits, each with all of its entries, which come in the order of their positions.
fn with_entries(
    commits: Vec<Commit>,
    entries: impl Iterator<Item = Result<Entry, Failure>>,
) -> Result<Vec<CommitEntries>, Failure> {
    let mut entries = entries.peekable();
    let mut whole = Vec::with_capacity(commits.len());
    for commit in commits {
        let mut own = Vec::with_capacity(usize::try_from(commit.len()).unwrap_or(0).min(ROOM_MAX));
        while let Some(entry) =
            entries.next_if(|entry| entry.as_ref().is_ok_and(|entry| entry.position <= commit.last))
        {
            own.push(entry?);
        }
        if let Some(Err(failure)) = entries.next_if(Result::is_err) {
            return Err(failure);
        }
        // Positions are unique: if none is missing and the first is in the commit, all are there.
        let begins = own.first().is_some_and(|entry| entry.position == commit.first);
        if !begins || own.len() as u64 != commit.len() {
            let last = commit.last;
            return Err(Failure::Damaged(format!("the log is damaged: the commit at {last} lacks entries")));
        }
        whole.push(CommitEntries { commit: Arc::new(commit), entries: own });
    }
    Ok(whole)
}

/// For no more entries room is made before they are seen: what a commit says of its length may be wrong.
const ROOM_MAX: usize = 1 << 16;
