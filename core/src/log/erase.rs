use std::fmt;

use super::sweep::{Found, Selection, Walk};
use super::{
    At, Batch, CommitId, Condition, Context, Driver, Erase, Field, Key, Log, Namespace, Position, Scope,
};
use crate::error::{DriverError, Error, ErrorKind};

/// The record in which erasures are kept: one commit each, whose context says who, why and when, and
/// whose value says what.
pub const ERASURES: &str = "__annals/erasures";

const ERASURE: &str = "erasure";

/// How many entries are erased in one commit: while it is made, other writers wait.
const ENTRIES_MAX: usize = 4000;

/// What is to be erased: the values of a key, of a record, or of all records under a namespace.
///
/// ```
/// use annals_core::{Key, Namespace, Position, Selector};
///
/// let all = Selector::under(Namespace::new("game")?);
/// assert_eq!(all.to_string(), "everything under game");
/// let old = Selector::key(Key::parse("game/player1", "score")?).through(Position::new(418).unwrap());
/// assert_eq!(old.to_string(), "game/player1 score through @418");
/// # Ok::<(), annals_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    target: Target,
    but: Option<Field>,
    through: Option<At>,
}

#[derive(Clone, Debug, PartialEq)]
enum Target {
    Key(Key),
    Record(Namespace),
    Under(Namespace),
}

impl Selector {
    /// Selects every value of one key.
    #[must_use]
    pub fn key(key: Key) -> Selector {
        Selector { target: Target::Key(key), but: None, through: None }
    }

    /// Selects every value of the fields of one record, but not of the records below it.
    #[must_use]
    pub fn record(namespace: Namespace) -> Selector {
        Selector { target: Target::Record(namespace), but: None, through: None }
    }

    /// Selects every value of a record and of all records below it.
    #[must_use]
    pub fn under(namespace: Namespace) -> Selector {
        Selector { target: Target::Under(namespace), but: None, through: None }
    }

    /// Leaves out the values of the field of this name, in every record.
    ///
    /// ```
    /// use annals_core::{Field, Namespace, Selector};
    /// let rest = Selector::record(Namespace::new("person/7")?).but(Field::new("id")?);
    /// assert_eq!(rest.to_string(), "the record person/7 but id");
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    #[must_use]
    pub fn but(mut self, field: Field) -> Selector {
        self.but = Some(field);
        self
    }

    /// Leaves out what was set after a moment: a position, which inside a commit means the commit
    /// before it, or a time.
    #[must_use]
    pub fn through(mut self, moment: impl Into<At>) -> Selector {
        self.through = Some(moment.into());
        self
    }

    fn namespace(&self) -> &Namespace {
        match &self.target {
            Target::Key(key) => key.namespace(),
            Target::Record(namespace) | Target::Under(namespace) => namespace,
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Key(key) => write!(f, "{key}")?,
            Target::Record(namespace) => write!(f, "the record {namespace}")?,
            Target::Under(namespace) => write!(f, "everything under {namespace}")?,
        }
        if let Some(field) = &self.but {
            write!(f, " but {field}")?;
        }
        match self.through {
            None => Ok(()),
            Some(At::Position(position)) => write!(f, " through {position}"),
            Some(At::Time(time)) => write!(f, " through {time}"),
        }
    }
}

/// How much would be erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erasable {
    /// The entries that are set.
    pub entries: u64,
    /// The bytes of their values.
    pub bytes: u64,
}

impl Erasable {
    fn and(self, found: &[Found]) -> Erasable {
        Erasable {
            entries: self.entries + found.len() as u64,
            bytes: self.bytes + found.iter().map(|found| found.bytes).sum::<u64>(),
        }
    }
}

/// What was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erasure {
    /// The entries whose values are gone; none where nothing was left to erase.
    pub entries: u64,
    /// The bytes that these values had.
    pub bytes: u64,
    /// The commits in [`ERASURES`] that say so, by their positions: one for every few thousand entries.
    pub commits: Vec<Position>,
    /// The bytes that the log's place gave back.
    pub given_back: u64,
}

