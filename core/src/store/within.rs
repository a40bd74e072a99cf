use std::iter::Peekable;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::along::Along;
use super::moment::{Live, Moment};
use super::record::Record;
use crate::error::Error;
use crate::log::{Action, Change, Field, Key, Order, Pages, Position, PositionRange};

/// A record while conditions on its fields held.
///
/// A *stretch* is a run of commits after each of which all conditions hold: the commit that makes
/// them hold belongs to it, the one that breaks them does not. Reads answer for the *last* stretch:
/// with a field's value at its end, even if it was set before the stretch began, or in a
/// [strict](View::strict) view only if a commit of the stretch wrote it.
///
/// Conditions compare stored values exactly: `1` is neither `true` nor `1.0`. A virtual field can be
/// read, as it was at the end of the stretch, but is no condition, and was never written.
///
/// A read costs the changes of the condition fields from the end back to the last stretch, not the
/// history.
///
/// ```
/// # use annals_core::{Context, Store};
/// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
/// let player = store.record("game/player1")?;
/// player.set("round", &1)?;
/// player.set("score", &10)?;
/// player.set("round", &2)?;
/// player.set("choice", "B")?;
///
/// let first = player.within("round", &1)?;
/// assert_eq!(first.get("score")?, Some(10));
/// assert_eq!(first.get::<String>("choice")?, None);
///
/// let second = player.within("round", &2)?;
/// assert_eq!(second.get("score")?, Some(10)); // still in force
/// assert_eq!(second.strict().get::<i64>("score")?, None); // but not written in round 2
/// # Ok::<(), annals_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct View<M = Live> {
    record: Record<M>,
    conditions: Vec<(Key, Arc<[u8]>)>,
    strict: bool,
}

impl<M: Moment> View<M> {
    pub(crate) fn new(record: Record<M>) -> View<M> {
        View { record, conditions: Vec::new(), strict: false }
    }

    /// Narrows the view to where `field` was `value` as well.
    ///
    /// # Errors
    /// If the name is not valid or the value cannot be encoded.
    pub fn and<T: Serialize + ?Sized>(
        self,
        field: impl TryInto<Field, Error: Into<Error>>,
        value: &T,
    ) -> Result<View<M>, Error> {
        let key = self.record.stored_key(field)?;
        let bytes = self.record.store().encode(key.field().as_str(), value)?;
        Ok(self.while_set_to(key, bytes))
    }

    /// Counts only values that were written while the conditions held.
    #[must_use]
    pub fn strict(mut self) -> View<M> {
        self.strict = true;
        self
    }

    /// Returns the value that a field had at the end of the last stretch, `None` if it had none or
    /// the conditions never held.
    ///
    /// # Errors
    /// As [`Record::get`]; [`Error::Erased`] too if a condition cannot be judged any more.
    pub fn get<T: DeserializeOwned>(
        &self,
        field: impl TryInto<Field, Error: Into<Error>>,
    ) -> Result<Option<T>, Error> {
        let key = self.record.key(field)?;
        if self.strict {
            return self.change(&key)?.map_or(Ok(None), |change| change.get());
        }
        let Some(past) = self.last_stretch()? else { return Ok(None) };
        self.record.past(past.at).get(key.field())
    }

    /// Returns the change that set the value that [`View::get`] returns, `None` where that is.
    ///
    /// # Errors
    /// As [`View::get`].
    pub fn entry(&self, field: impl TryInto<Field, Error: Into<Error>>) -> Result<Option<Change>, Error> {
        self.change(&self.record.key(field)?)
    }

    /// Returns the values of `field` that were written while the conditions held, oldest first,
    /// each with this view narrowed to that value.
    ///
    /// Deletions are left out. A value that was written several times comes several times; its view
    /// answers for the last stretch with it.
    ///
    /// # Errors
    /// If the name is not valid or the log cannot be read.
    pub fn along(&self, field: impl TryInto<Field, Error: Into<Error>>) -> Result<Along<M>, Error> {
        let key = self.record.stored_key(field)?;
        let end = self.record.end()?;
        let conditions = self.walk(Order::OldestFirst, end);
        let written = self.history(&key, Order::OldestFirst, end);
        Ok(Along::new(self.clone(), key, written, conditions))
    }

    fn change(&self, key: &Key) -> Result<Option<Change>, Error> {
        let Some(mut past) = self.last_stretch()? else { return Ok(None) };
        let newest = self.record.store().log().newest(key, past.at)?;
        let Some(change) = newest.filter(Change::has_value) else { return Ok(None) };
        if self.strict && !past.holds_back_to(change.commit.last)? {
            return Ok(None);
        }
        Ok(Some(change))
    }

