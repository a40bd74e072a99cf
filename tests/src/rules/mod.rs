//! The rules of the contract, each a function that panics where its promise is broken.
//!
//! [`suite!`](crate::suite!) makes a test of each; they can also be called one by one.
//!
#![doc = include_str!("promises.md")]

mod abilities;
mod appends;
mod commits;
mod conditions;
mod erasing;
mod faults;
mod fidelity;
mod histories;
mod history;
mod ids;
mod limits;
mod model;
mod names;
mod positions;
mod reopening;
mod restoring;
mod state;
mod times;

pub use abilities::*;
pub use appends::*;
pub use commits::*;
pub use conditions::*;
pub use erasing::*;
pub use faults::*;
pub use fidelity::*;
pub use histories::*;
pub use history::*;
pub use ids::*;
pub use limits::*;
pub use model::*;
pub use names::*;
pub use positions::*;
pub use reopening::*;
pub use restoring::*;
pub use state::*;
pub use times::*;
