use std::ops::Range;
use std::sync::Arc;

use annals_codec::Timestamp;

use super::{
    Batch, Change, CommitEntries, Conflict, Entry, Key, Namespace, Order, Position, PositionRange, Receipt,
};
use crate::error::Error;

/// How much an appended commit survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Durability {
    /// Survives a crash of the process as far as the driver's documentation says. Commits may be
    /// lost in a power cut, always the newest ones, never one in the middle.
    Buffered,
    /// Survives `kill -9` and a power cut: the bytes reached the disk before `append` returned.
    #[default]
    Synced,
}

/// Which keys a read of the state covers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Every key of the log.
    All,
    /// The fields of this one record.
    Record(Namespace),
    /// The fields of this record and of every record below it.
    Under(Namespace),
}

impl Scope {
    /// Returns whether `namespace` is a record of this scope.
    #[must_use]
    pub fn contains(&self, namespace: &Namespace) -> bool {
        match self {
            Scope::All => true,
            Scope::Record(record) => namespace == record,
            Scope::Under(ancestor) => namespace.is_under(ancestor),
        }
    }

    /// Returns the ranges of byte order in which the namespaces of this scope lie, and no others: for
    /// drivers that look them up in an index. They ascend and do not overlap.
    ///
    /// What lies below `game` begins with `game/`, and `game-x` stands between the two, so that
    /// [`Scope::Under`] has two ranges.
    ///
    /// ```
    /// use annals_core::{Namespace, Scope};
    /// let game = Scope::Under(Namespace::new("game")?);
    /// let holds = |name: &str| game.ranges().iter().any(|range| range.contains(&name.to_owned()));
    /// assert!(holds("game") && holds("game/player1"));
    /// assert!(!holds("game-x") && !holds("games"));
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    #[must_use]
    pub fn ranges(&self) -> Vec<Range<String>> {
        let record = |namespace: &Namespace| namespace.to_string()..namespace.just_after();
        match self {
            // `~` sorts after every character of a name.
            Scope::All => vec![String::new().."~".into()],
            Scope::Record(namespace) => vec![record(namespace)],
            // `0` is the character after `/`.
            Scope::Under(namespace) => {
                vec![record(namespace), format!("{namespace}/")..format!("{namespace}0")]
            }
        }
    }
}

/// A moment of the log, before it is resolved to the boundary of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The commit that ends at this position, or else the one before.
    Position(Position),
    /// The last commit recorded at or before this time.
    Time(Timestamp),
}

impl From<Position> for At {
    fn from(position: Position) -> At {
        At::Position(position)
    }
}

impl From<Timestamp> for At {
    fn from(time: Timestamp) -> At {
        At::Time(time)
    }
}

/// Where one log lives.
///
/// Users hold a [`Log`](super::Log) or a store; they validate, page and decode once, so that a
/// driver stays thin. What a driver may rely on: names are valid; a batch is never empty, has at
/// most one write a key, and none with [`Action::Erased`](super::Action::Erased); values are
/// within the limits; `limit` is at least 1. What every driver owes is written at each method and
/// tested by the suite in `annals-conformance`; its documentation teaches how to write a driver.
///
/// All methods may run at the same time from several threads. Reads see whole commits: all of a
/// commit's entries or none. There are no defaults: a decorator that forgets a method does not
/// compile. Those that it only hands on are written by [`forward_driver!`](crate::forward_driver).
pub trait Driver: Send + Sync {
    /// Appends each batch as a commit of its own, in order, all in one durable write.
    ///
    /// - The answer has one element a batch, in order. A batch whose conditions do not hold is
    ///   answered with the [`Conflict`], writes nothing, and does not disturb its neighbours.
    /// - A batch whose id was [given](super::CommitId::Given) is first looked for among the given ids
    ///   of the log, those of the batches before it included. If it is there, the receipt is
    ///   [repeated](Receipt::repeated) and names the commit that is: nothing is written, no condition
    ///   is judged, whatever the batch says. That commit is then as durable as the receipt says.
    ///   Ids that were made are not looked for.
    /// - Conditions are checked inside the transaction that stores the entries, in order, each
    ///   batch after the ones before it.
    /// - Positions go on at the last position plus one, without a gap, in the order of `writes`.
    /// - `recorded_at` is the greater of the batch's `now` and the last commit's.
    /// - On `Ok` the commits are readable by everyone who holds the log, and as durable as each
    ///   receipt says.
    ///
    /// # Errors
    /// On `Err` none of the batches was appended, unless the error is of a kind that leaves the
    /// disk's state unknown ([`Poisoned`](crate::ErrorKind::Poisoned)): then every later append is
    /// refused until the log is opened anew; or of the kind [`Unknown`](crate::ErrorKind::Unknown):
    /// then a server could not be asked what became of the batches, all or none of which are there.
    fn append(
        &self,
        batches: &[Batch],
        durability: Durability,
    ) -> Result<Vec<Result<Receipt, Conflict>>, Error>;

