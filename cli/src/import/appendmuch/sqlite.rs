use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};

use super::cell::Cell;
use super::error::ImportError;
use super::row::Cells;
use super::source::{ReadFailure, Visit};

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Tables that end in `_values` and have the columns of a row.
const FIND_TABLES: &str = "\
    SELECT name FROM sqlite_schema AS tables WHERE type = 'table' AND name LIKE '%\\_values' ESCAPE '\\' \
    AND 6 = (SELECT count(*) FROM pragma_table_info(tables.name) \
             WHERE name IN ('seq', 'namespace', 'field', 'value', 'created_at', 'context')) \
    ORDER BY name";

/// The table of rows in an SQLite file, as of one moment.
pub(super) struct Table {
    connection: Connection,
    select: String,
}

impl Table {
    pub(super) fn open(file: &Path, wanted: Option<&str>) -> Result<Table, ImportError> {
        let unreadable = |source| ImportError::Read { file: file.to_owned(), source };
        let refused = |source| ImportError::Sqlite { file: file.to_owned(), source };
        let connection = open_unaltered(file).map_err(unreadable)?.map_err(refused)?;
        let tables = tables(&connection).map_err(refused)?;
        let name = choose(file, wanted, tables)?;
        let select =
            format!("SELECT seq, namespace, field, value, created_at, context FROM {name} ORDER BY seq");
        Ok(Table { connection, select })
    }

    pub(super) fn each(&mut self, visit: Visit<'_>) -> Result<(), ReadFailure> {
        let mut statement = self.connection.prepare(&self.select).map_err(ReadFailure::Sqlite)?;
        let mut rows = statement.query(()).map_err(ReadFailure::Sqlite)?;
        while let Some(row) = rows.next().map_err(ReadFailure::Sqlite)? {
            visit(cells(row).map_err(ReadFailure::Sqlite)?)?;
        }
        Ok(())
    }
}

/// Opens the file for reading, in a transaction that sees one state of it to the end.
fn open_unaltered(file: &Path) -> io::Result<rusqlite::Result<Connection>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // Of a file in write-ahead mode that nobody has open, even a reader would make a log and an
    // index beside it, unless the file is declared immutable.
    let opened = if is_write_ahead(file)? && !has_write_ahead_log(file)? {
        Connection::open_with_flags(immutable_uri(file), flags | OpenFlags::SQLITE_OPEN_URI)
    } else {
        Connection::open_with_flags(file, flags)
    };
    Ok(opened.and_then(|connection| {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.execute_batch("PRAGMA trusted_schema = OFF; BEGIN")?;
        Ok(connection)
    }))
}

fn immutable_uri(file: &Path) -> String {
    let path = file.as_os_str().as_encoded_bytes().iter().map(|byte| match byte {
        b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(*byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    let root = if file.is_absolute() { "//" } else { "" };
    format!("file:{root}{}?immutable=1", path.collect::<String>())
}

/// The header says in which mode the file was written last.
fn is_write_ahead(file: &Path) -> io::Result<bool> {
    let mut header = [0; 20];
    File::open(file)?.read_exact(&mut header)?;
    Ok(header.last() == Some(&2))
}

fn has_write_ahead_log(file: &Path) -> io::Result<bool> {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    fs::exists(log)
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(FIND_TABLES)?;
    let mut tables: Vec<String> = statement.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?;
    // The package allows no other names; so no name needs quoting in our SQL.
    tables.retain(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
    tables.retain(|name| !name.starts_with(|first: char| first.is_ascii_digit()));
    Ok(tables)
}

fn choose(file: &Path, wanted: Option<&str>, mut tables: Vec<String>) -> Result<String, ImportError> {
    let file = || file.to_owned();
    if let Some(wanted) = wanted {
        let index = tables.iter().position(|table| table == wanted);
        let missing = |tables| ImportError::NoTable { file: file(), wanted: Some(wanted.to_owned()), tables };
        return match index {
            Some(index) => Ok(tables.swap_remove(index)),
            None => Err(missing(tables)),
        };
    }
    match tables.len() {
        0 => Err(ImportError::NoTable { file: file(), wanted: None, tables }),
        1 => Ok(tables.swap_remove(0)),
        _ => Err(ImportError::SeveralTables { file: file(), tables }),
    }
}

fn cells(row: &Row<'_>) -> rusqlite::Result<Cells> {
    let cell = |index| row.get_ref(index).map(cell);
    Ok(Cells {
        seq: cell(0)?,
        namespace: cell(1)?,
        field: cell(2)?,
        value: cell(3)?,
        created_at: cell(4)?,
        context: cell(5)?,
    })
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Float(number),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Cell::Text(text.to_owned()),
            Err(_) => Cell::Other("text that is not UTF-8"),
        },
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
    }
}
