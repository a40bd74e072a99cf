use std::fmt;
use std::panic::Location;
use std::sync::{Arc, OnceLock};

use annals_codec::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::along::Along;
use super::cache::{Cache, Newest, Shelf};
use super::handle::Store;
use super::history::History;
use super::retry::Retry;
use super::transaction::Committed;
use super::virtual_field::VirtualFields;
use super::within::View;
use crate::error::Error;
use crate::log::{
    Action, At, Batch, Change, Condition, Context, Field, Key, Namespace, Position, Receipt, Scope, Write,
};

/// A record as it is: reads are as fresh as [the store says](crate::Freshness), and it can be written.
#[derive(Clone, Copy, Debug)]
pub struct Live;

/// A record as of a position: reads answer the same for ever, and nothing can be written.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    pub(crate) at: Position,
}

/// When a record is looked at: [`Live`] or [`Past`].
pub trait Moment: sealed::Sealed + Copy + Send + Sync + 'static {
    #[doc(hidden)]
    fn fixed(self) -> Option<Position>;
}

impl Moment for Live {
    fn fixed(self) -> Option<Position> {
        None
    }
}

impl Moment for Past {
    fn fixed(self) -> Option<Position> {
        Some(self.at)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Live {}
    impl Sealed for super::Past {}
}

/// What must hold of a field for it to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The field has no value in effect.
    Absent,
    /// The field's newest entry stands at this position (or before: it has not changed since).
    At(Position),
}

/// A handle on the fields of one namespace.
///
/// Cheap to clone, `Send` and `Sync`. [`Record<Live>`](Live) reads what is and writes;
/// [`Record<Past>`](Past) reads what was.
///
/// A field without a value reads as `None`, whether it was never set or deleted;
/// [`Record::entry`] tells the two apart. A stored null is a value: `get::<Option<T>>` gives
/// `Some(None)`.
///
/// ```
/// use annals_core::{Expect, Store};
/// use annals_driver_memory::MemoryDriver;
///
/// let store = Store::new(MemoryDriver::new());
/// let player = store.record("game/player1")?;
/// player.set("items", &["sword"])?;
/// player.edit("items", |items: &mut Vec<String>| items.push("shield".into()))?;
/// assert_eq!(player.get::<Vec<String>>("items")?.unwrap(), ["sword", "shield"]);
/// assert_eq!(player.history("items")?.into_iter().count(), 2);
///
/// let seen = player.entry("items")?.unwrap().position();
/// player.delete("items")?;
/// let late = player.set_if("items", Expect::At(seen), &["bow"]);
/// assert!(late.unwrap_err().is_conflict());
/// # Ok::<(), annals_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Record<M = Live> {
    store: Store,
    namespace: Namespace,
    moment: M,
    context: Context,
    virtual_fields: VirtualFields,
    /// What the store's cache knows of the record, once it was asked.
    shelf: OnceLock<Arc<Shelf>>,
}

impl<M: Moment> Record<M> {
    pub(crate) fn new(store: Store, namespace: Namespace, moment: M) -> Record<M> {
        Record {
            store,
            namespace,
            moment,
            context: Context::new(),
            virtual_fields: VirtualFields::default(),
            shelf: OnceLock::new(),
        }
    }

    /// Returns the store that the record belongs to.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Returns the address of the record.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Returns the value of a field, `None` if it was never set or is deleted.
    ///
    /// # Errors
    /// [`Error::Decode`] if the stored value is no `T`; [`Error::Erased`] if its payload is gone.
    pub fn get<T: DeserializeOwned>(
        &self,
        field: impl AsRef<str> + TryInto<Field, Error: Into<Error>>,
    ) -> Result<Option<T>, Error> {
        if let Some(bytes) = self.virtual_fields.bytes(field.as_ref(), self)? {
            let position = self.moment.fixed().unwrap_or(Position::MAX);
            let computed = Newest::new(position, &Action::Set(bytes));
            return computed.get(|| self.key(field));
        }
        let (Some(cache), None) = (self.store.cache(), self.moment.fixed()) else {
            let key = self.key(field)?;
            let newest = self.store.newest_at(&key, self.through()?)?;
            return newest.map_or(Ok(None), |newest| newest.get(|| Ok(key)));
        };
        let at = self.store.end()?;
        let shelf = self.shelf(cache);
        // Without a key: to make one takes longer than to find a value.
        let mut newest = None;
        if shelf.find(&mut newest, field.as_ref(), Position::MAX) {
            return newest.as_ref().map_or(Ok(None), |newest| newest.get(|| self.key(field)));
        }
        let key = self.key(field)?;
        let newest = cache.read(shelf, &key, at)?;
        newest.map_or(Ok(None), |newest| newest.get(|| Ok(key)))
    }

