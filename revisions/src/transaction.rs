use std::fmt;
use std::sync::Arc;

use annals_core::{Action, Condition, Context, Field, Key, Position, Transaction, TransactionRecord};

use crate::attributes::{Attributes, Difference, is_attribute};
use crate::draft::{Origin, Written};
use crate::meta::{META, Meta};
use crate::name::Address;
use crate::read::{no_object, unfit};
use crate::references::ReferenceChanges;
use crate::tracking::Telling;
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

/// An object as a transaction that may write it sees it.
#[derive(Clone)]
pub(crate) struct Seen<'a> {
    pub(crate) address: Address,
    pub(crate) record: TransactionRecord<'a>,
    /// What its newest revision says of itself, `None` if it never was; of what this transaction wrote, if
    /// it did.
    pub(crate) meta: Option<Meta>,
    written: bool,
}

impl<'a> Seen<'a> {
    /// Returns the object as it is, on condition that it stays so until the transaction commits.
    pub(crate) fn see(tx: &'a Transaction<'_>, address: Address) -> Result<Seen<'a>, Error> {
        tx.rely_on(Condition::KeyUnchanged { key: address.meta().clone(), since: tx.position() });
        Seen::look(tx, address)
    }

    /// Returns the object as it is.
    pub(crate) fn look(tx: &'a Transaction<'_>, address: Address) -> Result<Seen<'a>, Error> {
        let record = tx.record(address.namespace())?;
        let (meta, written) = (record.get(META)?, record.is_written(META)?);
        Ok(Seen { address, record, meta, written })
    }

    /// Returns whether the object was inserted, and was not deleted since.
    pub(crate) fn exists(&self) -> bool {
        self.meta.as_ref().is_some_and(Meta::exists)
    }

    /// Returns what the revision that is being made says of itself.
    pub(crate) fn next(&self, state: State) -> Meta {
        let version = match &self.meta {
            None => 1,
            Some(meta) if self.written => meta.version,
            Some(meta) => meta.version + 1,
        };
        let single = self.meta.as_ref().is_some_and(|meta| meta.single);
        let type_version = self.type_version().to_owned();
        Meta {
            version,
            state,
            restored_from: None,
            consequence_of: None,
            type_version,
            single,
            purged: false,
        }
    }

    /// Returns the type version of which the stored content is.
    fn type_version(&self) -> &str {
        self.meta.as_ref().map_or("", |meta| &meta.type_version)
    }

    /// Returns the object's meta if it is in one of these states.
    pub(crate) fn in_state(&self, states: &[State]) -> Result<&Meta, Error> {
        match &self.meta {
            None => Err(no_object(&self.address)),
            Some(meta) if states.contains(&meta.state) => Ok(meta),
            Some(Meta { state: State::Deleted, .. }) => Err(no_object(&self.address)),
            Some(Meta { state, .. }) => {
                Err(Error::WrongState { object: self.address.to_string(), state: *state })
            }
        }
    }

    /// Writes a revision: the attributes that differ, and what it says of itself.
    pub(crate) fn write(
        &self,
        telling: &Telling,
        meta: &Meta,
        difference: &Difference<'_>,
    ) -> Result<(), Error> {
        let attributes = telling.of_attributes(self.record.clone());
        for (field, bytes) in &difference.set {
            attributes.set_encoded(*field, Arc::clone(bytes))?;
        }
        for field in &difference.deleted {
            match attributes.delete(*field) {
                // A member that this type leaves out by itself was never stored.
                Err(annals_core::Error::NotFound { .. }) => {}
                answer => answer?,
            }
        }
        Ok(telling.of_object(self.record.clone()).set(META, meta)?)
    }

    /// Returns the attributes that are stored, and those fields whose values were erased.
    pub(crate) fn attributes(&self) -> Result<(Attributes, Vec<Field>), Error> {
        let single = self.meta.as_ref().is_some_and(|meta| meta.single);
        let mut attributes = Attributes { single, ..Attributes::default() };
        let mut erased = Vec::new();
        for (field, action) in self.record.values()? {
            match action {
                _ if !is_attribute(&field) => {}
                Action::Set(bytes) => drop(attributes.fields.insert(field, bytes)),
                Action::Deleted | Action::Erased { .. } => erased.push(field),
            }
        }
        Ok((attributes, erased))
    }
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

    fn restore(&self, to: &RevisionInfo, state: State) -> Result<Draft<T>, Error> {
        let stored = self.revisions.stored(to)?;
        if to.is_purge() {
            return Err(Error::Purged { object: to.address().to_string() });
        }
        let seen = self.see(to.address().clone())?;
        self.check_known(&seen)?;
        let Revisions { store, schema, .. } = self.revisions;
        let after = stored.content()?;
        let after = self.revisions.upcast(to.address(), to.meta(), &after)?;
        let content = after.decode().map_err(|misfit| unfit(to.address(), to.version(), misfit))?;
        let (before, erased) = seen.attributes()?;
        let mut difference = after.since(&before, |a, b| store.same(a, b));
        difference.deleted.extend(erased.iter().filter(|field| !after.fields.contains_key(*field)));
        let restored_from = Some(to.version());
        let type_version = schema.written(&to.meta().type_version).to_owned();
        let meta = Meta { restored_from, type_version, single: after.single, ..seen.next(state) };
        let written = self.write(&seen, meta, &difference)?;
        Ok(Draft::written(seen.address, content, after.size(), written))
    }

    fn create(&self, seen: &Seen<'_>, content: &T) -> Result<Draft<T>, Error> {
        let Revisions { store, schema, hooks, .. } = self.revisions;
        let mut content = content.clone();
        hooks.before_create(&mut content)?;
        let after = Attributes::of(store, &content)?;
        let left = if seen.meta.is_some() { seen.attributes()? } else { Default::default() };
        let left = left.0.fields.keys().chain(&left.1).filter(|field| !after.fields.contains_key(*field));
        let difference = Difference { set: after.fields.iter().collect(), deleted: left.collect() };
        self.check_rules(&after, &difference)?;
        let type_version = schema.written("").to_owned();
        let meta = Meta { type_version, single: after.single, ..seen.next(State::Locked) };
        let written = self.write(seen, meta, &difference)?;
        let draft = Draft::written(seen.address.clone(), content, after.size(), written);
        hooks.after_create(self.tx, &draft)?;
        Ok(draft)
    }

    fn change_by<R, E: From<Error>>(
        &self,
        seen: &Seen<'_>,
        base: &Draft<T>,
        mut change: impl FnMut(&mut T) -> Result<R, E>,
        required: &[Condition],
    ) -> Result<Draft<T>, E> {
        let mut content = T::clone(base);
        change(&mut content)?;
        Ok(self.change(seen, base, content, required)?)
    }

    /// Writes what makes `content` of `base`.
    fn change(
        &self,
        seen: &Seen<'_>,
        base: &Draft<T>,
        mut content: T,
        required: &[Condition],
    ) -> Result<Draft<T>, Error> {
        let Revisions { store, schema, hooks, touching, .. } = self.revisions;
        hooks.before_update(base, &mut content)?;
        let (before, after) = (Attributes::of(store, &**base)?, Attributes::of(store, &content)?);
        let difference = after.since(&before, |a, b| store.same(a, b));
        let in_use = seen.meta.as_ref().is_some_and(|meta| meta.state == State::Locked);
        if difference.is_empty() && in_use && !touching {
            return Ok(base.clone());
        }
        required.iter().for_each(|condition| self.tx.require(condition.clone()));
        self.check_rules(&after, &difference)?;
        let type_version = schema.written(seen.type_version()).to_owned();
        let meta = Meta { type_version, single: after.single, ..seen.next(State::Locked) };
        let written = if meta.type_version == seen.type_version() {
            self.write(seen, meta, &difference)?
        } else {
            self.write_upcast(seen, meta, &difference)?
        };
        let draft = Draft::written(seen.address.clone(), content, after.size(), written);
        hooks.after_update(self.tx, base, &draft)?;
        Ok(draft)
    }

    /// Writes what is stored in an older form as a revision of the newest, with what differs from that.
    fn write_upcast(
        &self,
        seen: &Seen<'_>,
        meta: Meta,
        difference: &Difference<'_>,
    ) -> Result<Written, Error> {
        let from = match &seen.meta {
            Some(from) if seen.record.get::<Meta>(META)?.as_ref() == Some(from) => from,
            // Another revision was first: the commit is going to be refused for that.
            _ => return self.write(seen, meta, difference),
        };
        let (stored, _) = seen.attributes()?;
        let newest = self.revisions.upcast(&seen.address, from, &stored)?.into_owned().with(difference);
        self.write(seen, meta, &newest.since(&stored, |a, b| self.revisions.store.same(a, b)))
    }

    fn mark(&self, seen: Seen<'_>, state: State) -> Result<(Address, Written), Error> {
        self.check_known(&seen)?;
        let written = self.write(&seen, seen.next(state), &Difference::default())?;
        Ok((seen.address, written))
    }

    /// Writes a revision: the attributes that differ, and what it says of itself. All writes come by here.
    pub(crate) fn write(
        &self,
        seen: &Seen<'_>,
        meta: Meta,
        difference: &Difference<'_>,
    ) -> Result<Written, Error> {
        let telling = Telling::of(self.context.clone());
        if seen.exists() && !meta.exists() {
            self.write_deletion(seen, &telling, &meta, difference, &|_| Context::new())?;
        } else {
            let references = ReferenceChanges::of(self.tx, seen, &meta, difference)?;
            seen.write(&telling, &meta, difference)?;
            references.write(self.tx)?;
        }
        Ok(Written { meta, said: telling.said_of_object() })
    }

    pub(crate) fn address(&self, name: &str) -> Result<Address, Error> {
        Address::new(&self.revisions.collection, name)
    }

    /// Returns the object as it is, on condition that it stays so until the transaction commits.
    pub(crate) fn see(&self, address: Address) -> Result<Seen<'_>, Error> {
        Seen::see(self.tx, address)
    }

    /// Returns the object as it is.
    pub(crate) fn look(&self, address: Address) -> Result<Seen<'_>, Error> {
        Seen::look(self.tx, address)
    }

    /// Returns the object as it is in `from`, or as this transaction has changed it since.
    fn see_from(&self, from: &Revision<T>) -> Result<Seen<'_>, Error> {
        let address = from.info().address().clone();
        if from.info().namespace().parent().as_ref() != Some(&self.revisions.collection) {
            return Err(Error::NoRevision { object: address.to_string() });
        }
        let record = self.tx.record(address.namespace())?;
        let written = record.is_written(META)?;
        let meta = if written { record.get(META)? } else { Some(from.info().meta().clone()) };
        Ok(Seen { address, record, meta, written })
    }

    /// Returns what the object is, if this handle knows it.
    fn known(&self, seen: &Seen<'_>) -> Result<Draft<T>, Error> {
        let draft = self.draft(seen)?;
        if self.revisions.accepts(&draft) { Ok(draft) } else { Err(no_object(&seen.address)) }
    }

    pub(crate) fn check_known(&self, seen: &Seen<'_>) -> Result<(), Error> {
        match self.revisions.filter {
            None => Ok(()),
            Some(_) => self.known(seen).map(drop),
        }
    }

    fn kept(&self, revision: &Revision<T>) -> Result<Draft<T>, Error> {
        if !self.revisions.accepts(revision) {
            return Err(no_object(revision.info().address()));
        }
        Ok(Draft::kept(revision))
    }

    /// Returns the object's newest content.
    fn draft(&self, seen: &Seen<'_>) -> Result<Draft<T>, Error> {
        let meta = seen.meta.as_ref().ok_or_else(|| no_object(&seen.address))?;
        if !seen.written {
            let revision = self.revisions.as_of(&seen.address, meta.version, self.tx.position())?;
            return Ok(Draft::kept(&revision));
        }
        let (attributes, erased) = seen.attributes()?;
        if let Some(field) = erased.into_iter().next() {
            let key = Key::new(seen.address.namespace().clone(), field)?;
            let entry = self.revisions.store.log().entry(&key, self.tx.position())?;
            let position = entry.map_or(Position::START, |entry| entry.position);
            return Err(annals_core::Error::Erased { key, position }.into());
        }
        let said = Telling::of(self.context.clone()).said_of_object();
        let written = Written { meta: meta.clone(), said };
        let content = self.revisions.decode(&seen.address, meta, &attributes)?;
        Ok(Draft::written(seen.address.clone(), content, attributes.size(), written))
    }
}

impl<T> fmt::Debug for TransactionRevisions<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactionRevisions")
            .field("collection", &self.revisions.collection)
            .finish_non_exhaustive()
    }
}
