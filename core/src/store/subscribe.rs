use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bell::Bell;
use crate::error::{DriverError, Error, ErrorKind};
use crate::log::{CommitEntries, Field, Key, Log, Namespace, Order, Pages, Position, PositionRange, Scope};

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

/// The commits after a position, in order, those to come included: see
/// [`Store::subscribe`](crate::Store::subscribe).
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
/// 1 to 20 ms while nothing comes.
///
/// Several may run at once. To go on in another process, keep [`Subscription::position`] where what
/// was made of the commits is kept, and subscribe from there.
pub struct Subscription {
    log: Log,
    bell: Arc<Bell>,
    filter: Filter,
    position: Position,
    /// What is known to be there beyond the position and has not been walked.
    ahead: Option<Pages<CommitEntries>>,
}

impl Subscription {
    pub(crate) fn new(log: Log, bell: Arc<Bell>, from: Position, filter: Filter) -> Result<Self, Error> {
        let position = log.boundary(from)?;
        Ok(Subscription { log, bell, filter, position, ahead: None })
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
        let mut pause = Pause::default();
        loop {
            let rings = self.bell.rings();
            if let Some(commit) = self.walk()? {
                return Ok(Some(commit));
            }
            let last = self.log.last_position()?;
            if last > self.position {
                let range = PositionRange { after: self.position, through: last };
                self.ahead = Some(self.log.commits(range, Order::OldestFirst));
                pause = Pause::default();
                if let Some(commit) = self.walk()? {
                    return Ok(Some(commit));
                }
                self.reached(last)?;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            self.bell.wait(rings, pause.next().min(left.unwrap_or(Duration::MAX)));
        }
    }

    /// Returns the next of the commits that are known to be there, if one passes.
    fn walk(&mut self) -> Result<Option<CommitEntries>, Error> {
        while let Some(next) = self.ahead.as_mut().and_then(Iterator::next) {
            let commit = next.and_then(|next| self.adjoining(next)).inspect_err(|_| self.ahead = None)?;
            self.position = commit.commit.last;
            if let Some(commit) = self.filter.narrow(commit) {
                return Ok(Some(commit));
            }
        }
        Ok(None)
    }

    /// Nothing is skipped, even where the log has lost something: then that is said.
    fn adjoining(&self, next: CommitEntries) -> Result<CommitEntries, Error> {
        let expected = self.position.plus(1);
        if next.commit.first == expected { Ok(next) } else { Err(missing(expected)) }
    }

    /// Without this a driver that does not give the commits it tells of would be asked for ever.
    fn reached(&self, last: Position) -> Result<(), Error> {
        if self.position >= last { Ok(()) } else { Err(missing(self.position.plus(1))) }
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

    fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(Self::MAX);
        pause
    }
}

impl Default for Pause {
    fn default() -> Pause {
        Pause(Duration::from_millis(1))
    }
}
