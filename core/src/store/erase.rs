//! Erasing values from a store, by hand and by its rules.

use std::panic::Location;

use super::handle::Store;
use crate::error::Error;
use crate::log::{Context, Erasure, Position, Selector, erasure_key};

impl Store {
    /// Erases values for good; their entries stay, and say that they were [erased](Error::Erased).
    ///
    /// As [`Log::erase`](crate::Log::erase), where all of it is told. The context is completed from this
    /// handle, and callbacks see the commit that tells of the erasure.
    ///
    /// # Errors
    /// As [`Log::erase`](crate::Log::erase).
    ///
    /// # Durability
    /// [`Durability::Synced`](crate::Durability::Synced) where the driver can.
    ///
    /// ```
    /// use annals_core::{Context, Error, Namespace, Selector, Store};
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let person = store.record("person/7")?;
    /// person.set("email", "p7@example.org")?;
    ///
    /// let dana = store.with_context(Context::new().actor("dana"));
    /// let everything = Selector::under(Namespace::new("person/7")?);
    /// let erasure = dana.erase(&everything, Context::new().reason("asked to be forgotten"))?;
    /// assert_eq!(erasure.entries, 1);
    /// assert!(matches!(person.get::<String>("email"), Err(Error::Erased { .. })));
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    #[track_caller]
    pub fn erase(&self, selector: &Selector, context: Context) -> Result<Erasure, Error> {
        let context = self.complete(context, Location::caller());
        self.shared.log.erase(selector, &context)
    }

    /// Erases the values that the store's [retention rules](crate::StoreBuilder::retention) do not keep.
    ///
    /// As [`Log::compact`](crate::Log::compact); the context is completed from this handle.
    ///
    /// # Errors
    /// As [`Log::compact`](crate::Log::compact).
    ///
    /// ```
    /// use annals_core::{Context, Retention, Store};
    /// # use annals_driver_memory::MemoryDriver;
    /// let rules = Retention::keep_all().latest("sensor/**")?;
    /// let store = Store::builder(MemoryDriver::new()).retention(rules).build();
    /// let sensor = store.record("sensor/roof")?;
    /// for celsius in [19, 20, 21] {
    ///     sensor.set("celsius", &celsius)?;
    /// }
    /// let done = store.compact(Context::new().actor("cron").reason("nightly"), |_| {})?;
    /// assert_eq!((done.entries, sensor.get("celsius")?), (2, Some(21)));
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    #[track_caller]
    pub fn compact(&self, context: Context, progress: impl FnMut(&Erasure)) -> Result<Erasure, Error> {
        let context = self.complete(context, Location::caller());
        self.shared.log.compact(&self.shared.retention, &context, progress)
    }

    /// Returns the position of the newest record of an erasure at or before `at`, the end of a commit;
    /// [`Position::START`] if nothing was erased by then. What was read is whole as long as this stays the same.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn last_erasure(&self, at: Position) -> Result<Position, Error> {
        let newest = self.newest_at(&erasure_key()?, at)?;
        Ok(newest.map_or(Position::START, |newest| newest.position))
    }
}
