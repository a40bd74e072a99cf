use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use annals_core::{Durability, Error, ErrorKind};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::failure::{Failure, NOT_SQLITE};
use crate::held::HeldFiles;
use crate::place::Place;
use crate::posting;
use crate::reader::Reader;
use crate::readers::Readers;
use crate::schema::{self, Contents, FORMAT_VERSION};
use crate::writer::Writer;
use crate::{SqliteDriver, SqliteOptions};

/// Older libraries may reset a WAL that another process still reads, and so damage the file.
const LIBRARY_VERSION_MIN: i32 = 3_051_003;

const STATEMENTS_CACHED: usize = 64;

/// Opens the log at `path`, creating it if the options say so.
pub(crate) fn open(options: &SqliteOptions, path: &Path) -> Result<SqliteDriver, Error> {
    let Place { path, store } = Place::new(path)?;
    let open = || {
        check_library(rusqlite::version_number())?;
        prepare_file(&path, options)?;
        let mut files = HeldFiles::find(&path)?;
        let reader = identified(files.path(), options)?;
        let writer = if options.read_only { None } else { Some(open_writer(files.path(), options)?) };
        if writer.is_some() {
            files.watch_wal()?;
        }
        // Another file may have come in between.
        files.check_wal_too()?;
        Ok((reader, writer, Arc::new(files)))
    };
    match open() {
        Ok((reader, writer, files)) => {
            let readers = Readers::new(Arc::clone(&files), options.clone(), reader);
            let writer = writer.map(|connection| {
                Writer::new(connection, Arc::clone(&files), Durability::Synced, options.pace)
            });
            Ok(SqliteDriver::new(store, files, readers, writer))
        }
        Err(failure) => Err(Failure::into_error(failure, &store)),
    }
}

