use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use postgres::{Client, NoTls};

use crate::given_url;

/// A name for a schema that nobody else uses. The schema, if it was made, goes when this is dropped.
#[derive(Debug)]
pub struct Schema {
    url: String,
    name: String,
}

impl Schema {
    /// Returns one on the server at `url`.
    #[must_use]
    pub fn new(url: String) -> Schema {
        Schema { url, name: format!("test_{}_{}", process::id(), next_number()) }
    }

    /// Returns the one that tests of this process share, `None` where there is no server.
    #[must_use]
    pub fn shared() -> Option<Arc<Schema>> {
        static SHARED: Mutex<Weak<Schema>> = Mutex::new(Weak::new());
        let url = given_url()?;
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let schema = shared.upgrade().unwrap_or_else(|| Arc::new(Schema::new(url)));
        *shared = Arc::downgrade(&schema);
        Some(schema)
    }

    /// Returns where its server is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Connects to its server as any program would.
    ///
    /// # Panics
    /// If that fails.
    #[must_use]
    pub fn sql(&self) -> Client {
        Client::connect(&self.url, NoTls).expect("the server lets tests in")
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let drop = format!("SET client_min_messages = warning; DROP SCHEMA IF EXISTS {} CASCADE", self.name);
        self.sql().batch_execute(&drop).expect("nobody uses the schema any more");
    }
}

/// A log that nobody else uses.
#[derive(Debug)]
pub struct OwnLog {
    schema: Arc<Schema>,
    name: String,
}

impl OwnLog {
    /// Returns a log among those of other tests, `None` where there is no server.
    #[must_use]
    pub fn new() -> Option<OwnLog> {
        Some(OwnLog { schema: Schema::shared()?, name: format!("log{}", next_number()) })
    }

    /// Returns the main log of a schema of its own.
    #[must_use]
    pub fn alone() -> Option<OwnLog> {
        Some(OwnLog { schema: Arc::new(Schema::new(given_url()?)), name: "main".into() })
    }

    /// Returns how to open it once it is there.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}&annals.schema={}&annals.log={}", self.schema.url, self.schema.name, self.name)
    }

    /// Returns how to open it; what is missing is created.
    #[must_use]
    pub fn url_to_create(&self) -> String {
        format!("{}&annals.mode=rwc", self.url())
    }

    /// Returns the schema that it is in.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }
}

/// Returns another number at each call.
#[must_use]
pub fn next_number() -> u32 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}
