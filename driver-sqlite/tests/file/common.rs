use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use annals_core::{Batch, Context, Driver, Durability, Error, Key, Order, Position, PositionRange};
use annals_driver_sqlite::SqliteDriver;
use tempfile::TempDir;

/// A folder with a place for a log, removed at the end.
pub(crate) struct Scratch {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
}

impl Scratch {
    pub(crate) fn new() -> Scratch {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        Scratch { folder, path }
    }

    #[track_caller]
    pub(crate) fn open(&self) -> SqliteDriver {
        SqliteDriver::open(&self.path).unwrap()
    }
}

pub(crate) fn key(namespace: &str, field: &str) -> Key {
    Key::parse(namespace, field).unwrap()
}

pub(crate) fn set(key: &Key, bytes: &[u8]) -> Batch {
    Batch::new(Context::new()).set(key.clone(), bytes)
}

/// Appends one batch that has no conditions.
pub(crate) fn append(driver: &dyn Driver, batch: Batch) -> Result<Position, Error> {
    let mut answers = driver.append(&[batch], Durability::Synced)?;
    Ok(answers.pop().unwrap().unwrap().position())
}

/// Returns the values that a key ever had, oldest first.
pub(crate) fn values(driver: &dyn Driver, key: &Key) -> Vec<Vec<u8>> {
    let history = driver.history(key, PositionRange::ALL, Order::OldestFirst, 0, usize::MAX).unwrap();
    history.iter().map(|change| change.entry.action.bytes().unwrap().to_vec()).collect()
}

/// Opens the file as any SQLite program would.
pub(crate) fn sql(path: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(path).unwrap()
}

/// A small file system of its own, for disks that are full or read-only; `None` where the machine
/// does not let us mount one, which is said on standard error.
pub(crate) struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    pub(crate) fn mount(size: &str) -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={size}");
        let mounted = run("mount", &["-t", "tmpfs", "-o", &options, "none", folder.path().to_str().unwrap()]);
        if !mounted {
            skipped("a file system cannot be mounted here");
        }
        mounted.then_some(SmallDisk { folder })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("log.db")
    }

    #[track_caller]
    pub(crate) fn remount(&self, option: &str) {
        let folder = self.folder.path().to_str().unwrap();
        let option = format!("remount,{option}");
        assert!(in_time("mount", &["-o", &option, folder]), "cannot {option}");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        in_time("umount", &[self.folder.path().to_str().unwrap()]);
    }
}

/// Says on the terminal that a test was not done, past the capture that hides what passing tests say.
pub(crate) fn skipped(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default();
    let line = format!("SKIPPED {test}: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Runs a program until it succeeds, for a second: a child that another test is starting may hold a
/// file of the disk for a moment.
fn in_time(program: &str, arguments: &[&str]) -> bool {
    (0..20).any(|_| {
        let done = run(program, arguments);
        if !done {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        done
    })
}

fn run(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}
