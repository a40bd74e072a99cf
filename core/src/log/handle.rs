use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use foldhash::quality::RandomState;

use super::appends::Appends;
use super::clock::{Clock, SystemClock};
use super::line::Request;
use super::observer::Observer;
use super::pages::{PageSize, Pages, payload};
use super::{
    Action, At, Batch, Change, CommitEntries, Condition, Conflict, Context, Driver, Durability, Entry, Key,
    Namespace, Order, Position, PositionRange, Receipt, Scope,
};
use crate::error::{DriverError, Error, ErrorKind};
use crate::trace;

/// The most bytes that a value may have unless a log is told otherwise: 64 MiB.
pub const VALUE_BYTES_MAX: u64 = 64 << 20;

/// The most bytes that a commit's context (names, reasons, tags) may have: 1 MiB.
pub const CONTEXT_BYTES_MAX: u64 = 1 << 20;

/// The most entries read at a time where a whole stretch of the log is walked.
const PAGE_ENTRIES: usize = 1000;

/// The most entries read at a time where commits are walked: to ask a server costs as much for a few.
const WALK_ENTRIES: usize = 2 * PAGE_ENTRIES;

/// A log of encoded values: a driver plus validation, paging and group commit.
///
/// Cheap to clone; all clones are the same log. What several threads append at the same time, through
/// any of the clones, shares one durable write: the thread that comes first appends at once, the others
/// wait, and the first of them then appends for all that wait. Each batch is judged by its own
/// conditions, after the ones before it, and has its own receipt; a thread that is alone waits for
/// nothing.
#[derive(Clone)]
pub struct Log {
    driver: Arc<dyn Driver>,
    appends: Arc<Appends>,
    clock: Arc<dyn Clock>,
    value_bytes_max: u64,
}

impl Log {
    /// Returns the log that lives in `driver`.
    #[must_use]
    pub fn new(driver: impl Driver + 'static) -> Log {
        Log {
            driver: trace::driver(driver),
            appends: Arc::default(),
            clock: Arc::new(SystemClock),
            value_bytes_max: VALUE_BYTES_MAX,
        }
    }

