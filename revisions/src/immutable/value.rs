//! One value that never changes.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that never changes: [`update`](Immutable::update) makes a new one and leaves this as it is.
///
/// Clones share the value, so that they cost nothing. It is compared, hashed, shown and stored as the value itself.
///
/// What is a draft and what is locked is told by the types: inside the closure of an update there is a `&mut T` and
/// nobody else sees it; everywhere else there is an `Immutable<T>`, and changing it does not compile. (A `T` that
/// changes behind a shared reference, such as a `RefCell`, is beyond what types can tell, and does not belong here.)
///
/// A draft starts as a clone of the value. Where `T` is built of [`List`](crate::List), [`Map`](crate::Map) and
/// [`Set`](crate::Set), that clone costs nothing either, and only what the draft changes is copied.
///
/// ```
/// use annals_revisions::{Immutable, List};
///
/// #[derive(Clone)]
/// struct Answer {
///     text: String,
///     votes: List<u32>,
/// }
///
/// let first = Immutable::new(Answer { text: "41".into(), votes: List::new() });
/// let second = first.update(|draft| {
///     draft.text = "42".into();
///     draft.votes.push(7);
/// });
/// assert_eq!((first.text.as_str(), first.votes.len()), ("41", 0));
/// assert_eq!((second.text.as_str(), second.votes.len()), ("42", 1));
/// ```
///
/// ```compile_fail,E0594
/// let answer = annals_revisions::Immutable::new((42, "forty-two"));
/// answer.0 = 41;
/// ```
#[derive(Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Immutable<T>(Arc<T>);

impl<T> Immutable<T> {
    /// Returns the value, which from now on never changes.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T: Clone> Immutable<T> {
    /// Returns a new value: this one with what `change` did to it.
    #[must_use = "the value itself is not changed"]
    pub fn update(&self, change: impl FnOnce(&mut T)) -> Self {
        let mut draft = T::clone(self);
        change(&mut draft);
        Self::new(draft)
    }

    /// As [`Immutable::update`], for a change that can fail: then there is no new value.
    ///
    /// # Errors
    /// What `change` answers.
    ///
    /// ```
    /// use annals_revisions::Immutable;
    ///
    /// let three = Immutable::new([3]);
    /// let read = |text: &str| three.try_update(|draft| text.parse().map(|number| draft[0] = number));
    /// assert_eq!(read("4"), Ok(Immutable::new([4])));
    /// assert!(read("four").is_err());
    /// assert_eq!(*three, [3]);
    /// ```
    pub fn try_update<E>(&self, change: impl FnOnce(&mut T) -> Result<(), E>) -> Result<Self, E> {
        let mut draft = T::clone(self);
        change(&mut draft)?;
        Ok(Self::new(draft))
    }

    /// Returns the value itself, cloned only if others share it.
    #[must_use]
    pub fn into_inner(self) -> T {
        Arc::unwrap_or_clone(self.0)
    }
}

impl<T> Clone for Immutable<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Immutable<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> From<T> for Immutable<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: fmt::Debug> fmt::Debug for Immutable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

impl<T: Serialize> Serialize for Immutable<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        T::serialize(self, serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Immutable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}
