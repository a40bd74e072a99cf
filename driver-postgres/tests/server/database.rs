use annals_driver_postgres::PostgresOptions;
use postgres::{Client, NoTls};

use crate::common::Scratch;

/// A database of its own, so that what is done to it disturbs no other test. It goes when this is dropped.
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    /// Returns an empty one, `None` where there is no server.
    pub(crate) fn new() -> Option<Database> {
        Database::with("")
    }

    /// Returns one that is made with these options.
    pub(crate) fn with(options: &str) -> Option<Database> {
        let scratch = Scratch::alone()?;
        let database =
            Database { server: scratch.url().into(), name: format!("{}_database", scratch.schema()) };
        let sql = format!("CREATE DATABASE {} {options}", database.name);
        Client::connect(&database.server, NoTls).unwrap().batch_execute(&sql).unwrap();
        Some(database)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn url(&self) -> String {
        self.server.replacen("/postgres?", &format!("/{}?", self.name), 1)
    }

    /// Connects as any program would.
    pub(crate) fn sql(&self) -> Client {
        Client::connect(&self.url(), NoTls).unwrap()
    }

    pub(crate) fn options(&self) -> PostgresOptions {
        self.url().parse().unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        Client::connect(&self.server, NoTls).unwrap().batch_execute(&sql).unwrap();
    }
}
