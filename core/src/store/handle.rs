use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use annals_codec::{Registry, Timestamp};
use serde::Serialize;

use super::actor_policy::ActorPolicy;
use super::bell::Bell;
use super::cache::{Cache, CacheStats, Newest};
use super::extensions::Extensions;
use super::freshness::Freshness;
use super::hooks::{Hooks, Watch};
use super::moment::Live;
use super::record::Record;
use super::snapshot::Snapshot;
use super::subscribe::{Filter, Subscription};
use super::transaction::{Committed, Transaction};
use crate::error::Error;
use crate::log::{
    Activities, At, Batch, Change, Clock, CommitEntries, Context, Driver, Durability, Erasure, Key, Log,
    Namespace, Order, Pages, Position, PositionRange, Receipt, Retention, Scope, Selector, erasure_key,
};

type Validator = Box<dyn Fn(&Namespace) -> Result<(), String> + Send + Sync>;

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
    shared: Arc<Shared>,
    context: Arc<Context>,
    freshness: Freshness,
    durability: Durability,
}

struct Shared {
    log: Log,
    cache: Option<Arc<Cache>>,
    registry: Registry,
    validator: Option<Validator>,
    actor_policy: ActorPolicy,
    retention: Retention,
    hooks: Arc<Hooks>,
    bell: Arc<Bell>,
    extensions: Extensions,
}

/// Settings of a store that is to be opened over a driver.
#[must_use = "nothing is opened before `build`"]
pub struct StoreBuilder {
    log: Log,
    registry: Registry,
    validator: Option<Validator>,
    actor_policy: ActorPolicy,
    retention: Retention,
    cache_bytes: usize,
    freshness: Freshness,
    durability: Durability,
}

impl StoreBuilder {
    /// Knows the custom types of `registry`.
    pub fn registry(mut self, registry: Registry) -> StoreBuilder {
        self.registry = registry;
        self
    }

    /// Refuses records whose namespace `rule` answers with an error text, in reads and writes.
    pub fn namespace_validator(
        mut self,
        rule: impl Fn(&Namespace) -> Result<(), String> + Send + Sync + 'static,
    ) -> StoreBuilder {
        self.validator = Some(Box::new(rule));
        self
    }

    /// Refuses commits that write in `scope` and do not say who: neither the commit nor the entry has an
    /// actor, or a blank one. [`Error::Invalid`] names the key, and nothing of the commit is written.
    ///
    /// Can be called for several scopes. What is appended to the [log](Store::log) directly is not
    /// concerned.
    ///
    /// ```
    /// # use annals_core::{Context, ErrorKind, Namespace, Scope, Store};
    /// # use annals_driver_memory::MemoryDriver;
    /// let accounts = Scope::Under(Namespace::new("accounts")?);
    /// let store = Store::builder(MemoryDriver::new()).require_actor(accounts).build();
    ///
    /// let account = store.record("accounts/ann")?;
    /// assert_eq!(account.set("limit", &500).unwrap_err().kind(), ErrorKind::Invalid);
    /// Context::new().actor("dana").in_scope(|| account.set("limit", &500))?;
    /// store.record("visits")?.set("count", &1)?;
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    pub fn require_actor(mut self, scope: Scope) -> StoreBuilder {
        self.actor_policy.require_in(scope);
        self
    }

    /// Lets [`Store::compact`] take what these rules do not keep; all is kept unless set.
    pub fn retention(mut self, rules: Retention) -> StoreBuilder {
        self.retention = rules;
        self
    }

    /// Takes the time of recording from `clock`.
    pub fn clock(mut self, clock: impl Clock + 'static) -> StoreBuilder {
        self.log = self.log.with_clock(clock);
        self
    }

    /// Refuses values of more than `bytes` encoded bytes; 64 MiB unless set.
    pub fn value_bytes_max(mut self, bytes: u64) -> StoreBuilder {
        self.log = self.log.with_value_bytes_max(bytes);
        self
    }

    /// Holds values that were read in at most `bytes` bytes of memory, names and overhead included;
    /// 64 MiB unless set. 0 switches the cache off: then every read asks the driver.
    ///
    /// A value of more than an eighth of that is not held. What a handle on a record needs for itself
    /// is the handle's, and not counted.
    pub fn cache_bytes(mut self, bytes: usize) -> StoreBuilder {
        self.cache_bytes = bytes;
        self
    }

    /// Sets what reads know of the commits of other processes; [`Freshness::Checked`] unless set.
    pub fn freshness(mut self, freshness: Freshness) -> StoreBuilder {
        self.freshness = freshness;
        self
    }

