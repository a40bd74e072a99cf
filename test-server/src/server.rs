use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use crate::folder::{free_port, private, write_private};
use crate::keeper::Keeper;
use crate::owner::Owner;
use crate::processes::{Family, has_gone};
use crate::{Settings, programs, said};

/// A running server with a folder of its own. It stops, and the folder goes, when this is dropped.
#[derive(Debug)]
pub struct Server {
    keeper: Keeper,
    port: u16,
}

impl Server {
    pub(crate) fn start(settings: &Settings) -> Result<Server, String> {
        let programs = programs::of_server()?;
        let owner = Owner::of_servers()?;
        let folder = private(owner)?;
        let port = free_port()?;
        let data = folder.path().join("data");
        create_cluster(&programs, owner, &data)?;
        configure(settings, owner, &data, port)?;
        let program = programs.join("postgres");
        let socket = folder.path().to_owned();
        let command =
            [program.as_os_str(), "-D".as_ref(), data.as_os_str(), "-k".as_ref(), socket.as_os_str()];
        let keeper = Keeper::start(owner, folder, "INT", &command)?;
        let server = Server { keeper, port };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// Returns where the server is reached, as its superuser, through its folder.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres:///postgres?host={}&port={}&user=postgres", self.folder().display(), self.port)
    }

    /// Returns the folder of the server's socket and its data.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.keeper.folder()
    }

    /// Returns the server's port, of its socket and on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends the server and all of its processes at once, as a crash of the machine would.
    ///
    /// # Errors
    /// If it cannot be done.
    pub fn kill(&mut self) -> Result<(), String> {
        let killed = self.family()?.kill()?;
        self.keeper.wait_until(|| killed.iter().all(|process| has_gone(*process)))
    }

    /// Starts a server that was killed, and waits until it lets others in.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start_again(&mut self) -> Result<(), String> {
        self.keeper.start_again()?;
        self.wait_until_ready()
    }

    /// Stops all of the server's processes where they are.
    ///
    /// # Errors
    /// If it cannot be done.
    pub fn pause(&self) -> Result<(), String> {
        self.family()?.pause().map(drop)
    }

    /// Lets a paused server go on.
    ///
    /// # Errors
    /// If it cannot be done.
    pub fn go_on(&self) -> Result<(), String> {
        self.family()?.go_on()
    }

    fn wait_until_ready(&self) -> Result<(), String> {
        self.keeper.wait_until(|| {
            let status = self.status();
            let is_ready =
                status.lines().nth(7).is_some_and(|line| matches!(line.trim(), "ready" | "standby"));
            // A server that was killed has left its word.
            is_ready && self.family().is_ok_and(|family| family.is_alive())
        })
    }

    fn family(&self) -> Result<Family, String> {
        Family::of(self.status().lines().next().unwrap_or_default())
    }

    /// Returns what the server says of itself: its process first, later how it is.
    fn status(&self) -> String {
        fs::read_to_string(self.folder().join("data/postmaster.pid")).unwrap_or_default()
    }
}

fn create_cluster(programs: &Path, owner: Owner, data: &Path) -> Result<(), String> {
    let mut initdb = Command::new(programs.join("initdb"));
    initdb.args(["--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"]).arg(data);
    initdb.args(["--auth-local=trust", "--auth-host=scram-sha-256"]);
    let output = owner.run(&mut initdb).output().map_err(|error| said(&error))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("initdb failed: {errors}")) }
}

fn configure(settings: &Settings, owner: Owner, data: &Path, port: u16) -> Result<(), String> {
    let file = fs::OpenOptions::new().append(true).open(data.join("postgresql.conf"));
    let written = file.and_then(|mut file| write!(file, "port = {port}\n{}", settings.configuration));
    written.map_err(|error| said(&error))?;
    write_private(&data.join("pg_hba.conf"), owner, &settings.access)?;
    settings.files.iter().try_for_each(|(name, contents)| write_private(&data.join(name), owner, contents))
}
