//! Where the tests find a PostgreSQL server.

use std::env;
use std::ffi::OsString;
use std::process::Command;

use annals_test_server::{NO_SERVER, POOLER, Pooler, SERVER, Server, Settings};

/// Where the tests find a server.
pub(crate) enum ForTests {
    /// The environment says.
    Given,
    Own {
        // Dropped first: it stands before the server.
        pooler: Pooler,
        server: Server,
    },
    /// Nowhere: those that need one are to say that they were skipped.
    None,
}

impl ForTests {
    pub(crate) fn choose(is_wanted: bool) -> Result<ForTests, String> {
        match is_wanted {
            false => Ok(ForTests::None),
            true if env::var_os(SERVER).is_some() => Ok(ForTests::Given),
            true => ForTests::start().map_err(|error| {
                format!("{error}; or set {SERVER} to a server that is there, or give --no-postgres")
            }),
        }
    }

    fn start() -> Result<ForTests, String> {
        let server = Settings::new().start()?;
        let pooler = Pooler::start(&server)?;
        Ok(ForTests::Own { pooler, server })
    }

    /// Lets a command know.
    pub(crate) fn tell<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        match self {
            ForTests::Given => command,
            ForTests::Own { pooler, server } => command.env(SERVER, server.url()).env(POOLER, pooler.url()),
            ForTests::None => command.env_remove(SERVER).env_remove(POOLER).env(NO_SERVER, "1"),
        }
    }
}

/// Runs a command that is told of a throw-away server and its pooler.
pub(crate) fn run_with_server(command: &[OsString]) -> Result<(), String> {
    let (program, arguments) =
        command.split_first().ok_or("give a command: cargo xtask postgres -- COMMAND")?;
    let own = ForTests::start()?;
    if let ForTests::Own { pooler, server } = &own {
        crate::say(&format!("     Chore {SERVER}={}\n     Chore {POOLER}={}", server.url(), pooler.url()));
    }
    let status = own.tell(Command::new(program).args(arguments)).status();
    let shown = program.to_string_lossy();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!("`{shown}` failed")),
        Err(error) => Err(format!("`{shown}` cannot be started: {error}")),
    }
}
