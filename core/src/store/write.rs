//! Writing to a record: each write is a commit of its own.

use std::panic::Location;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cache::Newest;
use super::moment::Live;
use super::record::Record;
use super::retry::Retry;
use super::transaction::Committed;
use crate::error::Error;
use crate::log::{Batch, Condition, Field, Key, Position, Receipt, Write};

/// What must hold of a field for it to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The field has no value in effect.
    Absent,
    /// The field's newest entry stands at this position (or before: it has not changed since).
    At(Position),
}

impl Record<Live> {
    /// Sets a field, in a commit of its own. Appends even if the field has an equal value: an
    /// explicit write has a meaning of its own (see [`View::strict`](crate::View::strict)).
    ///
    /// # Errors
    /// [`Error::Encode`] if the value cannot be encoded, [`Error::Invalid`] if the field is
    /// virtual, [`Error::TooLarge`] over a limit; nothing is written then.
    ///
    /// # Durability
    /// As [`Store::commit`](crate::Store::commit), by the store handle that the record is from.
    #[track_caller]
    pub fn set<T: Serialize + ?Sized>(
        &self,
        field: impl TryInto<Field, Error: Into<Error>>,
        value: &T,
    ) -> Result<Receipt, Error> {
        let here = Location::caller();
        let key = self.stored_key(field)?;
        let bytes = self.store().encode(key.field().as_str(), value)?;
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
        let bytes = self.store().encode(key.field().as_str(), value)?;
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
            let Some(set) = self.store().newest_checked(&key)?.filter(Newest::has_value) else {
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
            let current = self.store().newest_checked(key)?;
            let stored = current.as_ref().map_or(Ok(None), |newest| newest.get(|| Ok(key.clone())))?;
            let mut draft: T = stored.map_or_else(&no_value, Ok)?;
            let value = change(&mut draft)?;
            let bytes = self.store().encode(key.field().as_str(), &draft)?;
            let before = current.as_ref().and_then(Newest::bytes);
            if before.is_some_and(|before| self.store().same(before, &bytes)) {
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
        let context = self.store().complete(self.context.clone(), caller);
        let mut batch = Batch::new(context);
        batch.conditions.extend(condition);
        batch.writes.push(write);
        self.store().append(batch)
    }
}
