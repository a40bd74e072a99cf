//! State that remembers.
#![doc = include_str!("../../README.md")]

mod store;
mod url;

pub use annals_core::*;
#[cfg(feature = "memory")]
pub use annals_driver_memory::MemoryDriver;
#[cfg(feature = "postgres")]
pub use annals_driver_postgres::{AppendBy, PostgresDatabase, PostgresDriver, PostgresOptions};
#[cfg(feature = "sqlite")]
pub use annals_driver_sqlite::SqliteDriver;
#[cfg(feature = "revisions")]
pub use annals_revisions as revisions;
pub use store::Store;
pub use url::{ListedLog, StoreUrl};

/// What every fallible call of this crate answers with.
pub type Result<T, E = Error> = std::result::Result<T, E>;
