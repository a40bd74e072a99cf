use std::fmt;

use annals_core::{Condition, Context, Transaction};

use crate::attributes::Difference;
use crate::draft::{Origin, Written};
use crate::name::Address;
use crate::{Draft, Error, Object, Revision, RevisionInfo, Revisions, State};

/// A collection inside a [`Transaction`]: objects are changed when that commits, together with all else that
/// it writes.
///
/// However often an object is changed in one transaction, it gets one revision. All but
/// [`update`](TransactionRevisions::update) take the object as it is when the transaction commits: if it
/// changes meanwhile, the transaction's body is run again.
///
/// ```
/// # use annals_core::{Context, Store};
/// # use annals_revisions::{Error, Revisions};
/// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
/// let scores = Revisions::<u32>::open(&store, "scores")?;
/// let sums = Revisions::<u32>::open(&store, "sums")?;
/// let done = store.try_commit(Context::new().actor("ann"), |tx| {
///     scores.in_transaction(tx).insert("game", &7)?;
///     sums.in_transaction(tx).insert("all", &7)
/// });
/// let done = done.map_err(|error: Error| error)?;
/// let sum = done.value.into_revision(done.receipt.as_ref()).unwrap();
/// assert_eq!(sum.commit(), scores.current("game")?.unwrap().commit());
/// # Ok::<(), Error>(())
/// ```
pub struct TransactionRevisions<'a, T> {
    pub(crate) revisions: &'a Revisions<T>,
    pub(crate) tx: &'a Transaction<'a>,
    /// What the entries say that are written through this handle, over what is in force.
    pub(crate) context: Context,
}

impl<T: Object> Revisions<T> {
    /// Returns the collection for reads and writes in `tx`.
    #[must_use]
    pub fn in_transaction<'a>(&'a self, tx: &'a Transaction<'a>) -> TransactionRevisions<'a, T> {
        TransactionRevisions { revisions: self, tx, context: Context::new() }
    }
}

