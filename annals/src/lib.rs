//! State that remembers.
#![doc = include_str!("../../README.md")]

mod sqlite;
mod store;
mod url;

pub use annals_core::*;
#[cfg(feature = "memory")]
pub use annals_driver_memory::MemoryDriver;
#[cfg(feature = "postgres")]
pub use annals_driver_postgres::{AppendBy, PostgresDatabase, PostgresDriver, PostgresOptions};
#[cfg(feature = "sqlite")]
pub use annals_driver_sqlite::SqliteDriver;
/// Immutable values, and objects of which every revision is kept.
///
/// ```
/// use annals::revisions::Revisions;
/// use annals::{Context, Store};
///
/// let store = Store::open("memory:")?;
/// let scores = Revisions::<u32>::open(&store, "scores")?;
/// let first = scores.insert("ann", &7, Context::new().actor("ben"))?;
/// scores.update(&first, Context::new().actor("cy"), |score| *score += 1)?;
/// assert_eq!(scores.get("ann", 1)?.as_deref(), Some(&7));
/// assert_eq!(scores.current("ann")?.unwrap().creator(), Some("cy"));
/// # Ok::<(), annals::revisions::Error>(())
/// ```
#[cfg(feature = "revisions")]
#[doc(inline)]
pub use annals_revisions as revisions;
pub use store::Store;
pub use url::{ListedLog, StoreUrl};

/// What every fallible call of this crate answers with.
pub type Result<T, E = Error> = std::result::Result<T, E>;
