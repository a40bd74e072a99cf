use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::error::Error;
use crate::log::{Change, Key, Log, Order, Pages, Position, PositionRange, Scope};

/// The changes of one field or of many, to be walked from either end.
///
/// Read lazily: who stops early pays little.
///
/// ```
/// # use annals_core::{Position, Store};
/// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
/// # let player = store.record("game/player1")?;
/// for score in [10, 20, 30] {
///     player.set("score", &score)?;
/// }
/// let newest: Vec<i64> = player
///     .history("score")?
///     .newest_first()
///     .after(Position::new(1).unwrap())
///     .into_iter()
///     .map(|change| Ok(change?.get()?.unwrap()))
///     .collect::<Result<_, annals_core::Error>>()?;
/// assert_eq!(newest, [30, 20]);
/// # Ok::<(), annals_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is read until the history is walked"]
pub struct History {
    log: Log,
    keys: Vec<Key>,
    range: PositionRange,
    order: Order,
}

impl History {
    pub(crate) fn new(log: Log, keys: Vec<Key>, through: Position) -> History {
        History { log, keys, range: PositionRange::through(through), order: Order::OldestFirst }
    }

    /// Returns the changes of every field in `scope` up to `through`, which is the end of a commit.
    pub(crate) fn of_all(log: &Log, scope: &Scope, through: Position) -> Result<History, Error> {
        let keys = log.state(scope, through).map(|change| Ok(change?.entry.key));
        Ok(History::new(log.clone(), keys.collect::<Result<_, Error>>()?, through))
    }

    /// Walks from the newest change to the oldest.
    pub fn newest_first(mut self) -> History {
        self.order = Order::NewestFirst;
        self
    }

    /// Leaves out changes at or before `position`.
    pub fn after(mut self, position: Position) -> History {
        self.range.after = self.range.after.max(position);
        self
    }

    /// Leaves out changes after `position`.
    pub fn through(mut self, position: Position) -> History {
        self.range.through = self.range.through.min(position);
        self
    }
}

impl IntoIterator for History {
    type Item = Result<Change, Error>;
    type IntoIter = Changes;

    fn into_iter(self) -> Changes {
        let History { log, keys, range, order } = self;
        let histories = keys.iter().map(|key| log.history(key, range, order)).collect();
        Changes { order, unread: histories, heads: BinaryHeap::new() }
    }
}

/// Walks the changes of a [`History`] in position order; ends after the first error.
#[derive(Debug)]
pub struct Changes {
    order: Order,
    /// Histories whose next change is not in `heads`.
    unread: Vec<Pages<Change>>,
    heads: BinaryHeap<Head>,
}

impl Iterator for Changes {
    type Item = Result<Change, Error>;

    fn next(&mut self) -> Option<Result<Change, Error>> {
        while let Some(mut history) = self.unread.pop() {
            match history.next() {
                None => {}
                Some(Ok(change)) => self.heads.push(Head { order: self.order, change, history }),
                Some(Err(error)) => {
                    self.unread.clear();
                    self.heads.clear();
                    return Some(Err(error));
                }
            }
        }
        let Head { change, history, .. } = self.heads.pop()?;
        self.unread.push(history);
        Some(Ok(change))
    }
}

/// The next change of one history. The greatest head is the one to be given out next.
#[derive(Debug)]
struct Head {
    order: Order,
    change: Change,
    history: Pages<Change>,
}

impl Ord for Head {
    fn cmp(&self, other: &Head) -> Ordering {
        let by_position = self.change.position().cmp(&other.change.position());
        match self.order {
            Order::OldestFirst => by_position.reverse(),
            Order::NewestFirst => by_position,
        }
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}
