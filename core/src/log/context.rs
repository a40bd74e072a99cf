use std::collections::BTreeMap;
use std::panic::Location;

use annals_codec::{Timestamp, Value};
use serde::{Deserialize, Serialize};

use super::carried_tags;
use crate::error::Error;

/// Who made a commit, why, from which line of code, and when in the caller's world.
///
/// Everything is optional. The log adds the time of recording itself. It can be given to a commit, to a
/// handle ([`Store::with_context`](crate::Store::with_context)), or put
/// [in force](Context::in_scope) around whatever is done.
///
/// It can be written and read by serde, so that a job queue can carry it: nothing is lost in JSON,
/// MessagePack or a value of ours.
///
/// ```
/// use annals_core::Context;
/// let context = Context::new().actor("alice").reason("settle round 2").tag("ticket", 412);
/// assert_eq!(context.actor.as_deref(), Some("alice"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Context {
    /// Who: a person, a service, a script. The empty text is nobody, whoever is in force further out.
    pub actor: Option<String>,
    /// Why, in words. The empty text is no reason, whatever is in force further out.
    pub reason: Option<String>,
    /// From where: `file:line` of the calling code, or whatever another program calls a place.
    pub location: Option<String>,
    /// When it happened in the caller's world, where that differs from the time of recording.
    pub occurred_at: Option<Timestamp>,
    /// Anything else, by name. Names that begin with `__annals` are kept for Annals itself; those that
    /// begin with [`Context::SCOPE_TAGS`] are told to whatever runs, and not stored with a commit.
    #[serde(with = "carried_tags")]
    pub tags: BTreeMap<String, Value>,
}

impl Context {
    /// Returns a context that says nothing.
    #[must_use]
    pub fn new() -> Context {
        Context::default()
    }

    /// Sets who.
    #[must_use]
    pub fn actor(mut self, actor: impl Into<String>) -> Context {
        self.actor = Some(actor.into());
        self
    }

    /// Sets why.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Context {
        self.reason = Some(reason.into());
        self
    }

    /// Sets from where, overriding the line of the calling code.
    #[must_use]
    pub fn location(mut self, location: impl Into<String>) -> Context {
        self.location = Some(location.into());
        self
    }

    /// Sets when it happened in the caller's world.
    #[must_use]
    pub fn occurred_at(mut self, time: Timestamp) -> Context {
        self.occurred_at = Some(time);
        self
    }

    /// Adds the tag `name`, replacing one of that name.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, value: impl Into<Value>) -> Context {
        self.tags.insert(name.into(), value.into());
        self
    }

    /// Returns the tags as canonical bytes (a map), `None` if there are none: what drivers store.
    ///
    /// # Errors
    /// [`Error::Encode`] if a tag's value cannot be encoded.
    pub fn tags_to_bytes(&self) -> Result<Option<Vec<u8>>, Error> {
        if self.tags.is_empty() {
            return Ok(None);
        }
        let encoded = annals_codec::encode(&self.tags);
        encoded.map(Some).map_err(|problem| Error::Encode { what: "the tags".into(), problem })
    }

    /// Returns the tags that [`Context::tags_to_bytes`] encoded.
    ///
    /// # Errors
    /// The codec's, if the bytes are damaged.
    pub fn tags_from_bytes(bytes: &[u8]) -> Result<BTreeMap<String, Value>, annals_codec::Error> {
        annals_codec::decode(bytes)
    }

    /// Fills in what is left open from `outer`; tags of both are kept, of equal names this one's.
    ///
    /// ```
    /// use annals_core::Context;
    /// let outer = Context::new().actor("alice").reason("tidy up").tag("ticket", 1);
    /// let inner = Context::new().reason("settle round 2").tag("ticket", 2);
    /// let both = Context::new().actor("alice").reason("settle round 2").tag("ticket", 2);
    /// assert_eq!(inner.or(&outer), both);
    /// ```
    #[must_use]
    pub fn or(mut self, outer: &Context) -> Context {
        self.fill_in(outer);
        self
    }

    pub(super) fn fill_in(&mut self, outer: &Context) {
        fill(&mut self.actor, &outer.actor);
        fill(&mut self.reason, &outer.reason);
        fill(&mut self.location, &outer.location);
        fill(&mut self.occurred_at, &outer.occurred_at);
        for (name, value) in &outer.tags {
            if !self.tags.contains_key(name) {
                self.tags.insert(name.clone(), value.clone());
            }
        }
    }

    /// Fills in the line of code of `caller` unless a location is there.
    #[must_use]
    pub(crate) fn or_location(mut self, caller: &Location<'_>) -> Context {
        self.location.get_or_insert_with(|| format!("{}:{}", caller.file(), caller.line()));
        self
    }
}

fn fill<T: Clone>(own: &mut Option<T>, outer: &Option<T>) {
    if own.is_none() {
        own.clone_from(outer);
    }
}
