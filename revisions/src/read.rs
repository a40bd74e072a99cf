use annals_core::{At, Order, Position, PositionRange};

use crate::attributes::Attributes;
use crate::kept::Entry;
use crate::meta::Meta;
use crate::name::Address;
use crate::stored::Stored;
use crate::walk::Walk;
use crate::whole::Misfit;
use crate::{Error, History, Immutable, Object, Revision, RevisionInfo, Revisions, State};

impl<T: Object> Revisions<T> {
    /// Returns what an object is, `None` if there is none of that name, or it is deleted or retired (unless
    /// the handle is one [with deleted ones](Revisions::with_deleted)).
    ///
    /// One read of the object's record; of an object that was read before and has not changed, two cached
    /// reads whatever the number of its attributes. At most 16 MiB of objects are held for that.
    ///
    /// # Errors
    /// [`Error::Unfit`] if what is stored is no `T`, [`annals_core::Error::Erased`] if a part of it is gone.
    pub fn current(&self, name: &str) -> Result<Option<Revision<T>>, Error> {
        let now = self.store.snapshot()?;
        let kept = match self.kept.get(name) {
            Some(kept) => kept.as_of(&now)?,
            None => None,
        };
        let revision = match kept {
            Some(revision) => Some(revision),
            None => self.read_newest(&Address::new(&self.collection, name)?, now.position())?,
        };
        Ok(revision.filter(|revision| self.shows(revision)))
    }

    /// Returns a revision by its version, be the object deleted or not; `None` if there is none.
    ///
    /// One read of the object's history and one of its record, whatever the number of revisions and
    /// attributes.
    ///
    /// # Errors
    /// As [`Revisions::current`]; [`Error::Purged`] for the revision that a purge has made.
    pub fn get(&self, name: &str, version: u64) -> Result<Option<Revision<T>>, Error> {
        let address = Address::new(&self.collection, name)?;
        let Some(skip) = version.checked_sub(1).and_then(|before| usize::try_from(before).ok()) else {
            return Ok(None);
        };
        if !self.knows(&address)? {
            return Ok(None);
        }
        let range = PositionRange::through(Position::MAX);
        let changes =
            self.store.log().driver().history(address.meta(), range, Order::OldestFirst, skip, 2)?;
        let end = changes.get(1).map(|next| next.commit.recorded_at);
        let info = changes.first().map(|change| RevisionInfo::read(&address, change, end)).transpose()?;
        info.flatten().map(|info| self.load(&info)).transpose()
    }

    /// Returns the revision that `info` is about, with its content: one read of the object's record.
    ///
    /// # Errors
    /// [`Error::NoRevision`] if it is none of this collection; else as [`Revisions::get`].
    pub fn load(&self, info: &RevisionInfo) -> Result<Revision<T>, Error> {
        self.typed(&self.stored(info)?)
    }

    /// Returns what is known of the revisions of an object, oldest first unless turned round: see
    /// [`History`].
    ///
    /// # Errors
    /// If the name is not valid. An object that never was has an empty history.
    pub fn history(&self, name: &str) -> Result<History, Error> {
        let address = Address::new(&self.collection, name)?;
        let known = self.knows(&address)?;
        Ok(History::new(self.store.log().clone(), address, known))
    }

    /// Returns whether there is an object of that name.
    ///
    /// # Errors
    /// As [`Revisions::current`].
    pub fn contains(&self, name: &str) -> Result<bool, Error> {
        Ok(self.current(name)?.is_some())
    }

    /// Returns the objects, in the order in which their records are stored: by the bytes of their names, with
    /// those that are neither ASCII letters nor digits nor `.` nor `-` written `_` and two hexadecimal digits.
    ///
    /// Read lazily, page by page, all of them as of one moment. Costs a look at every attribute of the
    /// objects that are walked over. For an object that cannot be read there is an error in its place, and the
    /// others follow.
    pub fn iter(&self) -> impl Iterator<Item = Result<Revision<T>, Error>> + use<T> {
        let this = self.clone();
        self.walk().filter_map(move |stored| this.shown(stored).transpose())
    }

    /// Returns the names of the objects, as [`Revisions::iter`] orders them and at the same cost.
    pub fn names(&self) -> impl Iterator<Item = Result<String, Error>> + use<T> {
        let this = self.clone();
        let infos = self.walk().filter_map(move |stored| this.shown_info(stored).transpose());
        infos.map(|info| info.map(|info| info.name().to_owned()))
    }

    /// Returns what is known of the objects as of a position or a time, each by its newest revision then; in the
    /// order of [`Revisions::iter`], and at the same cost. Their content is not looked at, unless the handle is
    /// [filtered](Revisions::filtered).
    ///
    /// ```
    /// # use annals_core::{Context, Store};
    /// # use annals_revisions::Revisions;
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let scores = Revisions::<u32>::open(&store, "scores")?;
    /// let first = scores.insert("ann", &7, Context::new().actor("ann"))?;
    /// scores.delete("ann", Context::new())?;
    ///
    /// let then = scores.infos_at(first.commit().last)?.collect::<Result<Vec<_>, _>>()?;
    /// assert_eq!(then, [first.info().clone()]);
    /// assert_eq!(scores.infos_at(store.snapshot()?.position())?.count(), 0);
    /// # Ok::<(), annals_revisions::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`annals_core::Error::BeyondEnd`] if a position lies after the last one.
    pub fn infos_at<A: Into<At>>(
        &self,
        at: A,
    ) -> Result<impl Iterator<Item = Result<RevisionInfo, Error>> + use<T, A>, Error> {
        let this = self.clone();
        let walk = Walk::over(&self.store, &self.collection, Ok(self.store.at(at)?));
        Ok(walk.filter_map(move |stored| this.shown_info(stored).transpose()))
    }

