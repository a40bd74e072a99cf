//! Who refers to whom, and what becomes of those who refer to what is deleted.

mod affected;
mod changes;
mod declaration;
mod declare;
mod deletion;
mod fit;
mod names;
mod on_delete;
mod plan;
mod planner;
mod referrer;
mod revived;
mod withdraw;

pub use affected::Affected;
pub(crate) use changes::ReferenceChanges;
pub use on_delete::{NewName, OnDelete};
pub use plan::Plan;
pub use referrer::Referrer;
pub(crate) use referrer::{REFERRERS, is_of_referrers};
pub use revived::Revived;
