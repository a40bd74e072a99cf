use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _};
use std::path::{Path, PathBuf};

use annals::{DumpSummary, Error, Position, Store, check_dump};

use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Cell, print_answer};
use crate::progress::Progress;

/// Append the commits of a dump, as they stood in the store that it was written from
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals -s sqlite:copy.db load game.annals
  annals -s sqlite:a.db dump | annals -s sqlite:b.db load

The store must be empty, or hold the first commits of the dump already: these are passed over. A \
file is checked as a whole before anything is written; where standard input turns out to be damaged \
or cut off, the whole commits before that place stay. A damaged dump is exit code 5; if another \
process appends meanwhile, the exit code is 3 and the load can be run again.")]
pub(crate) struct Load {
    /// The file to read, - for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

/// Bytes read between two looks at the progress bar.
const BUFFER_BYTES: usize = 1 << 18;

/// The first bytes of a dump that this version reads.
const DUMP_START: &[u8] = b"ANNALS\0\x01";

impl Load {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        invocation.refuse_at()?;
        invocation.url()?;
        let (store, summary) = if self.file.as_os_str() == "-" {
            load_from(&mut io::stdin().lock(), invocation)?
        } else {
            load_file(&self.file, invocation)?
        };
        let last_position = store.log().last_position()?;
        let parts = vec![
            ("commits", Cell::Number(summary.commits)),
            ("entries", Cell::Number(summary.entries)),
            ("skipped", Cell::Number(summary.skipped)),
            ("last_position", last_position.into()),
        ];
        let told = |failure: Failure| failure.help(format!("the dump was loaded, up to {last_position}"));
        print_answer(&invocation.style, parts).map_err(told)?;
        Ok(Exit::Done)
    }
}

fn load_file(path: &Path, invocation: &Invocation) -> Result<(Store, DumpSummary), Failure> {
    let refuse = |error: io::Error| Failure::unreadable(path, &error);
    let mut file = File::open(path).map_err(refuse)?;
    let metadata = file.metadata().map_err(refuse)?;
    if metadata.is_file() {
        let progress = invocation.progress(metadata.len());
        check_dump(&mut Counted::new(&file, &progress))?;
        file.rewind().map_err(refuse)?;
    }
    let progress = invocation.progress(metadata.len());
    load_from(&mut Counted::new(&file, &progress), invocation)
}

/// Loads a dump into the store, which is created only if the input begins like a dump.
fn load_from(input: &mut impl BufRead, invocation: &Invocation) -> Result<(Store, DumpSummary), Failure> {
    let mut start = Vec::new();
    let read = input.by_ref().take(DUMP_START.len() as u64).read_to_end(&mut start);
    read.map_err(|error| Failure::usage("the dump cannot be read").because(&error))?;
    let is_dump = start == DUMP_START;
    let mut whole = start.as_slice().chain(input);
    if !is_dump {
        check_dump(&mut whole)?;
    }
    let store = invocation.open_to_write()?;
    let had = store.log().last_position()?;
    match store.log().load(&mut whole, |_| {}) {
        Ok(summary) => Ok((store, summary)),
        Err(error) => Err(failure(error, had, store.log().last_position()?)),
    }
}

/// Returns the failure of a load into a log that ended at `had` before, and at `has` after it.
fn failure(error: Error, had: Position, has: Position) -> Failure {
    match &error {
        // What was to be put there was not there at the beginning.
        Error::Restore { position, .. } if had < *position && *position <= has => {
            Failure::new(Exit::Conflict, "another process appended meanwhile").help("run the load again")
        }
        _ => error.into(),
    }
}

/// A file that tells a progress bar how much of it was read.
struct Counted<'a> {
    file: BufReader<&'a File>,
    read: u64,
    progress: &'a Progress,
}

impl<'a> Counted<'a> {
    fn new(file: &'a File, progress: &'a Progress) -> Counted<'a> {
        Counted { file: BufReader::with_capacity(BUFFER_BYTES, file), read: 0, progress }
    }
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read += count as u64;
        self.progress.set(self.read);
        Ok(count)
    }
}

impl BufRead for Counted<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.file.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.file.consume(count);
        self.read += count as u64;
        self.progress.set(self.read);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_loses_to_another_process_is_told_so() {
        let at = |number| Position::new(number).unwrap();
        let exit = |had, has| {
            let error = Error::Restore { position: at(5), reason: "it does not fit" };
            failure(error, at(had), at(has)).exit
        };
        assert_eq!(exit(4, 5), Exit::Conflict);
        assert_eq!(exit(4, 9), Exit::Conflict);
        // It was another log from the beginning, or the dump leaves a gap.
        assert_eq!(exit(5, 5), Exit::Usage);
        assert_eq!(exit(3, 3), Exit::Usage);
        assert_eq!(exit(3, 4), Exit::Usage);
    }
}
