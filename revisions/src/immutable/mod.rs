//! Values that never change, and collections of which every version shares what it has in common with the others.

mod convert;
mod iter;
mod list;
mod map;
mod set;
mod sought;
mod stored;
mod value;

pub use iter::{ListIntoIter, ListIter, MapIntoIter, MapIter, SetIntoIter, SetIter};
pub use list::List;
pub use map::Map;
pub use set::Set;
pub use value::Immutable;