    /// Returns the newest change of a field, a deletion included, `None` if it was never set.
    ///
    /// # Errors
    /// If the name is not valid or the log cannot be read.
    pub fn entry(&self, field: impl TryInto<Field, Error: Into<Error>>) -> Result<Option<Change>, Error> {
        self.store.log().newest(&self.key(field)?, self.through()?)
    }

    /// Returns the newest change of every field that was ever set, deletions included, in order of
    /// the fields' bytes. All of them at one moment.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn entries(&self) -> Result<Vec<Change>, Error> {
        self.store.log().state(&Scope::Record(self.namespace.clone()), self.end()?).collect()
    }

    /// Returns the fields that have a value, in order of their bytes. Virtual fields are not listed.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn fields(&self) -> Result<Vec<Field>, Error> {
        let mut entries = self.entries()?;
        entries.retain(Change::has_value);
        Ok(entries.into_iter().map(|change| change.entry.key.field().clone()).collect())
    }

    /// Returns every change of a field, oldest first unless turned round.
    ///
    /// # Errors
    /// If the name is not valid or the log cannot be read.
    pub fn history(&self, field: impl TryInto<Field, Error: Into<Error>>) -> Result<History, Error> {
        Ok(History::new(self.store.log().clone(), vec![self.key(field)?], self.through()?))
    }

    /// Returns every change of every field of the record, oldest first unless turned round.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn history_of_all(&self) -> Result<History, Error> {
        History::of_all(self.store.log(), &Scope::Record(self.namespace.clone()), self.end()?)
    }

    /// Returns the record while `field` was `value`: see [`View`].
    ///
    /// # Errors
    /// If the name is not valid or the value cannot be encoded.
    pub fn within<T: Serialize + ?Sized>(
        &self,
        field: impl TryInto<Field, Error: Into<Error>>,
        value: &T,
    ) -> Result<View<M>, Error> {
        View::new(self.clone()).and(field, value)
    }

    /// Returns the values of `field`, oldest first, each with the record while it had that value.
    ///
    /// # Errors
    /// If the name is not valid or the log cannot be read.
    pub fn along(&self, field: impl TryInto<Field, Error: Into<Error>>) -> Result<Along<M>, Error> {
        View::new(self.clone()).along(field)
    }

    /// Returns the end of a commit that a read of several pages can be held at.
    pub(crate) fn end(&self) -> Result<Position, Error> {
        self.moment.fixed().map_or_else(|| self.store.end(), Ok)
    }

    pub(crate) fn key(&self, field: impl TryInto<Field, Error: Into<Error>>) -> Result<Key, Error> {
        Key::new(self.namespace.clone(), field.try_into().map_err(Into::into)?)
    }

    /// Returns the key of a field that is stored.
    pub(crate) fn stored_key(&self, field: impl TryInto<Field, Error: Into<Error>>) -> Result<Key, Error> {
        let key = self.key(field)?;
        self.virtual_fields.refuse(&key)?;
        Ok(key)
    }

    /// Returns the position up to which a single read looks.
    fn through(&self) -> Result<Position, Error> {
        self.moment.fixed().map_or_else(|| self.store.through(), Ok)
    }

    fn shelf(&self, cache: &Cache) -> &Shelf {
        match self.shelf.get() {
            Some(shelf) => shelf,
            None => {
                let shelf = cache.shelf(&self.namespace);
                self.shelf.get_or_init(|| shelf)
            }
        }
    }

    /// Returns the record as of `at`, which is the end of a commit.
    pub(crate) fn past(&self, at: Position) -> Record<Past> {
        Record {
            store: self.store.clone(),
            namespace: self.namespace.clone(),
            moment: Past { at },
            context: self.context.clone(),
            virtual_fields: self.virtual_fields.clone(),
            shelf: OnceLock::new(),
        }
    }

    pub(crate) fn with_virtual_fields(self, virtual_fields: VirtualFields) -> Record<M> {
        Record { virtual_fields, ..self }
    }

    /// Makes `name` a virtual field of this handle, its clones and its views: a function of the record.
    ///
    /// Other handles, those of transactions among them, know nothing of it. The function reads the record as of one position. The name can no longer be set, edited or
    /// deleted; nothing is stored.
    ///
    /// # Errors
    /// If the name is not valid.
    ///
    /// ```
    /// # use annals_core::Store;
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let player = store.record("game/player1")?;
    /// player.set("score", &21)?;
    /// player.add_virtual_field("doubled", |p| Ok(p.get::<i64>("score")?.unwrap_or(0) * 2))?;
    /// assert_eq!(player.get("doubled")?, Some(42));
    /// assert!(player.set("doubled", &1).is_err());
    /// assert!(player.remove_virtual_field("doubled")?);
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    pub fn add_virtual_field<T: Serialize>(
        &self,
        name: impl TryInto<Field, Error: Into<Error>>,
        function: impl Fn(&Record<Past>) -> Result<T, Error> + Send + Sync + 'static,
    ) -> Result<(), Error> {
        let name = name.try_into().map_err(Into::into)?;
        let what = name.clone();
        self.virtual_fields.add(name, move |record| {
            let value = function(record)?;
            record.store.encode(what.as_str(), &value)
        });
        Ok(())
    }

    /// Removes a virtual field; returns whether there was one.
    ///
    /// # Errors
    /// If the name is not valid.
    pub fn remove_virtual_field(&self, name: impl TryInto<Field, Error: Into<Error>>) -> Result<bool, Error> {
        Ok(self.virtual_fields.remove(&name.try_into().map_err(Into::into)?))
    }
}

