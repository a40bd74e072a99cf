use std::io;
use std::path::PathBuf;

/// Why an import did not happen, or not to the end. Texts name rows, columns and kinds, never a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file cannot be opened or read.
    #[error("`{}` cannot be read", .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },

    /// The file is of another kind.
    #[error("`{}` is neither an SQLite file nor a msgpack dump of appendmuch", .file.display())]
    Unrecognised {
        /// The file.
        file: PathBuf,
    },

    /// SQLite cannot read the file.
    #[error("SQLite cannot read `{}`", .file.display())]
    Sqlite {
        /// The file.
        file: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },

    /// The SQLite file has no table that the package made, or none of the name asked for.
    #[error("`{}` has no table of appendmuch{}", .file.display(), named(.wanted.as_deref(), .tables))]
    NoTable {
        /// The file.
        file: PathBuf,
        /// The name asked for, if one was.
        wanted: Option<String>,
        /// The tables of the package that there are.
        tables: Vec<String>,
    },

    /// The SQLite file has several such tables, and none was chosen.
    #[error("`{}` has several tables of appendmuch; choose one of {}", .file.display(), quoted(.tables))]
    SeveralTables {
        /// The file.
        file: PathBuf,
        /// Their names.
        tables: Vec<String>,
    },

    /// A table was chosen, but the file is a dump, which has none.
    #[error("`{}` is a dump and has no tables to choose from", .file.display())]
    TableOfDump {
        /// The file.
        file: PathBuf,
    },

    /// A row cannot be imported; nothing was.
    #[error("`{}`, {}", .file.display(), place(*.seq, *.before))]
    Row {
        /// The file.
        file: PathBuf,
        /// The row's number, where that can be read.
        seq: Option<i64>,
        /// The number of the row before it, if there is one.
        before: Option<i64>,
        /// What is wrong with it.
        #[source]
        problem: Box<RowProblem>,
    },

    /// The log cannot be written, or not any further.
    #[error("{}", reached(*.rows, *.through))]
    Write {
        /// How many rows are in the log.
        rows: u64,
        /// The number of the last of them.
        through: Option<i64>,
        /// What the log says.
        source: annals::Error,
    },
}

/// What is wrong with a row.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowProblem {
    /// A column is missing from the dump.
    #[error("`{column}` is missing")]
    Missing {
        /// The column.
        column: &'static str,
    },
    /// A column holds something of another kind.
    #[error("`{column}` is {found}, not {wanted}")]
    Kind {
        /// The column.
        column: &'static str,
        /// The kind that it should be of.
        wanted: &'static str,
        /// The kind that it is of.
        found: &'static str,
    },
    /// The row's number is not above the one before.
    #[error("`seq` does not rise: rows are numbered in order, each number once")]
    Order,
    /// `created_at` is no time.
    #[error("`created_at` is no time of the years -9999 to 9999")]
    Time,
    /// The value has not even a type id.
    #[error("`value` is empty: it lacks the type id")]
    NoTypeId,
    /// A name is not allowed here, or something is over a limit.
    #[error(transparent)]
    Refused(#[from] annals::Error),
    /// The dump ends in the middle of the row.
    #[error("the dump is cut off in the middle of this row")]
    CutOff,
    /// The bytes are no row.
    #[error("the dump is damaged: these bytes are no row")]
    Malformed,
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn named(wanted: Option<&str>, tables: &[String]) -> String {
    match wanted {
        None => String::new(),
        Some(wanted) if tables.is_empty() => format!(" called `{}`, nor any other", wanted.escape_debug()),
        Some(wanted) => format!(" called `{}`; there is {}", wanted.escape_debug(), quoted(tables)),
    }
}

fn place(seq: Option<i64>, before: Option<i64>) -> String {
    match (seq, before) {
        (Some(seq), _) => format!("row {seq} cannot be imported; nothing was"),
        (None, Some(before)) => format!("the row after row {before} cannot be imported; nothing was"),
        (None, None) => "the first row cannot be imported; nothing was".to_owned(),
    }
}

fn reached(rows: u64, through: Option<i64>) -> String {
    match through {
        None => "the log cannot be written; nothing was imported".to_owned(),
        Some(seq) => format!("the log cannot be written; {rows} rows were imported, through row {seq}"),
    }
}
