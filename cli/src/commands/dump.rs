use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use annals::{DumpSummary, Store};
use tempfile::NamedTempFile;

use crate::failure::{Exit, Failure};
use crate::session::Session;

/// Write the whole store as one stream of bytes
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals dump game.annals
  annals -s sqlite:a.db dump | annals -s sqlite:b.db load

Positions, times, contexts, ids and values are kept to the byte; equal stores give equal dumps, with
any driver. A file is replaced only when the dump is complete and on the disk.")]
pub(crate) struct Dump {
    /// The file to write, - for standard output
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

impl Dump {
    pub(crate) fn run(self, session: &Session) -> Result<Exit, Failure> {
        session.refuse_at()?;
        let store = session.open_to_read()?;
        let summary = if self.file.as_os_str() == "-" {
            dump_to_stdout(&store, session)?
        } else if self.file.exists() && !self.file.is_file() {
            // A pipe or a device cannot be replaced.
            let out = File::create(&self.file).map_err(|error| unwritable(&self.file, &error))?;
            dump_to(&mut BufWriter::new(out), &store, session)?
        } else {
            dump_to_file(&self.file, &store, session)?
        };
        session.note(&format!("{} commits, {} entries", summary.commits, summary.entries));
        Ok(Exit::Done)
    }
}

fn dump_to_stdout(store: &Store, session: &Session) -> Result<DumpSummary, Failure> {
    if io::stdout().is_terminal() {
        let failure = Failure::usage("a dump is not for a terminal");
        return Err(failure.help("name a file, or send it on: `annals dump | …`"));
    }
    dump_to(&mut BufWriter::new(io::stdout().lock()), store, session)
}

/// Writes to a new file beside `file`, then puts it in its place.
fn dump_to_file(file: &Path, store: &Store, session: &Session) -> Result<DumpSummary, Failure> {
    let refuse = |error: &io::Error| unwritable(file, error);
    // Behind a symbolic link it is the target that is replaced.
    let target = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut out = BufWriter::new(NamedTempFile::new_in(folder).map_err(|error| refuse(&error))?);
    let summary = dump_to(&mut out, store, session)?;
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

fn dump_to(out: &mut impl Write, store: &Store, session: &Session) -> Result<DumpSummary, Failure> {
    let progress = session.progress(store.log().last_position()?.get());
    Ok(store.log().dump(out, |position| progress.set(position.get()))?)
}

fn unwritable(file: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Store, format!("`{}` cannot be written", file.display())).because(error)
}
