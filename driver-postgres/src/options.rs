use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use annals_core::Error;

use crate::log_name::LogName;
use crate::notify::Notify;
use crate::parameters::{Parameters, encoded};
use crate::schema_name::SchemaName;
use crate::{PostgresDatabase, PostgresDriver};

/// Where a log is, and how to reach it: read from a URL, to be changed before opening.
///
/// The URL is libpq's, as is the meaning of its parameters, of the environment (`PGHOST`,
/// `PGPASSWORD`, …) and of `~/.pgpass`; see the [crate's page](crate#where-the-server-is). Parameters
/// that begin with `annals.` are the driver's own:
///
/// | parameter | |
/// |---|---|
/// | `annals.log` | the name of the log; `main` unless set |
/// | `annals.schema` | the schema of its tables; `annals` unless set |
/// | `annals.mode` | `rw` (the default; the log must be there), `rwc` (what is missing is created) or `ro` |
/// | `annals.busy_timeout`, `annals.timeout` | in seconds; see [`busy_timeout`](Self::busy_timeout) and [`timeout`](Self::timeout) |
/// | `annals.connections` | see [`connections_max`](Self::connections_max) |
/// | `annals.append` | `function` or `statements`; see [`append_by`](Self::append_by) |
/// | `annals.notify` | `off` (the default), `on`, or `HOST:PORT`; see [`notify`](Self::notify) and [`notify_at`](Self::notify_at) |
///
/// Neither `Debug` nor `Display` shows a password.
///
/// ```
/// use annals_driver_postgres::PostgresOptions;
/// let options: PostgresOptions = "postgres://alice:secret@db.example/games?annals.log=chess".parse()?;
/// assert_eq!(options.to_string(), "postgres://alice@db.example/games?annals.log=chess");
/// # Ok::<(), annals_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[must_use = "nothing is opened until `open` is called"]
pub struct PostgresOptions {
    /// Of the server, as they were written.
    pub(crate) server: Parameters,
    pub(crate) log: LogName,
    pub(crate) schema: SchemaName,
    pub(crate) mode: Mode,
    pub(crate) busy_timeout: Duration,
    pub(crate) timeout: Duration,
    pub(crate) connections_max: u32,
    pub(crate) append_by: AppendBy,
    pub(crate) notify: Notify,
}

/// How long a call may take, at least and at most.
const TIMEOUT_MIN: Duration = Duration::from_millis(1);
const TIMEOUT_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// How many connections one program may ask for: more than servers have.
const CONNECTIONS_MAX: u32 = 10_000;

/// What may be done with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    ReadOnly,
    ReadWrite,
    Create,
}

/// How commits come into the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppendBy {
    /// By a function that stands in the schema: one round trip for all commits of a call.
    Function,
    /// By a transaction of plain statements, for servers without PL/pgSQL. Reads then call no functions either.
    Statements,
}

impl PostgresOptions {
    /// Sets the log by name.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless the name is made of tokens of `A-Z a-z 0-9 . _ -` joined by `/`.
    pub fn log(mut self, name: &str) -> Result<PostgresOptions, Error> {
        self.log = LogName::new(name)?;
        Ok(self)
    }

    /// Sets the schema of the tables.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless the name is made of at most 63 of `a-z 0-9 _`.
    pub fn schema(mut self, name: &str) -> Result<PostgresOptions, Error> {
        self.schema = SchemaName::new(name)?;
        Ok(self)
    }

    /// Sets the password, over one in the URL, the environment or a file.
    pub fn password(mut self, password: &str) -> PostgresOptions {
        self.server.set("password", password);
        self
    }

    /// Sets whether the schema and the log are created where they are missing; they are not unless set, nor
    /// where the log is only read.
    pub fn create(mut self, create: bool) -> PostgresOptions {
        self.mode = match self.mode {
            Mode::ReadOnly => Mode::ReadOnly,
            Mode::ReadWrite | Mode::Create if create => Mode::Create,
            Mode::ReadWrite | Mode::Create => Mode::ReadWrite,
        };
        self
    }

