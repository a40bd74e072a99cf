use std::collections::HashMap;
use std::fmt;

use annals_core::{Action, Change, Field, Log, Position};
use serde::de::DeserializeOwned;

use crate::attributes::{is_attribute, name};
use crate::meta::{META, Meta};
use crate::name::Address;
use crate::stored::{is_meta, of_revision, state};
use crate::{Error, Object, RevisionInfo, Revisions, State};

/// What a revision did to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectAction {
    /// It is there, and was not before: never, or deleted.
    Create,
    /// It was there before and still is, retired perhaps.
    Update,
    /// It is deleted.
    Delete,
}

impl fmt::Display for ObjectAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ObjectAction::Create => "create",
            ObjectAction::Update => "update",
            ObjectAction::Delete => "delete",
        })
    }
}

/// What a revision did to an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttributeAction {
    /// It has another value.
    Set,
    /// It had a value and has none: it is not there any more, or null.
    Unset,
}

impl fmt::Display for AttributeAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            AttributeAction::Set => "set",
            AttributeAction::Unset => "unset",
        })
    }
}

/// What a revision changed in its object, and what of it each attribute.
#[derive(Clone)]
pub struct ObjectDelta {
    info: RevisionInfo,
    action: ObjectAction,
    state_before: Option<State>,
    attributes: Vec<AttributeDelta>,
}

impl ObjectDelta {
    /// Returns what one commit did to the object at `address`, whose `written` changes of its record are
    /// all that it made there; `None` if it made no revision. At most one read of the record as it was
    /// before.
    pub(crate) fn read(
        log: &Log,
        address: &Address,
        mut written: Vec<Change>,
    ) -> Result<Option<ObjectDelta>, Error> {
        let Some(meta) = written.iter().find(|change| is_meta(change)) else { return Ok(None) };
        let Some(info) = RevisionInfo::read(address, meta, None)? else { return Ok(None) };
        let mut before = match info.version() {
            1 => HashMap::new(),
            _ => before(log, address, info.commit().first.before())?,
        };
        let meta_before = before.get(META).map(Change::get::<Meta>).transpose()?.flatten();
        let state_before = meta_before.map(|meta| meta.state);
        let action = match (info.state(), state_before) {
            (State::Deleted, _) => ObjectAction::Delete,
            (_, None | Some(State::Deleted)) => ObjectAction::Create,
            _ => ObjectAction::Update,
        };
        written.retain(|change| is_attribute(change.key().field()));
        written.sort_by_key(Change::position);
        let delta = |after: Change| AttributeDelta::of(before.remove(after.key().field()), after);
        let attributes = written.into_iter().filter_map(delta).collect();
        Ok(Some(ObjectDelta { info, action, state_before, attributes }))
    }

    /// Returns the revision that did this, as of its own commit: with no end.
    #[must_use]
    pub fn info(&self) -> &RevisionInfo {
        &self.info
    }

    /// Returns what was done to the object as a whole.
    #[must_use]
    pub fn action(&self) -> ObjectAction {
        self.action
    }

    /// Returns the state that the object was in before, `None` if it never was.
    ///
    /// [`State::Retired`] or [`State::Deleted`] of one that is in use now tells that it was brought back.
    #[must_use]
    pub fn state_before(&self) -> Option<State> {
        self.state_before
    }

    /// Returns who did it, `None` for nobody in particular. An attribute may have been changed by
    /// [another](AttributeDelta::actor).
    #[must_use]
    pub fn actor(&self) -> Option<&str> {
        self.info.creator()
    }

    /// Returns why: the description of the object, else of the commit.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.info.comment()
    }

    /// Returns the attributes that have other values than before, in the order in which they were written.
    ///
    /// Of an object that was deleted and is there again, what has changed since it was deleted.
    #[must_use]
    pub fn attributes(&self) -> &[AttributeDelta] {
        &self.attributes
    }

    /// Returns who changed the object or an attribute, each once: who changed the object first.
    pub fn actors(&self) -> impl Iterator<Item = &str> {
        let mut actors: Vec<&str> = Vec::new();
        let own = self.attributes.iter().map(AttributeDelta::actor);
        for actor in std::iter::once(self.actor()).chain(own).flatten() {
            if !actors.contains(&actor) {
                actors.push(actor);
            }
        }
        actors.into_iter()
    }
}

impl AsRef<RevisionInfo> for ObjectDelta {
    fn as_ref(&self) -> &RevisionInfo {
        &self.info
    }
}

/// Shows names and what was done to them, never a value.
impl fmt::Debug for ObjectDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectDelta")
            .field("info", &self.info)
            .field("action", &self.action)
            .field("state_before", &self.state_before)
            .field("attributes", &self.attributes)
            .finish()
    }
}

/// What a revision changed in one attribute.
#[derive(Clone)]
pub struct AttributeDelta {
    name: String,
    before: Option<Change>,
    after: Change,
}