    /// Takes the time of recording from `clock`.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Log {
        self.clock = Arc::new(clock);
        self
    }

    /// Refuses values of more than `bytes`.
    #[must_use]
    pub fn with_value_bytes_max(mut self, bytes: u64) -> Log {
        self.value_bytes_max = bytes;
        self
    }

    /// Returns the driver, for abilities of its own.
    #[must_use]
    pub fn driver(&self) -> &dyn Driver {
        &*self.driver
    }

    /// Returns what the log's clock says; recorded times may be ahead of it.
    #[must_use]
    pub fn now(&self) -> annals_codec::Timestamp {
        self.clock.now()
    }

    /// Returns how many threads wait for the one that appends.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.appends.waiting()
    }

    /// Tells `observer`, for as long as somebody keeps it, of every commit that is appended from now on
    /// through this log or a clone of it.
    pub(crate) fn observe(&self, observer: &Arc<dyn Observer>) {
        self.appends.observe(observer);
    }

    /// Appends one batch as one commit. Its `now` is replaced by the log's clock.
    ///
    /// A batch with a [given id](Batch::with_id) becomes a commit once: if the log has one of that id,
    /// its receipt is the answer, [repeated](Receipt::repeated), whatever the batch says. So whoever
    /// does not know the outcome of an append opens the log anew and appends the same batch again.
    ///
    /// # Errors
    /// [`Error::Conflict`] if a condition does not hold, [`Error::BeyondEnd`] if one speaks of a
    /// position that is not there yet; [`Error::Invalid`] or [`Error::TooLarge`] if the batch is
    /// empty, writes a key twice, writes to a namespace that the log keeps for itself or is over a
    /// limit; [`Error::Encode`] if bytes are not the canonical form of a value. Nothing is written then.
    ///
    /// ```
    /// use annals_core::codec::Uuid;
    /// use annals_core::{Batch, Context, Durability, Key, Log};
    /// # use annals_driver_memory::MemoryDriver;
    ///
    /// let log = Log::new(MemoryDriver::new());
    /// let order = Batch::new(Context::new()).with_id(Uuid::from_bytes([7; 16]));
    /// let order = order.set(Key::parse("order/7", "state")?, *b"\xa3new");
    /// let first = log.append(order.clone(), Durability::Synced)?;
    /// let again = log.append(order, Durability::Synced)?;
    /// assert_eq!((again.repeated, again.commit), (true, first.commit));
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    ///
    /// # Durability
    /// As asked for, or more where it shared a write with a batch that asked for more; the receipt says
    /// what was reached.
    pub fn append(&self, batch: Batch, durability: Durability) -> Result<Receipt, Error> {
        let answers = self.append_all(vec![batch], durability)?;
        Ok(answers.into_iter().next().ok_or_else(|| unknown_outcome(NO_ANSWER))??)
    }

    /// Appends each batch as a commit of its own, in order, in one durable write.
    ///
    /// # Errors
    /// As [`Log::append`], but a conflict is the answer of its own batch and does not disturb the
    /// others.
    pub fn append_all(
        &self,
        mut batches: Vec<Batch>,
        durability: Durability,
    ) -> Result<Vec<Result<Receipt, Conflict>>, Error> {
        for batch in &mut batches {
            self.check(batch)?;
            batch.now = self.clock.now();
        }
        if batches.is_empty() {
            return Ok(Vec::new());
        }
        self.check_conditions(&batches)?;
        trace::append(batches, durability, |batches, durability| {
            self.appends.append(&*self.driver, Request { batches, durability, erases: None })
        })
    }

    /// Erases what stands at `positions`, and appends `audit`, a valid batch, to tell of it.
    pub(super) fn append_erasure(
        &self,
        positions: Vec<Position>,
        audit: Batch,
    ) -> Result<Result<Receipt, Conflict>, Error> {
        let (batches, durability) = (vec![audit], Durability::Synced);
        let answers =
            self.appends.append(&*self.driver, Request { batches, durability, erases: Some(positions) })?;
        answers.into_iter().next().ok_or_else(|| unknown_outcome(NO_ANSWER))
    }

    /// Appends commits as they stood in another log.
    pub(super) fn restore(&self, commits: &[CommitEntries]) -> Result<(), Error> {
        self.driver.restore(commits)?;
        if let Some(last) = commits.last() {
            self.appends.found(last.commit.last);
        }
        Ok(())
    }

    /// Makes everything that was appended survive a power cut.
    ///
    /// # Errors
    /// If that could not be done.
    pub fn sync(&self) -> Result<(), Error> {
        self.driver.sync()
    }

    /// Returns the position of the newest entry, [`Position::START`] in an empty log.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn last_position(&self) -> Result<Position, Error> {
        let last = self.driver.last_position()?;
        self.appends.reach(last);
        Ok(last)
    }

    /// Returns the end of the last commit at or before a position or time.
    ///
    /// # Errors
    /// [`Error::BeyondEnd`] if it is a position after the last one.
    pub fn boundary(&self, at: impl Into<At>) -> Result<Position, Error> {
        let at = at.into();
        if let At::Position(asked) = at {
            self.check_reached(asked)?;
        }
        self.driver.boundary(at)
    }

    /// Returns the commits whose last position lies in `range`, with their entries.
    pub fn commits(&self, mut range: PositionRange, order: Order) -> Pages<CommitEntries> {
        let driver = Arc::clone(&self.driver);
        let mut size = PageSize::growing(16, WALK_ENTRIES);
        Pages::new(move || {
            let page = driver.commits(range, order, size.get())?;
            let entries = page.iter().map(|whole| whole.entries.len()).sum();
            size.after(entries, payload(page.iter().flat_map(|whole| &whole.entries)));
            match page.last() {
                Some(last) => go_on(&mut range, order, last.commit.last).map(|()| page),
                None => Ok(page),
            }
        })
    }

    /// Returns the commit that `position` belongs to, `None` if there is no such entry.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn commit_at(&self, position: Position) -> Result<Option<CommitEntries>, Error> {
        if position == Position::START {
            return Ok(None);
        }
        let range = PositionRange::after(position.before());
        Ok(self.driver.commits(range, Order::OldestFirst, 1)?.into_iter().next())
    }

    /// Returns the changes of `key` at positions in `range`.
    pub fn history(&self, key: &Key, mut range: PositionRange, order: Order) -> Pages<Change> {
        let driver = Arc::clone(&self.driver);
        let key = key.clone();
        let mut size = PageSize::growing(4, PAGE_ENTRIES);
        Pages::until_short(move || {
            let limit = size.get();
            let page = driver.history(&key, range, order, 0, limit)?;
            size.after(page.len(), payload(page.iter().map(|change| &change.entry)));
            match page.last() {
                Some(last) => go_on(&mut range, order, last.position()).map(|()| (page, limit)),
                None => Ok((page, limit)),
            }
        })
    }

    /// Returns the newest entry of `key` at or before `at`, a deletion included.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn entry(&self, key: &Key, at: Position) -> Result<Option<Entry>, Error> {
        self.driver.entry(key, at)
    }

    /// Returns the newest change of `key` at or before `at`, a deletion included: the entry with its
    /// commit.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn newest(&self, key: &Key, at: Position) -> Result<Option<Change>, Error> {
        let range = PositionRange::through(at);
        Ok(self.driver.history(key, range, Order::NewestFirst, 0, 1)?.into_iter().next())
    }

    /// Returns the newest change at or before `at` of each key in `scope`, deletions included, in
    /// key order. `at` is the end of a commit, as [`Log::boundary`] gives it.
    pub fn state(&self, scope: &Scope, at: Position) -> Pages<Change> {
        self.state_after(scope, at, None)
    }

    /// As [`Log::state`], of the keys after `after`, which need not exist.
    pub fn state_after(&self, scope: &Scope, at: Position, mut after: Option<Key>) -> Pages<Change> {
        let driver = Arc::clone(&self.driver);
        let scope = scope.clone();
        let mut size = PageSize::growing(64, PAGE_ENTRIES);
        Pages::until_short(move || {
            let limit = size.get();
            let page = driver.state(&scope, at, after.as_ref(), limit)?;
            size.after(page.len(), payload(page.iter().map(|change| &change.entry)));
            let last = page.last().map(|change| change.key().clone());
            page_on(&mut after, last).map(|()| (page, limit))
        })
    }

    /// Returns the namespaces in `scope` that ever had an entry, in byte order.
    pub fn namespaces(&self, scope: &Scope) -> Pages<Namespace> {
        let driver = Arc::clone(&self.driver);
        let scope = scope.clone();
        let mut after: Option<Namespace> = None;
        Pages::until_short(move || {
            let page = driver.namespaces(&scope, after.as_ref(), PAGE_ENTRIES)?;
            let last = page.last().cloned();
            page_on(&mut after, last).map(|()| (page, PAGE_ENTRIES))
        })
    }

    /// Checks what can be said of a batch without the driver: that it writes, each key once, none that
    /// the log keeps for itself, values in canonical form, within the limits. Every append does so first.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::TooLarge`] or [`Error::Encode`].
    pub fn check(&self, batch: &Batch) -> Result<(), Error> {
        if batch.writes.is_empty() {
            return Err(Error::Invalid("a batch without writes cannot be appended".into()));
        }
        let mut keys = HashSet::with_capacity_and_hasher(batch.writes.len(), RandomState::default());
        let mut context_bytes = context_bytes(&batch.context)?;
        for write in &batch.writes {
            if !keys.insert(&write.key) {
                return Err(Error::Invalid(format!("{} is written twice in one commit", write.key)));
            }
            if write.key.namespace().is_reserved() {
                let key = &write.key;
                return Err(Error::Invalid(format!("{key}: `__annals` is kept for the log itself")));
            }
            self.check_action(&write.key, &write.action)?;
            context_bytes += text_bytes([&write.actor, &write.reason]);
        }
        within_limit(|| "context".into(), context_bytes, CONTEXT_BYTES_MAX)
    }

    /// A condition on a position that nobody can have seen would protect from nothing.
    fn check_conditions(&self, batches: &[Batch]) -> Result<(), Error> {
        let conditions = batches.iter().flat_map(|batch| &batch.conditions);
        conditions.filter_map(Condition::since).max().map_or(Ok(()), |asked| self.check_reached(asked))
    }

    /// Asks the driver only for what is not known already.
    fn check_reached(&self, asked: Position) -> Result<(), Error> {
        if asked <= self.appends.reached() {
            return Ok(());
        }
        let last = self.last_position()?;
        if asked > last { Err(Error::BeyondEnd { asked, last }) } else { Ok(()) }
    }

    fn check_action(&self, key: &Key, action: &Action) -> Result<(), Error> {
        match action {
            Action::Set(bytes) => {
                within_limit(|| format!("the value for {key}"), bytes.len() as u64, self.value_bytes_max)?;
                let refuse = |problem| Error::Encode { what: key.to_string(), problem };
                annals_codec::check(bytes).map_err(refuse)
            }
            Action::Deleted => Ok(()),
            Action::Erased { .. } => Err(Error::Invalid(format!("{key}: erasing is no write"))),
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("value_bytes_max", &self.value_bytes_max).finish_non_exhaustive()
    }
}