    /// Asks for this durability in every commit; [`Durability::Synced`] unless set.
    /// [`Store::with_durability`] asks for another.
    pub fn durability(mut self, durability: Durability) -> StoreBuilder {
        self.durability = durability;
        self
    }

    /// Returns the store. Nothing of the log is read yet.
    #[must_use]
    pub fn build(self) -> Store {
        let StoreBuilder {
            log,
            registry,
            validator,
            actor_policy,
            retention,
            cache_bytes,
            freshness,
            durability,
        } = self;
        let cache = (cache_bytes > 0).then(|| Arc::new(Cache::new(log.clone(), cache_bytes)));
        if let Some(cache) = &cache {
            log.observe(&(Arc::clone(cache) as _));
        }
        let (hooks, bell) = (Arc::<Hooks>::default(), Arc::<Bell>::default());
        log.observe(&(Arc::clone(&hooks) as _));
        log.observe(&(Arc::clone(&bell) as _));
        let extensions = Extensions::default();
        let shared =
            Shared { log, cache, registry, validator, actor_policy, retention, hooks, bell, extensions };
        Store { shared: Arc::new(shared), context: Arc::default(), freshness, durability }
    }
}

impl fmt::Debug for StoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreBuilder").field("log", &self.log).finish_non_exhaustive()
    }
}

impl Store {
    /// Returns a store over `driver` with default settings.
    #[must_use]
    pub fn new(driver: impl Driver + 'static) -> Store {
        Store::builder(driver).build()
    }