    /// Makes everything that was appended [`Durability::Synced`].
    ///
    /// # Errors
    /// If that could not be done, or is not known to be done.
    fn sync(&self) -> Result<(), Error>;

    /// Returns the position of the newest entry, [`Position::START`] in an empty log.
    ///
    /// Never decreases: nobody later finds a new entry at or below what was answered once.
    ///
    /// # Errors
    /// If the log cannot be read.
    fn last_position(&self) -> Result<Position, Error>;

    /// Returns the last position of the last commit at or before a moment.
    ///
    /// For [`At::Position`]: the greatest commit end ≤ that position. For [`At::Time`]: the
    /// greatest commit end whose `recorded_at` ≤ that time. [`Position::START`] if there is none.
    ///
    /// # Errors
    /// If the log cannot be read.
    fn boundary(&self, at: At) -> Result<Position, Error>;

    /// Returns whole commits whose *last* position lies in `range`, in `order`.
    ///
    /// The page ends with the commit with which it reaches `limit` entries, so it holds at least
    /// one commit unless there is none, and fewer than `limit` entries plus one commit's.
    ///
    /// # Errors
    /// If the log cannot be read, or what stands there is damaged.
    fn commits(&self, range: PositionRange, order: Order, limit: usize) -> Result<Vec<CommitEntries>, Error>;

    /// Returns the newest entry of one key at or before `at`, a deletion included, without its
    /// commit.
    ///
    /// The point read, latest and as-of: one look-up, however long the history is.
    ///
    /// # Errors
    /// If the log cannot be read, or what stands there is damaged.
    fn entry(&self, key: &Key, at: Position) -> Result<Option<Entry>, Error>;

    /// Returns the changes of one key at positions in `range`, in `order`, without the first
    /// `skip`, at most `limit`, fewer only if there are no more.
    ///
    /// # Errors
    /// If the log cannot be read, or what stands there is damaged.
    fn history(
        &self,
        key: &Key,
        range: PositionRange,
        order: Order,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<Change>, Error>;

    /// Returns the newest change at or before `at` of each key in `scope` that has one, deletions
    /// included, in key order, from the first key greater than `after`, at most `limit`, fewer only if there
    /// are no more.
    ///
    /// Costs the keys in scope, never their versions. `at` is the end of a commit, or
    /// [`Position::MAX`] for the newest state.
    ///
    /// # Errors
    /// If the log cannot be read, or what stands there is damaged.
    fn state(
        &self,
        scope: &Scope,
        at: Position,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Change>, Error>;

    /// Returns the namespaces in scope that ever had an entry, in byte order, from the first one
    /// greater than `after`, at most `limit`, fewer only if there are no more.
    ///
    /// # Errors
    /// If the log cannot be read.
    fn namespaces(
        &self,
        scope: &Scope,
        after: Option<&Namespace>,
        limit: usize,
    ) -> Result<Vec<Namespace>, Error>;

    /// Appends commits as they stood in another log: positions, times, contexts, ids, actions.
    ///
    /// All of them in one atomic and durable write.
    ///
    /// # Errors
    /// [`Error::Restore`] if the first commit does not continue at the last position plus one, the
    /// commits do not continue one another, a commit has a key twice, a `recorded_at` falls, or a
    /// [given](super::CommitId::Given) id comes twice, here or in the log; nothing is written then.
    fn restore(&self, commits: &[CommitEntries]) -> Result<(), Error>;

    /// Returns what this driver can do beyond the above.
    fn abilities(&self) -> Abilities<'_>;
}

/// What a driver can do beyond [`Driver`], each a small trait of its own.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub struct Abilities<'a> {
    /// Tells sizes.
    pub measure: Option<&'a dyn Measure>,
    /// Checks its own storage.
    pub check: Option<&'a dyn Check>,
    /// Takes values out of the log.
    pub erase: Option<&'a dyn Erase>,
    /// Hints that others have appended.
    pub announce: Option<&'a dyn Announce>,
}

impl std::fmt::Debug for Abilities<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Abilities")
            .field("measure", &self.measure.is_some())
            .field("check", &self.check.is_some())
            .field("erase", &self.erase.is_some())
            .field("announce", &self.announce.is_some())
            .finish()
    }
}