    /// Returns the conditions at the end of the last stretch, `None` if there was none.
    fn last_stretch(&self) -> Result<Option<WalkBack>, Error> {
        // One moment for all that is read, or a commit that comes between would be mixed in.
        let end = self.record.end()?;
        let mut past = WalkBack { at: end, conditions: self.walk(Order::NewestFirst, end) };
        Ok(past.find_last_stretch()?.then_some(past))
    }

    pub(crate) fn while_set_to(mut self, key: Key, bytes: Arc<[u8]>) -> View<M> {
        self.conditions.push((key, bytes));
        self
    }

    fn history(&self, key: &Key, order: Order, end: Position) -> Pages<Change> {
        let range = PositionRange::through(end);
        self.record.store().log().history(key, range, order)
    }

    fn walk(&self, order: Order, end: Position) -> Vec<Walked> {
        let walked = |(key, wanted): &(Key, Arc<[u8]>)| Walked {
            wanted: Arc::clone(wanted),
            changes: self.history(key, order, end).peekable(),
            current: None,
        };
        self.conditions.iter().map(walked).collect()
    }
}

/// One condition and the changes of its field, read lazily in one direction.
#[derive(Debug)]
pub(super) struct Walked {
    wanted: Arc<[u8]>,
    changes: Peekable<Pages<Change>>,
    /// The change in effect at the position that the walk has come to.
    current: Option<Change>,
}

impl Walked {
    /// Brings a walk forwards to the newest change at or before `at`.
    pub(super) fn go_on_to(&mut self, at: Position) -> Result<(), Error> {
        let due = |next: &Result<Change, Error>| next.as_ref().map_or(true, |next| next.position() <= at);
        while self.changes.peek().is_some_and(due) {
            self.take_next()?;
        }
        Ok(())
    }

    fn take_next(&mut self) -> Result<(), Error> {
        self.current = self.changes.next().transpose()?;
        Ok(())
    }

    pub(super) fn holds(&self) -> Result<bool, Error> {
        match self.current.as_ref().map(|change| (change, &change.entry.action)) {
            Some((_, Action::Set(bytes))) => Ok(*bytes == self.wanted),
            Some((change, Action::Erased { .. })) => {
                Err(Error::Erased { key: change.key().clone(), position: change.position() })
            }
            Some((_, Action::Deleted)) | None => Ok(false),
        }
    }
}

/// The conditions, walked from the newest change backwards from one end of a commit to another.
#[derive(Debug)]
struct WalkBack {
    /// The end of a commit, where the conditions are judged.
    at: Position,
    conditions: Vec<Walked>,
}

impl WalkBack {
    /// Goes back to the end of the last stretch; returns whether there is one.
    fn find_last_stretch(&mut self) -> Result<bool, Error> {
        loop {
            self.catch_up()?;
            let mut before = None;
            for condition in &self.conditions {
                if condition.holds()? {
                    continue;
                }
                // Without a change in effect, none of the earlier states holds either.
                let Some(broken) = &condition.current else { return Ok(false) };
                let boundary = broken.commit.first.before();
                before = Some(before.map_or(boundary, |earlier: Position| earlier.min(boundary)));
            }
            match before {
                None => return Ok(true),
                Some(boundary) => self.at = boundary,
            }
        }
    }

    /// Goes back from a position where all conditions hold; returns whether they hold after every
    /// commit back to the one that ends at `commit_end`, included.
    fn holds_back_to(&mut self, commit_end: Position) -> Result<bool, Error> {
        loop {
            let newest = self.conditions.iter().filter_map(|condition| condition.current.as_ref());
            let Some(newest) = newest.max_by_key(|change| change.position()) else { return Ok(true) };
            if newest.commit.last <= commit_end {
                return Ok(true);
            }
            self.at = newest.commit.first.before();
            self.catch_up()?;
            for condition in &self.conditions {
                if !condition.holds()? {
                    return Ok(false);
                }
            }
        }
    }

    /// Brings each condition to the newest change at or before `at`.
    fn catch_up(&mut self) -> Result<(), Error> {
        for condition in &mut self.conditions {
            let beyond = |change: &Change| change.position() > self.at;
            if condition.current.is_none() || condition.current.as_ref().is_some_and(beyond) {
                condition.take_next()?;
            }
            while condition.current.as_ref().is_some_and(beyond) {
                condition.take_next()?;
            }
        }
        Ok(())
    }
}
