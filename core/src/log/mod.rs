//! The log: entries, commits, conditions, the driver trait. Bytes only; values are the store's.

// First, so that the page of `Log` begins with what a log is.
mod handle;

mod activity;
mod appends;
mod batch;
mod carried_tags;
mod clock;
mod context;
mod context_part;
mod driver;
mod dump;
mod entry;
mod erase;
mod group;
mod in_force;
mod line;
mod name;
mod observer;
mod pages;
mod position;
mod retention;
mod sweep;
#[cfg(test)]
mod tests;
mod tracked;
mod upgrade;
mod verify;

pub use activity::{Activities, Activity};
pub use batch::{Batch, Condition, Conflict, Receipt, Write};
pub use clock::{Clock, SystemClock};
pub use context::Context;
pub use context_part::ContextPart;
pub use driver::{
    Abilities, Announce, At, Check, CheckReport, Driver, Durability, Erase, Measure, Scope, Size,
};
pub use dump::{DumpSummary, check_dump};
pub use entry::{Action, Change, Commit, CommitEntries, CommitId, Entry};
pub(crate) use erase::erasure_key;
pub use erase::{ERASURES, Erasable, Erasure, Selector};
pub use handle::{CONTEXT_BYTES_MAX, Log, VALUE_BYTES_MAX};
pub use in_force::Instrumented;
pub use name::{Field, KEY_BYTES_MAX, Key, Namespace};
pub(crate) use observer::{Appended, Observer};
pub use pages::Pages;
pub use position::{Order, Position, PositionRange};
pub use retention::Retention;
pub use upgrade::Upgrade;
pub use verify::{Damage, Verification};