    /// Returns the number of objects, at the cost of [`Revisions::names`].
    ///
    /// # Errors
    /// As [`Revisions::current`].
    #[expect(clippy::len_without_is_empty, reason = "a name would answer that at less cost")]
    pub fn len(&self) -> Result<usize, Error> {
        let mut names = self.names();
        names.try_fold(0, |count, name| name.map(|_| count + 1))
    }

    fn walk(&self) -> Walk {
        Walk::over(&self.store, &self.collection, self.store.snapshot())
    }

    fn shown(&self, stored: Result<Stored, Error>) -> Result<Option<Revision<T>>, Error> {
        let stored = stored?;
        if !self.shows_state(stored.info.meta()) {
            return Ok(None);
        }
        Ok(Some(self.typed(&stored)?).filter(|revision| self.accepts(revision)))
    }

    fn shown_info(&self, stored: Result<Stored, Error>) -> Result<Option<RevisionInfo>, Error> {
        if self.filter.is_some() {
            return Ok(self.shown(stored)?.map(|revision| revision.info().clone()));
        }
        let info = stored?.info;
        Ok(self.shows_state(info.meta()).then_some(info))
    }

    /// Reads the newest revision at or before `at`, and keeps it; `None` if its state is not shown.
    fn read_newest(&self, address: &Address, at: Position) -> Result<Option<Revision<T>>, Error> {
        // Before the attributes are read: what is erased meanwhile must not be kept as whole.
        let erasure = self.store.last_erasure(at)?;
        let Some(stored) = Stored::newest(self.store.log(), address, at)? else { return Ok(None) };
        if !self.shows_state(stored.info.meta()) {
            return Ok(None);
        }
        let content = stored.content()?;
        let revision = self.typed_of(&stored.info, &content)?;
        self.kept.put(Entry::new(revision.clone(), erasure, content.size()));
        Ok(Some(revision))
    }

    /// Returns the revision of this version, the newest at `at`, whatever its state.
    pub(crate) fn as_of(&self, address: &Address, version: u64, at: Position) -> Result<Revision<T>, Error> {
        if let Some(kept) = self.kept.get(address.name())
            && kept.revision.version() == version
            && kept.is_whole(&self.store, at)?
        {
            return Ok(kept.revision.clone());
        }
        self.with_deleted().read_newest(address, at)?.ok_or_else(|| no_object(address))
    }

    /// Returns whether it is known that nothing of a revision was erased by `at`.
    pub(crate) fn is_whole(&self, revision: &Revision<T>, at: Position) -> Result<bool, Error> {
        match self.kept.get(revision.name()) {
            Some(kept) if kept.revision.info() == revision.info() => kept.is_whole(&self.store, at),
            _ => Ok(false),
        }
    }

    pub(crate) fn stored(&self, info: &RevisionInfo) -> Result<Stored, Error> {
        let no_revision = || Error::NoRevision { object: info.address().to_string() };
        if info.namespace().parent().as_ref() != Some(&self.collection) {
            return Err(no_revision());
        }
        Stored::at(self.store.log(), info)?.ok_or_else(no_revision)
    }

    pub(crate) fn typed(&self, stored: &Stored) -> Result<Revision<T>, Error> {
        self.typed_of(&stored.info, &stored.content()?)
    }

    fn typed_of(&self, info: &RevisionInfo, content: &Attributes) -> Result<Revision<T>, Error> {
        if info.is_purge() {
            return Err(Error::Purged { object: info.address().to_string() });
        }
        let content = self.decode(info.address(), info.meta(), content)?;
        Ok(Revision::new(info.clone(), Immutable::new(content)))
    }

    /// Returns whether this handle knows the object, by its newest content where it is filtered.
    fn knows(&self, address: &Address) -> Result<bool, Error> {
        if self.filter.is_none() {
            return Ok(true);
        }
        Ok(self.with_deleted().current(address.name())?.is_some())
    }

    fn shows(&self, revision: &Revision<T>) -> bool {
        self.shows_state(revision.info().meta()) && self.accepts(revision)
    }

    pub(crate) fn shows_state(&self, meta: &Meta) -> bool {
        meta.state == State::Locked || self.with_deleted && !meta.purged
    }

    pub(crate) fn accepts(&self, content: &T) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter(content))
    }
}

pub(crate) fn no_object(address: &Address) -> Error {
    Error::NoObject { object: address.to_string() }
}

pub(crate) fn unfit(address: &Address, version: u64, Misfit { attribute, problem }: Misfit) -> Error {
    Error::Unfit { object: address.to_string(), version, attribute, problem }
}
