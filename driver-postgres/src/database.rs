use std::fmt;
use std::sync::Arc;

use annals_core::{Error, ErrorKind, Position, Upgrade};

use crate::PostgresOptions;
use crate::announcing::{Announcing, Topic};
use crate::append::{Seen, Writing};
use crate::driver::{PostgresDriver, Settings};
use crate::failure::Failure;
use crate::known_keys::KnownKeys;
use crate::log_name::LogName;
use crate::options::{AppendBy, Mode};
use crate::parameter::Parameter;
use crate::place::Place;
use crate::pool::Pool;
use crate::questions::Questions;
use crate::rows;
use crate::schema;
use crate::server::Server;
use crate::sql::Statements;

/// A database that may hold many logs, each with positions, order and conditions of its own.
///
/// Cheap to clone; all clones, and the logs that are opened here, share one pool of connections.
///
/// ```no_run
/// use annals_core::Position;
/// use annals_driver_postgres::PostgresOptions;
///
/// let options: PostgresOptions = "postgres://alice@db.example/games".parse()?;
/// let database = options.connect()?;
/// database.init()?;
/// let chess = database.create_log("chess")?;
/// assert_eq!(database.logs()?, [("chess".to_owned(), Position::START)]);
/// # Ok::<(), annals_core::Error>(())
/// ```
#[derive(Clone)]
pub struct PostgresDatabase {
    pool: Pool,
    announcing: Option<Arc<Announcing>>,
    options: PostgresOptions,
    sql: Arc<Statements>,
    /// What it is called in errors.
    name: Arc<str>,
}

impl PostgresDatabase {
    /// How many logs are listed at a time.
    const LOGS_PAGE: i64 = 1000;

    pub(crate) fn connect(options: PostgresOptions) -> Result<PostgresDatabase, Error> {
        let server = Arc::new(Server::find(options.server.clone())?);
        let name: Arc<str> = server.name.as_str().into();
        let listened_to = options.notify.server(&options.server, &server)?;
        let pool = Pool::open(server, options.connections_max, options.timeout);
        let pool = pool.map_err(|failure| failure.into_error(&name))?;
        let announcing = listened_to.map(|server| Arc::new(Announcing::new(pool.clone(), server)));
        let sql = Arc::new(Statements::new(&options.schema, Questions::plain(&options.schema)));
        Ok(PostgresDatabase { pool, announcing, options, sql, name })
    }

    /// Makes the schema and the tables for logs where they are missing: all of it, or nothing. A schema
    /// that is there already is left as it is.
    ///
    /// Needs a user who may create a schema in the database, or tables in the schema if that is there.
    ///
    /// # Errors
    /// Of the kind [`NewerFormat`](annals_core::ErrorKind::NewerFormat) if logs are there that a newer version wrote,
    /// else what the server says.
    pub fn init(&self) -> Result<(), Error> {
        self.named(self.make_schema())
    }

    fn make_schema(&self) -> Result<(), Failure> {
        self.refuse_read_only()?;
        let place = self.place(&self.options);
        if schema::look(&place)?.is_none() {
            schema::create(&self.pool, &self.options.schema)?;
        }
        schema::look(&place)?.map(drop).ok_or_else(|| schema::not_set_up(&self.options.schema))
    }

    /// Brings the schema to the newest format: all the way, or not at all. Those who use its logs wait
    /// meanwhile, for a moment, and then go on.
    ///
    /// Needs the user whose schema it is, unless its format is the newest. Who may read the tables may read
    /// afterwards what was added.
    ///
    /// # Errors
    /// As [`init`](Self::init); of the kind [`Missing`](annals_core::ErrorKind::Missing) if there is no schema,
    /// [`Busy`](annals_core::ErrorKind::Busy) if a transaction that uses it does not end within the
    /// [busy timeout](PostgresOptions::busy_timeout).
    pub fn upgrade(&self) -> Result<Upgrade, Error> {
        let upgrade = || {
            self.refuse_read_only()?;
            let options = &self.options;
            schema::upgrade(&self.place(options), &options.schema, options.busy_timeout)
        };
        self.named(upgrade())
    }

    fn refuse_read_only(&self) -> Result<(), Failure> {
        match self.options.mode {
            Mode::ReadOnly => {
                let message = "the URL says that the logs are only to be read";
                Err(Failure::Refused(ErrorKind::ReadOnly, message.into()))
            }
            Mode::ReadWrite | Mode::Create => Ok(()),
        }
    }

