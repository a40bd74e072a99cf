use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde::Serialize;

use super::moment::{Moment, Past};
use super::record::Record;
use crate::error::Error;
use crate::log::{Field, Key};

type Function = Arc<dyn Fn(&Record<Past>) -> Result<Arc<[u8]>, Error> + Send + Sync>;

/// The virtual fields of a record handle and its clones.
#[derive(Clone, Default)]
pub(crate) struct VirtualFields {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Whether there are functions: a read of a stored field looks here first.
    any: AtomicBool,
    functions: RwLock<HashMap<Field, Function>>,
}

impl VirtualFields {
    pub(crate) fn add(
        &self,
        name: Field,
        function: impl Fn(&Record<Past>) -> Result<Arc<[u8]>, Error> + Send + Sync + 'static,
    ) {
        self.write().insert(name, Arc::new(function));
        self.shared.any.store(true, Ordering::Release);
    }

    pub(crate) fn remove(&self, name: &Field) -> bool {
        self.write().remove(name).is_some()
    }

    /// Returns the encoded value of the virtual field `name`, `None` if there is no such.
    #[inline]
    pub(crate) fn bytes<M: Moment>(
        &self,
        name: &str,
        record: &Record<M>,
    ) -> Result<Option<Arc<[u8]>>, Error> {
        let Some(function) = self.function(name) else { return Ok(None) };
        function(&record.past(record.end()?).with_virtual_fields(self.without(name))).map(Some)
    }

    /// The others: a function that reads its own name must not call itself for ever.
    fn without(&self, name: &str) -> VirtualFields {
        let mut functions = self.read().clone();
        functions.remove(name);
        let any = AtomicBool::new(!functions.is_empty());
        VirtualFields { shared: Arc::new(Shared { any, functions: RwLock::new(functions) }) }
    }

    /// Fails if the field of `key` is virtual: it is not stored, so it is neither written nor walked.
    pub(crate) fn refuse(&self, key: &Key) -> Result<(), Error> {
        match self.function(key.field().as_str()) {
            None => Ok(()),
            Some(_) => Err(Error::Invalid(format!("{key} is a virtual field of this handle, not stored"))),
        }
    }

    #[inline]
    fn function(&self, name: &str) -> Option<Function> {
        if self.shared.any.load(Ordering::Acquire) { self.read().get(name).cloned() } else { None }
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<Field, Function>> {
        self.shared.functions.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Field, Function>> {
        self.shared.functions.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Moment> Record<M> {
    /// Makes `name` a virtual field of this handle, its clones and its views: a function of the record.
    ///
    /// Other handles, those of transactions among them, know nothing of it. The function reads the record
    /// as of one position. The name can no longer be set, edited or deleted; nothing is stored.
    ///
    /// # Errors
    /// If the name is not valid.
    ///
    /// ```
    /// # use annals_core::Store;
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let player = store.record("game/player1")?;
    /// player.set("score", &21)?;
    /// player.add_virtual_field("doubled", |p| Ok(p.get::<i64>("score")?.unwrap_or(0) * 2))?;
    /// assert_eq!(player.get("doubled")?, Some(42));
    /// assert!(player.set("doubled", &1).is_err());
    /// assert!(player.remove_virtual_field("doubled")?);
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    pub fn add_virtual_field<T: Serialize>(
        &self,
        name: impl TryInto<Field, Error: Into<Error>>,
        function: impl Fn(&Record<Past>) -> Result<T, Error> + Send + Sync + 'static,
    ) -> Result<(), Error> {
        let name = name.try_into().map_err(Into::into)?;
        let what = name.clone();
        self.virtual_fields.add(name, move |record| {
            let value = function(record)?;
            record.store().encode(what.as_str(), &value)
        });
        Ok(())
    }

    /// Removes a virtual field; returns whether there was one.
    ///
    /// # Errors
    /// If the name is not valid.
    pub fn remove_virtual_field(&self, name: impl TryInto<Field, Error: Into<Error>>) -> Result<bool, Error> {
        Ok(self.virtual_fields.remove(&name.try_into().map_err(Into::into)?))
    }
}
