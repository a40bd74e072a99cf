use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

type Extension = Arc<dyn Any + Send + Sync>;

/// What layers keep beside a store, at most one value of each type.
#[derive(Default)]
pub(super) struct Extensions(Mutex<HashMap<TypeId, Extension>>);

impl Extensions {
    pub(super) fn get<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let begun = || Arc::<T>::default() as Extension;
        let mut extensions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let extension = Arc::clone(extensions.entry(TypeId::of::<T>()).or_insert_with(begun));
        // Of that type, as it stands under its id.
        extension.downcast().unwrap_or_default()
    }
}
