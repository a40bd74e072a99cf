use std::sync::Arc;

use annals_core::Transaction;

use crate::{Draft, Error};

type BeforeCreate<T> = Arc<dyn Fn(&mut T) -> Result<(), Error> + Send + Sync>;
type BeforeUpdate<T> = Arc<dyn Fn(&T, &mut T) -> Result<(), Error> + Send + Sync>;
type AfterCreate<T> = Arc<dyn Fn(&Transaction<'_>, &Draft<T>) -> Result<(), Error> + Send + Sync>;
type AfterUpdate<T> = Arc<dyn Fn(&Transaction<'_>, &T, &Draft<T>) -> Result<(), Error> + Send + Sync>;

/// What is called before and after objects are created and updated through a handle.
pub(crate) struct Hooks<T> {
    pub(crate) before_create: Vec<BeforeCreate<T>>,
    pub(crate) before_update: Vec<BeforeUpdate<T>>,
    pub(crate) after_create: Vec<AfterCreate<T>>,
    pub(crate) after_update: Vec<AfterUpdate<T>>,
}

impl<T> Default for Hooks<T> {
    fn default() -> Hooks<T> {
        Hooks {
            before_create: Vec::new(),
            before_update: Vec::new(),
            after_create: Vec::new(),
            after_update: Vec::new(),
        }
    }
}

impl<T> Clone for Hooks<T> {
    fn clone(&self) -> Hooks<T> {
        Hooks {
            before_create: self.before_create.clone(),
            before_update: self.before_update.clone(),
            after_create: self.after_create.clone(),
            after_update: self.after_update.clone(),
        }
    }
}

impl<T> Hooks<T> {
    pub(crate) fn before_create(&self, draft: &mut T) -> Result<(), Error> {
        self.before_create.iter().try_for_each(|hook| hook(draft))
    }

    pub(crate) fn before_update(&self, before: &T, draft: &mut T) -> Result<(), Error> {
        self.before_update.iter().try_for_each(|hook| hook(before, draft))
    }

    /// Returns whether hooks are called that can write.
    pub(crate) fn any_after(&self) -> bool {
        !self.after_create.is_empty() || !self.after_update.is_empty()
    }

    pub(crate) fn after_create(&self, tx: &Transaction<'_>, draft: &Draft<T>) -> Result<(), Error> {
        self.after_create.iter().try_for_each(|hook| hook(tx, draft))
    }

    pub(crate) fn after_update(
        &self,
        tx: &Transaction<'_>,
        before: &T,
        draft: &Draft<T>,
    ) -> Result<(), Error> {
        self.after_update.iter().try_for_each(|hook| hook(tx, before, draft))
    }
}
