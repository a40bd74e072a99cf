//! From libpq's parameters to connections.

use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use annals_core::{Error, ErrorKind};
use postgres::config::{ChannelBinding, SslMode, TargetSessionAttrs};
use postgres::error::SqlState;
use tokio_postgres::Config;

use crate::PostgresOptions;
use crate::client::Client;
use crate::environment;
use crate::failure::Failure;
use crate::options::number;
use crate::parameters::Parameters;
use crate::passfile::{self, Whom};
use crate::tls::{Certificates, Connector, TlsMode};

/// Every parameter that is understood here.
const KNOWN: [&str; 24] = [
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "fallback_application_name",
    "gssencmode",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "options",
    "passfile",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// Fails at the first parameter that is not understood: to pass over one could mean to be less safe
/// than was asked for.
pub(crate) fn check_names(parameters: &Parameters) -> Result<(), Error> {
    match parameters.iter().find(|(name, _)| !KNOWN.contains(name)) {
        Some((name, _)) => Err(Error::Invalid(format!(
            "`{}` is no parameter of a server that is understood here; known: {}",
            name.escape_debug(),
            KNOWN.join(", ")
        ))),
        None => Ok(()),
    }
}

/// A server that can be connected to, with all that is needed for it.
pub(crate) struct Server {
    /// One for each host, in the order in which they are tried.
    hosts: Vec<Config>,
    tls: TlsMode,
    certificates: Certificates,
    /// What it is called in errors.
    pub(crate) name: String,
    /// How long one connection may take until it is usable.
    pub(crate) connect_timeout: Duration,
}

impl Server {
    /// How long a connection may take unless the caller says.
    const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
    /// How long sent bytes may stay unconfirmed, and how long a silent connection is not looked at.
    const TCP_TIMEOUT: Duration = Duration::from_secs(20);

    /// Returns the server that the parameters and the surroundings of this process name.
    pub(crate) fn find(mut parameters: Parameters) -> Result<Server, Error> {
        environment::complete(&mut parameters)?;
        let tls = TlsMode::parse(parameters.get("sslmode").unwrap_or_default())?;
        let certificates = Certificates::find(&parameters)?;
        let common = common(&parameters)?;
        let connect_timeout = match seconds(&parameters, "connect_timeout")? {
            Some(Duration::ZERO) | None => Self::CONNECT_TIMEOUT,
            // As libpq has it.
            Some(timeout) => timeout.max(Duration::from_secs(2)),
        };
        let hosts = hosts(&parameters, &common, connect_timeout)?;
        Ok(Server { hosts, tls, certificates, name: name(&parameters), connect_timeout })
    }

    /// Connects to the first host that lets us.
    pub(crate) fn connect(&self, deadline: Instant) -> Result<Client, Failure> {
        let mut last = None;
        for host in &self.hosts {
            match self.connect_to(host, deadline) {
                Ok(client) => return Ok(client),
                Err(failure) => last = Some(failure),
            }
        }
        Err(last.unwrap_or_else(|| Failure::Refused(ErrorKind::Invalid, "no host is given".into())))
    }

    fn connect_to(&self, host: &Config, deadline: Instant) -> Result<Client, Failure> {
        // There is no network between the two ends of a socket in a folder.
        let tls = if is_local(host) { TlsMode::Disable } else { self.tls };
        let plain = || self.attempt(host, SslMode::Disable, TlsMode::Disable, deadline);
        let is_refused = |failure: &Failure| failure.is(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
        match tls {
            TlsMode::Disable => plain(),
            TlsMode::Allow => match plain() {
                Err(failure) if is_refused(&failure) && Connector::IS_BUILT_IN => {
                    self.attempt(host, SslMode::Require, tls, deadline)
                }
                answer => answer,
            },
            TlsMode::Prefer if !Connector::IS_BUILT_IN => plain(),
            TlsMode::Prefer => match self.attempt(host, SslMode::Prefer, tls, deadline) {
                Err(failure) if is_refused(&failure) || is_of_tls(&failure) => plain(),
                answer => answer,
            },
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => {
                self.attempt(host, SslMode::Require, tls, deadline)
            }
        }
    }

    fn attempt(
        &self,
        host: &Config,
        mode: SslMode,
        tls: TlsMode,
        deadline: Instant,
    ) -> Result<Client, Failure> {
        let mut host = host.clone();
        host.ssl_mode(mode);
        Connector::new(tls, &self.certificates)?.connect(&host, deadline)
    }
}

/// Returns the URL of the database alone, without a user and how he connects.
fn name(parameters: &Parameters) -> String {
    let mut place = Parameters::default();
    for name in ["host", "hostaddr", "port", "dbname"] {
        place.set_if_missing(name, || parameters.get(name).map(str::to_owned));
    }
    PostgresOptions::from(place).to_string()
}

fn is_local(host: &Config) -> bool {
    #[cfg(unix)]
    return matches!(host.get_hosts(), [postgres::config::Host::Unix(_)]);
    #[cfg(not(unix))]
    return false;
}

fn is_of_tls(failure: &Failure) -> bool {
    matches!(failure, Failure::Lost(cause) if cause.is_of_tls())
}

/// Returns what holds for every host.
fn common(parameters: &Parameters) -> Result<Config, Error> {
    let mut config = Config::new();
    let get = |name| parameters.get(name);
    config.user(get("user").unwrap_or_default()).dbname(get("dbname").unwrap_or_default());
    let name = get("application_name").or(get("fallback_application_name")).unwrap_or("annals");
    config.application_name(name);
    if let Some(options) = get("options") {
        config.options(options);
    }
    keepalives(parameters, &mut config)?;
    // In milliseconds, as libpq has it.
    let unconfirmed = get("tcp_user_timeout").map(|text| number("tcp_user_timeout", text)).transpose()?;
    config.tcp_user_timeout(unconfirmed.map_or(Server::TCP_TIMEOUT, Duration::from_millis));
    config.target_session_attrs(match get("target_session_attrs") {
        None | Some("any") => TargetSessionAttrs::Any,
        Some("read-write" | "primary") => TargetSessionAttrs::ReadWrite,
        Some("read-only" | "standby") => TargetSessionAttrs::ReadOnly,
        Some(_) => {
            return Err(unknown("target_session_attrs", "any, read-write, read-only, primary, standby"));
        }
    });
    config.channel_binding(match get("channel_binding") {
        None | Some("prefer") => ChannelBinding::Prefer,
        Some("disable") => ChannelBinding::Disable,
        Some("require") => ChannelBinding::Require,
        Some(_) => return Err(unknown("channel_binding", "disable, prefer, require")),
    });
    match get("client_encoding") {
        None | Some("auto" | "UTF8" | "utf8" | "UTF-8" | "utf-8") => {}
        Some(_) => return Err(unknown("client_encoding", "UTF8")),
    }
    match get("gssencmode") {
        None | Some("disable" | "prefer") => Ok(config),
        Some(_) => Err(unknown("gssencmode", "disable, prefer")),
    }
}

/// Sets how a silent connection is looked at. 0 means what the system does, as libpq has it.
fn keepalives(parameters: &Parameters, config: &mut Config) -> Result<(), Error> {
    config.keepalives(parameters.get("keepalives") != Some("0"));
    let idle = seconds(parameters, "keepalives_idle")?.unwrap_or(Server::TCP_TIMEOUT);
    let interval = seconds(parameters, "keepalives_interval")?.unwrap_or(Duration::from_secs(5));
    let count = parameters.get("keepalives_count");
    let count = count.map_or(Ok(4), |text| number("keepalives_count", text))?;
    // The client's own default is two hours, as that of systems is.
    if !idle.is_zero() {
        config.keepalives_idle(idle);
    }
    if !interval.is_zero() {
        config.keepalives_interval(interval);
    }
    if count > 0 {
        config.keepalives_retries(count);
    }
    Ok(())
}

fn unknown(name: &str, known: &str) -> Error {
    Error::Invalid(format!("`{name}` is one of {known}"))
}

fn seconds(parameters: &Parameters, name: &str) -> Result<Option<Duration>, Error> {
    let number: Option<i64> = parameters.get(name).map(|text| number(name, text)).transpose()?;
    Ok(number.map(|seconds| Duration::from_secs(seconds.try_into().unwrap_or(0))))
}

/// Returns a configuration for each host.
fn hosts(parameters: &Parameters, common: &Config, connect_timeout: Duration) -> Result<Vec<Config>, Error> {
    let list =
        |name| parameters.get(name).map(|list| list.split(',').collect::<Vec<_>>()).unwrap_or_default();
    let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
    let count = names.len().max(addresses.len());
    let fits = |list: &[&str], may_be_one: bool| {
        list.len() == count || list.is_empty() || (may_be_one && list.len() == 1)
    };
    if !fits(&names, false) || !fits(&addresses, false) || !fits(&ports, true) {
        return Err(Error::Invalid(
            "give as many values of `host`, `hostaddr` and `port` as there are hosts".into(),
        ));
    }
    (0..count)
        .map(|nth| {
            let address = addresses.get(nth).copied().filter(|address| !address.is_empty());
            let name = names.get(nth).copied().filter(|name| !name.is_empty());
            let name = name.or(address).unwrap_or("localhost");
            let port =
                ports.get(nth).or(ports.first()).copied().filter(|port| !port.is_empty()).unwrap_or("5432");
            let mut config = common.clone();
            config.connect_timeout(connect_timeout).host(name).port(number("port", port)?);
            if let Some(address) = address {
                let wrong = |_| Error::Invalid("`hostaddr` is an address of digits".into());
                config.hostaddr(address.parse::<IpAddr>().map_err(wrong)?);
            }
            if let Some(password) = password(parameters, name, port)? {
                config.password(password);
            }
            Ok(config)
        })
        .collect()
}

fn password(parameters: &Parameters, host: &str, port: &str) -> Result<Option<String>, Error> {
    if let Some(password) = parameters.get("password") {
        return Ok(Some(password.to_owned()));
    }
    let Some(file) = parameters.get("passfile") else { return Ok(None) };
    let (database, user) = (parameters.get("dbname"), parameters.get("user"));
    let (database, user) = (database.unwrap_or_default(), user.unwrap_or_default());
    passfile::find(Path::new(file), &Whom { host, port, database, user })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn config(text: &str) -> Config {
        common(&Parameters::parse(text).unwrap()).unwrap()
    }

    #[test]
    fn zero_leaves_a_silent_connection_to_the_system() {
        let systems = config("keepalives_idle=0 keepalives_interval=0 keepalives_count=0");
        assert_eq!(systems.get_keepalives_idle(), Config::new().get_keepalives_idle());
        assert_eq!(systems.get_keepalives_interval(), None);
        assert_eq!(systems.get_keepalives_retries(), None);
        let ours = config("host=h");
        assert_eq!(ours.get_keepalives_idle(), Duration::from_secs(20));
        assert_eq!(ours.get_keepalives_interval(), Some(Duration::from_secs(5)));
        assert_eq!(ours.get_keepalives_retries(), Some(4));
    }

    #[test]
    fn a_server_is_named_with_all_that_says_where_it_is() {
        for (text, named) in [
            ("postgres://u:p@h:1/d?sslmode=require", "postgres://h:1/d"),
            ("host=/run/pg port=5433 dbname=d user=u", "postgres:///d?host=/run/pg&port=5433"),
            ("host=a,b port=1,2 dbname=d", "postgres:///d?host=a%2Cb&port=1%2C2"),
        ] {
            assert_eq!(name(&Parameters::parse(text).unwrap()), named);
        }
    }
}