impl<T: Object> TransactionRevisions<'_, T> {
    /// Returns a handle whose revisions say who and why of their own, where that differs from the commit: the
    /// context's actor, its reason, and what [`Tracking`](crate::Tracking) adds. Its tags, place and time are
    /// not kept.
    #[must_use]
    pub fn with_context(mut self, context: Context) -> Self {
        self.context = context;
        self
    }

    /// Returns what an object is as this transaction sees it; see [`Revisions::current`].
    ///
    /// # Errors
    /// As [`Revisions::current`].
    pub fn current(&self, name: &str) -> Result<Option<Draft<T>>, Error> {
        let seen = self.look(self.address(name)?)?;
        if !seen.meta.as_ref().is_some_and(|meta| self.revisions.with_deleted || meta.state == State::Locked)
        {
            return Ok(None);
        }
        Ok(Some(self.draft(&seen)?).filter(|draft| self.revisions.accepts(draft)))
    }

    /// Makes it a condition of the commit that `revision` is still the newest one of its object. If it is not,
    /// the commit is refused with the conflict that names who was first, and its body is not run again.
    ///
    /// ```
    /// # use annals_core::{Context, Store};
    /// # use annals_revisions::{Error, Revisions};
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let scores = Revisions::<u32>::open(&store, "scores")?;
    /// let seen = scores.insert("game", &7, Context::new())?;
    /// scores.edit("game", Context::new(), |score| *score = 8)?;
    /// let late = store.try_commit(Context::new(), |tx| {
    ///     let scores = scores.in_transaction(tx);
    ///     scores.require_newest(&seen);
    ///     scores.delete("game")
    /// });
    /// assert!(late.is_err_and(|error: Error| error.is_conflict()));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn require_newest(&self, revision: &impl AsRef<RevisionInfo>) {
        let info = revision.as_ref();
        let (key, since) = (info.address().meta().clone(), info.commit().last);
        self.tx.require(Condition::KeyUnchanged { key, since });
    }

    /// Creates an object. One that was deleted is begun anew, and its versions go on.
    ///
    /// # Errors
    /// [`Error::WrongState`] if there is one of that name; if the content cannot be encoded.
    pub fn insert(&self, name: &str, content: &T) -> Result<Draft<T>, Error> {
        let seen = self.see(self.address(name)?)?;
        match &seen.meta {
            Some(meta) if meta.state != State::Deleted => {
                Err(Error::WrongState { object: seen.address.to_string(), state: meta.state })
            }
            _ => self.create(&seen, content),
        }
    }

    /// Creates an object, or makes it what `content` says, whatever it was.
    ///
    /// # Errors
    /// As [`TransactionRevisions::insert`]; [`Error::NoObject`] if there is one that this handle does not
    /// know.
    pub fn set(&self, name: &str, content: &T) -> Result<Draft<T>, Error> {
        let seen = self.see(self.address(name)?)?;
        match &seen.meta {
            Some(meta) if meta.state != State::Deleted => {
                let base = self.known(&seen)?;
                self.change(&seen, &base, content.clone(), &[])
            }
            _ => self.create(&seen, content),
        }
    }

    /// Updates an object from a revision: `change` gets a copy of the content, and what it leaves there is
    /// to be the next revision if it differs.
    ///
    /// # Errors
    /// [`annals_core::Error::Conflict`], when the transaction commits, if it is no longer the newest
    /// revision; [`Error::WrongState`] if it was retired, [`Error::NoObject`] if it was deleted.
    pub fn update<R>(
        &self,
        from: &Revision<T>,
        mut change: impl FnMut(&mut T) -> R,
    ) -> Result<Draft<T>, Error> {
        self.try_update(from, |draft| Ok::<R, Error>(change(draft)))
    }

    /// As [`TransactionRevisions::update`], for a change that can fail: on `Err` the object stays as it is.
    ///
    /// # Errors
    /// What `change` answers; else as [`TransactionRevisions::update`].
    pub fn try_update<R, E: From<Error>>(
        &self,
        from: &Revision<T>,
        change: impl FnMut(&mut T) -> Result<R, E>,
    ) -> Result<Draft<T>, E> {
        let seen = self.see_from(from)?;
        seen.in_state(&[State::Locked])?;
        let base = if seen.written { self.known(&seen)? } else { self.kept(from)? };
        let since = from.commit().last;
        let unchanged = Condition::KeyUnchanged { key: seen.address.meta().clone(), since };
        let draft = self.change_by(&seen, &base, change, &[unchanged])?;
        // What was erased since `from` was read is in there still.
        let whole = seen.written || self.revisions.is_whole(from, self.tx.position())?;
        Ok(Draft { size: draft.size.filter(|_| whole), ..draft })
    }

    /// Changes an object in place, whichever revision is the newest.
    ///
    /// # Errors
    /// [`Error::NoObject`] if there is none, or it was deleted; [`Error::WrongState`] if it was retired.
    pub fn edit<R>(&self, name: &str, mut change: impl FnMut(&mut T) -> R) -> Result<Draft<T>, Error> {
        self.try_edit(name, |draft| Ok::<R, Error>(change(draft)))
    }

    /// As [`TransactionRevisions::edit`], for a change that can fail: on `Err` the object stays as it is.
    ///
    /// # Errors
    /// What `change` answers; else as [`TransactionRevisions::edit`].
    pub fn try_edit<R, E: From<Error>>(
        &self,
        name: &str,
        change: impl FnMut(&mut T) -> Result<R, E>,
    ) -> Result<Draft<T>, E> {
        let seen = self.see(self.address(name)?)?;
        seen.in_state(&[State::Locked])?;
        let base = self.known(&seen)?;
        self.change_by(&seen, &base, change, &[])
    }

    /// Deletes an object: marks it, and leaves its content and history. What refers to it is deleted or changed
    /// as [rules](crate::OnDelete) say.
    ///
    /// # Errors
    /// As [`Revisions::delete`].
    pub fn delete(&self, name: &str) -> Result<(), Error> {
        self.mark_deleted(name).map(drop)
    }

    pub(crate) fn mark_deleted(&self, name: &str) -> Result<(Address, Written), Error> {
        let seen = self.see(self.address(name)?)?;
        seen.in_state(&[State::Locked, State::Retired])?;
        self.mark(seen, State::Deleted)
    }

    /// Takes an object out of use, and leaves its content and history.
    ///
    /// # Errors
    /// [`Error::NoObject`] if there is none, or it was deleted; [`Error::WrongState`] if it was retired
    /// before.
    pub fn retire(&self, name: &str) -> Result<(), Error> {
        self.mark_retired(name).map(drop)
    }

    pub(crate) fn mark_retired(&self, name: &str) -> Result<(Address, Written), Error> {
        let seen = self.see(self.address(name)?)?;
        seen.in_state(&[State::Locked])?;
        self.mark(seen, State::Retired)
    }

    /// Brings back an object that was deleted or retired, with the content that it had.
    ///
    /// # Errors
    /// [`Error::NoObject`] if there never was one; [`Error::WrongState`] if it is in use;
    /// [`Error::Purged`] if its content is gone.
    pub fn revive(&self, name: &str) -> Result<Draft<T>, Error> {
        let seen = self.see(self.address(name)?)?;
        let meta = seen.in_state(&[State::Deleted, State::Retired])?;
        if meta.purged {
            return Err(Error::Purged { object: seen.address.to_string() });
        }
        let base = self.known(&seen)?;
        let written = self.write(&seen, seen.next(State::Locked), &Difference::default())?;
        Ok(Draft { origin: Origin::Written(written), ..base })
    }

    /// Makes an object what it was in an earlier revision, which the new one names. Always appends.
    ///
    /// What is restored are the attributes as they were stored, those included that `T` does not know.
    ///
    /// # Errors
    /// [`Error::NoRevision`] if it is no revision of this collection; [`Error::NoObject`] if this handle does
    /// not know the object; [`annals_core::Error::Erased`] or [`Error::Purged`] if its content is gone.
    pub fn rollback_to(&self, revision: &impl AsRef<RevisionInfo>) -> Result<Draft<T>, Error> {
        self.restore(revision.as_ref(), State::Locked)
    }

    /// As [`TransactionRevisions::rollback_to`], and takes the object out of use at that content.
    ///
    /// # Errors
    /// As [`TransactionRevisions::rollback_to`].
    pub fn retire_at(&self, revision: &impl AsRef<RevisionInfo>) -> Result<Draft<T>, Error> {
        self.restore(revision.as_ref(), State::Retired)
    }
}

impl<T> fmt::Debug for TransactionRevisions<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionRevisions")
            .field("collection", &self.revisions.collection)
            .finish_non_exhaustive()
    }
}
