//! The conformance suite of Annals: what every driver owes, one named test a rule.
//!
//! A driver's tests are a few lines. [`suite!`] takes a closure that makes an *empty place* and
//! returns an *opener*: a closure that opens the log at that place, again and again, each time
//! after the driver before was dropped. What the opener owns (a temporary folder, say) lives as
//! long as the place.
//!
//! ```
//! # // A doctest runs no #[test]; that the line expands is what is shown here.
//! use std::sync::Arc;
//!
//! use annals_conformance::ScanDriver;
//!
//! annals_conformance::suite!(|| {
//!     let log = Arc::new(ScanDriver::new());
//!     move || Arc::clone(&log)
//! });
//! ```
//!
//! Each rule is a function in [`rules`], where a table says which promise it shows; one
//! of them, [`rules::agrees_with_a_linear_scan`], runs random steps against a driver and
//! [`ScanDriver`], which is too simple to be wrong, and compares every answer. `PROPTEST_CASES`
//! sets how many times.
//!
//! [`assert_linearizable`] lets threads use stores over one log at the same time and checks that an
//! order explains what they were answered; a rule does it for each driver.
//!
//! [`Faulty`] is a decorator that fails chosen calls. [`write_a_driver`] is the page to read
//! before writing a driver.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a rule is a test: it panics where a promise is broken"
)]

mod contents;
mod faulty;
mod histories;
mod hostile_names;
mod places;
mod rounds;
pub mod rules;
mod samples;
mod scan_driver;
mod steps;
mod suite;
pub mod write_a_driver;

pub use faulty::{Fault, Faulty};
pub use histories::{assert_linearizable, assert_linearizable_despite};
pub use hostile_names::hostile_names;
pub use places::{Opened, Places};
pub use scan_driver::ScanDriver;
