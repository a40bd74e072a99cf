use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bell::Bell;
use super::handle::Store;
use crate::error::{DriverError, Error, ErrorKind};
use crate::log::{
    Announce, CommitEntries, Field, Key, Log, Namespace, Order, Pages, Position, PositionRange, Scope,
};
use crate::trace;

/// Which entries a [`Subscription`] gives.
///
/// ```
/// use annals_core::{Field, Filter, Key, Namespace, Scope};
/// let scores = Filter::from(Scope::Under(Namespace::new("game")?)).fields([Field::new("score")?]);
/// assert!(scores.passes(&Key::parse("game/player1", "score")?));
/// assert!(!scores.passes(&Key::parse("game/player1", "round")?));
/// assert!(Filter::everything().passes(&Key::parse("config", "motd")?));
/// # Ok::<(), annals_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    scope: Scope,
    /// `None`: all.
    fields: Option<Vec<Field>>,
}

impl Filter {
    /// Returns the filter that every entry passes, those of the log's own namespaces included.
    #[must_use]
    pub fn everything() -> Filter {
        Scope::All.into()
    }

    /// Lets only entries of `fields` pass.
    #[must_use]
    pub fn fields(mut self, fields: impl IntoIterator<Item = Field>) -> Filter {
        self.fields = Some(fields.into_iter().collect());
        self
    }

    /// Returns whether entries of `key` pass.
    #[must_use]
    pub fn passes(&self, key: &Key) -> bool {
        self.scope.contains(key.namespace())
            && self.fields.as_ref().is_none_or(|fields| fields.contains(key.field()))
    }

    /// Leaves the entries that pass, `None` if none does.
    fn narrow(&self, mut commit: CommitEntries) -> Option<CommitEntries> {
        commit.entries.retain(|entry| self.passes(&entry.key));
        (!commit.entries.is_empty()).then_some(commit)
    }
}

impl From<Scope> for Filter {
    fn from(scope: Scope) -> Filter {
        Filter { scope, fields: None }
    }
}

/// The record there, without those below it.
impl From<Namespace> for Filter {
    fn from(record: Namespace) -> Filter {
        Scope::Record(record).into()
    }
}

impl Store {
    /// Returns the commits after `from` that have entries which pass `filter`, those to come included:
    /// see [`Subscription`].
    ///
    /// `from` is what another subscription [has reached](Subscription::position), or
    /// [`Position::START`] for all of the log. Of a commit that it lies inside of, nothing was seen.
    ///
    /// # Errors
    /// [`Error::BeyondEnd`] if `from` lies after the last position: it belongs to another log.
    ///
    /// ```
    /// use std::time::Duration;
    /// use annals_core::{Namespace, Scope, Store};
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let begun = store.snapshot()?.position();
    /// let mut orders = store.subscribe(begun, Scope::Under(Namespace::new("orders")?))?;
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| store.record("orders/1")?.set("total", &40));
    ///     let commit = orders.next_within(Duration::from_secs(60))?.unwrap();
    ///     assert_eq!(commit.entries[0].get::<i64>()?, Some(40));
    ///     Ok::<(), annals_core::Error>(())
    /// })?;
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    pub fn subscribe(&self, from: Position, filter: impl Into<Filter>) -> Result<Subscription, Error> {
        Subscription::new(self.log().clone(), Arc::clone(&self.shared.bell), from, filter.into())
    }
}

/// The commits after a position, in order, those to come included: see [`Store::subscribe`].
///
/// An item is a commit with those of its entries that pass the filter (so they may be fewer than its
/// positions); a commit of which none passes is passed over. None is skipped and none comes twice,
/// whichever process made it.
///
/// As an iterator it waits for ever: `next` is never `None`. After an error (of the driver's) it can
/// be asked again and goes on where it was.
///
/// It holds a bounded page of commits and nothing of the log: writers neither wait for it nor know
/// whether it is slow, has panicked or was dropped. Commits of this process wake it at once. Those
/// of others it finds by asking the driver for the last position, after pauses that grow from
/// 1 to 20 ms while nothing comes, or to half a second where the driver announces them.
///
/// Several may run at once. To go on in another process, keep [`Subscription::position`] where what
/// was made of the commits is kept, and subscribe from there.
pub struct Subscription {
    log: Log,
    bell: Arc<Bell>,
    filter: Filter,
    position: Position,
    /// Up to where the log is known to go; never less than the position.
    known: Position,
    /// The commits between the two, if their walk has begun.
    ahead: Option<Pages<CommitEntries>>,
}

impl Subscription {
    pub(crate) fn new(log: Log, bell: Arc<Bell>, from: Position, filter: Filter) -> Result<Self, Error> {
        let position = log.boundary(from)?;
        if let Some(announce) = log.driver().abilities().announce {
            bell.hear(announce);
        }
        Ok(Subscription { log, bell, filter, position, known: position, ahead: None })
    }

