//! A place on the server that `cargo xtask bench` starts.

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use annals_driver_postgres::{PostgresDriver, PostgresOptions};
use postgres::{Client, NoTls};

use crate::by_hand::PostgresByHand;

/// Two schemas, one for a log and one for tables written by hand. They are removed when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    url: String,
    number: u32,
}

impl Scratch {
    /// Returns schemas that nobody else uses.
    ///
    /// # Panics
    /// If no server was given.
    #[must_use]
    pub fn new() -> Scratch {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let url = std::env::var("ANNALS_TEST_POSTGRES")
            .expect("set ANNALS_TEST_POSTGRES to the URL of a server, as `cargo xtask bench` does");
        Scratch { url, number: COUNT.fetch_add(1, Ordering::Relaxed) }
    }

    /// Opens the log, which is created if it is missing.
    ///
    /// # Panics
    /// If that cannot be done.
    #[must_use]
    pub fn driver(&self) -> PostgresDriver {
        let options: PostgresOptions = self.url.parse().expect("the URL is right");
        let options = options.schema(&self.schema("annals")).expect("the name is valid");
        options.create(true).open().expect("the log opens")
    }

    /// Makes the tables written by hand.
    #[must_use]
    pub fn by_hand(&self) -> PostgresByHand {
        PostgresByHand::open(&self.url, &self.schema("by_hand"))
    }

    /// Returns how many bytes the tables of each side take, with their indexes: those of Annals, then
    /// those by hand.
    ///
    /// # Panics
    /// If the server does not say.
    #[must_use]
    pub fn bytes(&self) -> [u64; 2] {
        ["annals", "by_hand"].map(|side| {
            let sql = "SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class AS c
                JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r'";
            let row = self.client().query_one(sql, &[&self.schema(side)]).expect("the server answers");
            row.get::<_, i64>(0).cast_unsigned()
        })
    }

    /// Brings the statistics of the server up to date, as it does itself in time.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn analyze(&self) {
        self.client().batch_execute("VACUUM ANALYZE").expect("the server answers");
    }

    fn client(&self) -> Client {
        Client::connect(&self.url, NoTls).expect("the server answers")
    }

    fn schema(&self, side: &str) -> String {
        format!("bench_{}_{}_{side}", process::id(), self.number)
    }
}

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for side in ["annals", "by_hand"] {
            let drop = format!(
                "SET client_min_messages = warning; DROP SCHEMA IF EXISTS {} CASCADE",
                self.schema(side)
            );
            // What is left behind goes with the server.
            let _ = self.client().batch_execute(&drop);
        }
    }
}