    /// Sets whether the log is only read, and nothing created; it is not unless set.
    pub fn read_only(mut self, read_only: bool) -> PostgresOptions {
        self.mode = match self.mode {
            _ if read_only => Mode::ReadOnly,
            Mode::ReadOnly => Mode::ReadWrite,
            Mode::ReadWrite | Mode::Create => self.mode,
        };
        self
    }

    /// Sets how long a write waits for those of others to the same log; 10 seconds unless set.
    ///
    /// After that the error is of the kind [`Busy`](annals_core::ErrorKind::Busy).
    pub fn busy_timeout(mut self, timeout: Duration) -> PostgresOptions {
        self.busy_timeout = timeout;
        self
    }

    /// Sets how long any call may take; 60 seconds unless set.
    ///
    /// A call that the server does not answer by then is given up with an error, and the server is
    /// asked to give it up as well. Connections are made, and made anew, within the same time. Less than a millisecond
    /// counts as one, more than 366 days as these.
    pub fn timeout(mut self, timeout: Duration) -> PostgresOptions {
        self.timeout = timeout.clamp(TIMEOUT_MIN, TIMEOUT_MAX);
        self
    }

    /// Sets how many connections there are at most, from 1 to 10,000; 10 unless set. What is beyond counts as
    /// the nearest of these.
    ///
    /// They are made when they are needed, and closed when they were not for ten minutes. All logs of
    /// one [`PostgresDatabase`] share them.
    pub fn connections_max(mut self, connections: u32) -> PostgresOptions {
        self.connections_max = connections.clamp(1, CONNECTIONS_MAX);
        self
    }

    /// Sets how commits come into the database; by the function where there is one, unless set.
    pub fn append_by(mut self, how: AppendBy) -> PostgresOptions {
        self.append_by = how;
        self
    }

    /// Sets whether commits are announced to other processes by `NOTIFY`, and theirs are listened for; they
    /// are not unless set.
    ///
    /// It is a hint: who waits learns of a commit sooner, and asks for it less often meanwhile. Nothing
    /// relies on it, and what nobody announces is found as well. Listening takes one more connection,
    /// from the first subscription on.
    pub fn notify(mut self, notify: bool) -> PostgresOptions {
        self.notify = if notify { Notify::On } else { Notify::Off };
        self
    }

    /// Sets that commits are announced, and that theirs are listened for at another address of the same
    /// server: a pooler in transaction mode does not hand on what is announced.
    pub fn notify_at(mut self, host: &str, port: u16) -> PostgresOptions {
        self.notify = Notify::At { host: host.to_owned(), port };
        self
    }

    /// Opens the log; see [`PostgresDriver::open`].
    ///
    /// # Errors
    /// As [`PostgresDriver::open`].
    pub fn open(&self) -> Result<PostgresDriver, Error> {
        self.connect()?.open_as(self)
    }

    /// Connects to the database, whatever is in it.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a parameter makes no sense, else of the kind
    /// [`Unavailable`](annals_core::ErrorKind::Unavailable).
    pub fn connect(&self) -> Result<PostgresDatabase, Error> {
        PostgresDatabase::connect(self.clone())
    }
}

/// A parameter of the driver's own: its name, how it is read, how it is shown unless it is the default.
struct Own {
    name: &'static str,
    read: fn(PostgresOptions, &str) -> Result<PostgresOptions, Error>,
    show: fn(&PostgresOptions) -> String,
}

const OWN: [Own; 8] = [
    Own { name: "annals.log", read: PostgresOptions::log, show: |options| options.log.to_string() },
    Own { name: "annals.schema", read: PostgresOptions::schema, show: |options| options.schema.to_string() },
    Own {
        name: "annals.mode",
        read: |options, text| Ok(PostgresOptions { mode: choice("annals.mode", &MODES, text)?, ..options }),
        show: |options| chosen(&MODES, &options.mode),
    },
    Own {
        name: "annals.busy_timeout",
        read: |options, text| Ok(options.busy_timeout(seconds("annals.busy_timeout", text)?)),
        show: |options| options.busy_timeout.as_secs_f64().to_string(),
    },
    Own {
        name: "annals.timeout",
        read: |options, text| Ok(options.timeout(timeout(text)?)),
        show: |options| options.timeout.as_secs_f64().to_string(),
    },
    Own {
        name: "annals.connections",
        read: |options, text| Ok(options.connections_max(connections(text)?)),
        show: |options| options.connections_max.to_string(),
    },
    Own {
        name: "annals.append",
        read: |options, text| Ok(options.append_by(choice("annals.append", &APPENDS, text)?)),
        show: |options| chosen(&APPENDS, &options.append_by),
    },
    Own {
        name: "annals.notify",
        read: |options, text| Ok(PostgresOptions { notify: text.parse()?, ..options }),
        show: |options| options.notify.to_string(),
    },
];