impl Erasure {
    /// What erasing cannot reach, in words for those who asked for it.
    pub const OUT_OF_REACH: &str = "Erased from the live log only. Backups, dumps, copies and replicas \
        made before still hold the values, and so may whatever programs have read them into, the \
        write-ahead log of a server, the disk's own spare blocks, and snapshots of the file system.";

    /// Checks that `context` says who erases and why, as [`Log::erase`] does: for those who want to know
    /// before somebody is asked to agree.
    ///
    /// # Errors
    /// [`Error::Invalid`] without an actor or a reason, and if either is blank; [`Error::TooLarge`] over
    /// the limit of contexts.
    pub fn check_context(context: &Context) -> Result<(), Error> {
        let says = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
        match context {
            Context { actor, .. } if !says(actor) => {
                Err(Error::Invalid("nothing is erased without an actor: say who does it".into()))
            }
            Context { reason, .. } if !says(reason) => {
                Err(Error::Invalid("nothing is erased without a reason: say why".into()))
            }
            _ => super::handle::check_context(context),
        }
    }
}

impl Log {
    /// Erases values for good: what the selector names loses its bytes and keeps its positions, keys,
    /// commits, actors and reasons.
    ///
    /// Whoever reads one of these entries learns that it was [erased](crate::Error::Erased); no
    /// other answer changes. Entries that are deletions, or erased already, stay as they are. Each few
    /// thousand entries are erased in a commit of their own, in the record [`ERASURES`], with this
    /// context. When the call returns the bytes are gone from wherever the log lives, and only
    /// from there: see [`Erasure::OUT_OF_REACH`]. A call that failed half way is simply repeated.
    ///
    /// What is set meanwhile may stay. Which selector was used, and how much it met, is kept for ever,
    /// so that names and reasons should not hold what has to be forgotten.
    ///
    /// # Errors
    /// [`Error::Invalid`] without an actor and a reason, or for what the log keeps for itself;
    /// [`Error::BeyondEnd`] for a position after the last; an error of the kind
    /// [`Unsupported`](ErrorKind::Unsupported) if the driver cannot erase.
    ///
    /// # Durability
    /// [`Durability::Synced`](super::Durability::Synced), or what the driver's documentation says instead.
    ///
    /// ```
    /// use annals_core::{Context, Error, Key, Log, Position, Selector};
    /// # use annals_core::{Batch, Durability};
    /// # let log = Log::new(annals_driver_memory::MemoryDriver::new());
    /// let email = Key::parse("person/7", "email")?;
    /// # log.append(Batch::new(Context::new()).set(email.clone(), *b"\xa1x"), Durability::Synced)?;
    /// let context = Context::new().actor("dana").reason("asked to be forgotten");
    /// let erasure = log.erase(&Selector::key(email.clone()), &context)?;
    /// assert_eq!((erasure.entries, erasure.commits.len()), (1, 1));
    ///
    /// let entry = log.entry(&email, Position::MAX)?.unwrap();
    /// assert!(matches!(entry.get::<String>(), Err(Error::Erased { .. })));
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    pub fn erase(&self, selector: &Selector, context: &Context) -> Result<Erasure, Error> {
        self.sweep(&self.selected(selector)?, context, |_| {})
    }

    /// Counts what [`Log::erase`] would erase, and erases nothing.
    ///
    /// # Errors
    /// As [`Log::erase`].
    pub fn erasable(&self, selector: &Selector) -> Result<Erasable, Error> {
        self.count(&self.selected(selector)?)
    }

    /// Checks that the log's driver can erase: for those who do something else first.
    ///
    /// # Errors
    /// One of the kind [`Unsupported`](ErrorKind::Unsupported) if it cannot.
    pub fn check_can_erase(&self) -> Result<(), Error> {
        eraser(self.driver()).map(drop)
    }

