use std::fmt;
use std::sync::Arc;

use annals_codec::Registry;

use super::actor_policy::ActorPolicy;
use super::bell::Bell;
use super::cache::Cache;
use super::extensions::Extensions;
use super::freshness::Freshness;
use super::handle::{Shared, Store, Validator};
use super::hooks::Hooks;
use crate::log::{Clock, Driver, Durability, Log, Namespace, Retention, Scope};

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
    pub(super) fn new(driver: impl Driver + 'static) -> StoreBuilder {
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
    /// actor, or a blank one. [`Error::Invalid`](crate::Error::Invalid) names the key, and nothing of the
    /// commit is written.
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
