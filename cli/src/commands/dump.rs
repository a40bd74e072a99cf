use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal as _, Read as _, Write};
use std::path::{Path, PathBuf};

use annals::{DumpSummary, Store};
use tempfile::NamedTempFile;

use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;

/// Write the whole store as one stream of bytes
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals dump game.annals
  annals -s sqlite:a.db dump | annals -s sqlite:b.db load

Positions, times, contexts, ids and values are kept to the byte; equal stores give equal dumps, with \
any driver. A file is replaced only when the dump is complete and on the disk, and never if it is a \
database: the store's own or another.")]
pub(crate) struct Dump {
    /// The file to write, - for standard output
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

/// What SQLite puts behind a file's name to name the files that belong to it.
const STORE_SUFFIXES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";

impl Dump {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        invocation.refuse_at()?;
        let store = invocation.open_to_read()?;
        let summary = if self.file.as_os_str() == "-" {
            dump_to_stdout(&store, invocation)?
        } else {
            refuse_store(&self.file, invocation)?;
            dump_to_path(&self.file, &store, invocation)?
        };
        invocation.note(&format!("{} commits, {} entries", summary.commits, summary.entries));
        Ok(Exit::Done)
    }
}

fn dump_to_stdout(store: &Store, invocation: &Invocation) -> Result<DumpSummary, Failure> {
    if io::stdout().is_terminal() {
        let failure = Failure::usage("a dump is not for a terminal");
        return Err(failure.help("name a file, or send it on: `annals dump | …`"));
    }
    dump_to(&mut BufWriter::new(io::stdout().lock()), store, invocation)
}

/// Fails if `file` is the store's, or belongs to it.
fn refuse_store(file: &Path, invocation: &Invocation) -> Result<(), Failure> {
    let Some(store) = invocation.store_file()? else { return Ok(()) };
    let is_store = STORE_SUFFIXES.iter().any(|suffix| {
        let mut part = store.clone().into_os_string();
        part.push(suffix);
        is_same(file, Path::new(&part))
    });
    match is_store {
        true => Err(database(file, "the store itself, or belongs to it")),
        false => Ok(()),
    }
}

/// Returns whether two paths lead to one file, which need not be there yet.
fn is_same(one: &Path, other: &Path) -> bool {
    let resolved = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        Some(folder.unwrap_or(Path::new(".")).canonicalize().ok()?.join(path.file_name()?))
    };
    let is_same_file = same_file::is_same_file(one, other).unwrap_or(false);
    is_same_file || resolved(one).is_some_and(|path| Some(path) == resolved(other))
}

fn dump_to_path(file: &Path, store: &Store, invocation: &Invocation) -> Result<DumpSummary, Failure> {
    if file.is_file() || fs::symlink_metadata(file).is_err() {
        return dump_to_file(file, store, invocation);
    }
    // Behind a symbolic link to nothing there is nothing to replace.
    fs::metadata(file).map_err(|error| unwritable(file, &error))?;
    // A pipe or a device cannot be replaced.
    let out = File::create(file).map_err(|error| unwritable(file, &error))?;
    dump_to(&mut BufWriter::new(out), store, invocation)
}

/// Writes to a new file beside `file`, then puts it in its place.
fn dump_to_file(file: &Path, store: &Store, invocation: &Invocation) -> Result<DumpSummary, Failure> {
    let refuse = |error: &io::Error| unwritable(file, error);
    if is_database(file) {
        return Err(database(file, "an SQLite database"));
    }
    // Behind a symbolic link it is the target that is replaced.
    let target = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut out = BufWriter::new(NamedTempFile::new_in(folder).map_err(|error| refuse(&error))?);
    let summary = dump_to(&mut out, store, invocation)?;
    let out = out.into_inner().map_err(|error| refuse(error.error()))?;
    out.as_file().sync_all().map_err(|error| refuse(&error))?;
    out.persist(&target).map_err(|error| refuse(&error.error))?;
    // Without this a power cut could leave the folder with the old name of the file. Folders
    // cannot be opened on every system, and the dump itself is safe.
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().map_err(|error| refuse(&error))?;
    }
    Ok(summary)
}

fn dump_to(out: &mut impl Write, store: &Store, invocation: &Invocation) -> Result<DumpSummary, Failure> {
    let progress = invocation.progress(store.log().last_position()?.get());
    Ok(store.log().dump(out, |position| progress.set(position.get()))?)
}

/// Returns whether there is a file that begins as SQLite's do; one that cannot be read is none.
fn is_database(file: &Path) -> bool {
    let mut start = Vec::new();
    let magic_bytes = SQLITE_MAGIC.len() as u64;
    let read = File::open(file).and_then(|file| file.take(magic_bytes).read_to_end(&mut start));
    read.is_ok() && start == SQLITE_MAGIC
}

fn database(file: &Path, what: &str) -> Failure {
    Failure::usage(format!("`{}` is {what}; a dump does not replace it", file.display()))
        .help("name another file")
}

fn unwritable(file: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Store, format!("`{}` cannot be written", file.display())).because(error)
}
