//! The table space is full.

use std::path::Path;
use std::process::Command;

use annals_core::{Batch, Context, Driver, Durability, ErrorKind, Key, Order, PositionRange};
use annals_driver_postgres::{AppendBy, PostgresDriver};
use annals_test_server::{Server, Settings, counted, skipped};
use tempfile::TempDir;

use crate::common::{Scratch, own_server};

/// A folder with little room, gone when this is dropped.
struct Room {
    folder: TempDir,
    kibibytes: usize,
}

impl Room {
    /// Makes one for a server, `None` where that is not allowed.
    fn make(server: &Server) -> Option<Room> {
        let room = Room { folder: tempfile::tempdir().unwrap(), kibibytes: 1024 };
        let is_made = run("mount", &["-t", "tmpfs", "-o", &room.size(), "annals"], room.path());
        if !is_made {
            skipped("only root can make a small file system");
            return None;
        }
        let owner = format!("--reference={}", server.folder().display());
        assert!(run("chown", &[&owner], room.path()));
        Some(room)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn size(&self) -> String {
        format!("size={}k", self.kibibytes)
    }

    fn grow(&mut self) {
        self.kibibytes += 512;
        assert!(run("mount", &["-o", &format!("remount,{}", self.size())], self.path()));
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // The server holds files in it until it ends.
        run("umount", &["--lazy"], self.path());
    }
}

fn run(program: &str, arguments: &[&str], path: &Path) -> bool {
    Command::new(program).args(arguments).arg(path).output().unwrap().status.success()
}

/// Appends values that no compression makes smaller, until there is an error. Returns its kind.
fn fill(driver: &PostgresDriver, written: &mut Vec<Vec<u8>>) -> ErrorKind {
    loop {
        let bytes: Vec<u8> =
            std::iter::repeat_with(|| fastrand::u8(..)).take(fastrand::usize(..100_000)).collect();
        match append(driver, &bytes) {
            Ok(()) => written.push(bytes),
            Err(kind) => return kind,
        }
    }
}

fn append(driver: &PostgresDriver, bytes: &[u8]) -> Result<(), ErrorKind> {
    let batch = Batch::new(Context::new()).set(Key::parse("a", "x").unwrap(), bytes);
    let answers = driver.append(&[batch], Durability::Synced).map_err(|error| error.kind())?;
    assert!(answers[0].is_ok());
    Ok(())
}

fn values(driver: &PostgresDriver) -> Vec<Vec<u8>> {
    let commits = driver.commits(PositionRange::ALL, Order::OldestFirst, usize::MAX).unwrap();
    assert!(commits.iter().zip(1..).all(|(item, position)| item.commit.last.get() == position));
    commits.iter().map(|item| item.entries[0].action.bytes().unwrap().to_vec()).collect()
}

#[test]
fn a_full_table_space_leaves_the_log_readable_and_writing_goes_on_once_there_is_room() {
    const TIMES: usize = 20;
    let Some(server) = own_server(&Settings::new()) else { return };
    let Some(mut room) = Room::make(&server) else { return };
    let scratch = Scratch::on(&server);
    let folder = room.path().display();
    let sql = format!("CREATE TABLESPACE small LOCATION '{folder}'");
    scratch.sql().batch_execute(&sql).unwrap();
    scratch.sql().batch_execute("ALTER ROLE postgres SET default_tablespace = 'small'").unwrap();
    let drivers =
        [AppendBy::Function, AppendBy::Statements].map(|by| scratch.options().append_by(by).open().unwrap());
    let mut written = Vec::new();
    for time in 0..TIMES {
        let driver = &drivers[time % 2];
        assert_eq!(fill(driver, &mut written), ErrorKind::Full);
        assert!(values(driver) == written, "what was acknowledged is there, and nothing else");
        room.grow();
        written.push(vec![7; 1000]);
        assert_eq!(append(driver, &[7; 1000]), Ok(()));
    }
    assert!(values(&drivers[0]) == written);
    counted(&format!("full {TIMES} times, {} commits kept", written.len()));
}