    /// Returns the position up to which every commit was given or did not pass the filter.
    ///
    /// It moves on also where nothing passes; a subscription from there gives what this one has not.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Returns the next commit, `None` if nothing that passes came within `timeout`.
    ///
    /// What is there when it is called is looked through whatever the timeout is, so that
    /// [`Duration::ZERO`] gives what there is without waiting.
    ///
    /// # Errors
    /// If the log cannot be read. The position is that of the last commit given, so nothing is lost:
    /// ask again when the cause is gone.
    ///
    /// ```
    /// use std::time::Duration;
    /// use annals_core::{Filter, Position, Store};
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let mut subscription = store.subscribe(Position::START, Filter::everything())?;
    /// store.record("config")?.set("motd", "Welcome")?;
    ///
    /// let commit = subscription.next_within(Duration::from_secs(5))?.unwrap();
    /// assert_eq!(commit.entries[0].get::<String>()?.unwrap(), "Welcome");
    /// assert_eq!(subscription.next_within(Duration::ZERO)?, None);
    /// assert_eq!(subscription.position(), commit.commit.last);
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    pub fn next_within(&mut self, timeout: Duration) -> Result<Option<CommitEntries>, Error> {
        // A timeout beyond what the clock can tell is none.
        self.next_until(Instant::now().checked_add(timeout))
    }

    fn next_until(&mut self, deadline: Option<Instant>) -> Result<Option<CommitEntries>, Error> {
        trace::subscribe(self.position, || self.look_until(deadline))
    }

    fn look_until(&mut self, deadline: Option<Instant>) -> Result<Option<CommitEntries>, Error> {
        let mut pause = Pause::default();
        if let Some(commit) = self.walk()? {
            return Ok(Some(commit));
        }
        loop {
            let rings = self.bell.rings();
            if self.learn()? {
                if let Some(commit) = self.walk()? {
                    return Ok(Some(commit));
                }
                pause = Pause::default();
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            self.bell.wait(rings, pause.next(self.pause_max()).min(left.unwrap_or(Duration::MAX)));
        }
    }

    /// Returns how long to wait at most before the log is asked again.
    fn pause_max(&self) -> Duration {
        let announce = self.log.driver().abilities().announce;
        if announce.is_some_and(Announce::is_on) { Pause::ANNOUNCED_MAX } else { Pause::MAX }
    }

    /// Asks how far the log goes; returns whether it is further than the position.
    fn learn(&mut self) -> Result<bool, Error> {
        self.known = self.position.max(self.log.last_position()?);
        self.ahead = None;
        Ok(self.known > self.position)
    }

    /// Returns the next of the commits that are known to be there, if one passes.
    fn walk(&mut self) -> Result<Option<CommitEntries>, Error> {
        while self.position < self.known {
            let commit = self.read().inspect_err(|_| self.ahead = None)?;
            self.position = commit.commit.last;
            if let Some(commit) = self.filter.narrow(commit) {
                return Ok(Some(commit));
            }
        }
        Ok(None)
    }

    /// Returns the commit after the position, which is known to be there: where the driver does not
    /// give it, that is said, not passed over.
    fn read(&mut self) -> Result<CommitEntries, Error> {
        let range = PositionRange { after: self.position, through: self.known };
        let ahead = self.ahead.get_or_insert_with(|| self.log.commits(range, Order::OldestFirst));
        let expected = self.position.plus(1);
        let next = ahead.next().transpose()?;
        next.filter(|next| next.commit.first == expected).ok_or_else(|| missing(expected))
    }
}

fn missing(position: Position) -> Error {
    let message = format!("the driver does not give the commit that begins at {position}; verify the log");
    DriverError::new(ErrorKind::Corrupt, "this log", message).into()
}

impl Iterator for Subscription {
    type Item = Result<CommitEntries, Error>;

    fn next(&mut self) -> Option<Result<CommitEntries, Error>> {
        self.next_until(None).transpose()
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Subscription { position, filter, .. } = self;
        f.debug_struct("Subscription")
            .field("position", position)
            .field("filter", filter)
            .finish_non_exhaustive()
    }
}

/// How long to wait before the log is asked again.
struct Pause(Duration);

impl Pause {
    const MAX: Duration = Duration::from_millis(20);
    /// Where others announce what they append, for what is lost or not announced.
    const ANNOUNCED_MAX: Duration = Duration::from_millis(500);

    fn next(&mut self, max: Duration) -> Duration {
        let pause = self.0.min(max);
        self.0 = pause * 2;
        pause
    }
}

impl Default for Pause {
    fn default() -> Pause {
        Pause(Duration::from_millis(1))
    }
}
