//! Logs in a PostgreSQL database, which many processes may write and read at once.
//!
//! # Where the server is

mod append;
mod columns;
mod connection;
mod database;
mod driver;
mod environment;
mod failure;
mod group;
mod log_name;
mod options;
mod outcome;
mod parameter;
mod parameters;
mod passfile;
mod place;
mod pool;
mod reads;
mod restore;
mod rows;
mod schema;
mod schema_name;
mod server;
mod sql;
mod tls;
mod transaction;

pub use database::PostgresDatabase;
pub use driver::PostgresDriver;
pub use options::{AppendBy, PostgresOptions};
