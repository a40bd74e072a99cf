use annals_core::{Committed, Context, Position, Receipt};

use crate::draft::Written;
use crate::error::Ended;
use crate::kept::Entry;
use crate::name::Address;
use crate::read::no_object;
use crate::{Draft, Error, Object, Revision, RevisionInfo, Revisions, TransactionRevisions};

/// Each of these is a commit of its own; several changes in one commit are made by
/// [`Revisions::in_transaction`].
///
/// The context says who the creator is (`actor`) and what the comment is (`reason`); what it leaves open
/// is filled in from the store's handle and what is in force. Durability is that of
/// [`Store::commit`](annals_core::Store::commit).
///
/// Whatever makes an object refer to another one, by an attribute for which that is
/// [declared](Revisions::declare_reference), fails with [`Error::NoTarget`] if there is none, and with
/// [`Error::NoReference`] if the attribute holds no name.
impl<T: Object> Revisions<T> {
    /// Creates an object. One that was deleted is begun anew, and its versions go on.
    ///
    /// # Errors
    /// [`Error::WrongState`] if there is one of that name; if the content cannot be encoded.
    #[track_caller]
    pub fn insert(&self, name: &str, content: &T, context: Context) -> Result<Revision<T>, Error> {
        let done = self.commit(context, |objects| objects.insert(name, content))?;
        self.revision(done)
    }

    /// Creates an object, or makes it what `content` says, whatever it was: a retired one is in use then.
    ///
    /// # Errors
    /// If the content cannot be encoded; [`Error::NoObject`] if there is one that this handle does not know; if what
    /// it was cannot be read, which a deletion before gets out of the way.
    #[track_caller]
    pub fn set(&self, name: &str, content: &T, context: Context) -> Result<Revision<T>, Error> {
        let done = self.commit(context, |objects| objects.set(name, content))?;
        self.revision(done)
    }

    /// Updates an object from a revision: `change` gets a copy of the content, and what it leaves there is the
    /// next revision. If that is the same, nothing is written, and the answer is `from`.
    ///
    /// # Errors
    /// [`annals_core::Error::Conflict`] with the commit that was first if `from` is no longer the newest
    /// revision; [`Error::WrongState`] if it was retired, [`Error::NoObject`] if it was deleted.
    #[track_caller]
    pub fn update<R>(
        &self,
        from: &Revision<T>,
        context: Context,
        mut change: impl FnMut(&mut T) -> R,
    ) -> Result<Revision<T>, Error> {
        let done = self.commit(context, |objects| objects.update(from, &mut change))?;
        self.revision(done)
    }

    /// As [`Revisions::update`], for a change that can fail: on `Err` nothing is written.
    ///
    /// # Errors
    /// What `change` answers; else as [`Revisions::update`].
    #[track_caller]
    pub fn try_update<R, E: From<Error>>(
        &self,
        from: &Revision<T>,
        context: Context,
        mut change: impl FnMut(&mut T) -> Result<R, E>,
    ) -> Result<Revision<T>, E> {
        let done = self.commit(context, |objects| objects.try_update(from, &mut change))?;
        Ok(self.revision(done)?)
    }

    /// Changes an object in place, whichever revision is the newest: `change` is run again if another one
    /// comes between.
    ///
    /// # Errors
    /// [`Error::NoObject`] if there is none, or it was deleted; [`Error::WrongState`] if it was retired;
    /// [`annals_core::Error::Conflict`] if others kept changing it for a bounded number of tries.
    #[track_caller]
    pub fn edit<R>(
        &self,
        name: &str,
        context: Context,
        mut change: impl FnMut(&mut T) -> R,
    ) -> Result<Revision<T>, Error> {
        let done = self.commit(context, |objects| objects.edit(name, &mut change))?;
        self.revision(done)
    }

    /// As [`Revisions::edit`], for a change that can fail: on `Err` nothing is written.
    ///
    /// # Errors
    /// What `change` answers; else as [`Revisions::edit`].
    #[track_caller]
    pub fn try_edit<R, E: From<Error>>(
        &self,
        name: &str,
        context: Context,
        mut change: impl FnMut(&mut T) -> Result<R, E>,
    ) -> Result<Revision<T>, E> {
        let done = self.commit(context, |objects| objects.try_edit(name, &mut change))?;
        Ok(self.revision(done)?)
    }

    /// Deletes an object: appends a revision that says so. Its history stays, and
    /// [`Revisions::with_deleted`] shows it.
    ///
    /// Objects that refer to it, as [declared](Revisions::declare_reference), are deleted or changed in the same
    /// commit, as their [rules](crate::OnDelete) say, and so on for those that refer to them. There is no limit to
    /// that: it takes time and memory for each object concerned. Hooks are not called for them.
    ///
    /// # Errors
    /// [`Error::NoObject`] if there is none, or it was deleted; [`Error::Restricted`] if another object stands in
    /// the way; [`Error::NoTarget`] if a rule would have another one refer to what does not exist;
    /// [`Error::Rule`] if a rule cannot be applied; [`Error::BeyondFilter`] if one would reach beyond the filter of
    /// this handle.
    #[track_caller]
    pub fn delete(&self, name: &str, context: Context) -> Result<RevisionInfo, Error> {
        let done = self.commit(context, |objects| objects.mark_deleted(name))?;
        self.info(done)
    }

