use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use annals_core::Error;

use crate::parameters::Parameters;
use crate::server::Server;

/// Whether commits are announced, and where one hears of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Notify {
    #[default]
    Off,
    /// Where everything else goes.
    On,
    /// At another address of the same server, since a pooler stands before it.
    At { host: String, port: u16 },
}

impl Notify {
    /// Returns where to listen, given how the server is reached otherwise.
    pub(crate) fn server(
        &self,
        parameters: &Parameters,
        server: &Arc<Server>,
    ) -> Result<Option<Arc<Server>>, Error> {
        match self {
            Notify::Off => Ok(None),
            Notify::On => Ok(Some(Arc::clone(server))),
            Notify::At { host, port } => {
                let mut direct = parameters.clone();
                direct.take("hostaddr");
                direct.set("host", host.as_str());
                direct.set("port", port.to_string());
                Ok(Some(Arc::new(Server::find(direct)?)))
            }
        }
    }
}

impl FromStr for Notify {
    type Err = Error;

    fn from_str(text: &str) -> Result<Notify, Error> {
        match text {
            "off" => Ok(Notify::Off),
            "on" => Ok(Notify::On),
            address => {
                let parts = address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
                let found = parts.and_then(|(host, port)| {
                    Some(Notify::At { host: host.to_owned(), port: port.parse().ok()? })
                });
                found.ok_or_else(|| Error::Invalid("`annals.notify` is one of on, off, HOST:PORT".into()))
            }
        }
    }
}

impl fmt::Display for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notify::Off => f.write_str("off"),
            Notify::On => f.write_str("on"),
            Notify::At { host, port } => write!(f, "{host}:{port}"),
        }
    }
}
