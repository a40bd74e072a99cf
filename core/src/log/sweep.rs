use std::collections::VecDeque;

use super::handle::page_on;
use super::pages::{PageSize, payload};
use super::{Action, Change, Entry, Field, Key, Log, Order, Position, PositionRange, Retention, Scope};
use crate::error::Error;

/// The entries that are to be erased: of each of some keys, those through some position.
pub(super) struct Selection<'a> {
    keys: Keys,
    /// Nothing of the fields of this name is selected.
    but: Option<Field>,
    /// Nothing after this position is selected.
    through: Position,
    /// Selects only what these rules do not keep.
    retention: Option<&'a Retention>,
    /// What is selected, in words.
    pub(super) words: String,
}

enum Keys {
    One(Key),
    In(Scope),
}

impl<'a> Selection<'a> {
    pub(super) fn key(key: Key, through: Position, words: String) -> Selection<'a> {
        Selection { keys: Keys::One(key), but: None, through, retention: None, words }
    }

    pub(super) fn scope(scope: Scope, through: Position, words: String) -> Selection<'a> {
        Selection { keys: Keys::In(scope), but: None, through, retention: None, words }
    }

    pub(super) fn superseded(retention: &'a Retention, through: Position) -> Selection<'a> {
        let words = format!("superseded values: {retention}");
        Selection { keys: Keys::In(Scope::All), but: None, through, retention: Some(retention), words }
    }

    pub(super) fn but(mut self, field: Option<Field>) -> Selection<'a> {
        self.but = field;
        self
    }

    /// Returns the last position of a key that is selected, [`Position::START`] if none is.
    fn last_of(&self, newest: &Change) -> Position {
        let key = newest.key();
        match self.retention {
            _ if key.namespace().is_reserved() => Position::START,
            _ if self.but.as_ref() == Some(key.field()) => Position::START,
            None => newest.position(),
            Some(retention) if retention.keeps_latest_only(key) => newest.position().before(),
            Some(_) => Position::START,
        }
    }
}

/// An entry that is to be erased.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) position: Position,
    /// The bytes of its value.
    pub(super) bytes: u64,
}

/// A walk over the selected entries, key by key, which can be cloned and so taken up again at the same
/// place.
#[derive(Clone)]
pub(super) struct Walk<'a> {
    selection: &'a Selection<'a>,
    /// The keys at hand, with the last position that is selected of each.
    keys: VecDeque<(Key, Position)>,
    /// The entries of the first of these keys have been walked through here.
    seen: Position,
    /// The last key that was ever at hand.
    after: Option<Key>,
    size: PageSize,
}

impl<'a> Walk<'a> {
    /// How many entries are found at a time: 8 MiB. The more they are, the closer together are those that
    /// are erased in one commit, and the fewer pages a driver has to write for it.
    const FOUND_MAX: usize = 1 << 19;

    pub(super) fn over(selection: &'a Selection<'a>) -> Walk<'a> {
        let size = PageSize::growing(64, 1000);
        Walk { selection, keys: VecDeque::new(), seen: Position::START, after: None, size }
    }

    /// Returns the next entries that are set, by their positions; none at the end.
    pub(super) fn find(&mut self, log: &Log) -> Result<Vec<Found>, Error> {
        let mut found = Vec::new();
        while let Some((key, last)) = self.key(log)? {
            if self.find_of_key(log, &key, last, &mut found)? {
                break;
            }
            self.keys.pop_front();
            self.seen = Position::START;
        }
        found.sort_unstable_by_key(|found| found.position);
        Ok(found)
    }

    /// Adds the entries of one key up to `last`; returns whether as many were found as are taken at a time.
    fn find_of_key(
        &mut self,
        log: &Log,
        key: &Key,
        last: Position,
        found: &mut Vec<Found>,
    ) -> Result<bool, Error> {
        let range = PositionRange { after: self.seen, through: last };
        for change in log.history(key, range, Order::OldestFirst) {
            let Entry { position, action, .. } = change?.entry;
            self.seen = position;
            if let Action::Set(bytes) = action {
                found.push(Found { position, bytes: bytes.len() as u64 });
            }
            if found.len() >= Self::FOUND_MAX {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the key at hand, or the first of the next page.
    fn key(&mut self, log: &Log) -> Result<Option<(Key, Position)>, Error> {
        while self.keys.is_empty() {
            let page = self.page(log)?;
            let Some(last) = page.last() else { return Ok(None) };
            let last = last.key().clone();
            page_on(&mut self.after, Some(last))?;
            let selected = page.iter().map(|newest| (newest.key(), self.selection.last_of(newest)));
            let selected = selected.filter(|(_, last)| *last > Position::START);
            self.keys = selected.map(|(key, last)| (key.clone(), last)).collect();
        }
        Ok(self.keys.front().cloned())
    }

    /// Returns the newest changes of the next keys.
    fn page(&mut self, log: &Log) -> Result<Vec<Change>, Error> {
        let Selection { keys, through, .. } = self.selection;
        let page = match keys {
            Keys::One(_) if self.after.is_some() => Vec::new(),
            Keys::One(key) => log.newest(key, *through)?.into_iter().collect(),
            Keys::In(scope) => log.driver().state(scope, *through, self.after.as_ref(), self.size.get())?,
        };
        self.size.after(page.len(), payload(page.iter().map(|change| &change.entry)));
        Ok(page)
    }
}
