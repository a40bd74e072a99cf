//! What a store promises, whatever the driver: each test is named by its promise and runs on all of them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

/// Makes each of the given functions of a `&Store` a test on every driver.
macro_rules! on_every_driver {
    ($($promise:ident),* $(,)?) => {
        mod memory {
            $(#[test] fn $promise() { super::$promise(&crate::stores::memory()) })*
        }
        mod sqlite {
            $(#[test] fn $promise() {
                let folder = tempfile::tempdir().unwrap();
                super::$promise(&crate::stores::sqlite(&folder));
            })*
        }
        #[cfg(feature = "postgres")]
        mod postgres {
            $(#[test] fn $promise() {
                if let Some(log) = annals_test_server::OwnLog::new() {
                    super::$promise(&annals::Store::open(&log.url_to_create()).unwrap());
                }
            })*
        }
    };
}

mod actors;
mod callbacks;
mod clocks;
mod commits;
mod concurrency;
mod context_parts;
mod contexts;
mod custom_types;
mod diff;
mod dump;
mod durability;
mod erasing;
mod faults;
mod histories;
mod history;
mod model;
mod nothings;
#[cfg(unix)]
mod processes;
mod rules;
mod stores;
mod subscriptions;
mod time_travel;
mod views;
