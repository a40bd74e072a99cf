//! An append-only, versioned log of namespaced fields, the typed store above it and the driver
//! trait below it.

mod error;
mod log;
mod store;

pub use annals_codec as codec;
pub use error::{DriverError, Error, ErrorKind, NameError};
pub use log::*;
pub use store::*;