/// Takes what was read up to `seen` out of `range`, which must have held it.
fn go_on(range: &mut PositionRange, order: Order, seen: Position) -> Result<(), Error> {
    if !range.contains(seen) {
        return Err(broken_driver(NO_PROGRESS));
    }
    match order {
        Order::OldestFirst => range.after = seen,
        Order::NewestFirst => range.through = seen.before(),
    }
    Ok(())
}

/// Lets the next page begin after `last`, which must be further on than this one began.
pub(super) fn page_on<T: Ord>(after: &mut Option<T>, last: Option<T>) -> Result<(), Error> {
    if last.is_some() && last <= *after {
        return Err(broken_driver(NO_PROGRESS));
    }
    *after = last;
    Ok(())
}

pub(super) const NO_ANSWER: &str =
    "the driver has not answered each batch; whether they were stored is unknown";
/// Without this a driver that gives the same page again would be read for ever.
const NO_PROGRESS: &str = "the driver answers with a page that was not asked for";

fn broken_driver(message: &str) -> Error {
    DriverError::new(ErrorKind::Other, "this log", message).into()
}

/// Returns the error of an append that may have been stored.
pub(super) fn unknown_outcome(message: &str) -> Error {
    DriverError::new(ErrorKind::Unknown, "this log", message).into()
}

fn within_limit(what: impl FnOnce() -> String, size: u64, limit: u64) -> Result<(), Error> {
    if size > limit { Err(Error::TooLarge { what: what(), size, limit }) } else { Ok(()) }
}

pub(super) fn check_context(context: &Context) -> Result<(), Error> {
    within_limit(|| "context".into(), context_bytes(context)?, CONTEXT_BYTES_MAX)
}

fn context_bytes(context: &Context) -> Result<u64, Error> {
    let tags = context.tags_to_bytes()?.map_or(0, |tags| tags.len() as u64);
    Ok(tags + text_bytes([&context.actor, &context.reason, &context.location]))
}

fn text_bytes<const N: usize>(texts: [&Option<String>; N]) -> u64 {
    texts.iter().filter_map(|text| text.as_ref()).map(|text| text.len() as u64).sum()
}
