use std::fmt::Write as _;

use crate::Server;

/// What a server is started with.
#[derive(Clone, Debug)]
#[must_use = "nothing is started until `start` is called"]
pub struct Settings {
    pub(crate) configuration: String,
    pub(crate) access: String,
    pub(crate) files: Vec<(&'static str, String)>,
}

impl Settings {
    /// Returns the settings of a server that syncs: commits are as durable, and as slow, as on a server
    /// that matters.
    ///
    /// Whoever may enter its folder may connect: it is closed to everybody else. On 127.0.0.1 it asks
    /// for a password.
    pub fn new() -> Settings {
        let configuration = "listen_addresses = '127.0.0.1'\nmax_connections = 200\n\
            shared_buffers = '64MB'\nmax_wal_size = '256MB'\nautovacuum_naptime = '5s'\n";
        let access = "local all all trust\n";
        Settings { configuration: configuration.into(), access: access.into(), files: Vec::new() }
            .access("host all all 127.0.0.1/32 scram-sha-256")
    }

    /// Sets one of the server's own settings.
    pub fn set(mut self, name: &str, value: &str) -> Settings {
        // To a string nothing fails to be written.
        let _ = writeln!(self.configuration, "{name} = '{value}'");
        self
    }

    /// Adds a line to `pg_hba.conf` before those that were there, but behind the first, which lets
    /// everybody in who comes through the folder.
    pub fn access(mut self, line: &str) -> Settings {
        let first = self.access.find('\n').map_or(0, |end| end + 1);
        self.access.insert_str(first, &format!("{line}\n"));
        self
    }

    /// Puts a file that only the server may read beside its data, where settings name it.
    pub fn file(mut self, name: &'static str, contents: String) -> Settings {
        self.files.push((name, contents));
        self
    }

    /// Starts such a server from the programs that this machine has, or gets on Debian.
    ///
    /// # Errors
    /// If there are no such programs, or they fail.
    pub fn start(&self) -> Result<Server, String> {
        Server::start(self)
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings::new()
    }
}