const MODES: [(&str, Mode); 3] = [("ro", Mode::ReadOnly), ("rw", Mode::ReadWrite), ("rwc", Mode::Create)];

const APPENDS: [(&str, AppendBy); 2] =
    [("function", AppendBy::Function), ("statements", AppendBy::Statements)];

fn choice<T: Copy>(name: &str, choices: &[(&str, T)], text: &str) -> Result<T, Error> {
    let found = choices.iter().find(|(known, _)| *known == text).map(|(_, choice)| *choice);
    let known = || choices.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| Error::Invalid(format!("`{name}` is one of {}", known())))
}

fn chosen<T: PartialEq>(choices: &[(&'static str, T)], wanted: &T) -> String {
    choices.iter().find(|(_, choice)| choice == wanted).map_or("", |(name, _)| name).to_owned()
}

/// Returns the whole number of a parameter.
pub(crate) fn number<T: FromStr>(name: &str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::Invalid(format!("`{name}` is a whole number")))
}

fn seconds(name: &str, text: &str) -> Result<Duration, Error> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| Error::Invalid(format!("`{name}` is a number of seconds")))
}

fn timeout(text: &str) -> Result<Duration, Error> {
    let timeout = seconds("annals.timeout", text).ok();
    timeout.filter(|timeout| (TIMEOUT_MIN..=TIMEOUT_MAX).contains(timeout)).ok_or_else(|| {
        let most = TIMEOUT_MAX.as_secs();
        Error::Invalid(format!("`annals.timeout` is a number of seconds from 0.001 to {most}"))
    })
}

fn connections(text: &str) -> Result<u32, Error> {
    let connections = text.parse().ok().filter(|connections| (1..=CONNECTIONS_MAX).contains(connections));
    connections.ok_or_else(|| {
        Error::Invalid(format!("`annals.connections` is a whole number from 1 to {CONNECTIONS_MAX}"))
    })
}

impl From<Parameters> for PostgresOptions {
    fn from(server: Parameters) -> PostgresOptions {
        PostgresOptions {
            server,
            log: LogName::main(),
            schema: SchemaName::annals(),
            mode: Mode::ReadWrite,
            busy_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(60),
            connections_max: 10,
            append_by: AppendBy::Function,
            notify: Notify::Off,
        }
    }
}

impl FromStr for PostgresOptions {
    type Err = Error;

    /// Reads `postgres://user@host/db?key=value`, or libpq's `host=… dbname=…`, also behind
    /// `postgres:`.
    fn from_str(text: &str) -> Result<PostgresOptions, Error> {
        let mut parameters = Parameters::parse(text)?;
        let given = OWN.map(|own| (parameters.take(own.name), own.read));
        if let Some((name, _)) = parameters.iter().find(|(name, _)| name.starts_with("annals.")) {
            let known = OWN.map(|own| own.name).join(", ");
            return Err(Error::Invalid(format!("`{}` is none of {known}", name.escape_debug())));
        }
        crate::server::check_names(&parameters)?;
        let mut options = PostgresOptions::from(parameters);
        for (text, read) in given {
            if let Some(text) = text {
                options = read(options, &text)?;
            }
        }
        Ok(options)
    }
}

