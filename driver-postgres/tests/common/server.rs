//! The server that tests are given. The tests of other crates take this file as well, by its path.

#![allow(clippy::unwrap_used, dead_code, reason = "a test may panic, and each binary uses a part")]

use std::collections::BTreeSet;
use std::env;
use std::io::Write as _;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

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

/// Says on the terminal that a test was not done.
pub(crate) fn skipped(why: &str) {
    say("SKIPPED", why);
}

/// Says a line once, past the capture that hides what passing tests say.
pub(crate) fn say(word: &str, what: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default();
    let line = format!("{word} {test}: {what}\n");
    // A test may ask for several places.
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(line.clone()) {
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
}

/// Returns another number at each call.
pub(crate) fn next() -> u32 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// A name for a schema that nobody else uses. The schema, if it was made, goes when this is dropped.
pub(crate) struct Schema {
    pub(crate) url: String,
    pub(crate) name: String,
}

impl Schema {
    pub(crate) fn new(url: String) -> Schema {
        Schema { url, name: format!("test_{}_{}", process::id(), next()) }
    }

    /// Returns the one that tests of this process share, `None` where there is no server.
    pub(crate) fn shared() -> Option<Arc<Schema>> {
        static SHARED: Mutex<Weak<Schema>> = Mutex::new(Weak::new());
        let url = url()?;
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let schema = shared.upgrade().unwrap_or_else(|| Arc::new(Schema::new(url)));
        *shared = Arc::downgrade(&schema);
        Some(schema)
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let drop = format!("SET client_min_messages = warning; DROP SCHEMA IF EXISTS {} CASCADE", self.name);
        Client::connect(&self.url, NoTls).unwrap().batch_execute(&drop).unwrap();
    }
}

/// A log that nobody else uses.
pub(crate) struct OwnLog {
    schema: Arc<Schema>,
    name: String,
}

impl OwnLog {
    /// Returns a log among those of other tests, `None` where there is no server.
    pub(crate) fn new() -> Option<OwnLog> {
        Some(OwnLog { schema: Schema::shared()?, name: format!("log{}", next()) })
    }

    /// Returns the main log of a schema of its own.
    pub(crate) fn alone() -> Option<OwnLog> {
        Some(OwnLog { schema: Arc::new(Schema::new(url()?)), name: "main".into() })
    }

    /// Returns how to open it once it is there.
    pub(crate) fn url(&self) -> String {
        format!("{}&annals.schema={}&annals.log={}", self.schema.url, self.schema.name, self.name)
    }

    /// Returns how to open it; what is missing is created.
    pub(crate) fn url_to_create(&self) -> String {
        format!("{}&annals.mode=rwc", self.url())
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }
}