impl AttributeDelta {
    /// Returns what `after` changed, `None` if that is nothing.
    fn of(before: Option<Change>, after: Change) -> Option<AttributeDelta> {
        let before = before.filter(|before| before.entry.action != Action::Deleted);
        let nothing = match &before {
            Some(before) => before.entry.action == after.entry.action,
            None => after.entry.action == Action::Deleted,
        };
        (!nothing).then(|| AttributeDelta { name: name(after.key().field()).into_owned(), before, after })
    }

    /// Returns the name of the attribute; `value` is that of an object which has no named ones.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what was done.
    #[must_use]
    pub fn action(&self) -> AttributeAction {
        let had_value = self.before.as_ref().is_some_and(|before| !is_null(before));
        match &self.after.entry.action {
            Action::Deleted => AttributeAction::Unset,
            _ if had_value && is_null(&self.after) => AttributeAction::Unset,
            _ => AttributeAction::Set,
        }
    }

    /// Returns the value before, as of the revision before this one; `None` if the attribute was not there.
    /// Any value can be read as a [`Value`](annals_core::codec::Value).
    ///
    /// # Errors
    /// [`annals_core::Error::Decode`] if it is no `V`; [`annals_core::Error::Erased`] if it is gone.
    pub fn before<V: DeserializeOwned>(&self) -> Result<Option<V>, Error> {
        let before = self.before.as_ref().map(Change::get).transpose()?;
        Ok(before.flatten())
    }

    /// Returns the value after; `None` if the attribute is not there any more.
    ///
    /// # Errors
    /// As [`AttributeDelta::before`].
    pub fn after<V: DeserializeOwned>(&self) -> Result<Option<V>, Error> {
        Ok(self.after.get()?)
    }

    /// Returns who changed it, `None` for nobody in particular.
    #[must_use]
    pub fn actor(&self) -> Option<&str> {
        self.after.actor()
    }

    /// Returns why: the description of the attribute, else of the commit.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.after.reason()
    }

    /// Returns where the entry stands that changed it.
    #[must_use]
    pub fn position(&self) -> Position {
        self.after.position()
    }
}

/// Shows the name and what was done, never a value.
impl fmt::Debug for AttributeDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttributeDelta")
            .field("name", &self.name)
            .field("action", &self.action())
            .field("position", &self.position())
            .finish_non_exhaustive()
    }
}

impl<T: Object> Revisions<T> {
    /// Returns what a revision changed: two reads of the object's record, however many objects its commit
    /// changed.
    ///
    /// The deltas of an object are those of its [history](Revisions::history); those of a commit, of what was
    /// done together, and of a whole log are [`Deltas`](crate::Deltas).
    ///
    /// ```
    /// use annals_core::Context;
    /// use annals_revisions::{AttributeAction, ObjectAction, Revisions};
    /// # use std::collections::BTreeMap;
    /// # let store = annals_core::Store::new(annals_driver_memory::MemoryDriver::new());
    /// # let by = |actor| Context::new().actor(actor);
    /// let players = Revisions::<BTreeMap<String, u32>>::open(&store, "players")?;
    /// let first = players.insert("ann", &BTreeMap::from([("score".into(), 1)]), by("ann"))?;
    /// let second = players.update(&first, by("referee"), |ann| ann.insert("score".into(), 3))?;
    ///
    /// let delta = players.delta(second.info())?;
    /// assert_eq!(delta.action(), ObjectAction::Update);
    /// let [score] = delta.attributes() else { unreachable!("one has changed") };
    /// assert_eq!((score.name(), score.action(), score.actor()), ("score", AttributeAction::Set, Some("referee")));
    /// assert_eq!((score.before()?, score.after()?), (Some(1), Some(3)));
    /// # Ok::<(), annals_revisions::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoRevision`] if it is none of this collection.
    pub fn delta(&self, info: &RevisionInfo) -> Result<ObjectDelta, Error> {
        let address = info.address();
        let no_revision = || Error::NoRevision { object: address.to_string() };
        if info.namespace().parent().as_ref() != Some(self.namespace()) {
            return Err(no_revision());
        }
        let log = self.store().log();
        let mut written = state(log, address, info.commit().last)?;
        written.retain(|change| change.position() >= info.commit().first);
        let delta = ObjectDelta::read(log, address, written)?;
        delta.filter(|delta| delta.info == *info).ok_or_else(no_revision)
    }
}

/// Returns what the revision before was made of, whose end is at or before `at`.
fn before(log: &Log, address: &Address, at: Position) -> Result<HashMap<Field, Change>, Error> {
    let mut changes = state(log, address, at)?;
    if let Some(end) = changes.iter().find(|change| is_meta(change)).map(|meta| meta.commit.last) {
        changes = of_revision(log, address, changes, end)?;
    }
    Ok(changes.into_iter().map(|change| (change.key().field().clone(), change)).collect())
}

fn is_null(change: &Change) -> bool {
    matches!(change.get::<()>(), Ok(Some(())))
}