/// The ability to tell how large the log is without reading all of it.
pub trait Measure {
    /// Returns the sizes at this moment.
    ///
    /// # Errors
    /// If the log cannot be read.
    fn measure(&self) -> Result<Size, Error>;
}

/// How large a log is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// The number of commits.
    pub commits: u64,
    /// The number of keys that ever had an entry.
    pub keys: u64,
    /// The bytes that the log takes where it lives, its auxiliary files included.
    pub bytes: u64,
}

/// The ability to hint that others have appended, so that who waits for them need not ask so often.
///
/// An announcement is no promise: it may come without a commit, and a commit without it. Who waits asks the
/// log in any case.
pub trait Announce {
    /// Lets `ring` be called soon after others may have appended, until it answers that nobody waits
    /// for it any more. It is called on a thread of the driver's, and returns at once.
    fn tell(&self, ring: Box<dyn Fn() -> bool + Send + Sync>);

    /// Returns whether announcements are heard at this moment.
    fn is_on(&self) -> bool;
}

/// The ability to check the storage underneath, below what a reader of the log can see.
pub trait Check {
    /// Returns what was checked and what was found wrong.
    ///
    /// # Errors
    /// If the check itself could not be done.
    fn check(&self) -> Result<CheckReport, Error>;
}

/// What a driver's own check looked at, and what it found wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// What was looked at, a phrase each: "pages and indexes of the SQLite file".
    pub checked: Vec<String>,
    /// What is damaged, a sentence each, without values; empty if all is well.
    pub damages: Vec<String>,
}

/// The ability to take values out of the log for good.
///
/// What stays: every position, key and commit, and their order. What a driver may rely on, as for
/// [`Driver::append`]: the audit is a valid batch with at least one write, and its id was made.
pub trait Erase {
    /// Turns the entries at `positions` that are set into [`Action::Erased`](super::Action::Erased)
    /// `by` the end of a new commit, and appends `audit` as that commit, all in one atomic write.
    ///
    /// - `positions` ascend. Those of entries that are not set, or were not there before, change nothing.
    /// - The audit sets one key, `erasure` in [`ERASURES`](super::ERASURES).
    /// - The audit is appended as [`Driver::append`] does it. If its conditions do not hold, the
    ///   answer is the [`Conflict`], and nothing is erased.
    /// - On `Ok` of a receipt no reader gets those values any more; where their bytes lived they may
    ///   still be found until [`Erase::scrub`] has returned.
    ///
    /// # Errors
    /// As [`Driver::append`]: on `Err` nothing was erased, or the log refuses writes from then on.
    ///
    /// # Durability
    /// [`Durability::Synced`], or what the driver's documentation says instead.
    fn erase(&self, positions: &[Position], audit: &Batch) -> Result<Result<Receipt, Conflict>, Error>;

    /// Overwrites what is left of erased values wherever the log itself lives (free room, auxiliary
    /// files), and gives back room that is not needed. Returns how many bytes were given back.
    ///
    /// May be called at any time, and again: what an interrupted one left is done by the next.
    ///
    /// # Errors
    /// If it could not be done to the end: the values stay erased, but their bytes may still be found.
    fn scrub(&self) -> Result<u64, Error>;
}

