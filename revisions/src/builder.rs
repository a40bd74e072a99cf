use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use annals_core::codec::Value;
use annals_core::{Namespace, Store};

use crate::error::type_version;
use crate::schema::{Schema, Upcast, Upcaster, Upcasters, check_chain};
use crate::{Error, Object, Revisions};

/// What is told of a collection before it is opened.
///
/// # When the type changes
///
/// Attributes may come and go: one that is new has a `serde(default)`, and what is stored and unknown to the
/// type is left alone. For any other change the type gets a [version](RevisionsBuilder::version), a name that
/// every revision says of itself, and [upcasters](RevisionsBuilder::upcast), which make an object of one
/// version one of the next. What is stored is never rewritten by that: a revision is upcast whenever it is
/// read, and only a new revision, made by an update or a rollback, is of the newest version. (A handle that is
/// [touching](Revisions::touching) makes one of an update that changes nothing.)
///
/// ```
/// use annals_core::codec::Value;
/// use annals_core::{Context, Store};
/// use annals_revisions::Revisions;
/// use serde::{Deserialize, Serialize};
///
/// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
/// #[derive(Clone, Serialize, Deserialize)]
/// struct OldAnswer {
///     text: String,
/// }
/// let old = Revisions::<OldAnswer>::open(&store, "answers")?;
/// old.insert("a", &OldAnswer { text: "what?".into() }, Context::new())?;
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Answer {
///     question: String,
///     #[serde(default)]
///     answer: Option<u32>,
/// }
/// let answers = Revisions::<Answer>::builder(&store, "answers")
///     .version("2024-b")
///     .upcast("", "2024-a", |object| {
///         if let Value::Map(members) = object
///             && let Some(text) = members.remove(&"text".into())
///         {
///             members.insert("question".into(), text);
///         }
///     })
///     .upcast("2024-a", "2024-b", |object| {
///         if let Value::Map(members) = object {
///             members.insert("language".into(), "en".into());
///         }
///     })
///     .open()?;
/// let first = answers.get("a", 1)?.unwrap();
/// assert_eq!((first.question.as_str(), first.info().type_version()), ("what?", None));
///
/// let second = answers.update(&first, Context::new(), |draft| draft.answer = Some(42))?;
/// assert_eq!(second.info().type_version(), Some("2024-b"));
/// assert!(old.current("a").is_err(), "the old type does not know the new version");
/// # Ok::<(), annals_revisions::Error>(())
/// ```
#[must_use = "nothing is opened yet"]
pub struct RevisionsBuilder<T> {
    store: Store,
    collection: Result<Namespace, annals_core::Error>,
    newest: String,
    upcasters: Vec<(String, Upcaster)>,
    object: PhantomData<fn() -> T>,
}

impl<T: Object> Revisions<T> {
    /// Returns a builder of the collection of the objects below `namespace`.
    pub fn builder(
        store: &Store,
        namespace: impl TryInto<Namespace, Error: Into<annals_core::Error>>,
    ) -> RevisionsBuilder<T> {
        RevisionsBuilder {
            store: store.clone(),
            collection: store.record(namespace).map(|record| record.namespace().clone()),
            newest: String::new(),
            upcasters: Vec::new(),
            object: PhantomData,
        }
    }
}

impl<T: Object> RevisionsBuilder<T> {
    /// Names the version of the type `T`. Any text will do, and there is no order but that of the upcasters;
    /// the empty one is the version of a collection that names none.
    pub fn version(mut self, name: impl Into<String>) -> RevisionsBuilder<T> {
        self.newest = name.into();
        self
    }

    /// Tells how an object of the type version `from` becomes one of the version `to`.
    ///
    /// `upcast` gets the whole object: a map of its attributes by name, or the value itself of a type that is
    /// neither a struct nor a map of names. What it cannot make sense of it leaves as it is: reading then says
    /// what does not fit. Called whenever an older revision is read.
    pub fn upcast(
        mut self,
        from: impl Into<String>,
        to: impl Into<String>,
        upcast: impl Fn(&mut Value) + Send + Sync + 'static,
    ) -> RevisionsBuilder<T> {
        let upcast: Upcast = Arc::new(upcast);
        self.upcasters.push((from.into(), Upcaster { to: to.into(), upcast }));
        self
    }

    /// Returns the collection, whether or not there are any objects.
    ///
    /// # Errors
    /// [`Error::Upcasters`] if the upcasters do not lead each to the version of the type: if there is a gap, a
    /// circle, or two that begin at one version. Else if the namespace is not valid, or the store refuses it.
    pub fn open(self) -> Result<Revisions<T>, Error> {
        let RevisionsBuilder { store, collection, newest, upcasters, .. } = self;
        let collection = collection?;
        let wrong = |problem| Error::Upcasters { collection: collection.to_string(), problem };
        let mut chain = Upcasters::new();
        for (from, upcaster) in upcasters {
            let begins = type_version(&from);
            if chain.insert(from, upcaster).is_some() {
                return Err(wrong(format!("two begin at {begins}")));
            }
        }
        check_chain(&newest, &chain).map_err(wrong)?;
        Ok(Revisions::new(&store, collection, Schema::Versioned { newest, upcasters: chain }))
    }
}

impl<T> fmt::Debug for RevisionsBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let upcasters = self.upcasters.iter().map(|(from, Upcaster { to, .. })| (from, to));
        f.debug_struct("RevisionsBuilder")
            .field("collection", &self.collection)
            .field("version", &self.newest)
            .field("upcasters", &upcasters.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