impl Record<Past> {
    /// Returns the position that the record is read at.
    #[must_use]
    pub fn position(&self) -> Position {
        self.moment.at
    }
}

impl Record<Live> {
    /// Returns a handle on the same record whose writes carry `context`.
    #[must_use]
    pub fn with_context(&self, context: Context) -> Record {
        Record { context, ..self.clone() }
    }

    /// Returns the record as of a position or time; see [`Store::at`].
    ///
    /// # Errors
    /// [`Error::BeyondEnd`] if a position lies after the last one.
    pub fn at(&self, at: impl Into<At>) -> Result<Record<Past>, Error> {
        Ok(self.past(self.store.log().boundary(at)?))
    }

    /// Returns the record as of `time`: the same as [`Record::at`] with a time.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn at_time(&self, time: Timestamp) -> Result<Record<Past>, Error> {
        self.at(time)
    }

    /// Sets a field, in a commit of its own. Appends even if the field has an equal value: an
    /// explicit write has a meaning of its own (see [`View::strict`]).
    ///
    /// # Errors
    /// [`Error::Encode`] if the value cannot be encoded, [`Error::Invalid`] if the field is
    /// virtual, [`Error::TooLarge`] over a limit; nothing is written then.
    ///
    /// # Durability
    /// As [`Store::commit`], by the store handle that the record is from.
    #[track_caller]
    pub fn set<T: Serialize + ?Sized>(
        &self,
        field: impl TryInto<Field, Error: Into<Error>>,
        value: &T,
    ) -> Result<Receipt, Error> {
        let here = Location::caller();
        let key = self.stored_key(field)?;
        let bytes = self.store.encode(key.field().as_str(), value)?;
        self.append(here, Write::set(key, bytes), None)
    }

    /// Sets a field if `expect` holds of it.
    ///
    /// # Errors
    /// [`Error::Conflict`] with the commit that was first if it does not; else as [`Record::set`].
    #[track_caller]
    pub fn set_if<T: Serialize + ?Sized>(
        &self,
        field: impl TryInto<Field, Error: Into<Error>>,
        expect: Expect,
        value: &T,
    ) -> Result<Receipt, Error> {
        let here = Location::caller();
        let key = self.stored_key(field)?;
        let bytes = self.store.encode(key.field().as_str(), value)?;
        let condition = match expect {
            Expect::Absent => Condition::KeyAbsent { key: key.clone() },
            Expect::At(since) => Condition::KeyUnchanged { key: key.clone(), since },
        };
        self.append(here, Write::set(key, bytes), Some(condition))
    }

    /// Deletes a field, in a commit of its own. Its history stays.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the field has no value; nothing is written then.
    #[track_caller]
    pub fn delete(&self, field: impl TryInto<Field, Error: Into<Error>>) -> Result<Receipt, Error> {
        let here = Location::caller();
        let key = self.stored_key(field)?;
        Retry::default().on_conflict(|| {
            let Some(set) = self.store.newest_checked(&key)?.filter(Newest::has_value) else {
                return Err(Error::NotFound { key: key.clone() });
            };
            let unchanged = Condition::KeyUnchanged { key: key.clone(), since: set.position };
            self.append(here, Write::delete(key.clone()), Some(unchanged))
        })
    }

    /// Changes a field's value in place: `change` gets a mutable copy, and what it leaves there is
    /// set if it differs. It is run again if the stored value changed meanwhile; a panic in it
    /// writes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the field has no value (see [`Record::edit_or_default`]);
    /// [`Error::Conflict`] if others kept changing it for a bounded number of tries.
    #[track_caller]
    pub fn edit<T: Serialize + DeserializeOwned, R>(
        &self,
        field: impl TryInto<Field, Error: Into<Error>>,
        mut change: impl FnMut(&mut T) -> R,
    ) -> Result<Committed<R>, Error> {
        self.try_edit(field, |draft| Ok::<R, Error>(change(draft)))
    }

    /// As [`Record::edit`], for a change that can fail: on `Err` nothing is written.
    ///
    /// # Errors
    /// What `change` answers; else as [`Record::edit`].
    #[track_caller]
    pub fn try_edit<T: Serialize + DeserializeOwned, R, E: From<Error>>(
        &self,
        field: impl TryInto<Field, Error: Into<Error>>,
        change: impl FnMut(&mut T) -> Result<R, E>,
    ) -> Result<Committed<R>, E> {
        let key = self.stored_key(field)?;
        let no_value = || Err(Error::NotFound { key: key.clone() });
        self.edit_from(Location::caller(), &key, no_value, change)
    }

    /// As [`Record::edit`], but a field without a value is edited from `T`'s default.
    ///
    /// # Errors
    /// As [`Record::edit`], but for [`Error::NotFound`].
    ///
    /// ```
    /// # let store = annals_core::Store::new(annals_driver_memory::MemoryDriver::new());
    /// let visits = store.record("site/visits")?;
    /// for page in ["home", "help"] {
    ///     visits.edit_or_default("pages", |pages: &mut Vec<String>| pages.push(page.into()))?;
    /// }
    /// assert_eq!(visits.get::<Vec<String>>("pages")?.unwrap(), ["home", "help"]);
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    #[track_caller]
    pub fn edit_or_default<T: Serialize + DeserializeOwned + Default, R>(
        &self,
        field: impl TryInto<Field, Error: Into<Error>>,
        mut change: impl FnMut(&mut T) -> R,
    ) -> Result<Committed<R>, Error> {
        let key = self.stored_key(field)?;
        self.edit_from(Location::caller(), &key, || Ok(T::default()), |draft| Ok(change(draft)))
    }

    /// Runs `change` on the field's value, or on what `no_value` gives, until nobody comes between.
    fn edit_from<T: Serialize + DeserializeOwned, R, E: From<Error>>(
        &self,
        caller: &Location<'_>,
        key: &Key,
        no_value: impl Fn() -> Result<T, Error>,
        mut change: impl FnMut(&mut T) -> Result<R, E>,
    ) -> Result<Committed<R>, E> {
        let mut retry = Retry::default();
        loop {
            let current = self.store.newest_checked(key)?;
            let stored = current.as_ref().map_or(Ok(None), |newest| newest.get(|| Ok(key.clone())))?;
            let mut draft: T = stored.map_or_else(&no_value, Ok)?;
            let value = change(&mut draft)?;
            let bytes = self.store.encode(key.field().as_str(), &draft)?;
            let before = current.as_ref().and_then(Newest::bytes);
            if before.is_some_and(|before| self.store.same(before, &bytes)) {
                return Ok(Committed { value, receipt: None });
            }
            let since = current.map_or(Position::START, |newest| newest.position);
            let unchanged = Condition::KeyUnchanged { key: key.clone(), since };
            match self.append(caller, Write::set(key.clone(), bytes), Some(unchanged)) {
                Err(error) if error.is_conflict() && retry.again() => {}
                Err(error) => return Err(error.into()),
                Ok(receipt) => return Ok(Committed { value, receipt: Some(receipt) }),
            }
        }
    }

    fn append(
        &self,
        caller: &Location<'_>,
        write: Write,
        condition: Option<Condition>,
    ) -> Result<Receipt, Error> {
        let context = self.store.complete(self.context.clone(), caller);
        let mut batch = Batch::new(context);
        batch.conditions.extend(condition);
        batch.writes.push(write);
        self.store.append(batch)
    }
}

impl<M: fmt::Debug> fmt::Debug for Record<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { namespace, moment, .. } = self;
        f.debug_struct("Record").field("namespace", namespace).field("moment", moment).finish_non_exhaustive()
    }
}
