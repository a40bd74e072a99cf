use std::fs;
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value as Json, json};

use crate::failure::{Exit, Failure, exit_of, warn};
use crate::import::{ImportError, ImportReport, KeptRaw, RowProblem, appendmuch};
use crate::invocation::Invocation;
use crate::output::{Cell, print_answer};

/// Take over what other programs recorded
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  annals -s sqlite:new.db import appendmuch old.sqlite3")]
pub(crate) struct Import {
    #[command(subcommand)]
    source: Source,
}

#[derive(Debug, Subcommand)]
enum Source {
    Appendmuch(Appendmuch),
}

/// Import the SQLite file or msgpack dump of the Python package appendmuch
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals -s sqlite:new.db import appendmuch old.sqlite3
  annals -s sqlite:new.db import appendmuch dump.msgpack

Each row becomes a commit, in order, with its line of code; into an empty store the original times \
stay, into another they become `occurred_at`. All rows are checked before the first is written. A \
value of a type that is not known is kept raw and reported.

A row that the store has already is passed over (`skipped`), so that an import that was interrupted \
can be done again and no row stands there twice: each commit has the tag `appendmuch` with the row's \
number, and is the same row if field, line and time are the same. Finding them reads the whole store \
once.")]
struct Appendmuch {
    /// The file; it is only read
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The table of rows, where an SQLite file has several
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
}

impl Import {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        match self.source {
            Source::Appendmuch(appendmuch) => appendmuch.run(invocation),
        }
    }
}

impl Appendmuch {
    fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        // An import that cannot begin shall not leave an empty store behind.
        fs::metadata(&self.file).map_err(|error| Failure::unreadable(&self.file, &error))?;
        let store = invocation.open_to_write()?;
        let progress = invocation.progress(0);
        let report = appendmuch(&store, &self.file, self.table.as_deref(), &mut |rows| progress.set(rows));
        drop(progress);
        let report = report.map_err(|error| failure(&error))?;
        for (type_id, kept) in &report.kept_raw {
            warn(&kept_raw(*type_id, kept));
        }
        let told = |failure: Failure| failure.help(format!("{} rows were imported", report.rows));
        print_answer(&invocation.style, parts(&report)).map_err(told)?;
        Ok(Exit::Done)
    }
}

fn kept_raw(type_id: u8, kept: &KeptRaw) -> String {
    let first = kept.first.first().copied().unwrap_or_default();
    let what = match kept.type_is_known {
        true => format!("of type {type_id} that cannot be read"),
        false => format!("of the unknown type {type_id}"),
    };
    match kept.count {
        1 => format!("1 value {what} was kept raw, at {first}"),
        count => format!("{count} values {what} were kept raw, the first at {first}"),
    }
}

fn parts(report: &ImportReport) -> Vec<(&'static str, Cell)> {
    let (first, last) = report.positions.unzip();
    let kept_raw: Vec<Json> = report
        .kept_raw
        .iter()
        .map(|(type_id, kept)| {
            let first: Vec<u64> = kept.first.iter().map(|position| position.get()).collect();
            json!({"type_id": type_id, "count": kept.count, "first": first})
        })
        .collect();
    vec![
        ("rows", Cell::Number(report.rows)),
        ("skipped", Cell::Number(report.skipped)),
        ("deletions", Cell::Number(report.deletions)),
        ("first_position", first.map_or(Cell::Absent, Cell::Position)),
        ("last_position", last.map_or(Cell::Absent, Cell::Position)),
        ("kept_times", Cell::Json(report.kept_times.into())),
        ("kept_raw", if kept_raw.is_empty() { Cell::Absent } else { Cell::Json(kept_raw.into()) }),
    ]
}

fn failure(error: &ImportError) -> Failure {
    let exit = match error {
        ImportError::Write { source, .. } => exit_of(source.kind()),
        ImportError::Row { problem, .. } if is_damage(problem) => Exit::Damage,
        _ => Exit::Usage,
    };
    let mut failure = Failure::new(exit, error.to_string());
    if let Some(source) = std::error::Error::source(error) {
        failure = failure.because(source);
    }
    match error {
        ImportError::Write { rows: 1.., .. } => {
            failure.help("import the file again: the rows that are there are passed over")
        }
        _ => failure,
    }
}

fn is_damage(problem: &RowProblem) -> bool {
    matches!(problem, RowProblem::CutOff | RowProblem::Malformed)
}
