//! Whole commits, page by page. A page is a statement for where the log ends, one for the commits and one for
//! their entries, which name their keys by ids: a walk meets the same keys again and again, and most are known by then.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use annals_core::{Action, Commit, CommitEntries, Entry, Key, Order, Position, PositionRange};
use futures_util::future::{try_join, try_join3};
use postgres::Row;

use crate::asked::{Asked, Read};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::known_keys::Witness;
use crate::parameter::{Column, Parameter};
use crate::place::Place;
use crate::reads::whole;
use crate::rows::{self, Keyless};

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
            let page = match order {
                Order::OldestFirst => walk.oldest_first(range, limit)?,
                Order::NewestFirst => walk.newest_first(range, limit)?,
            };
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

/// Some commits, oldest first, and their entries.
struct Page {
    /// Where the log ended before they were read.
    end: Position,
    commits: Vec<Arc<Commit>>,
    /// The entries behind the end of the commit before, and perhaps more; each with the id of its key.
    entries: Vec<(Keyless, i32)>,
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
    /// Reads a page by statements that are sent together: which entries it has follows from the commits, and
    /// the server finds that out by itself.
    fn oldest_first(&mut self, range: PositionRange, limit: usize) -> Result<Page, Failure> {
        let (witness, age) = self.known();
        // A commit has an entry at least, so no more are needed than those that end so soon, and one.
        let soon = range.after.plus(limit as u64).min(range.through);
        let bounds = [range.after, range.through, soon].map(position);
        let end = self.end_and_witness(witness);
        let commits = self.asked(&self.place.sql.commits_oldest_first, &bounds, commit);
        let entries = self.asked(&self.place.sql.entries_oldest_first, &bounds, rows::entry_and_key);
        let (end, commits, entries) = self.connection.run(self.deadline, |client| {
            client.converse(async |client| {
                try_join3(end.answer(client), commits.answer(client), entries.answer(client)).await
            })
        })?;
        let mut page = self.page(witness, age, &end?, first(commits?, limit));
        page.entries = entries?;
        if let Some((oldest, newest)) = page.commits.first().zip(page.commits.last())
            && oldest.first <= range.after
        {
            // The range begins inside of a commit.
            page.entries = self.entries_between(oldest.first.before(), newest.last)?;
        }
        Ok(page)
    }

    /// Reads a page by one statement after the other: where its entries begin follows from its commits.
    fn newest_first(&mut self, range: PositionRange, limit: usize) -> Result<Page, Failure> {
        let (witness, age) = self.known();
        let [after, through] = [range.after, range.through].map(position);
        let bounds = [after, through, Parameter::number(whole(limit))];
        let end = self.end_and_witness(witness);
        let commits = self.asked(&self.place.sql.commits_newest_first, &bounds, commit);
        let (end, commits) = self.connection.run(self.deadline, |client| {
            client.converse(async |client| try_join(end.answer(client), commits.answer(client)).await)
        })?;
        let mut page = self.page(witness, age, &end?, first(commits?, limit));
        page.commits.reverse();
        if let Some((oldest, newest)) = page.commits.first().zip(page.commits.last()) {
            page.entries = self.entries_between(oldest.first.before(), newest.last)?;
        }
        Ok(page)
    }

    fn asked<R>(&self, sql: &Arc<str>, parameters: &[Parameter], read: R) -> Asked<R> {
        Asked { sql: Arc::clone(sql), parameters: self.place.parameters(parameters), read }
    }

    fn ask<T: Send>(
        &mut self,
        asked: Asked<impl FnMut(&Row) -> Result<T, Failure> + Send>,
    ) -> Result<Vec<T>, Failure> {
        self.connection
            .run(self.deadline, |client| client.converse(async |client| asked.answer(client).await))?
    }

    /// Returns what vouches for the keys that are known, and how old they are.
    fn known(&self) -> (Option<Witness>, u64) {
        let known = self.place.keys.read();
        (known.witness(), known.age())
    }

    fn end_and_witness(&self, witness: Option<Witness>) -> Asked<Read<(Position, bool)>> {
        let parameters = Witness::parameters(witness);
        self.asked(&self.place.sql.end_and_witness, &parameters, rows::end_and_witness)
    }

    /// Returns a page without its entries.
    fn page(
        &self,
        witness: Option<Witness>,
        age: u64,
        end_and_witness: &[(Position, bool)],
        commits: Vec<Arc<Commit>>,
    ) -> Page {
        let (end, is_there) = end_and_witness.first().copied().unwrap_or((Position::START, false));
        if witness.is_some() && !is_there {
            self.place.keys.forget();
        }
        Page { end, commits, entries: Vec::new(), witness: witness.filter(|_| is_there), age }
    }

    fn entries_between(
        &mut self,
        after: Position,
        through: Position,
    ) -> Result<Vec<(Keyless, i32)>, Failure> {
        let bounds = [after, through].map(position);
        self.ask(self.asked(&self.place.sql.entries_between, &bounds, rows::entry_and_key))
    }

    /// Returns the commits of a page with their entries.
    fn whole(&mut self, mut page: Page) -> Result<Vec<CommitEntries>, Failure> {
        let Some(newest) = page.commits.last() else { return Ok(Vec::new()) };
        // More may have been appended after the commits were read.
        page.entries.truncate(page.entries.partition_point(|(entry, _)| entry.position <= newest.last));
        let keys = self.keys(&page)?;
        with_entries(page.commits, page.entries, keys)
    }

