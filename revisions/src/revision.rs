use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use annals_core::codec::Timestamp;
use annals_core::{Change, Commit, Namespace};

use crate::meta::Meta;
use crate::name::Address;
use crate::{Error, Immutable, State};

/// What is known of a revision beside its content: which version of which object it is, who made it, when
/// and why.
///
/// Cheap to clone. It tells what was so when it was read: a later revision gives it no
/// [end](RevisionInfo::end).
#[derive(Clone)]
pub struct RevisionInfo(Arc<Parts>);

struct Parts {
    address: Address,
    meta: Meta,
    commit: Arc<Commit>,
    creator: Option<String>,
    comment: Option<String>,
    end: Option<Timestamp>,
}

impl RevisionInfo {
    /// Returns what `change`, a change of an object's `__meta`, says; `None` if it has no value.
    ///
    /// # Errors
    /// If that is damaged or erased.
    pub(crate) fn read(
        address: &Address,
        change: &Change,
        end: Option<Timestamp>,
    ) -> Result<Option<RevisionInfo>, Error> {
        let Some(meta) = change.get::<Meta>()? else { return Ok(None) };
        let said = [change.actor(), change.reason()].map(|text| text.unwrap_or_default().to_owned());
        Ok(Some(RevisionInfo::new(address, meta, &change.commit, said, end)))
    }

    /// Returns the revision that a commit made, by whom and why; the empty text is none.
    pub(crate) fn new(
        address: &Address,
        meta: Meta,
        commit: &Arc<Commit>,
        said: [String; 2],
        end: Option<Timestamp>,
    ) -> RevisionInfo {
        let [creator, comment] = said.map(|text| Some(text).filter(|text| !text.is_empty()));
        let (address, commit) = (address.clone(), Arc::clone(commit));
        RevisionInfo(Arc::new(Parts { address, meta, commit, creator, comment, end }))
    }

    /// Returns the name of the object.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.address.name()
    }

    /// Returns the record in which the object is stored.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        self.0.address.namespace()
    }

    /// Returns the version: 1 for the first revision of an object, then 2, 3, … without a gap.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.0.meta.version
    }

    /// Returns the state: as it was written, but [`State::Retired`] for one that was locked and has been
    /// superseded.
    #[must_use]
    pub fn state(&self) -> State {
        match (self.0.meta.state, self.0.end) {
            (State::Locked, Some(_)) => State::Retired,
            (state, _) => state,
        }
    }

    /// Returns when the revision began: its commit's time of recording.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        self.0.commit.recorded_at
    }

    /// Returns when the revision ended: the start of the next one, `None` if there was none when this was
    /// read.
    #[must_use]
    pub fn end(&self) -> Option<Timestamp> {
        self.0.end
    }

    /// Returns who made the revision.
    #[must_use]
    pub fn creator(&self) -> Option<&str> {
        self.0.creator.as_deref()
    }

    /// Returns why the revision was made.
    #[must_use]
    pub fn comment(&self) -> Option<&str> {
        self.0.comment.as_deref()
    }

    /// Returns the commit that made the revision, perhaps together with others.
    #[must_use]
    pub fn commit(&self) -> &Arc<Commit> {
        &self.0.commit
    }

    /// Returns the version whose content this one took over, if it was made by a rollback.
    #[must_use]
    pub fn restored_from(&self) -> Option<u64> {
        self.0.meta.restored_from
    }

    /// Returns the record of the object whose deletion entailed this revision, by the rule of a reference;
    /// `None` if it was made for its own sake.
    #[must_use]
    pub fn consequence_of(&self) -> Option<&str> {
        self.0.meta.consequence_of.as_deref()
    }

    /// Returns the name of the [type version](crate::RevisionsBuilder::version) of which the stored content
    /// is, `None` if it was written by a collection that names none.
    #[must_use]
    pub fn type_version(&self) -> Option<&str> {
        Some(self.0.meta.type_version.as_str()).filter(|name| !name.is_empty())
    }

    /// Returns whether the content is no struct or map of named attributes, but the one attribute `value`.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.0.meta.single
    }

    /// Returns whether the object was purged by this revision.
    #[must_use]
    pub fn is_purge(&self) -> bool {
        self.0.meta.purged
    }

    pub(crate) fn address(&self) -> &Address {
        &self.0.address
    }

    pub(crate) fn meta(&self) -> &Meta {
        &self.0.meta
    }
}

