use std::fmt;
use std::sync::Arc;

use annals_codec::{Registry, Timestamp};

use super::actor_policy::ActorPolicy;
use super::bell::Bell;
use super::builder::StoreBuilder;
use super::cache::{Cache, CacheStats};
use super::extensions::Extensions;
use super::freshness::Freshness;
use super::hooks::Hooks;
use super::moment::Live;
use super::record::Record;
use super::snapshot::Snapshot;
use crate::error::Error;
use crate::log::{
    Activities, At, CommitEntries, Context, Driver, Durability, Log, Namespace, Order, Pages, PositionRange,
    Retention,
};

pub(super) type Validator = Box<dyn Fn(&Namespace) -> Result<(), String> + Send + Sync>;

/// Typed values over a log: records, commits, snapshots.
///
/// Cheap to clone, `Send` and `Sync`; all clones are the same store. Commits of several threads share
/// durable writes, see [`Log`]. Values that were read are held in memory, encoded, within
/// [bounds](StoreBuilder::cache_bytes); a read is as fresh as the log unless
/// [told otherwise](Store::with_freshness). Dumping, loading and verifying are the [log](Store::log)'s:
/// `store.log().dump(…)`.
///
/// ```
/// use annals_core::{Context, Store};
/// use annals_driver_memory::MemoryDriver;
///
/// let store = Store::new(MemoryDriver::new());
/// let player = store.record("game/player1")?;
/// player.set("score", &10)?;
/// let before = store.snapshot()?;
///
/// let done = store.commit(Context::new().actor("alice").reason("settle round 2"), |tx| {
///     let player = tx.record("game/player1")?;
///     let score: i64 = player.get("score")?.unwrap_or_default();
///     player.set("score", &(score + 15))?;
///     player.set("round", &2)
/// })?;
/// assert_eq!(done.receipt.unwrap().position().to_string(), "@3");
/// assert_eq!(player.get::<i64>("score")?, Some(25));
/// assert_eq!(before.record("game/player1")?.get::<i64>("score")?, Some(10));
/// # Ok::<(), annals_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Store {
    pub(super) shared: Arc<Shared>,
    pub(super) context: Arc<Context>,
    pub(super) freshness: Freshness,
    pub(super) durability: Durability,
}

pub(super) struct Shared {
    pub(super) log: Log,
    pub(super) cache: Option<Arc<Cache>>,
    pub(super) registry: Registry,
    pub(super) validator: Option<Validator>,
    pub(super) actor_policy: ActorPolicy,
    pub(super) retention: Retention,
    pub(super) hooks: Arc<Hooks>,
    pub(super) bell: Arc<Bell>,
    pub(super) extensions: Extensions,
}

impl Store {
    /// Returns a store over `driver` with default settings.
    #[must_use]
    pub fn new(driver: impl Driver + 'static) -> Store {
        Store::builder(driver).build()
    }

    /// Returns the settings of a store over `driver`.
    pub fn builder(driver: impl Driver + 'static) -> StoreBuilder {
        StoreBuilder::new(driver)
    }

    /// Returns the log underneath.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.shared.log
    }

    /// Returns the custom types that the store knows.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.shared.registry
    }

    /// Returns a handle on the same store whose writes carry `context` where they give none.
    #[must_use]
    pub fn with_context(&self, context: Context) -> Store {
        Store { context: Arc::new(context), ..self.clone() }
    }

    /// Returns a handle on the same store whose commits, and those of its records, ask for
    /// `durability`. What each one reached is in its [receipt](crate::Receipt::durability).
    ///
    /// ```
    /// # use annals_core::{Durability, Store};
    /// # use annals_driver_memory::MemoryDriver;
    /// # let store = Store::new(MemoryDriver::new());
    /// let sensors = store.with_durability(Durability::Buffered).record("sensors")?;
    /// for celsius in [20.5, 20.6, 20.4] {
    ///     let receipt = sensors.set("hall", &celsius)?;
    ///     assert_eq!(receipt.durability, Durability::Buffered);
    /// }
    /// store.flush()?; // now they survive what the driver can make them survive
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    #[must_use]
    pub fn with_durability(&self, durability: Durability) -> Store {
        Store { durability, ..self.clone() }
    }

    /// Makes everything [`Durability::Synced`] that was appended before, by whomever, as far as the
    /// driver can.
    ///
    /// # Errors
    /// If that could not be done, or is not known to be done.
    pub fn flush(&self) -> Result<(), Error> {
        self.shared.log.sync()
    }

    /// Returns what the cache holds and how useful it was.
    ///
    /// ```
    /// # use annals_core::Store;
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let player = store.record("game/player1")?;
    /// player.set("score", &10)?;
    /// for _ in 0..4 {
    ///     assert_eq!(player.get("score")?, Some(10));
    /// }
    /// let stats = store.stats();
    /// assert_eq!((stats.entries, stats.hits, stats.misses), (1, 3, 1));
    /// assert_eq!(stats.hit_rate(), Some(0.75));
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.cache().map(|cache| cache.stats()).unwrap_or_default()
    }

    /// Returns the record at `namespace`, whether or not it has fields.
    ///
    /// # Errors
    /// [`Error::Name`] if the namespace is not valid, [`Error::Invalid`] if the store's validator
    /// refuses it.
    pub fn record(
        &self,
        namespace: impl TryInto<Namespace, Error: Into<Error>>,
    ) -> Result<Record<Live>, Error> {
        Ok(Record::new(self.clone(), self.namespace(namespace)?, Live))
    }

    /// Returns the whole store as of a position or a time.
    ///
    /// A position inside a commit means the commit before it. A time means the last commit recorded
    /// at or before it.
    ///
    /// # Errors
    /// [`Error::BeyondEnd`] if a position lies after the last one.
    pub fn at(&self, at: impl Into<At>) -> Result<Snapshot, Error> {
        Ok(Snapshot::new(self.clone(), self.shared.log.boundary(at)?))
    }

    /// Returns the whole store as of `time`: the same as [`Store::at`] with a time.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn at_time(&self, time: Timestamp) -> Result<Snapshot, Error> {
        self.at(time)
    }

    /// Returns the whole store as of now; later commits do not change it.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        Ok(Snapshot::new(self.clone(), self.end()?))
    }

    /// Returns the commits whose last position lies in `range`, with their entries.
    pub fn commits(&self, range: PositionRange, order: Order) -> Pages<CommitEntries> {
        self.shared.log.commits(range, order)
    }

    /// Returns the commits whose last position lies in `range` by [activity](Context::activity): those
    /// of one activity that follow one another are one item, a commit that belongs to none is its own.
    ///
    /// Costs what reading the commits costs.
    pub fn activities(&self, range: PositionRange, order: Order) -> Activities<Pages<CommitEntries>> {
        Activities::of(self.commits(range, order))
    }

    pub(crate) fn namespace(
        &self,
        namespace: impl TryInto<Namespace, Error: Into<Error>>,
    ) -> Result<Namespace, Error> {
        let namespace = namespace.try_into().map_err(Into::into)?;
        if let Some(validator) = &self.shared.validator {
            validator(&namespace).map_err(|why| {
                Error::Invalid(format!("namespace `{namespace}` is refused by this store: {why}"))
            })?;
        }
        Ok(namespace)
    }

    #[inline]
    pub(crate) fn cache(&self) -> Option<&Arc<Cache>> {
        self.shared.cache.as_ref()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("log", &self.shared.log).finish_non_exhaustive()
    }
}
