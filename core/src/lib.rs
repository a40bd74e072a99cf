//! An append-only, versioned log of namespaced fields, the typed store above it and the driver
//! trait below it.
//!
//! - A [`Driver`] is where a log lives: bytes, positions and conditions, eleven methods. Drivers are
//!   crates of their own, held to their word by `annals-conformance`.
//! - A [`Log`] is a driver plus what every driver would otherwise do again: checks, limits, paging,
//!   group commit, [dump and load](Log::dump), [verification](Log::verify).
//! - A [`Store`] is a log plus the [`codec`]: typed [`Record`]s, [commits](Store::commit) over
//!   several of them, [transactions](Store::transaction), [`Snapshot`]s of any moment, [`View`]s
//!   of the time while something was the case; [`Subscription`]s to what comes. What was read is held
//!   in memory, as fresh as [told](Freshness).
//!
//! Nothing is overwritten. An [`Entry`] is one change to one [`Key`]; a [`Commit`] is entries that
//! stand or fall together, with a [`Context`] that says who, why and from where; a [`Change`] is an
//! entry together with its commit, which is what history answers with.
//!
//! With the feature `tracing`, appends, reads and subscriptions are spans of the crate of that name, with names
//! and sizes, never values.
//!
//! Applications usually depend on `annals`, which adds the drivers and opens stores by URL; crates
//! that build on a log or a store depend on this one.
//!
//! ```
//! use annals_core::{Context, Store};
//! use annals_driver_memory::MemoryDriver;
//!
//! let store = Store::new(MemoryDriver::new());
//! let config = store.record("config/site")?.with_context(Context::new().actor("dana"));
//! config.set("motd", "Welcome")?;
//! config.set("motd", "Closed on Monday")?;
//!
//! let changes: Vec<_> = config.history("motd")?.into_iter().collect::<Result<_, _>>()?;
//! assert_eq!(changes[0].get::<String>()?.unwrap(), "Welcome");
//! assert_eq!(changes[1].actor(), Some("dana"));
//! assert_eq!(config.at(changes[0].position())?.get("motd")?, Some("Welcome".to_owned()));
//! # Ok::<(), annals_core::Error>(())
//! ```

mod error;
mod log;
mod store;
mod sync;
mod trace;

pub use annals_codec as codec;
pub use error::{DriverError, Error, ErrorKind, NameError};
pub use log::*;
pub use store::*;
