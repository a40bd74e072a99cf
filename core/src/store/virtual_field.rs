use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::record::{Moment, Past, Record};
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
