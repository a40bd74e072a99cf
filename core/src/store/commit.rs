//! Committing to a store: over any number of records at once.

use std::panic::Location;

use super::handle::Store;
use super::transaction::{Committed, Transaction};
use crate::error::Error;
use crate::log::{Batch, Context, Receipt};

impl Store {
    /// Appends what `body` writes, as one commit over any number of records.
    ///
    /// `body` reads everything as of one position, its own writes on top. It is run again if a
    /// field that it deletes changed meanwhile; what it only reads may have changed: use
    /// [`Store::transaction`] where that matters. A body that wrote nothing appends nothing.
    ///
    /// While `body` runs, `context` is [in force](Context::in_scope), innermost at first: what `body`
    /// [adds](Context::set_in_force) to it the commit carries.
    ///
    /// # Errors
    /// What `body` answers, and then nothing is written; else as [`Log::append`](crate::Log::append).
    ///
    /// # Durability
    /// [`Durability::Synced`](crate::Durability::Synced) where the driver can, unless the
    /// [builder](crate::StoreBuilder::durability) or [handle](Store::with_durability) asks for another;
    /// the receipt says what was reached.
    #[track_caller]
    pub fn commit<R>(
        &self,
        context: Context,
        body: impl FnMut(&Transaction<'_>) -> Result<R, Error>,
    ) -> Result<Committed<R>, Error> {
        self.try_commit(context, body)
    }

    /// As [`Store::commit`], for a body with an error type of its own.
    ///
    /// # Errors
    /// As [`Store::commit`].
    #[track_caller]
    pub fn try_commit<R, E: From<Error>>(
        &self,
        context: Context,
        body: impl FnMut(&Transaction<'_>) -> Result<R, E>,
    ) -> Result<Committed<R>, E> {
        Transaction::run(self, &context.or(&self.context), Location::caller(), false, body)
    }

    /// Appends what `body` writes on condition that nothing it read has changed meanwhile.
    ///
    /// Every read becomes a condition of the commit, so that the transaction takes effect as if it
    /// ran alone (serializable). On conflict `body` is run again on the new state, a bounded number
    /// of times. Write through what `body` is given: a write through another handle is a commit of its
    /// own, which each try makes again, and which is in the way if `body` has read that field.
    ///
    /// # Errors
    /// [`Error::Conflict`] with the commit it lost to if the last try was in vain; else as
    /// [`Store::commit`].
    ///
    /// ```
    /// # use annals_core::{Context, Store};
    /// # use annals_driver_memory::MemoryDriver;
    /// # let store = Store::new(MemoryDriver::new());
    /// store.record("account/a")?.set("balance", &100)?;
    /// store.transaction(Context::new().reason("transfer"), |tx| {
    ///     let (a, b) = (tx.record("account/a")?, tx.record("account/b")?);
    ///     let available: i64 = a.get("balance")?.unwrap_or_default();
    ///     let before: i64 = b.get("balance")?.unwrap_or_default();
    ///     a.set("balance", &(available - 30))?;
    ///     b.set("balance", &(before + 30))
    /// })?;
    /// assert_eq!(store.record("account/b")?.get("balance")?, Some(30));
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    #[track_caller]
    pub fn transaction<R>(
        &self,
        context: Context,
        body: impl FnMut(&Transaction<'_>) -> Result<R, Error>,
    ) -> Result<Committed<R>, Error> {
        self.try_transaction(context, body)
    }

    /// As [`Store::transaction`], for a body with an error type of its own.
    ///
    /// # Errors
    /// As [`Store::transaction`].
    #[track_caller]
    pub fn try_transaction<R, E: From<Error>>(
        &self,
        context: Context,
        body: impl FnMut(&Transaction<'_>) -> Result<R, E>,
    ) -> Result<Committed<R>, E> {
        Transaction::run(self, &context.or(&self.context), Location::caller(), true, body)
    }

    /// Returns what a commit of `caller` carries: what `context` leaves open comes from this handle's own,
    /// then from what is in force.
    pub(crate) fn complete(&self, context: Context, caller: &Location<'_>) -> Context {
        context.or(&self.context).completed(caller)
    }

    pub(crate) fn append(&self, batch: Batch) -> Result<Receipt, Error> {
        self.shared.actor_policy.check(&batch)?;
        self.shared.log.append(batch, self.durability)
    }
}
