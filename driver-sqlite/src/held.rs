use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use annals_core::ErrorKind;

use crate::failure::Failure;

/// The files of an open log, which may be moved, removed or replaced behind its back.
///
/// SQLite would go on without a word, in files that nobody finds again. Only Unix lets that happen
/// to a file that is open; elsewhere nothing is looked at.
#[derive(Debug)]
pub(crate) struct HeldFiles {
    /// Without symbolic links: SQLite puts its `-wal` and `-shm` files beside the file itself.
    path: PathBuf,
    database: FileId,
    /// Known as long as a connection keeps the file from being removed by SQLite.
    wal: Option<FileId>,
    /// Once lost, always lost: what came back may have been written under another name meanwhile.
    lost: AtomicBool,
}

impl HeldFiles {
    /// Finds the file at `path`.
    pub(crate) fn find(path: &Path) -> Result<HeldFiles, Failure> {
        let found = || {
            // Elsewhere than on Unix the answer is in a form that SQLite need not understand.
            let path = if cfg!(unix) { fs::canonicalize(path)? } else { path.to_owned() };
            let database = FileId::of(&fs::metadata(&path)?);
            Ok(HeldFiles { path, database, wal: None, lost: AtomicBool::new(false) })
        };
        found().map_err(|error| cannot_look(&error))
    }

    /// Watches the `-wal` file from now on, too. A writing connection must be open, and stay so.
    pub(crate) fn watch_wal(&mut self) -> Result<(), Failure> {
        let wal = fs::metadata(self.beside("-wal")).map_err(|error| cannot_look(&error))?;
        self.wal = Some(FileId::of(&wal));
        Ok(())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of the file that SQLite keeps beside the database.
    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(suffix);
        path.into()
    }

    /// Fails if the files were lost sight of before.
    pub(crate) fn check_known(&self) -> Result<(), Failure> {
        if self.lost.load(Ordering::Relaxed) { Err(lost()) } else { Ok(()) }
    }

    /// Fails if the file is not where it was. Costs a microsecond.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.check_known()?;
        self.check_one(&self.path, &self.database)
    }

    /// Fails if the file or its `-wal` is not where it was.
    ///
    /// This makes the next commit a third slower on Linux from 6.13 on, where a file whose times were
    /// asked for gets new ones at its next write, and else only at a tick of the clock.
    pub(crate) fn check_wal_too(&self) -> Result<(), Failure> {
        self.check()?;
        match &self.wal {
            Some(wal) => self.check_one(&self.beside("-wal"), wal),
            None => Ok(()),
        }
    }

    fn check_one(&self, path: &Path, id: &FileId) -> Result<(), Failure> {
        if is(path, id)? {
            return Ok(());
        }
        self.lost.store(true, Ordering::Relaxed);
        Err(lost())
    }

    /// Returns why `failure` came about, if it did because the files are not where they were.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Sqlite(_) => self.check_wal_too().err().unwrap_or(failure),
            failure => failure,
        }
    }
}

fn lost() -> Failure {
    let message = "the file or its -wal file was moved, removed or replaced while the log was open, so \
        nothing more is written; end every program that has the log open, put both files back \
        together (log.db and log.db-wal), and open it anew";
    Failure::Refused(ErrorKind::Unavailable, message.into())
}

fn cannot_look(error: &io::Error) -> Failure {
    Failure::Refused(ErrorKind::Unavailable, format!("cannot look at the file: {error}"))
}

/// Returns whether this file is at `path`. Only asks: opening and closing the file would drop this
/// process's locks on it.
fn is(path: &Path, id: &FileId) -> Result<bool, Failure> {
    if cfg!(not(unix)) {
        return Ok(true);
    }
    match fs::metadata(path) {
        Ok(file) => Ok(FileId::of(&file) == *id),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(false)
        }
        Err(error) => Err(cannot_look(&error)),
    }
}

/// Which file it is, whatever its name: its device and inode.
#[derive(Debug, PartialEq, Eq)]
struct FileId {
    #[cfg(unix)]
    device_and_inode: (u64, u64),
}

impl FileId {
    #[cfg(unix)]
    fn of(file: &Metadata) -> FileId {
        use std::os::unix::fs::MetadataExt;
        FileId { device_and_inode: (file.dev(), file.ino()) }
    }

    #[cfg(not(unix))]
    fn of(_: &Metadata) -> FileId {
        FileId {}
    }
}
