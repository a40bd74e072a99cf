use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::record::{Moment, Past, Record};
use crate::error::Error;
use crate::log::{Field, Key};

type Function = Arc<dyn Fn(&Record<Past>) -> Result<Arc<[u8]>, Error> + Send + Sync>;

/// The virtual fields of a record handle and its clones.
#[derive(Clone, Default)]
pub(crate) struct VirtualFields {
    functions: Arc<RwLock<HashMap<Field, Function>>>,
}

impl VirtualFields {
    pub(crate) fn add(
        &self,
        name: Field,
        function: impl Fn(&Record<Past>) -> Result<Arc<[u8]>, Error> + Send + Sync + 'static,
    ) {
        let mut functions = self.functions.write().unwrap_or_else(PoisonError::into_inner);
        functions.insert(name, Arc::new(function));
    }

    pub(crate) fn remove(&self, name: &Field) -> bool {
        let mut functions = self.functions.write().unwrap_or_else(PoisonError::into_inner);
        functions.remove(name).is_some()
    }

    /// Returns the encoded value of the virtual field `name`, `None` if there is no such.
    pub(crate) fn bytes<M: Moment>(
        &self,
        name: &Field,
        record: &Record<M>,
    ) -> Result<Option<Arc<[u8]>>, Error> {
        let Some(function) = self.function(name) else { return Ok(None) };
        function(&record.past(record.end()?).with_virtual_fields(self.without(name))).map(Some)
    }

    /// The others: a function that reads its own name must not call itself for ever.
    fn without(&self, name: &Field) -> VirtualFields {
        let mut functions = self.functions.read().unwrap_or_else(PoisonError::into_inner).clone();
        functions.remove(name);
        VirtualFields { functions: Arc::new(RwLock::new(functions)) }
    }

    /// Fails if the field of `key` is virtual: it is not stored, so it is neither written nor walked.
    pub(crate) fn refuse(&self, key: &Key) -> Result<(), Error> {
        match self.function(key.field()) {
            None => Ok(()),
            Some(_) => Err(Error::Invalid(format!("{key} is a virtual field of this handle, not stored"))),
        }
    }

    fn function(&self, name: &Field) -> Option<Function> {
        self.functions.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}