    /// Takes an object out of use: appends a revision that says so. Its history stays.
    ///
    /// # Errors
    /// [`Error::NoObject`] if there is none, or it was deleted; [`Error::WrongState`] if it was retired
    /// before.
    #[track_caller]
    pub fn retire(&self, name: &str, context: Context) -> Result<RevisionInfo, Error> {
        let done = self.commit(context, |objects| objects.mark_retired(name))?;
        self.info(done)
    }

    /// Brings back an object that was deleted or retired, with the content that it had.
    ///
    /// # Errors
    /// [`Error::NoObject`] if there never was one; [`Error::WrongState`] if it is in use;
    /// [`Error::Purged`] if its content is gone.
    #[track_caller]
    pub fn revive(&self, name: &str, context: Context) -> Result<Revision<T>, Error> {
        let done = self.commit(context, |objects| objects.revive(name))?;
        self.revision(done)
    }

    /// Makes an object what it was in an earlier revision: appends one that is equal to it and
    /// [names](RevisionInfo::restored_from) it. Nothing is removed, so a rollback can be rolled back.
    ///
    /// What is restored are the attributes as they were stored, those included that `T` does not know.
    ///
    /// # Errors
    /// [`Error::NoRevision`] if it is no revision of this collection; [`Error::NoObject`] if this handle does
    /// not know the object; [`annals_core::Error::Erased`] or [`Error::Purged`] if its content is gone.
    ///
    /// ```
    /// # use annals_core::{Context, Store};
    /// # use annals_revisions::Revisions;
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let scores = Revisions::<u32>::open(&store, "scores")?;
    /// let first = scores.insert("game", &1, Context::new())?;
    /// scores.update(&first, Context::new(), |score| *score = 2)?;
    ///
    /// let third = scores.rollback_to(&first, Context::new().actor("ann"))?;
    /// assert_eq!((*third, third.version(), third.restored_from()), (1, 3, Some(1)));
    /// assert_eq!(*scores.get("game", 2)?.unwrap(), 2);
    /// # Ok::<(), annals_revisions::Error>(())
    /// ```
    #[track_caller]
    pub fn rollback_to(
        &self,
        revision: &impl AsRef<RevisionInfo>,
        context: Context,
    ) -> Result<Revision<T>, Error> {
        let done = self.commit(context, |objects| objects.rollback_to(revision))?;
        self.revision(done)
    }

    /// As [`Revisions::rollback_to`], and takes the object out of use at that content, until it is
    /// [revived](Revisions::revive).
    ///
    /// # Errors
    /// As [`Revisions::rollback_to`].
    #[track_caller]
    pub fn retire_at(
        &self,
        revision: &impl AsRef<RevisionInfo>,
        context: Context,
    ) -> Result<Revision<T>, Error> {
        let done = self.commit(context, |objects| objects.retire_at(revision))?;
        self.revision(done)
    }

    /// Runs `body` on this collection in a commit of its own.
    #[track_caller]
    pub(crate) fn commit<R, E: From<Error>>(
        &self,
        context: Context,
        mut body: impl FnMut(&TransactionRevisions<'_, T>) -> Result<R, E>,
    ) -> Result<Done<R>, E> {
        let mut erasure = Position::START;
        let done = self.store.try_commit(context, |tx| {
            erasure = self.store.last_erasure(tx.position())?;
            body(&self.in_transaction(tx)).map_err(Ended::Own)
        });
        let Committed { value, receipt } = done.map_err(Ended::into_own)?;
        Ok(Done { value, receipt, erasure })
    }

    /// Returns the revision that a commit made of a draft.
    pub(crate) fn revision(&self, done: Done<Draft<T>>) -> Result<Revision<T>, Error> {
        let Done { value: draft, receipt, erasure } = done;
        let (address, size) = (draft.address.clone(), draft.size);
        let Some(revision) = draft.into_revision(receipt.as_ref()) else {
            // A hook has given the commit an id that the log had.
            return self.with_deleted().current(address.name())?.ok_or_else(|| no_object(&address));
        };
        if let Some(size) = size {
            self.kept.put(Entry::new(revision.clone(), erasure, size));
        }
        Ok(revision)
    }

    pub(crate) fn info(&self, done: Done<(Address, Written)>) -> Result<RevisionInfo, Error> {
        let Done { value: (address, written), receipt, .. } = done;
        let info = receipt.as_ref().map(|receipt| written.info(&address, receipt));
        info.ok_or_else(|| no_object(&address))
    }
}

/// What a commit has done, and the newest erasure before it.
pub(crate) struct Done<R> {
    pub(crate) value: R,
    pub(crate) receipt: Option<Receipt>,
    erasure: Position,
}
