#![doc = include_str!("write_a_driver.md")]
//! ```
#![doc = include_str!("scan_driver.rs")]
//! ```
