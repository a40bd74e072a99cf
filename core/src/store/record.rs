use std::fmt;
use std::sync::{Arc, OnceLock};

use annals_codec::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::along::Along;
use super::cache::{Cache, Newest, Shelf};
use super::handle::Store;
use super::history::History;
use super::moment::{Live, Moment, Past};
use super::virtual_field::VirtualFields;
use super::within::View;
use crate::error::Error;
use crate::log::{Action, At, Change, Context, Field, Key, Namespace, Position, Scope};

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
    pub(super) context: Context,
    pub(super) virtual_fields: VirtualFields,
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

    pub(super) fn with_virtual_fields(self, virtual_fields: VirtualFields) -> Record<M> {
        Record { virtual_fields, ..self }
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
}

impl<M: fmt::Debug> fmt::Debug for Record<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { namespace, moment, .. } = self;
        f.debug_struct("Record").field("namespace", namespace).field("moment", moment).finish_non_exhaustive()
    }
}
