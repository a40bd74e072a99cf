use std::vec;

use annals_core::codec::Timestamp;
use annals_core::{Change, Log, Order, Position, PositionRange};

use crate::name::Address;
use crate::{Error, RevisionInfo, State};

/// What is known of the revisions of an object, to be walked from either end.
///
/// Read lazily, and without contents: [`Revisions::load`](crate::Revisions::load) reads one. Without a
/// filter a page (what is left by [`History::skip`] and [`History::limit`]) is one read of up to 1,000
/// revisions, wherever it begins. Filters cost the revisions looked at: all before the page, and those
/// of the page.
///
/// ```
/// # use annals_core::{Context, Store};
/// # use annals_revisions::Revisions;
/// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
/// let scores = Revisions::<u32>::open(&store, "scores")?;
/// for (score, actor) in [(1, "ann"), (2, "ben"), (3, "ann")] {
///     scores.set("game", &score, Context::new().actor(actor))?;
/// }
/// let by_ann = scores.history("game")?.creator("ann").newest_first();
/// let versions = by_ann.into_iter().map(|info| Ok(info?.version()));
/// assert_eq!(versions.collect::<Result<Vec<_>, annals_revisions::Error>>()?, [3, 1]);
/// assert_eq!(scores.history("game")?.count()?, 3);
/// # Ok::<(), annals_revisions::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is read until the history is walked"]
pub struct History {
    log: Log,
    address: Address,
    filters: Filters,
    through: Position,
    order: Order,
    skip: usize,
    limit: usize,
}

#[derive(Clone, Debug, Default)]
struct Filters {
    creator: Option<String>,
    comment: Option<String>,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
    state: Option<State>,
}

impl Filters {
    fn is_empty(&self) -> bool {
        let Filters { creator, comment, after, before, state } = self;
        creator.is_none() && comment.is_none() && after.is_none() && before.is_none() && state.is_none()
    }

    fn accept(&self, info: &RevisionInfo) -> bool {
        let Filters { creator, comment, after, before, state } = self;
        creator.as_deref().is_none_or(|creator| info.creator() == Some(creator))
            && comment
                .as_deref()
                .is_none_or(|part| info.comment().is_some_and(|comment| comment.contains(part)))
            && after.is_none_or(|after| info.start() > after)
            && before.is_none_or(|before| info.start() < before)
            && state.is_none_or(|state| info.state() == state)
    }
}

impl History {
    pub(crate) fn new(log: Log, address: Address, known: bool) -> History {
        let limit = if known { usize::MAX } else { 0 };
        let (filters, order, through) = (Filters::default(), Order::OldestFirst, Position::MAX);
        History { log, address, filters, through, order, skip: 0, limit }
    }

    /// Leaves out revisions that somebody else made than `creator`, or nobody.
    pub fn creator(mut self, creator: impl Into<String>) -> History {
        self.filters.creator = Some(creator.into());
        self
    }

    /// Leaves out revisions whose comment does not contain `part`.
    pub fn comment(mut self, part: impl Into<String>) -> History {
        self.filters.comment = Some(part.into());
        self
    }

    /// Leaves out revisions that started at `time` or before.
    pub fn started_after(mut self, time: Timestamp) -> History {
        self.filters.after = Some(time);
        self
    }

    /// Leaves out revisions that started at `time` or later.
    pub fn started_before(mut self, time: Timestamp) -> History {
        self.filters.before = Some(time);
        self
    }

    /// Leaves out revisions in any other [state](RevisionInfo::state): the deletions of an object are those
    /// that are [`State::Deleted`].
    pub fn state(mut self, state: State) -> History {
        self.filters.state = Some(state);
        self
    }

    /// Leaves out revisions that were made after the position `at`, as if it were the present: the last one that
    /// is left has no end.
    pub fn through(mut self, at: Position) -> History {
        self.through = at;
        self
    }

    /// Walks from the newest revision to the oldest.
    pub fn newest_first(mut self) -> History {
        self.order = Order::NewestFirst;
        self
    }

    /// Leaves out the first `count` of those that are not filtered out.
    pub fn skip(mut self, count: usize) -> History {
        self.skip = count;
        self
    }

    /// Ends after `count` revisions.
    pub fn limit(mut self, count: usize) -> History {
        self.limit = self.limit.min(count);
        self
    }