    /// Returns the names of the logs, in byte order, and where each ends. Rows that cannot be opened as logs,
    /// since their name is none or has another number, are left out.
    ///
    /// # Errors
    /// Of the kind [`Missing`](annals_core::ErrorKind::Missing) if there is no schema for logs, else what the
    /// server says.
    pub fn logs(&self) -> Result<Vec<(String, Position)>, Error> {
        self.named(self.read_logs())
    }

    fn read_logs(&self) -> Result<Vec<(String, Position)>, Failure> {
        let found = schema::look(&self.place(&self.options))?;
        found.ok_or_else(|| schema::not_set_up(&self.options.schema))?;
        let mut logs: Vec<(String, Position)> = Vec::new();
        let mut after = String::new();
        loop {
            let parameters = vec![Parameter::text(&after), Parameter::number(Self::LOGS_PAGE)];
            let found = self.pool.read(&self.sql.logs, parameters)?;
            let Some(end) = found.last() else { return Ok(logs) };
            after = end.try_get(0)?;
            for row in found {
                let (name, number): (String, i64) = (row.try_get(0)?, row.try_get(2)?);
                let last = rows::position_or_start(&row, 1)?.unwrap_or(Position::START);
                if LogName::new(&name).is_ok_and(|name| name.id() == number) {
                    logs.push((name, last));
                }
            }
        }
    }

    /// Opens the log of this name, and makes it if it is missing.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it cannot be a name, else what the server says.
    pub fn create_log(&self, name: &str) -> Result<PostgresDriver, Error> {
        self.open_as(&self.options.clone().create(true).log(name)?)
    }

    /// Opens the log of this name.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it cannot be a name, of the kind [`Missing`](annals_core::ErrorKind::Missing) if
    /// there is no such log, else what the server says.
    pub fn open_log(&self, name: &str) -> Result<PostgresDriver, Error> {
        self.open_as(&self.options.clone().log(name)?)
    }

    /// Opens the log that `options` name.
    pub(crate) fn open_as(&self, options: &PostgresOptions) -> Result<PostgresDriver, Error> {
        self.named(self.open(options))
    }

    fn open(&self, options: &PostgresOptions) -> Result<PostgresDriver, Failure> {
        let mut place = self.place(options);
        let creates = options.mode == Mode::Create;
        let mut found = schema::look(&place)?;
        if found.is_none() && creates {
            schema::create(&self.pool, &options.schema)?;
            found = schema::look(&place)?;
        }
        let found = found.ok_or_else(|| schema::not_set_up(&options.schema))?;
        let last = match found.last(&place)? {
            Some(last) => last,
            None if creates => make(&place, found.has_functions)?,
            None => return Err(place.no_log()),
        };
        let by = if found.has_functions { options.append_by } else { AppendBy::Statements };
        if by == AppendBy::Function && found.has_questions {
            let calls = Questions::calls(&options.schema);
            place.sql = Arc::new(Statements::new(&options.schema, calls));
        }
        let settings = Settings {
            is_read_only: options.mode == Mode::ReadOnly,
            is_durable: found.is_durable,
            writing: Writing {
                busy_timeout: options.busy_timeout,
                by,
                has_plain: found.version >= schema::PLAIN_SINCE,
            },
            topic: self.announcing.as_ref().map(|announcing| Topic {
                name: format!("{}/{}", options.schema, options.log.id()),
                announcing: Arc::clone(announcing),
            }),
        };
        let store = format!("{} log `{}`", self.name, options.log);
        Ok(PostgresDriver::new(store, place, Seen::new(last), settings))
    }

    fn place(&self, options: &PostgresOptions) -> Place {
        Place {
            pool: self.pool.clone(),
            sql: Arc::clone(&self.sql),
            log: options.log.id(),
            name: options.log.clone(),
            keys: KnownKeys::default(),
        }
    }

    fn named<T>(&self, answer: Result<T, Failure>) -> Result<T, Error> {
        answer.map_err(|failure| failure.into_error(&self.name))
    }
}

impl fmt::Debug for PostgresDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresDatabase").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Makes the log, unless somebody else did meanwhile, and returns where it ends.
fn make(place: &Place, has_functions: bool) -> Result<Position, Failure> {
    let parameters = place.parameters(&[Parameter::text(place.name.as_str())]);
    let sql = if has_functions { &place.sql.create_log } else { &place.sql.insert_log };
    place.pool.read(sql, parameters)?;
    let found = schema::look(place)?.ok_or_else(|| place.no_log())?;
    found.last(place)?.ok_or_else(|| place.no_log())
}