    fn selected(&self, selector: &Selector) -> Result<Selection<'_>, Error> {
        if selector.namespace().is_reserved() {
            let namespace = selector.namespace();
            return Err(Error::Invalid(format!(
                "{namespace} is kept for the log itself and is never erased"
            )));
        }
        let through = match selector.through {
            Some(moment) => self.boundary(moment)?,
            None => self.last_position()?,
        };
        let words = selector.to_string();
        let selection = match &selector.target {
            Target::Key(key) => Selection::key(key.clone(), through, words),
            Target::Record(namespace) => Selection::scope(Scope::Record(namespace.clone()), through, words),
            Target::Under(namespace) => Selection::scope(Scope::Under(namespace.clone()), through, words),
        };
        Ok(selection.but(selector.but.clone()))
    }

    pub(super) fn count(&self, selection: &Selection<'_>) -> Result<Erasable, Error> {
        eraser(self.driver())?;
        let mut walk = Walk::over(selection);
        let mut all = Erasable::default();
        loop {
            let found = walk.find(self)?;
            if found.is_empty() {
                return Ok(all);
            }
            all = all.and(&found);
        }
    }

    /// Erases all that is selected. `progress` is called with what is done so far.
    pub(super) fn sweep(
        &self,
        selection: &Selection<'_>,
        context: &Context,
        mut progress: impl FnMut(&Erasure),
    ) -> Result<Erasure, Error> {
        Erasure::check_context(context)?;
        let eraser = eraser(self.driver())?;
        let mut walk = Walk::over(selection);
        let mut erasure = Erasure::default();
        loop {
            let since = self.last_position()?;
            let mut next = walk.clone();
            let found = next.find(self)?;
            if found.is_empty() {
                break;
            }
            let told = (selection.words.as_str(), context);
            if self.erase_found(&found, told, since, &mut erasure, &mut progress)? {
                walk = next;
            }
        }
        // Even if nothing was left to erase: the one before may have been interrupted.
        erasure.given_back = eraser.scrub()?;
        Ok(erasure)
    }

    /// Erases what was found after `since`, in commits of their own. Returns whether all of it was: where
    /// another erasure came between, it may have taken some of the rest, which is to be found anew.
    fn erase_found(
        &self,
        found: &[Found],
        (words, context): (&str, &Context),
        mut since: Position,
        erasure: &mut Erasure,
        progress: &mut dyn FnMut(&Erasure),
    ) -> Result<bool, Error> {
        for some in found.chunks(ENTRIES_MAX) {
            let Erasable { entries, bytes } = Erasable::default().and(some);
            let audit = self.audit(words, Erasable { entries, bytes }, context, since)?;
            let positions = some.iter().map(|found| found.position).collect();
            since = match self.append_erasure(positions, audit)? {
                Ok(receipt) => receipt.commit.last,
                Err(conflict) if conflict.lost_to.last > since => return Ok(false),
                Err(conflict) => return Err(conflict.into()),
            };
            erasure.entries += entries;
            erasure.bytes += bytes;
            erasure.commits.push(since);
            progress(erasure);
        }
        Ok(true)
    }

    /// Returns the batch that tells of an erasure, on condition that `found` is still true.
    fn audit(
        &self,
        words: &str,
        found: Erasable,
        context: &Context,
        since: Position,
    ) -> Result<Batch, Error> {
        let key = erasure_key()?;
        let what = annals_codec::Value::map([
            ("what", words.into()),
            ("entries", found.entries.into()),
            ("bytes", found.bytes.into()),
        ]);
        let bytes = annals_codec::encode(&what)
            .map_err(|problem| Error::Encode { what: key.to_string(), problem })?;
        let batch = Batch { id: CommitId::make(), now: self.now(), ..Batch::new(context.clone()) };
        let unchanged = Condition::KeyUnchanged { key: key.clone(), since };
        Ok(batch.set(key, bytes).on_condition(unchanged))
    }
}

/// Returns the key under which each erasure is told of.
pub(crate) fn erasure_key() -> Result<Key, Error> {
    Key::parse(ERASURES, ERASURE)
}

pub(super) fn eraser(driver: &dyn Driver) -> Result<&dyn Erase, Error> {
    let message = "its driver cannot erase";
    let unsupported = || DriverError::new(ErrorKind::Unsupported, "this log", message);
    Ok(driver.abilities().erase.ok_or_else(unsupported)?)
}