    /// Returns the number of revisions that the walk would give. Without a filter it is known from the newest
    /// one alone.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn count(self) -> Result<u64, Error> {
        if !self.filters.is_empty() {
            return self.into_iter().try_fold(0, |count, info| info.map(|_| count + 1));
        }
        let History { log, address, through, skip, limit, .. } = self;
        let newest = log.newest(address.meta(), through)?;
        let info = newest.map(|newest| RevisionInfo::read(&address, &newest, None)).transpose()?.flatten();
        let versions = info.map_or(0, |info| info.version());
        let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Ok(versions.saturating_sub(wide(skip)).min(wide(limit)))
    }
}

impl IntoIterator for History {
    type Item = Result<RevisionInfo, Error>;
    type IntoIter = RevisionInfos;

    fn into_iter(self) -> RevisionInfos {
        let History { log, address, filters, through, order, skip, limit } = self;
        // Of what is read, as much as is known to be passed over need not be.
        let unread = if filters.is_empty() { skip } else { 0 };
        let skip = skip - unread;
        // The one that begins when the first of the page ends is newer: it is read with the page.
        let newer = usize::from(order == Order::NewestFirst && unread > 0);
        let wanted = if filters.is_empty() { limit } else { usize::MAX };
        RevisionInfos {
            pages: MetaPages {
                log,
                address,
                range: PositionRange::through(through),
                order,
                skip: unread - newer,
                // One more tells when the last one ends.
                left: wanted.saturating_add(1 + newer),
                page: Vec::new().into_iter(),
            },
            filters,
            skip,
            left: limit,
            newer,
            neighbour: None,
        }
    }
}

/// Walks a [`History`]; ends after the first error.
#[derive(Debug)]
pub struct RevisionInfos {
    pages: MetaPages,
    filters: Filters,
    skip: usize,
    left: usize,
    /// How many changes are read first that only tell when the next one ends.
    newer: usize,
    /// The change that was read last and not given out: the next to be, or the one before.
    neighbour: Option<Change>,
}

impl RevisionInfos {
    fn find(&mut self) -> Result<Option<RevisionInfo>, Error> {
        while self.left > 0 {
            let Some((change, end)) = self.step()? else { return Ok(None) };
            let Some(info) = RevisionInfo::read(&self.pages.address, &change, end)? else { continue };
            if !self.filters.accept(&info) {
                continue;
            }
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            self.left -= 1;
            return Ok(Some(info));
        }
        Ok(None)
    }

    /// Returns the next change, and when its revision ended.
    fn step(&mut self) -> Result<Option<(Change, Option<Timestamp>)>, Error> {
        match self.pages.order {
            Order::OldestFirst => {
                let change = match self.neighbour.take() {
                    Some(change) => change,
                    None => match self.pages.next()? {
                        Some(change) => change,
                        None => return Ok(None),
                    },
                };
                self.neighbour = self.pages.next()?;
                let end = self.neighbour.as_ref().map(|next| next.commit.recorded_at);
                Ok(Some((change, end)))
            }
            Order::NewestFirst => {
                while self.newer > 0 {
                    self.newer -= 1;
                    self.neighbour = self.pages.next()?;
                }
                let Some(change) = self.pages.next()? else { return Ok(None) };
                let newer = self.neighbour.replace(change.clone());
                Ok(Some((change, newer.map(|newer| newer.commit.recorded_at))))
            }
        }
    }
}

impl Iterator for RevisionInfos {
    type Item = Result<RevisionInfo, Error>;

    fn next(&mut self) -> Option<Result<RevisionInfo, Error>> {
        let found = self.find().transpose();
        if !matches!(found, Some(Ok(_))) {
            self.left = 0;
        }
        found
    }
}

/// The changes of an object's `__meta`, page by page.
#[derive(Debug)]
struct MetaPages {
    log: Log,
    address: Address,
    range: PositionRange,
    order: Order,
    /// How many are passed over before the first page.
    skip: usize,
    /// How many more are wanted.
    left: usize,
    page: vec::IntoIter<Change>,
}

impl MetaPages {
    const PAGE_MAX: usize = 1001;

    fn next(&mut self) -> Result<Option<Change>, Error> {
        if let Some(change) = self.page.next() {
            return Ok(Some(change));
        }
        let limit = self.left.min(Self::PAGE_MAX);
        if limit == 0 {
            return Ok(None);
        }
        let MetaPages { log, address, range, order, skip, .. } = self;
        let page = log.driver().history(address.meta(), *range, *order, *skip, limit)?;
        self.left = if page.len() < limit { 0 } else { self.left - limit };
        self.skip = 0;
        if let Some(last) = page.last() {
            match self.order {
                Order::OldestFirst => self.range.after = last.position(),
                Order::NewestFirst => self.range.through = last.position().before(),
            }
        }
        self.page = page.into_iter();
        Ok(self.page.next())
    }
}
