//! A store of its own on each driver.

#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "a test may panic, and each binary uses a part"
)]

mod counted;

use std::env;
use std::io::Write as _;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use annals_core::{Context, Driver, Store, StoreBuilder};
use annals_driver_memory::MemoryDriver;
use annals_driver_postgres::PostgresOptions;
use annals_driver_sqlite::SqliteDriver;
use postgres::{Client, NoTls};

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
    let scratch = Scratch::new()?;
    let open = move || Box::new(scratch.options().open().unwrap()) as Box<dyn Driver>;
    Some(Place { driver: "postgres", open: Box::new(open) })
}

pub fn by(actor: &str) -> Context {
    Context::new().actor(actor)
}

/// A log that nobody else uses, in a schema that the tests of this process share.
struct Scratch {
    schema: Arc<Schema>,
    log: String,
}

impl Scratch {
    fn new() -> Option<Scratch> {
        static SHARED: Mutex<Weak<Schema>> = Mutex::new(Weak::new());
        let url = url()?;
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let schema = shared.upgrade().unwrap_or_else(|| Arc::new(Schema::new(url)));
        *shared = Arc::downgrade(&schema);
        Some(Scratch { schema, log: format!("log/{}/{}", process::id(), next()) })
    }

    fn options(&self) -> PostgresOptions {
        let options: PostgresOptions = self.schema.url.parse().unwrap();
        options.schema(&self.schema.name).unwrap().log(&self.log).unwrap().create(true)
    }
}

/// Returns where the server is, `None` where tests are to do without one.
fn url() -> Option<String> {
    if let Ok(url) = env::var("ANNALS_TEST_POSTGRES") {
        return Some(url);
    }
    assert!(
        env::var_os("ANNALS_NO_POSTGRES").is_some(),
        "this test needs a PostgreSQL server: run `cargo xtask postgres -- cargo test`, or set \
         ANNALS_TEST_POSTGRES to the URL of one, or ANNALS_NO_POSTGRES=1 to do without"
    );
    let thread = std::thread::current();
    let line = format!("SKIPPED {} on PostgreSQL: there is no server\n", thread.name().unwrap_or_default());
    // Past the capture that hides what passing tests say.
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    None
}

fn next() -> u32 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// A schema, gone when the last one who uses it is.
struct Schema {
    url: String,
    name: String,
}

impl Schema {
    fn new(url: String) -> Schema {
        Schema { url, name: format!("test_{}_{}", process::id(), next()) }
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let drop = format!("SET client_min_messages = warning; DROP SCHEMA IF EXISTS {} CASCADE", self.name);
        Client::connect(&self.url, NoTls).unwrap().batch_execute(&drop).unwrap();
    }
}
