use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use annals_core::{Namespace, Store, Transaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::hooks::Hooks;
use crate::kept::Kept;
use crate::schema::Schema;
use crate::{Draft, Error};

/// What can be kept in a collection: anything that serde can write and read, and that can be cloned, as
/// each draft starts as a clone.
///
/// A struct, and a map whose keys are texts, has an attribute for each member; anything else is the one
/// attribute `value`. What serde leaves out is not kept.
pub trait Object: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Object for T {}

/// A collection of objects of which every revision is kept.
///
/// Cheap to clone, `Send` and `Sync`. An object is a record below the collection's namespace, so that
/// everything that a store can do with records can be done with it; what is written to that record by
/// other ways belongs to no revision, and is not seen here.
///
/// ```
/// use annals_core::{Context, Store};
/// use annals_driver_memory::MemoryDriver;
/// use annals_revisions::Revisions;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Answer {
///     question: String,
///     answer: Option<u32>,
/// }
///
/// let store = Store::new(MemoryDriver::new());
/// let answers = Revisions::<Answer>::open(&store, "answers")?;
/// let question = Answer { question: "what is it all about?".into(), answer: None };
/// let first = answers.insert("everything", &question, Context::new().actor("arthur"))?;
///
/// let found = Context::new().actor("computer").reason("provide the answer");
/// let second = answers.update(&first, found, |draft| draft.answer = Some(42))?;
/// assert_eq!((second.version(), second.answer, second.creator()), (2, Some(42), Some("computer")));
/// assert_eq!(first.answer, None);
///
/// let late = answers.update(&first, Context::new().actor("arthur"), |draft| draft.answer = Some(6));
/// assert_eq!(late.unwrap_err().conflict().unwrap().lost_to, *second.commit());
/// # Ok::<(), annals_revisions::Error>(())
/// ```
pub struct Revisions<T> {
    pub(crate) store: Store,
    pub(crate) collection: Namespace,
    pub(crate) schema: Arc<Schema>,
    pub(crate) kept: Arc<Kept<T>>,
    pub(crate) hooks: Arc<Hooks<T>>,
    pub(crate) filter: Option<Filter<T>>,
    /// Whether objects are shown that are deleted or retired.
    pub(crate) with_deleted: bool,
    /// Whether updates are written that change nothing.
    pub(crate) touching: bool,
}

pub(crate) type Filter<T> = Arc<dyn Fn(&T) -> bool + Send + Sync>;

impl<T: Object> Revisions<T> {
    /// Returns the collection of the objects below `namespace`, whether or not there are any. What there is to
    /// say of its type is said to a [builder](Revisions::builder).
    ///
    /// # Errors
    /// If the namespace is not valid, or the store refuses it.
    pub fn open(
        store: &Store,
        namespace: impl TryInto<Namespace, Error: Into<annals_core::Error>>,
    ) -> Result<Revisions<T>, Error> {
        Revisions::builder(store, namespace).open()
    }

    pub(crate) fn new(store: &Store, collection: Namespace, schema: Schema) -> Revisions<T> {
        Revisions {
            store: store.clone(),
            collection,
            schema: Arc::new(schema),
            kept: Arc::new(Kept::new()),
            hooks: Arc::default(),
            filter: None,
            with_deleted: false,
            touching: false,
        }
    }

    /// Returns the store that the collection belongs to.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Returns the address of the collection.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.collection
    }

    /// Returns a handle that also shows the objects that are deleted or retired, as they were: but for those
    /// that were purged, of which there is nothing to show.
    #[must_use]
    pub fn with_deleted(&self) -> Revisions<T> {
        Revisions { with_deleted: true, ..self.clone() }
    }

    /// Returns a handle whose updates append a revision even if they change nothing.
    #[must_use]
    pub fn touching(&self) -> Revisions<T> {
        Revisions { touching: true, ..self.clone() }
    }

    /// Returns a handle that knows only the objects whose newest content `predicate` accepts.
    ///
    /// To everything that is done through it, purging included, the others do not exist, but for their
    /// names, which stay taken. Filters of a filtered handle add up.
    ///
    /// ```
    /// # use annals_core::{Context, Store};
    /// # use annals_revisions::{Error, Revisions};
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let scores = Revisions::<u32>::open(&store, "scores")?;
    /// scores.insert("ann", &7, Context::new())?;
    /// scores.insert("ben", &3, Context::new())?;
    ///
    /// let high = scores.filtered(|score| *score > 5);
    /// assert_eq!(high.names().collect::<Result<Vec<_>, _>>()?, ["ann"]);
    /// assert!(matches!(high.delete("ben", Context::new()), Err(Error::NoObject { .. })));
    /// # Ok::<(), annals_revisions::Error>(())
    /// ```
    #[must_use]
    pub fn filtered(&self, predicate: impl Fn(&T) -> bool + Send + Sync + 'static) -> Revisions<T> {
        let filter: Filter<T> = match self.filter.clone() {
            Some(outer) => Arc::new(move |content| outer(content) && predicate(content)),
            None => Arc::new(predicate),
        };
        Revisions { filter: Some(filter), ..self.clone() }
    }

    /// Returns a handle that calls `hook` before it creates an object, with what is to be its content. The
    /// hook may change it; if it fails, nothing is written.
    #[must_use]
    pub fn before_create(
        &self,
        hook: impl Fn(&mut T) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Revisions<T> {
        self.with_hook(|hooks| hooks.before_create.push(Arc::new(hook)))
    }

    /// Returns a handle that calls `hook` before it updates an object, with the content that is and the one
    /// that is to be. The hook may change the latter; if it fails, nothing is written.
    #[must_use]
    pub fn before_update(
        &self,
        hook: impl Fn(&T, &mut T) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Revisions<T> {
        self.with_hook(|hooks| hooks.before_update.push(Arc::new(hook)))
    }

    /// Returns a handle that calls `hook` after it has created an object, in the same transaction: what the
    /// hook writes there stands or falls with the object, and if it fails, nothing is written.
    ///
    /// What it makes of the object itself belongs to the same revision. It is called again where the
    /// transaction is run again. To learn of what was committed, see [`Store::on_change`].
    #[must_use]
    pub fn after_create(
        &self,
        hook: impl Fn(&Transaction<'_>, &Draft<T>) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Revisions<T> {
        self.with_hook(|hooks| hooks.after_create.push(Arc::new(hook)))
    }

    /// Returns a handle that calls `hook` after it has updated an object, with the content that was and the
    /// one that is to be; else as [`Revisions::after_create`]. Not called where nothing was written.
    #[must_use]
    pub fn after_update(
        &self,
        hook: impl Fn(&Transaction<'_>, &T, &Draft<T>) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Revisions<T> {
        self.with_hook(|hooks| hooks.after_update.push(Arc::new(hook)))
    }

    fn with_hook(&self, add: impl FnOnce(&mut Hooks<T>)) -> Revisions<T> {
        let mut hooks = Hooks::clone(&self.hooks);
        add(&mut hooks);
        Revisions { hooks: Arc::new(hooks), ..self.clone() }
    }
}

impl<T> Clone for Revisions<T> {
    fn clone(&self) -> Revisions<T> {
        Revisions {
            store: self.store.clone(),
            collection: self.collection.clone(),
            schema: Arc::clone(&self.schema),
            kept: Arc::clone(&self.kept),
            hooks: Arc::clone(&self.hooks),
            filter: self.filter.clone(),
            ..*self
        }
    }
}

impl<T> fmt::Debug for Revisions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revisions")
            .field("collection", &self.collection)
            .field("type", &PhantomData::<T>)
            .finish_non_exhaustive()
    }
}
