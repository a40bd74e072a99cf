//! A store of its own on each driver.

#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "a test may panic, and each binary uses a part"
)]

mod counted;

use std::sync::Arc;

use annals_core::{Context, Driver, Store, StoreBuilder};
use annals_driver_memory::MemoryDriver;
use annals_driver_postgres::PostgresOptions;
use annals_driver_sqlite::SqliteDriver;
use annals_test_server::OwnLog;

pub use counted::{Calls, Counted};

/// Where a log lives that a test has for itself, so that it can be opened again.
pub struct Place {
    pub driver: &'static str,
    open: Box<dyn Fn() -> Box<dyn Driver>>,
}

impl Place {
    /// Opens the log, as another process would.
    pub fn open(&self) -> Store {
        self.builder().build()
    }

    pub fn builder(&self) -> StoreBuilder {
        Store::builder((self.open)())
    }

    /// Opens the log, and counts what the store reads of it.
    pub fn counted(&self) -> (Store, Calls) {
        let (driver, calls) = Counted::new((self.open)());
        (Store::new(driver), calls)
    }
}

/// Runs `test` on a store of each driver.
pub fn for_each_driver(test: impl Fn(&Store)) {
    for_each_place(|place| test(&place.open()));
}

/// Runs `test` on a place of each driver.
pub fn for_each_place(test: impl Fn(&Place)) {
    [memory, sqlite, postgres].into_iter().filter_map(|place| place()).for_each(|place| test(&place));
}

pub fn memory() -> Option<Place> {
    let memory = Arc::new(MemoryDriver::new());
    Some(Place { driver: "memory", open: Box::new(move || Box::new(Arc::clone(&memory))) })
}

pub fn sqlite() -> Option<Place> {
    let folder = tempfile::tempdir().unwrap();
    let open = move || Box::new(SqliteDriver::open(folder.path().join("log.db")).unwrap()) as Box<dyn Driver>;
    Some(Place { driver: "sqlite", open: Box::new(open) })
}

/// Returns a place in a database, `None` where there is no server and tests are to do without.
pub fn postgres() -> Option<Place> {
    let log = OwnLog::new()?;
    let options = move || log.url_to_create().parse::<PostgresOptions>().unwrap();
    let open = move || Box::new(options().open().unwrap()) as Box<dyn Driver>;
    Some(Place { driver: "postgres", open: Box::new(open) })
}

pub fn by(actor: &str) -> Context {
    Context::new().actor(actor)
}