/// Writes those methods of an `impl Driver` that a decorator only hands on: `append, sync => self.inner` calls the
/// same methods of what stands there, and `append, sync through self.around` gives a method of the decorator a
/// closure that calls them of the driver that it is given.
///
/// A method that is named nowhere is still one that is missing.
///
/// ```
/// use annals_core::{At, Driver, Error, Position, forward_driver};
///
/// struct Logged<D>(D);
///
/// impl<D: Driver> Logged<D> {
///     fn logged<T>(&self, call: impl FnOnce(&D) -> Result<T, Error>) -> Result<T, Error> {
///         call(&self.0).inspect_err(|error| eprintln!("{error}"))
///     }
/// }
///
/// impl<D: Driver> Driver for Logged<D> {
///     forward_driver!(last_position, commits, entry, history, state, namespaces, abilities => self.0);
///     forward_driver!(append, sync, restore through self.logged);
///
///     fn boundary(&self, at: At) -> Result<Position, Error> {
///         eprintln!("{at:?}");
///         self.0.boundary(at)
///     }
/// }
/// ```
#[macro_export]
macro_rules! forward_driver {
    ($($method:ident),+ => $self:ident $($driver:tt)+) => {
        $crate::forward_driver!(@each $self (=> $self $($driver)+) $($method)+);
    };
    ($($method:ident),+ through $self:ident $($around:tt)+) => {
        $crate::forward_driver!(@each $self (through $self $($around)+) $($method)+);
    };
    (@each $self:ident $to:tt $($method:ident)+) => {
        $($crate::forward_driver!(@$method $self $to);)+
    };
    (@append $self:ident $to:tt) => {
        fn append(
            &$self,
            batches: &[$crate::Batch],
            durability: $crate::Durability,
        ) -> Result<Vec<Result<$crate::Receipt, $crate::Conflict>>, $crate::Error> {
            $crate::forward_driver!(@call $to append(batches, durability))
        }
    };
    (@sync $self:ident $to:tt) => {
        fn sync(&$self) -> Result<(), $crate::Error> {
            $crate::forward_driver!(@call $to sync())
        }
    };
    (@last_position $self:ident $to:tt) => {
        fn last_position(&$self) -> Result<$crate::Position, $crate::Error> {
            $crate::forward_driver!(@call $to last_position())
        }
    };
    (@boundary $self:ident $to:tt) => {
        fn boundary(&$self, at: $crate::At) -> Result<$crate::Position, $crate::Error> {
            $crate::forward_driver!(@call $to boundary(at))
        }
    };
    (@commits $self:ident $to:tt) => {
        fn commits(
            &$self,
            range: $crate::PositionRange,
            order: $crate::Order,
            limit: usize,
        ) -> Result<Vec<$crate::CommitEntries>, $crate::Error> {
            $crate::forward_driver!(@call $to commits(range, order, limit))
        }
    };
    (@entry $self:ident $to:tt) => {
        fn entry(
            &$self,
            key: &$crate::Key,
            at: $crate::Position,
        ) -> Result<Option<$crate::Entry>, $crate::Error> {
            $crate::forward_driver!(@call $to entry(key, at))
        }
    };
    (@history $self:ident $to:tt) => {
        fn history(
            &$self,
            key: &$crate::Key,
            range: $crate::PositionRange,
            order: $crate::Order,
            skip: usize,
            limit: usize,
        ) -> Result<Vec<$crate::Change>, $crate::Error> {
            $crate::forward_driver!(@call $to history(key, range, order, skip, limit))
        }
    };
    (@state $self:ident $to:tt) => {
        fn state(
            &$self,
            scope: &$crate::Scope,
            at: $crate::Position,
            after: Option<&$crate::Key>,
            limit: usize,
        ) -> Result<Vec<$crate::Change>, $crate::Error> {
            $crate::forward_driver!(@call $to state(scope, at, after, limit))
        }
    };
    (@namespaces $self:ident $to:tt) => {
        fn namespaces(
            &$self,
            scope: &$crate::Scope,
            after: Option<&$crate::Namespace>,
            limit: usize,
        ) -> Result<Vec<$crate::Namespace>, $crate::Error> {
            $crate::forward_driver!(@call $to namespaces(scope, after, limit))
        }
    };
    (@restore $self:ident $to:tt) => {
        fn restore(&$self, commits: &[$crate::CommitEntries]) -> Result<(), $crate::Error> {
            $crate::forward_driver!(@call $to restore(commits))
        }
    };
    (@abilities $self:ident $to:tt) => {
        fn abilities(&$self) -> $crate::Abilities<'_> {
            $crate::forward_driver!(@call $to abilities())
        }
    };
    (@call (=> $($driver:tt)+) $($call:tt)+) => {
        $($driver)+.$($call)+
    };
    (@call (through $($around:tt)+) $($call:tt)+) => {
        $($around)+(|inner| inner.$($call)+)
    };
}

/// Hands every method on to what a pointer points to.
macro_rules! forward_pointers {
    ($($pointer:ty),*) => {$(
        impl<D: Driver + ?Sized> Driver for $pointer {
            forward_driver!(append, sync, restore, abilities => self.as_ref());
            forward_driver!(last_position, boundary, commits, entry, history, state, namespaces => self.as_ref());
        }
    )*};
}

forward_pointers!(Box<D>, Arc<D>);