/// Opens a connection that can only read.
pub(crate) fn open_reader(path: &Path, options: &SqliteOptions) -> Result<Reader, Failure> {
    let connection = connect(path, options, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    posting::teach(&connection)?;
    Ok(Reader::new(connection))
}

fn check_library(version: i32) -> Result<(), Failure> {
    if version >= LIBRARY_VERSION_MIN {
        return Ok(());
    }
    let (major, minor, patch) = (version / 1_000_000, version / 1000 % 1000, version % 1000);
    let message = format!(
        "the SQLite library is {major}.{minor}.{patch}, which can damage a file that several processes \
         write; 3.51.3 or newer is needed, such as the one of the feature `bundled`"
    );
    Err(Failure::Refused(ErrorKind::Unsupported, message))
}

/// Sees to it that there is a file, without ever opening one that another connection may have.
fn prepare_file(path: &Path, options: &SqliteOptions) -> Result<(), Failure> {
    // Closing a descriptor drops this process's locks on the file. So no thread may come between
    // `create_new` and the close with a connection of its own.
    static CREATING: Mutex<()> = Mutex::new(());
    let _guard = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
    match fs::metadata(path) {
        // SQLite takes a file of one byte for an empty one, and would write over it.
        Ok(file) if file.is_file() && file.len() == 1 => {
            Err(Failure::Refused(ErrorKind::Unavailable, NOT_SQLITE.into()))
        }
        Ok(file) if file.is_file() => Ok(()),
        Ok(_) => Err(Failure::Refused(ErrorKind::Unavailable, "this is no file".into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if options.create && !options.read_only {
                create_file(path).map_err(|error| cannot("create", &error))
            } else {
                Err(Failure::Refused(ErrorKind::Missing, "there is no such file".into()))
            }
        }
        Err(error) => Err(cannot("look at", &error)),
    }
}

fn cannot(what: &str, error: &io::Error) -> Failure {
    let kind = match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => ErrorKind::ReadOnly,
        io::ErrorKind::StorageFull => ErrorKind::Full,
        _ => ErrorKind::Unavailable,
    };
    Failure::Refused(kind, format!("cannot {what} the file: {error}"))
}

fn create_file(path: &Path) -> io::Result<()> {
    let mut create = OpenOptions::new();
    create.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut create, 0o600);
    match create.open(path) {
        Ok(file) => file.sync_all()?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    sync_folder(path)
}

/// The name of a new file can vanish in a power cut even though its contents were synced.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// Returns a reading connection to a file that holds a log of ours, creating the log in an empty
/// one. Any other file is refused before anything could write to it.
fn identified(path: &Path, options: &SqliteOptions) -> Result<Reader, Failure> {
    let look = || -> Result<(Reader, Contents), Failure> {
        let reader = open_reader(path, options)?;
        let contents = in_snapshot(&reader.connection, schema::identify)?;
        Ok((reader, contents))
    };
    let (reader, contents) = match look() {
        // An unfinished change from before a crash stands beside the file; only a writer can undo it.
        Err(failure) if failure.code() == Some(ErrorCode::ReadOnly) && !options.read_only => {
            in_snapshot(&connect_writing(path, options)?, schema::identify)?;
            look()
        }
        found => found,
    }?;
    match contents {
        Contents::Empty if options.create && !options.read_only => create_log(path, options)?,
        Contents::Empty => {
            let message = "the file is empty: no log was created in it".into();
            return Err(Failure::Refused(ErrorKind::Missing, message));
        }
        contents => check_ours(contents)?,
    }
    Ok(reader)
}

fn check_ours(contents: Contents) -> Result<(), Failure> {
    let refuse = |kind, message| Err(Failure::Refused(kind, message));
    match contents {
        Contents::Version(FORMAT_VERSION) => Ok(()),
        Contents::Version(newer) if newer > FORMAT_VERSION => refuse(
            ErrorKind::NewerFormat,
            format!(
                "the file has format version {newer}, and this program knows versions up to \
                 {FORMAT_VERSION}; open it with a newer program"
            ),
        ),
        Contents::Version(version) => {
            refuse(ErrorKind::Corrupt, format!("the file says that its format version is {version}"))
        }
        Contents::Empty | Contents::Foreign => refuse(
            ErrorKind::Unavailable,
            "the file is a SQLite database of another program; choose another file".into(),
        ),
    }
}

/// Creates the log, unless another process was faster.
fn create_log(path: &Path, options: &SqliteOptions) -> Result<(), Failure> {
    let mut connection = connect_writing(path, options)?;
    set_journal_mode(&connection, options.busy_timeout)?;
    set_synchronous(&connection, Durability::Synced)?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    match schema::identify(&transaction)? {
        Contents::Empty => schema::create(&transaction)?,
        contents => check_ours(contents)?,
    }
    transaction.commit()?;
    sync_folder(path).map_err(|error| cannot("sync the folder of", &error))
}

fn open_writer(path: &Path, options: &SqliteOptions) -> Result<Connection, Failure> {
    let connection = connect_writing(path, options)?;
    set_journal_mode(&connection, options.busy_timeout)?;
    set_synchronous(&connection, Durability::Synced)?;
    // On macOS an ordinary sync stops at the drive's cache; elsewhere this changes nothing.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    Ok(connection)
}

fn connect_writing(path: &Path, options: &SqliteOptions) -> Result<Connection, Failure> {
    let connection = connect(path, options, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // SQLite opens a file that it may not write for reading, without a word.
    if connection.is_readonly("main")? {
        let message = "the file cannot be written; open it read-only, or change its permissions".into();
        return Err(Failure::Refused(ErrorKind::ReadOnly, message));
    }
    // What a row leaves behind is overwritten; see `erase`. Rows that are only added leave nothing.
    connection.pragma_update(None, "secure_delete", true)?;
    Ok(connection)
}

/// Neither creates a file nor writes to one.
fn connect(path: &Path, options: &SqliteOptions, access: OpenFlags) -> Result<Connection, Failure> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    match set_up(&connection, options) {
        Ok(()) => Ok(connection),
        // The file itself is open by now.
        Err(failure) if failure.code() == Some(ErrorCode::CannotOpen) => {
            let message = "the folder takes no new file, and SQLite keeps its -wal and -shm files there; \
                make it writable, make room, or copy the file to another folder";
            Err(Failure::Refused(ErrorKind::ReadOnly, message.into()))
        }
        Err(failure) => Err(failure),
    }
}

fn set_up(connection: &Connection, options: &SqliteOptions) -> Result<(), Failure> {
    connection.busy_timeout(options.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    // Without this guarantee the bundled SQLite compiles a cached statement anew at every
    // execution, since a plan might depend on what is bound: 2 to 4 times slower reads.
    configure(connection, DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    configure(connection, DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    configure(connection, DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "cache_size", -i64::from(options.cache_kib))?;
    // Memory maps of one file by different builds of SQLite have damaged files. A build that cannot
    // map answers with no row.
    connection.prepare("PRAGMA mmap_size = 0")?.query([])?.next()?;
    Ok(())
}

fn configure(connection: &Connection, setting: DbConfig, on: bool) -> Result<(), Failure> {
    if connection.set_db_config(setting, on)? == on {
        return Ok(());
    }
    Err(Failure::Refused(
        ErrorKind::Unsupported,
        "the SQLite library refuses a setting that is needed".into(),
    ))
}

/// Write-ahead logging is a property of the file. Changing it needs the file alone for a moment,
/// and SQLite does not wait for that by itself.
fn set_journal_mode(connection: &Connection, timeout: Duration) -> Result<(), Failure> {
    let deadline = Instant::now() + timeout;
    loop {
        let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        match mode.map_err(Failure::from) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => {
                let message = "write-ahead logging is not possible here; put the file on a local disk".into();
                return Err(Failure::Refused(ErrorKind::Unsupported, message));
            }
            Err(failure) if failure.code() != Some(ErrorCode::DatabaseBusy) => return Err(failure),
            Err(failure) if Instant::now() >= deadline => return Err(failure),
            Err(_) => thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// Sets how a commit reaches the disk, and reads the setting back.
pub(crate) fn set_synchronous(connection: &Connection, durability: Durability) -> Result<(), Failure> {
    let level = match durability {
        Durability::Buffered => 1,
        Durability::Synced => 2,
    };
    connection.pragma_update(None, "synchronous", level)?;
    let answer: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    if answer == level {
        return Ok(());
    }
    Err(Failure::Refused(
        ErrorKind::Unsupported,
        "SQLite did not take the durability that was asked for".into(),
    ))
}

/// Runs a scan that meets each page once: kept in memory, the pages would only drive out others.
pub(crate) fn keeping_few_pages<T>(
    connection: &Connection,
    scan: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    const CACHE_KIB: i64 = 512;
    let usual: i64 = connection.pragma_query_value(None, "cache_size", |row| row.get(0))?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    let answer = scan();
    connection.pragma_update(None, "cache_size", usual)?;
    answer
}

/// Runs several reads at one moment of the log. On an error the connection is to be given up.
pub(crate) fn in_snapshot<T>(
    connection: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let answer = read(connection)?;
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_statements_are_not_compiled_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        let options = SqliteOptions::default();
        drop(options.open(&path).unwrap());
        let reader = open_reader(&path, &options).unwrap();
        let sql = "SELECT max(first) FROM annals_posting WHERE key = ?1 AND first <= ?2";
        for number in 0..10 {
            let mut select = reader.connection.prepare_cached(sql).unwrap();
            let _: Option<i64> = select.query_row([number, number], |row| row.get(0)).unwrap();
        }
        let select = reader.connection.prepare_cached(sql).unwrap();
        assert_eq!(select.get_status(rusqlite::StatementStatus::Run), 10);
        assert_eq!(select.get_status(rusqlite::StatementStatus::RePrepare), 0);
    }

    #[test]
    fn a_library_that_may_damage_the_file_is_refused() {
        let text = match check_library(3_051_002) {
            Err(Failure::Refused(ErrorKind::Unsupported, text)) => text,
            other => panic!("not refused: {other:?}"),
        };
        assert!(text.starts_with("the SQLite library is 3.51.2,"), "{text}");
        assert!(check_library(3_051_003).is_ok());
        assert!(check_library(rusqlite::version_number()).is_ok());
    }
}
