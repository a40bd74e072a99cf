//! A throw-away PostgreSQL server: started for one command, gone after it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The variable by which tests learn where the server is.
pub(crate) const URL: &str = "ANNALS_TEST_POSTGRES";

/// How long the server may take to start.
const START_MAX: Duration = Duration::from_secs(60);

/// Ends the server when this program has gone, however it went: its end of the pipe is closed then.
const KEEPER: &str = r#"
trap '' INT TERM HUP
"$1/postgres" -D "$2/data" -k "$2" >"$2/log" 2>&1 </dev/null &
server=$!
read -r end
kill -INT "$server"
wait "$server"
rm -rf "$2"
"#;

/// A running server with a folder of its own. It stops, and the folder goes, when this is dropped.
///
/// Whoever may enter the folder may connect: it is closed to everybody else, and so are other ways to
/// the server, which asks for a password on 127.0.0.1.
#[derive(Debug)]
pub(crate) struct Server {
    keeper: Child,
    folder: PathBuf,
    port: u16,
}

impl Server {
    /// Starts a server from the programs that this machine has, or gets on Debian.
    pub(crate) fn start() -> Result<Server, String> {
        if !cfg!(unix) {
            return Err(format!("only Unix can start a server; set {URL} to one that is there"));
        }
        let programs = find_or_install()?;
        let owner = Owner::of_server()?;
        let folder = private_folder().map_err(|error| said(&error))?;
        owner.give(folder.path())?;
        let port = free_port()?;
        create_cluster(&programs, &owner, folder.path())?;
        configure(folder.path(), port).map_err(|error| said(&error))?;
        Server::run(&programs, &owner, folder, port)
    }

    fn run(programs: &Path, owner: &Owner, folder: TempDir, port: u16) -> Result<Server, String> {
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(programs).arg(folder.path());
        owner.run(&mut keeper);
        let keeper = keeper.stdin(Stdio::piped()).spawn().map_err(|error| said(&error))?;
        // From here on the keeper removes the folder.
        let server = Server { keeper, folder: folder.keep(), port };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&self) -> Result<(), String> {
        let start = Instant::now();
        while start.elapsed() < START_MAX {
            let status = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
            if status.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        Err(format!("the server does not start:\n{log}"))
    }

    /// Returns where tests reach the server, as its superuser.
    pub(crate) fn url(&self) -> String {
        format!("postgres:///postgres?host={}&port={}&user=postgres", self.folder.display(), self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // Nothing else can be done about a server that does not stop.
        let _ = self.keeper.wait();
    }
}

#[cfg(unix)]
fn private_folder() -> std::io::Result<TempDir> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new().prefix("annals-pg-").permissions(fs::Permissions::from_mode(0o700)).tempdir()
}

#[cfg(not(unix))]
fn private_folder() -> std::io::Result<TempDir> {
    tempfile::tempdir()
}

/// Returns the folder with the server's programs: of the newest version that is installed.
fn find_or_install() -> Result<PathBuf, String> {
    if let Some(found) = find() {
        return Ok(found);
    }
    let advice = format!("install PostgreSQL's server, or set {URL}, or give --no-postgres");
    if !is_root() || !Path::new("/usr/bin/apt-get").exists() {
        return Err(format!("there is no PostgreSQL server on this machine; {advice}"));
    }
    crate::say("     Chore apt-get install postgresql");
    install("postgresql").map_err(|error| format!("{error}; {advice}"))?;
    find().ok_or_else(|| format!("`postgresql` was installed, but has no server; {advice}"))
}

fn find() -> Option<PathBuf> {
    let is_complete =
        |folder: &PathBuf| ["initdb", "postgres"].iter().all(|program| folder.join(program).exists());
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).find(is_complete).or_else(|| {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
        let version = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
        let newest = versions.filter_map(|entry| Some(entry.ok()?.path())).max_by_key(version)?;
        Some(newest.join("bin")).filter(is_complete)
    })
}

/// Installs a package of Debian.
pub(crate) fn install(package: &str) -> Result<(), String> {
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let arguments = ["install", "--yes", "--no-install-recommends", package];
    if apt(&arguments) || (apt(&["update"]) && apt(&arguments)) {
        Ok(())
    } else {
        Err(format!("`{package}` cannot be installed"))
    }
}