impl AsRef<RevisionInfo> for RevisionInfo {
    fn as_ref(&self) -> &RevisionInfo {
        self
    }
}

impl PartialEq for RevisionInfo {
    /// Two are equal if they are the same revision of the same log, whenever they were read.
    fn eq(&self, other: &RevisionInfo) -> bool {
        self.0.address == other.0.address
            && self.0.meta == other.0.meta
            && self.0.commit.id == other.0.commit.id
    }
}

impl Eq for RevisionInfo {}

impl fmt::Debug for RevisionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevisionInfo")
            .field("name", &self.name())
            .field("version", &self.version())
            .field("state", &self.state())
            .field("commit", &self.0.commit.last)
            .finish_non_exhaustive()
    }
}

/// One immutable version of an object: its content, and what is [known of it](RevisionInfo).
///
/// Dereferences to the content. Cheap to clone; nothing that is done to the object later changes it.
pub struct Revision<T> {
    info: RevisionInfo,
    content: Immutable<T>,
}

impl<T> Revision<T> {
    pub(crate) fn new(info: RevisionInfo, content: Immutable<T>) -> Revision<T> {
        Revision { info, content }
    }

    /// Returns what is known of the revision beside its content.
    #[must_use]
    pub fn info(&self) -> &RevisionInfo {
        &self.info
    }

    /// Returns the content.
    #[must_use]
    pub fn content(&self) -> &Immutable<T> {
        &self.content
    }

    /// Returns the name of the object.
    #[must_use]
    pub fn name(&self) -> &str {
        self.info.name()
    }

    /// Returns the version; see [`RevisionInfo::version`].
    #[must_use]
    pub fn version(&self) -> u64 {
        self.info.version()
    }

    /// Returns the state; see [`RevisionInfo::state`].
    #[must_use]
    pub fn state(&self) -> State {
        self.info.state()
    }

    /// Returns when the revision began; see [`RevisionInfo::start`].
    #[must_use]
    pub fn start(&self) -> Timestamp {
        self.info.start()
    }

    /// Returns when the revision ended; see [`RevisionInfo::end`].
    #[must_use]
    pub fn end(&self) -> Option<Timestamp> {
        self.info.end()
    }

    /// Returns who made the revision.
    #[must_use]
    pub fn creator(&self) -> Option<&str> {
        self.info.creator()
    }

    /// Returns why the revision was made.
    #[must_use]
    pub fn comment(&self) -> Option<&str> {
        self.info.comment()
    }

    /// Returns the commit that made the revision.
    #[must_use]
    pub fn commit(&self) -> &Arc<Commit> {
        self.info.commit()
    }

    /// Returns the version whose content this one took over; see [`RevisionInfo::restored_from`].
    #[must_use]
    pub fn restored_from(&self) -> Option<u64> {
        self.info.restored_from()
    }
}

impl<T> Deref for Revision<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.content
    }
}

impl<T> AsRef<RevisionInfo> for Revision<T> {
    fn as_ref(&self) -> &RevisionInfo {
        &self.info
    }
}

impl<T> Clone for Revision<T> {
    fn clone(&self) -> Revision<T> {
        Revision { info: self.info.clone(), content: self.content.clone() }
    }
}

impl<T: PartialEq> PartialEq for Revision<T> {
    fn eq(&self, other: &Revision<T>) -> bool {
        self.info == other.info && self.content == other.content
    }
}

impl<T: Eq> Eq for Revision<T> {}

/// Shows what is known of the revision, never its content.
impl<T> fmt::Debug for Revision<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.info.fmt(f)
    }
}