impl fmt::Display for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let get = |name| self.server.get(name).map(encoded).unwrap_or_default();
        let user = get("user");
        let at = if user.is_empty() { "" } else { "@" };
        // Several hosts, and ports, are written as parameters.
        let host = Some(get("host")).filter(|host| !host.contains(['%', '/'])).unwrap_or_default();
        let port =
            Some(get("port")).filter(|port| !host.is_empty() && !port.contains('%')).unwrap_or_default();
        let colon = if port.is_empty() { "" } else { ":" };
        write!(f, "postgres://{user}{at}{host}{colon}{port}/{}", get("dbname"))?;
        let mut separator = '?';
        let mut show = |name: &str, value: &str| {
            let written = write!(f, "{separator}{name}={}", encoded(value));
            separator = '&';
            written
        };
        for (name, value) in self.server.iter() {
            let is_shown = match name {
                "user" | "dbname" => true,
                "host" => !host.is_empty(),
                "port" => !port.is_empty(),
                "password" | "sslpassword" => true,
                _ => false,
            };
            if !is_shown {
                show(name, value)?;
            }
        }
        let default = PostgresOptions::from(Parameters::default());
        for own in &OWN {
            let shown = (own.show)(self);
            if shown != (own.show)(&default) {
                show(own.name, &shown)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresOptions").field(&format_args!("{self}")).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_again_as_the_same_without_the_password() {
        for text in [
            "postgres:///",
            "postgres://alice@db.example:6432/games",
            "postgres://alice@h/d?annals.log=a/b&annals.schema=s&annals.mode=ro&annals.busy_timeout=0.5",
            "postgres:///d?host=/run/pg&port=5433&sslmode=require&annals.append=statements",
            "postgres:///d?host=a%2Cb&port=1%2C2&annals.timeout=7&annals.connections=3",
            "postgres://%C3%A9%40@h/%3F?application_name=it%27s",
            "postgres://h/d?annals.notify=on",
            "postgres://h/d?annals.notify=%2Frun%2Fpg:5433",
        ] {
            let options: PostgresOptions = text.parse().unwrap();
            let again: PostgresOptions = options.to_string().parse().unwrap();
            assert_eq!(again, options, "{text} became {options}");
        }
    }

    #[test]
    fn no_password_is_shown() {
        for text in [
            "postgres://u:hunter2@h/d",
            "postgres://u@h/d?password=hunter2",
            "host=h password='hunter2'",
            "postgres:host=h password=hunter2",
        ] {
            let options: PostgresOptions = text.parse().unwrap();
            assert!(!format!("{options} {options:?}").contains("hunter2"), "{text}");
            assert_eq!(options.server.get("password"), Some("hunter2"));
        }
    }

    #[test]
    fn what_is_beyond_the_bounds_is_refused_with_them() {
        for (text, bounds) in [
            ("annals.timeout=0", "0.001 to 31622400"),
            ("annals.timeout=1e-300", "0.001 to 31622400"),
            ("annals.timeout=1e18", "0.001 to 31622400"),
            ("annals.timeout=NaN", "0.001 to 31622400"),
            ("annals.connections=0", "1 to 10000"),
            ("annals.connections=4294967295", "1 to 10000"),
        ] {
            let error = format!("postgres:///?{text}").parse::<PostgresOptions>().unwrap_err();
            assert!(error.to_string().contains(bounds), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_set_beyond_the_bounds_is_the_nearest_within() {
        let options = |text: &str| text.parse::<PostgresOptions>().unwrap();
        let least = options("postgres:").timeout(Duration::ZERO).connections_max(0);
        assert_eq!(least, options("postgres:?annals.timeout=0.001&annals.connections=1"));
        let most = options("postgres:").timeout(Duration::MAX).connections_max(u32::MAX);
        assert_eq!(most, options("postgres:?annals.timeout=31622400&annals.connections=10000"));
    }

    #[test]
    fn parameters_that_nobody_knows_are_refused_by_name() {
        for (text, name) in [
            ("postgres:///?annals.lug=a", "annals.lug"),
            ("postgres:///?sslmod=require", "sslmod"),
            ("postgres:///?annals.mode=x", "annals.mode"),
            ("postgres:///?annals.timeout=-1", "annals.timeout"),
            ("postgres:///?annals.connections=many", "annals.connections"),
            ("postgres:///?annals.notify=maybe", "annals.notify"),
            ("postgres:///?annals.notify=:1", "annals.notify"),
            ("postgres:///?annals.log=a%20b", "log"),
            ("postgres:///?annals.schema=a%22", "schema"),
        ] {
            let error = text.parse::<PostgresOptions>().unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
