//! Logs in a PostgreSQL database, which many processes on many machines may write and read at once.
//!
//! ```no_run
//! use annals_core::{Batch, Context, Durability, Key, Log, Position};
//! use annals_driver_postgres::PostgresDriver;
//!
//! let driver = PostgresDriver::open("postgres://alice@db.example/games?annals.log=chess&annals.mode=rwc")?;
//! let log = Log::new(driver);
//! let score = Key::parse("game/player1", "score")?;
//! let batch = Batch::new(Context::new().actor("alice")).set(score.clone(), *b"\x0a");
//! let receipt = log.append(batch, Durability::Synced)?;
//! assert_eq!(receipt.durability, Durability::Synced);
//! # Ok::<(), annals_core::Error>(())
//! ```
//!
//! # Where the server is
//! As libpq has it: `postgres://user@host:port/db?parameter=value`, or `host=… dbname=…`; what is not
//! said comes from `PGHOST`, `PGPORT`, `PGDATABASE`, `PGUSER`, `PGPASSWORD`, `PGSSLMODE` and their like,
//! a password else from `~/.pgpass`, which others must not be able to read. `sslmode` means what it
//! means there: `disable`, `allow`, `prefer` (the default; protects only if the server can), `require`,
//! `verify-ca`, `verify-full`. A parameter that is not understood is an error. `tcp_user_timeout` is in
//! milliseconds. What parameters of the driver's own there are, [`PostgresOptions`] says.
//!
//! # Durability
//! [`Synced`](annals_core::Durability::Synced) commits wait for the server's disk, and so survive a crash
//! of the server and a power cut. [`Buffered`](annals_core::Durability::Buffered) ones are committed with
//! `synchronous_commit = off`: they survive a crash of this process; one of the server may take the newest
//! of them, never one in the middle. Where the server runs with `fsync = off`, receipts say `Buffered`.
//!
//! # Several threads, several processes
//! Writers to one log wait for one another on the log's row, at most for
//! [`busy_timeout`](PostgresOptions::busy_timeout); that is the order of commits. Reads never wait for a
//! write, and see the newest commit of anyone. Connect to the primary: a standby lags behind.
//!
//! An append whose connection is lost is made again; it looks for its own id first, and is never there
//! twice. If that cannot be done by the [deadline](PostgresOptions::timeout), the error is of the kind
//! [`Unknown`](annals_core::ErrorKind::Unknown). No call takes longer than that deadline.
//!
//! Connections are shared by all logs of a [`PostgresDatabase`]. The calling thread drives the one that it
//! uses. A log may be opened, used and dropped inside an asynchronous runtime as well: it blocks the
//! calling thread there as anywhere, and each call costs a thread, since runtimes cannot be nested.
//!
//! # The database
//! Rights, views, upgrades, poolers, other servers that speak the protocol: see `docs/drivers.md` of the project.
//!
//! # Features
//! `tls-rustls` brings TLS; without it `sslmode=require` and the stronger ones are refused, and `prefer`
//! and `allow` do without.

mod announcer;
mod announcing;
mod append;
mod asked;
mod check;
mod client;
mod columns;
mod connection;
mod copy;
mod database;
mod driver;
mod environment;
mod erase;
mod failure;
mod group;
mod key_ids;
mod known_keys;
mod listener;
mod log_name;
mod measure;
mod notify;
mod options;
mod outcome;
mod parameter;
mod parameters;
mod passfile;
mod place;
mod plain;
mod pool;
mod questions;
mod reads;
mod restore;
mod rows;
#[cfg(feature = "tls-rustls")]
mod rustls;
mod schema;
mod schema_name;
mod scrub;
mod server;
mod sql;
mod tls;
mod transaction;
mod walk;

pub use database::PostgresDatabase;
pub use driver::PostgresDriver;
pub use options::{AppendBy, PostgresOptions};
