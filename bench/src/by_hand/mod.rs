//! The baselines: what one would write by hand for this data alone.

mod grouped;
mod map;
mod tables;

pub use grouped::GroupedByHand;
pub use map::MapByHand;
pub use tables::ByHand;
