//! A place for a store, and the command run on it.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use annals_test_server::OwnLog;
use tempfile::TempDir;

/// An empty folder for stores.
pub(crate) struct Place {
    folder: TempDir,
    /// Where the store is instead, if not in that folder.
    log: Option<OwnLog>,
}

/// What the command answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Place {
        Place { folder: tempfile::tempdir().unwrap(), log: None }
    }

    /// Returns a place whose store is a log on a PostgreSQL server, not created yet; `None` without a server.
    pub(crate) fn in_postgres() -> Option<Place> {
        Some(Place::at(OwnLog::new()?))
    }

    /// Returns a place whose store is this log.
    pub(crate) fn at(log: OwnLog) -> Place {
        Place { log: Some(log), ..Place::new() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The address of the store that commands use unless they are given another.
    pub(crate) fn url(&self) -> String {
        let file = || format!("sqlite:{}", self.path("store.db").display());
        self.log.as_ref().map_or_else(file, OwnLog::url)
    }

    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_annals"));
        command.args(arguments).env("ANNALS_STORE", self.url()).env_remove("CLICOLOR_FORCE");
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    pub(crate) fn annals(&self, arguments: &[&str]) -> Answer {
        let output = self.command(arguments).output().unwrap();
        Answer {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs the command with `input` on its standard input.
    pub(crate) fn annals_reading(&self, arguments: &[&str], input: &[u8]) -> Answer {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || {
            // The command may end before it has read everything.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Answer {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a command that must succeed, and returns what it printed.
    #[track_caller]
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let answer = self.annals(arguments);
        assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""), "{arguments:?}");
        answer.out
    }

    /// Runs a command that must fail with `code`, and returns what it said; it answers nothing.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let answer = self.annals(arguments);
        assert_eq!((answer.code, answer.out.as_str()), (Some(code), ""), "{arguments:?}: {}", answer.err);
        answer.err
    }

    /// Returns the last position of the store.
    #[track_caller]
    pub(crate) fn last_position(&self) -> u64 {
        let stat: serde_json::Value = serde_json::from_str(&self.ok(&["stat", "-o", "json"])).unwrap();
        stat["last_position"].as_u64().unwrap()
    }
}
