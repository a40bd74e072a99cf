//! A place of its own on the server that tests are given.

#![allow(clippy::unwrap_used, dead_code, reason = "a test may panic, and each binary uses a part")]

use std::env;
use std::io::Write as _;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use annals_driver_postgres::PostgresOptions;
use postgres::{Client, NoTls};

/// Returns where the server is, `None` where tests are to do without one.
///
/// # Panics
/// If nobody has said either: a test that needs a server does not pass without one.
pub(crate) fn url() -> Option<String> {
    if let Ok(url) = env::var("ANNALS_TEST_POSTGRES") {
        return Some(url);
    }
    assert!(
        env::var_os("ANNALS_NO_POSTGRES").is_some(),
        "this test needs a PostgreSQL server: run `cargo xtask postgres -- cargo test`, or set \
         ANNALS_TEST_POSTGRES to the URL of one, or ANNALS_NO_POSTGRES=1 to do without"
    );
    skipped("there is no PostgreSQL server");
    None
}

/// Says on the terminal that a test was not done, past the capture that hides what passing tests say.
fn skipped(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default();
    let line = format!("SKIPPED {test}: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// A log that nobody else uses, in a schema that tests of this process share.
pub(crate) struct Scratch {
    schema: Arc<Schema>,
    log: String,
}

impl Scratch {
    /// Returns a log of its own among those of other tests, `None` where there is no server.
    pub(crate) fn new() -> Option<Scratch> {
        static SHARED: Mutex<Weak<Schema>> = Mutex::new(Weak::new());
        let url = url()?;
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let schema = shared.upgrade().unwrap_or_else(|| Arc::new(Schema::new(url)));
        *shared = Arc::downgrade(&schema);
        Some(Scratch { schema, log: format!("log/{}", next()) })
    }

    /// Returns a log in a schema of its own.
    pub(crate) fn alone() -> Option<Scratch> {
        Some(Scratch { schema: Arc::new(Schema::new(url()?)), log: "main".into() })
    }

    pub(crate) fn schema(&self) -> &str {
        &self.schema.name
    }

    /// Returns how to open the log; what is missing is created.
    pub(crate) fn options(&self) -> PostgresOptions {
        let options: PostgresOptions = self.schema.url.parse().unwrap();
        options.schema(&self.schema.name).unwrap().log(&self.log).unwrap().create(true)
    }

    /// Connects as any program would.
    pub(crate) fn sql(&self) -> Client {
        Client::connect(&self.schema.url, NoTls).unwrap()
    }
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
