//! A place of its own on the server that tests are given.

#![allow(clippy::unwrap_used, dead_code, reason = "a test may panic, and each binary uses a part")]

use std::process;
use std::sync::Arc;
use std::time::Duration;

use annals_driver_postgres::PostgresOptions;
use annals_test_server::{Schema, Server, Settings, given_url, next_number, skipped};
use postgres::{Client, Transaction};

/// Starts a server that only this test uses, `None` where tests are to do without.
pub(crate) fn own_server(settings: &Settings) -> Option<Server> {
    given_url()?;
    Some(settings.start().unwrap())
}

/// A log that nobody else uses, in a schema that tests of this process share.
pub(crate) struct Scratch {
    schema: Arc<Schema>,
    log: String,
}

impl Scratch {
    /// Returns a log of its own among those of other tests, `None` where there is no server.
    pub(crate) fn new() -> Option<Scratch> {
        Some(Scratch { schema: Schema::shared()?, log: format!("log/{}/{}", process::id(), next_number()) })
    }

    /// Returns a log in a schema of its own.
    pub(crate) fn alone() -> Option<Scratch> {
        Some(Scratch { schema: Arc::new(Schema::new(given_url()?)), log: "main".into() })
    }

    /// Returns the main log of a server that only this test uses.
    pub(crate) fn on(server: &Server) -> Scratch {
        Scratch { schema: Arc::new(Schema::new(server.url())), log: "main".into() }
    }

    pub(crate) fn schema(&self) -> &str {
        self.schema.name()
    }

    pub(crate) fn url(&self) -> &str {
        self.schema.url()
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
        let options = options.schema(self.schema.name()).unwrap().log(&self.log).unwrap().create(true);
        // That a machine has much else to do is no failure.
        options.busy_timeout(Duration::from_secs(60)).timeout(Duration::from_secs(180))
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
        self.schema.sql()
    }
}
