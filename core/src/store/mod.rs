//! The store: typed values over a log.

// First, so that the page of `Store` begins with what a store is.
mod handle;

mod actor_policy;
mod along;
mod bell;
mod builder;
mod cache;
mod commit;
mod diff;
mod encoding;
mod erase;
mod extensions;
mod freshness;
mod history;
mod hooks;
mod moment;
mod reading;
mod record;
mod retry;
mod snapshot;
mod subscribe;
mod transaction;
mod virtual_field;
mod within;
mod write;

pub use along::Along;
pub use builder::StoreBuilder;
pub use cache::CacheStats;
pub use diff::{Difference, Differences};
pub use freshness::Freshness;
pub use handle::Store;
pub use history::{Changes, History};
pub use hooks::Watch;
pub use moment::{Live, Moment, Past};
pub use record::Record;
pub use snapshot::Snapshot;
pub use subscribe::{Filter, Subscription};
pub use transaction::{Committed, Transaction, TransactionRecord};
pub use within::View;
pub use write::Expect;
