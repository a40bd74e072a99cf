use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::owner::Owner;
use crate::said;

/// Starts a program at every line that it is given, when the one before has gone, and ends it when
/// whoever gives them has gone, however that went: its end of the pipe is closed then.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
folder=$1
signal=$2
shift 2
program=
while read -r line; do
    [ -z "$program" ] || wait "$program"
    "$@" >>"$folder/log" 2>&1 </dev/null &
    program=$!
done
kill "-$signal" "$program" 2>/dev/null
wait "$program"
rm -rf "$folder"
"#;

/// Keeps a program running that has a folder of its own. When this is dropped the program ends, and
/// the folder goes.
#[derive(Debug)]
pub(crate) struct Keeper {
    shell: Child,
    folder: PathBuf,
}

impl Keeper {
    /// How long a program may take until it is ready, or gone.
    const WAIT_MAX: Duration = Duration::from_secs(60);

    /// Starts the program, which is ended by `signal`.
    pub(crate) fn start(
        owner: Owner,
        folder: TempDir,
        signal: &str,
        command: &[&OsStr],
    ) -> Result<Keeper, String> {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "keeper"]).arg(folder.path()).arg(signal).args(command);
        let shell = owner.run(&mut shell).stdin(Stdio::piped()).spawn().map_err(|error| said(&error))?;
        // From here on the shell removes the folder.
        let mut keeper = Keeper { shell, folder: folder.keep() };
        keeper.start_again()?;
        Ok(keeper)
    }

    /// Starts the program once more, when it has gone.
    pub(crate) fn start_again(&mut self) -> Result<(), String> {
        let pipe = self.shell.stdin.as_mut().expect("the pipe is there until this is dropped");
        pipe.write_all(b"start\n").map_err(|error| said(&error))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Waits until `is_reached`, or says what the program has said.
    pub(crate) fn wait_until(&self, is_reached: impl Fn() -> bool) -> Result<(), String> {
        let start = Instant::now();
        while !is_reached() {
            if start.elapsed() > Self::WAIT_MAX {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                return Err(format!("the server does neither start nor stop as it should:\n{log}"));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // Nothing else can be done about a program that does not end.
        let _ = self.shell.wait();
    }
}
