//! A place of its own on the server that tests are given.

#![allow(clippy::unwrap_used, dead_code, reason = "a test may panic, and each binary uses a part")]

use std::collections::BTreeSet;
use std::env;
use std::io::Write as _;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use annals_driver_postgres::PostgresOptions;
use annals_test_server::{Server, Settings};
use postgres::{Client, NoTls, Transaction};

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

/// Returns where the server is by way of a pooler, `None` where there is none.
pub(crate) fn pooled_url() -> Option<String> {
    url()?;
    let url = env::var("ANNALS_TEST_PGBOUNCER").ok();
    if url.is_none() {
        skipped("ANNALS_TEST_PGBOUNCER names no pooler");
    }
    url
}

/// Starts a server that only this test uses, `None` where tests are to do without.
pub(crate) fn own_server(settings: &Settings) -> Option<Server> {
    url()?;
    Some(settings.start().unwrap())
}

/// Says on the terminal that a test was not done.
pub(crate) fn skipped(why: &str) {
    say("SKIPPED", why);
}

/// Says on the terminal how much a test has shown.
pub(crate) fn counted(what: &str) {
    say("COUNTED", what);
}

/// Says a line once, past the capture that hides what passing tests say.
fn say(word: &str, what: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default();
    let line = format!("{word} {test}: {what}\n");
    // A test may ask for several places.
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(line.clone()) {
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
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
        Some(Scratch { schema, log: format!("log/{}/{}", process::id(), next()) })
    }

    /// Returns a log in a schema of its own.
    pub(crate) fn alone() -> Option<Scratch> {
        Some(Scratch { schema: Arc::new(Schema::new(url()?)), log: "main".into() })
    }

    /// Returns the main log of a server that only this test uses.
    pub(crate) fn on(server: &Server) -> Scratch {
        Scratch { schema: Arc::new(Schema::new(server.url())), log: "main".into() }
    }

    pub(crate) fn schema(&self) -> &str {
        &self.schema.name
    }

    pub(crate) fn url(&self) -> &str {
        &self.schema.url
    }

    pub(crate) fn log(&self) -> &str {
        &self.log
    }

    /// Returns the name by which the server shows whose connections are whose.
    pub(crate) fn application(&self) -> String {
        format!("{}/{}", self.schema(), self.log)
    }

    /// Returns how to open the log; what is missing is created.
    pub(crate) fn options(&self) -> PostgresOptions {
        self.options_at(self.url())
    }

    /// Returns how to open the log by way of another URL.
    pub(crate) fn options_at(&self, url: &str) -> PostgresOptions {
        let url = format!("{url}&application_name={}", self.application().replace('/', "%2F"));
        let options: PostgresOptions = url.parse().unwrap();
        options.schema(&self.schema.name).unwrap().log(&self.log).unwrap().create(true)
    }

    /// Returns the number that the log's rows begin with.
    pub(crate) fn number(&self) -> i64 {
        let sql = format!("SELECT log FROM {}.annals_log WHERE name = $1", self.schema());
        self.sql().query_one(&sql, &[&self.log]).unwrap().get(0)
    }

    /// Locks the log until the transaction ends.
    pub(crate) fn hold(&self, transaction: &mut Transaction<'_>) {
        let sql =
            format!("SELECT FROM {}.annals_log WHERE log = {} FOR UPDATE", self.schema(), self.number());
        transaction.batch_execute(&sql).unwrap();
    }

    /// Returns how many of the log's connections wait for a lock.
    pub(crate) fn waiting(&self) -> i64 {
        let sql =
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'";
        self.sql().query_one(sql, &[&self.application()]).unwrap().get(0)
    }

    /// Returns where the server listens on the network of this machine, if it does.
    pub(crate) fn tcp(&self) -> Option<String> {
        let sql = "SELECT current_setting('port'), current_setting('listen_addresses') LIKE '127.0.0.1'";
        let row = self.sql().query_one(sql, &[]).unwrap();
        if !row.get::<_, bool>(1) {
            skipped("the server does not listen on 127.0.0.1");
            return None;
        }
        Some(format!("127.0.0.1:{}", row.get::<_, String>(0)))
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
