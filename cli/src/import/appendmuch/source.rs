use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::dump::Dump;
use super::error::{ImportError, RowProblem};
use super::row::{Cells, Row};
use super::sqlite::Table;

const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";

/// A file of rows, of either kind, that can be read through any number of times.
pub(super) struct Source {
    file: PathBuf,
    rows: Rows,
}

enum Rows {
    Table(Table),
    Dump(Dump),
}

impl Source {
    /// Opens a file of the kind that its first bytes tell.
    pub(super) fn open(file: &Path, table: Option<&str>) -> Result<Source, ImportError> {
        let unreadable = |source| ImportError::Read { file: file.to_owned(), source };
        let mut reader = BufReader::new(File::open(file).map_err(unreadable)?);
        let start = reader.fill_buf().map_err(unreadable)?;
        let rows = if start.starts_with(SQLITE_MAGIC) {
            Rows::Table(Table::open(file, table)?)
        } else if !start.first().is_some_and(|marker| starts_map(*marker)) {
            return Err(ImportError::Unrecognised { file: file.to_owned() });
        } else if table.is_some() {
            return Err(ImportError::TableOfDump { file: file.to_owned() });
        } else {
            Rows::Dump(Dump::new(reader))
        };
        Ok(Source { file: file.to_owned(), rows })
    }

    /// Checks each row and hands it to `visit`, in order, until one fails.
    pub(super) fn each_row(
        &mut self,
        visit: &mut dyn FnMut(Row) -> Result<(), ImportError>,
    ) -> Result<(), ImportError> {
        let mut order = Order { file: &self.file, before: None };
        let mut check = |cells| visit(order.check(cells)?);
        let read = match &mut self.rows {
            Rows::Table(table) => table.each(&mut check),
            Rows::Dump(dump) => dump.each(&mut check),
        };
        let file = || self.file.clone();
        read.map_err(|failure| match failure {
            ReadFailure::Visit(error) => error,
            ReadFailure::Io(source) => ImportError::Read { file: file(), source },
            ReadFailure::Sqlite(source) => ImportError::Sqlite { file: file(), source },
            ReadFailure::Row(problem) => order.refuse(None, problem),
        })
    }
}

/// Where in the order of rows a check stands.
struct Order<'a> {
    file: &'a Path,
    /// The number of the last row that was in order.
    before: Option<i64>,
}

impl Order<'_> {
    fn check(&mut self, mut cells: Cells) -> Result<Row, ImportError> {
        let seq =
            std::mem::take(&mut cells.seq).integer("seq").map_err(|problem| self.refuse(None, problem))?;
        if self.before.is_some_and(|before| seq <= before) {
            return Err(self.refuse(Some(seq), RowProblem::Order));
        }
        let row = Row::check(seq, cells).map_err(|problem| self.refuse(Some(seq), problem))?;
        self.before = Some(seq);
        Ok(row)
    }

    fn refuse(&self, seq: Option<i64>, problem: RowProblem) -> ImportError {
        let (file, before) = (self.file.to_owned(), self.before);
        ImportError::Row { file, seq, before, problem: Box::new(problem) }
    }
}

/// What is done with each row's columns.
pub(super) type Visit<'a> = &'a mut dyn FnMut(Cells) -> Result<(), ImportError>;

/// Why rows are not read on.
pub(super) enum ReadFailure {
    /// What the visitor answered.
    Visit(ImportError),
    Io(io::Error),
    Sqlite(rusqlite::Error),
    /// The next row cannot be read at all.
    Row(RowProblem),
}

impl From<ImportError> for ReadFailure {
    fn from(error: ImportError) -> ReadFailure {
        ReadFailure::Visit(error)
    }
}

/// Whether MessagePack writes a map that begins with this byte.
fn starts_map(marker: u8) -> bool {
    matches!(marker, 0x80..=0x8f | 0xde | 0xdf)
}
