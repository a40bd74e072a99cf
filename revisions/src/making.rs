//! How a transaction makes a revision, once it is known of which object and of what.

use annals_core::{Condition, Context, Key, Position};

use crate::attributes::{Attributes, Difference};
use crate::draft::Written;
use crate::meta::{META, Meta};
use crate::name::Address;
use crate::read::{no_object, unfit};
use crate::references::ReferenceChanges;
use crate::seen::Seen;
use crate::tracking::Telling;
use crate::{Draft, Error, Object, Revision, RevisionInfo, Revisions, State, TransactionRevisions};

impl<T: Object> TransactionRevisions<'_, T> {
    pub(crate) fn restore(&self, to: &RevisionInfo, state: State) -> Result<Draft<T>, Error> {
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

    pub(crate) fn create(&self, seen: &Seen<'_>, content: &T) -> Result<Draft<T>, Error> {
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

    pub(crate) fn change_by<R, E: From<Error>>(
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
    pub(crate) fn change(
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

    pub(crate) fn mark(&self, seen: Seen<'_>, state: State) -> Result<(Address, Written), Error> {
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
    pub(crate) fn see_from(&self, from: &Revision<T>) -> Result<Seen<'_>, Error> {
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
    pub(crate) fn known(&self, seen: &Seen<'_>) -> Result<Draft<T>, Error> {
        let draft = self.draft(seen)?;
        if self.revisions.accepts(&draft) { Ok(draft) } else { Err(no_object(&seen.address)) }
    }

    pub(crate) fn check_known(&self, seen: &Seen<'_>) -> Result<(), Error> {
        match self.revisions.filter {
            None => Ok(()),
            Some(_) => self.known(seen).map(drop),
        }
    }

    pub(crate) fn kept(&self, revision: &Revision<T>) -> Result<Draft<T>, Error> {
        if !self.revisions.accepts(revision) {
            return Err(no_object(revision.info().address()));
        }
        Ok(Draft::kept(revision))
    }

    /// Returns the object's newest content.
    pub(crate) fn draft(&self, seen: &Seen<'_>) -> Result<Draft<T>, Error> {
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
