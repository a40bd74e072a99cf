use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::handle::Store;

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

impl Store {
    /// Returns what a layer keeps beside this store: one value of each type, the same for all clones and
    /// handles of the store, begun as its default and gone with the last of them.
    ///
    /// ```
    /// # use std::sync::atomic::{AtomicU32, Ordering};
    /// # let store = annals_core::Store::new(annals_driver_memory::MemoryDriver::new());
    /// #[derive(Default)]
    /// struct Asked(AtomicU32);
    ///
    /// store.extension::<Asked>().0.fetch_add(1, Ordering::Relaxed);
    /// assert_eq!(store.clone().extension::<Asked>().0.load(Ordering::Relaxed), 1);
    /// ```
    #[must_use]
    pub fn extension<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        self.shared.extensions.get()
    }
}