/// Whom the server runs as: it refuses to run as root.
#[derive(Debug)]
pub(crate) struct Owner {
    /// `None`: whoever runs this program.
    ids: Option<(u32, u32)>,
}

impl Owner {
    pub(crate) fn of_server() -> Result<Owner, String> {
        if !is_root() {
            return Ok(Owner { ids: None });
        }
        let ids = ["postgres", "nobody"].iter().find_map(|user| Some((id("-u", user)?, id("-g", user)?)));
        ids.map(|ids| Owner { ids: Some(ids) }).ok_or_else(|| "there is no user to run the server as".into())
    }

    #[cfg(unix)]
    pub(crate) fn run(&self, command: &mut Command) {
        use std::os::unix::process::CommandExt;
        if let Some((user, group)) = self.ids {
            command.uid(user).gid(group).current_dir("/");
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn run(&self, _command: &mut Command) {}

    #[cfg(unix)]
    pub(crate) fn give(&self, folder: &Path) -> Result<(), String> {
        let Some((user, group)) = self.ids else { return Ok(()) };
        std::os::unix::fs::chown(folder, Some(user), Some(group)).map_err(|error| said(&error))
    }

    #[cfg(not(unix))]
    pub(crate) fn give(&self, _folder: &Path) -> Result<(), String> {
        Ok(())
    }
}

fn is_root() -> bool {
    answer_of("id", &["-u"]).as_deref() == Some("0")
}

fn id(which: &str, user: &str) -> Option<u32> {
    answer_of("id", &[which, user])?.parse().ok()
}

fn answer_of(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|out| out.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

pub(crate) fn free_port() -> Result<u16, String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(|error| said(&error))?;
    Ok(listener.local_addr().map_err(|error| said(&error))?.port())
}

fn create_cluster(programs: &Path, owner: &Owner, folder: &Path) -> Result<(), String> {
    let mut initdb = Command::new(programs.join("initdb"));
    initdb.args(["--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"]);
    initdb.arg(folder.join("data")).args(["--auth-local=trust", "--auth-host=scram-sha-256"]);
    owner.run(&mut initdb);
    let output = initdb.output().map_err(|error| said(&error))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("initdb failed: {errors}")) }
}

/// Syncing stays on: commits are as durable, and as slow, as on a server that matters.
fn configure(folder: &Path, port: u16) -> std::io::Result<()> {
    let settings = format!(
        "listen_addresses = '127.0.0.1'
port = {port}
max_connections = 200
shared_buffers = '64MB'
max_wal_size = '256MB'
autovacuum_naptime = '5s'
"
    );
    let file = folder.join("data/postgresql.conf");
    fs::OpenOptions::new().append(true).open(file)?.write_all(settings.as_bytes())
}

fn said(error: &std::io::Error) -> String {
    format!("the server cannot be started: {error}")
}

/// Where the tests find a server.
pub(crate) enum ForTests {
    /// The environment says.
    Given,
    Own(Server),
    /// Nowhere: those that need one are to say that they were skipped.
    None,
}

impl ForTests {
    pub(crate) fn choose(is_wanted: bool) -> Result<ForTests, String> {
        match is_wanted {
            false => Ok(ForTests::None),
            true if env::var_os(URL).is_some() => Ok(ForTests::Given),
            true => Server::start().map(ForTests::Own),
        }
    }

    /// Lets a command know.
    pub(crate) fn tell<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        match self {
            ForTests::Given => command,
            ForTests::Own(server) => command.env(URL, server.url()),
            ForTests::None => command.env_remove(URL).env("ANNALS_NO_POSTGRES", "1"),
        }
    }
}

/// Runs a command with the address of a server in [`URL`].
pub(crate) fn run_with_server(command: &[OsString]) -> Result<(), String> {
    let (program, arguments) =
        command.split_first().ok_or("give a command: cargo xtask postgres -- COMMAND")?;
    let server = Server::start()?;
    crate::say(&format!("     Chore {URL}={}", server.url()));
    let status = Command::new(program).args(arguments).env(URL, server.url()).status();
    let shown = program.to_string_lossy();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!("`{shown}` failed")),
        Err(error) => Err(format!("`{shown}` cannot be started: {error}")),
    }
}