    /// Returns the settings of a store over `driver`.
    pub fn builder(driver: impl Driver + 'static) -> StoreBuilder {
        StoreBuilder {
            log: Log::new(driver),
            registry: Registry::default(),
            validator: None,
            actor_policy: ActorPolicy::default(),
            retention: Retention::keep_all(),
            cache_bytes: Cache::BYTES,
            freshness: Freshness::default(),
            durability: Durability::default(),
        }
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

    /// Returns a handle on the same store whose reads of the present are as fresh as this: those of its
    /// records, its [snapshots](Store::snapshot) and views. What is read in order to write (`edit`,
    /// `delete`, commits, transactions) is checked always.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use annals_core::{Freshness, Store};
    /// use annals_driver_memory::MemoryDriver;
    ///
    /// let driver = Arc::new(MemoryDriver::new());
    /// let ours = Store::new(Arc::clone(&driver));
    /// let player = ours.record("game/player1")?;
    /// let quick = ours.with_freshness(Freshness::Cached).record("game/player1")?;
    /// player.set("score", &10)?;
    /// assert_eq!(quick.get("score")?, Some(10)); // what this store wrote is always seen
    ///
    /// let theirs = Store::new(driver);
    /// theirs.record("game/player1")?.set("score", &20)?;
    /// assert_eq!(quick.get("score")?, Some(10));
    /// assert_eq!(ours.refresh()?.get(), 2);
    /// assert_eq!(quick.get("score")?, Some(20));
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    #[must_use]
    pub fn with_freshness(&self, freshness: Freshness) -> Store {
        Store { freshness, ..self.clone() }
    }

    /// Learns of everything that was appended so far, by other processes too; returns the position up to
    /// which [cached](Freshness::Cached) reads are true now.
    ///
    /// Costs the entries that were appended since, but no more than a few thousand: after more, what is
    /// held in memory is forgotten instead.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn refresh(&self) -> Result<Position, Error> {
        let last = self.shared.log.last_position()?;
        let Some(cache) = self.cache() else { return Ok(last) };
        cache.catch_up(last)?;
        Ok(cache.known())
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

    /// Returns a handle on the same store whose commits, and those of its records, ask for
    /// `durability`. What each one reached is in its [receipt](Receipt::durability).
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
    /// What `body` answers, and then nothing is written; else as [`Log::append`].
    ///
    /// # Durability
    /// [`Durability::Synced`] where the driver can, unless the [builder](StoreBuilder::durability) or
    /// [handle](Store::with_durability) asks for another; the receipt says what was reached.
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

    /// Erases values for good; their entries stay, and say that they were [erased](Error::Erased).
    ///
    /// As [`Log::erase`], where all of it is told. The context is completed from this handle, and
    /// callbacks see the commit that tells of the erasure.
    ///
    /// # Errors
    /// As [`Log::erase`].
    ///
    /// # Durability
    /// [`Durability::Synced`] where the driver can.
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

    /// Erases the values that the store's [retention rules](StoreBuilder::retention) do not keep.
    ///
    /// As [`Log::compact`]; the context is completed from this handle.
    ///
    /// # Errors
    /// As [`Log::compact`].
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

    /// Calls `callback` with each change that this store (any clone of it) commits from now on, also
    /// through its [log](Store::log).
    ///
    /// Calls come after the commit is as durable as its receipt says, in position order, outside of all locks, on
    /// whichever committing thread has the turn; a commit returns after its own calls, unless it
    /// was made inside a callback. Callbacks may write, but must not wait for another thread that
    /// does: it would wait for its turn to tell. A panic in one harms nothing.
    pub fn on_change(&self, callback: impl Fn(&Change) + Send + Sync + 'static) -> Watch {
        self.shared.hooks.add(Arc::new(callback))
    }

    /// Returns the commits after `from` that have entries which pass `filter`, those to come included:
    /// see [`Subscription`].
    ///
    /// `from` is what another subscription [has reached](Subscription::position), or
    /// [`Position::START`] for all of the log. Of a commit that it lies inside of, nothing was seen.
    ///
    /// # Errors
    /// [`Error::BeyondEnd`] if `from` lies after the last position: it belongs to another log.
    ///
    /// ```
    /// use std::time::Duration;
    /// use annals_core::{Namespace, Scope, Store};
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let begun = store.snapshot()?.position();
    /// let mut orders = store.subscribe(begun, Scope::Under(Namespace::new("orders")?))?;
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| store.record("orders/1")?.set("total", &40));
    ///     let commit = orders.next_within(Duration::from_secs(60))?.unwrap();
    ///     assert_eq!(commit.entries[0].get::<i64>()?, Some(40));
    ///     Ok::<(), annals_core::Error>(())
    /// })?;
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    pub fn subscribe(&self, from: Position, filter: impl Into<Filter>) -> Result<Subscription, Error> {
        let Shared { log, bell, .. } = &*self.shared;
        Subscription::new(log.clone(), Arc::clone(bell), from, filter.into())
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

    /// Returns the canonical bytes as which `value` is stored; `what` names it in errors.
    ///
    /// # Errors
    /// [`Error::Encode`] if it cannot be encoded, or holds a custom value that the store's
    /// [registry](Store::registry) does not accept.
    pub fn encode<T: Serialize + ?Sized>(&self, what: &str, value: &T) -> Result<Arc<[u8]>, Error> {
        let refuse = |problem| Error::Encode { what: what.to_owned(), problem };
        let bytes = annals_codec::encode(value).map_err(refuse)?;
        if annals_codec::may_hold_custom(&bytes) {
            let value = annals_codec::Value::from_bytes(&bytes).map_err(refuse)?;
            self.shared.registry.check(&value).map_err(refuse)?;
        }
        Ok(bytes.into())
    }

    /// Returns whether two encoded values are the same: equal bytes, or equal by their custom types'
    /// own equality.
    #[must_use]
    pub fn same(&self, a: &[u8], b: &[u8]) -> bool {
        let value = |bytes| annals_codec::Value::from_bytes(bytes).ok();
        a == b
            || annals_codec::may_hold_custom(a)
                && value(a).zip(value(b)).is_some_and(|(a, b)| self.shared.registry.same(&a, &b))
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

    #[inline]
    pub(crate) fn cache(&self) -> Option<&Arc<Cache>> {
        self.shared.cache.as_ref()
    }

    /// Returns the end of the present as this handle knows it, which is the end of a commit.
    #[inline]
    pub(crate) fn end(&self) -> Result<Position, Error> {
        match (self.freshness, self.cache()) {
            (Freshness::Cached, Some(cache)) if cache.known() > Position::START => cache.with_own_commits(),
            _ => self.refresh(),
        }
    }

    /// Returns the position up to which a single read of the present looks.
    pub(crate) fn through(&self) -> Result<Position, Error> {
        match (self.freshness, self.cache()) {
            (Freshness::Cached, Some(_)) => self.end(),
            _ => Ok(Position::MAX),
        }
    }

    /// Returns the newest entry of `key` for somebody who means to write, whatever the freshness.
    pub(crate) fn newest_checked(&self, key: &Key) -> Result<Option<Newest>, Error> {
        let at = if self.cache().is_some() { self.refresh()? } else { Position::MAX };
        self.newest_at(key, at)
    }

    /// Returns the newest entry of `key` at or before `at`, the end of a commit.
    pub(crate) fn newest_at(&self, key: &Key, at: Position) -> Result<Option<Newest>, Error> {
        match self.cache() {
            Some(cache) => cache.newest_at(key, at),
            None => Ok(self.log().entry(key, at)?.as_ref().map(Newest::from)),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("log", &self.shared.log).finish_non_exhaustive()
    }
}