    /// Returns the keys of a page's entries, and learns those that were not known.
    fn keys(&mut self, page: &Page) -> Result<Vec<Option<Key>>, Failure> {
        let ids = page.entries.iter().map(|(_, key)| *key);
        let mut keys: Vec<Option<Key>> = {
            let known = self.place.keys.read();
            let is_valid = page.witness.is_some() && known.age() == page.age;
            ids.clone().map(|id| known.key(id).filter(|_| is_valid).cloned()).collect()
        };
        let unknown = ids.clone().zip(&keys).filter(|(_, key)| key.is_none()).map(|(id, _)| id);
        let unknown: BTreeSet<i32> = unknown.collect();
        if !unknown.is_empty() {
            let found = self.read_keys(unknown)?;
            for (id, key) in ids.zip(&mut keys).filter(|(_, key)| key.is_none()) {
                *key = found.get(&id).cloned();
            }
            if let Some(newest) = page.commits.last() {
                let learned = found.into_iter().map(|(id, key)| (key, id));
                self.place.keys.learn(page.witness, Witness::of(newest), learned);
            }
        }
        Ok(keys)
    }

    fn read_keys(&mut self, ids: BTreeSet<i32>) -> Result<HashMap<i32, Key>, Failure> {
        let mut column = Column::keys();
        ids.into_iter().for_each(|id| column.push_key(Some(id)));
        let asked = self.asked(&self.place.sql.keys, &[column.into()], rows::id_and_key);
        Ok(self.ask(asked)?.into_iter().collect())
    }
}

fn commit(row: &Row) -> Result<Arc<Commit>, Failure> {
    rows::commit(row, 0).map(Arc::new)
}

fn position(position: Position) -> Parameter {
    Parameter::number(position.to_i64())
}

/// Returns the first commits, up to that with which they have `limit` entries.
fn first(mut commits: Vec<Arc<Commit>>, limit: usize) -> Vec<Arc<Commit>> {
    let before = commits.iter().scan(0_u64, |entries, commit| {
        let before = *entries;
        *entries = before.saturating_add(commit.len());
        Some(before)
    });
    commits.truncate(before.take_while(|before| *before < limit as u64).count());
    commits
}

/// Returns commits, each with all of its entries, which come in the order of their positions.
fn with_entries(
    commits: Vec<Arc<Commit>>,
    entries: Vec<(Keyless, i32)>,
    keys: Vec<Option<Key>>,
) -> Result<Vec<CommitEntries>, Failure> {
    let mut entries = entries.into_iter().zip(keys);
    let mut whole = Vec::with_capacity(commits.len());
    for commit in commits {
        let length = usize::try_from(commit.len()).unwrap_or(usize::MAX);
        let mut own = Vec::with_capacity(length.min(entries.len()));
        for ((entry, _), key) in entries.by_ref().take(length) {
            let position = entry.position;
            own.push(entry.of(key.ok_or_else(|| rows::no_key(position))?));
        }
        if let Some(alone) = own.first().filter(|entry| entry.position < commit.first) {
            return Err(rows::no_commit(alone.position));
        }
        // Positions are unique: if none is missing and the last is in the commit, all are there.
        let ends = own.last().is_some_and(|entry| entry.position == commit.last);
        if !ends || own.len() != length {
            let last = commit.last;
            return Err(Failure::Damaged(format!("the log is damaged: the commit at {last} lacks entries")));
        }
        whole.push(CommitEntries { commit, entries: own });
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use annals_core::codec::{Timestamp, Uuid};
    use annals_core::{CommitId, Context};

    use super::*;

    fn position(number: u64) -> Position {
        Position::new(number).unwrap()
    }

    fn commit(first: u64, last: u64) -> Arc<Commit> {
        Arc::new(Commit {
            first: position(first),
            last: position(last),
            id: CommitId::Made(Uuid::from_bytes([7; 16])),
            recorded_at: Timestamp::from_micros(0).unwrap(),
            context: Context::new(),
        })
    }

    fn lengths(commits: Vec<Arc<Commit>>, positions: &[u64]) -> Result<Vec<usize>, String> {
        let entries = positions.iter().map(|number| (Keyless::deleted(position(*number)), 1)).collect();
        let keys = vec![Some(Key::parse("record", "field").unwrap()); positions.len()];
        match with_entries(commits, entries, keys) {
            Ok(whole) => Ok(whole.iter().map(|whole| whole.entries.len()).collect()),
            Err(Failure::Damaged(what)) => Err(what),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_page_ends_with_the_commit_that_fills_it() {
        let commits = || vec![commit(1, 3), commit(4, 4), commit(5, 9)];
        let ends = |limit| first(commits(), limit).iter().map(|commit| commit.last.get()).collect::<Vec<_>>();
        assert_eq!([0, 1, 3].map(ends), [vec![], vec![3], vec![3]]);
        assert_eq!([4, 5, usize::MAX].map(ends), [vec![3, 4], vec![3, 4, 9], vec![3, 4, 9]]);
    }

    #[test]
    fn every_commit_has_its_entries_or_the_log_is_damaged() {
        let commits = || vec![commit(3, 4), commit(5, 5)];
        let lacks = |last| Err(format!("the log is damaged: the commit at @{last} lacks entries"));
        assert_eq!(lengths(commits(), &[3, 4, 5]), Ok(vec![2, 1]));
        assert_eq!(lengths(commits(), &[4, 5]), lacks(4));
        assert_eq!(lengths(commits(), &[3, 5]), lacks(4));
        assert_eq!(lengths(commits(), &[3, 4]), lacks(5));
        assert_eq!(lengths(vec![commit(1, u64::MAX >> 1)], &[1]), lacks(u64::MAX >> 1));
        let alone = Err("the log is damaged: the entry at @2 has no commit".into());
        assert_eq!(lengths(commits(), &[2, 3, 4, 5]), alone);
    }
}
