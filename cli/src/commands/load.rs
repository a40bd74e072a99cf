use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _};
use std::path::{Path, PathBuf};

use annals::{DumpSummary, Store, check_dump};

use crate::failure::{Exit, Failure};
use crate::output::{Cell, print_answer};
use crate::progress::Progress;
use crate::session::Session;

/// Append the commits of a dump, as they stood in the store that it was written from
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals -s sqlite:copy.db load game.annals
  annals -s sqlite:a.db dump | annals -s sqlite:b.db load

The store must be empty, or hold the first commits of the dump already: these are passed over. A
file is checked as a whole before anything is written; where standard input turns out to be damaged
or cut off, the whole commits before that place stay. A damaged dump is exit code 5.")]
pub(crate) struct Load {
    /// The file to read, - for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

/// Bytes read between two looks at the progress bar.
const BUFFER_BYTES: usize = 1 << 18;

impl Load {
    pub(crate) fn run(self, session: &Session) -> Result<Exit, Failure> {
        session.refuse_at()?;
        session.url()?;
        let (store, summary) = if self.file.as_os_str() == "-" {
            let store = session.open_to_write()?;
            let summary = store.log().load(&mut io::stdin().lock(), |_| {})?;
            (store, summary)
        } else {
            load_file(&self.file, session)?
        };
        let parts = vec![
            ("commits", Cell::Number(summary.commits)),
            ("entries", Cell::Number(summary.entries)),
            ("skipped", Cell::Number(summary.skipped)),
            ("last_position", store.log().last_position()?.into()),
        ];
        print_answer(&session.style, parts)?;
        Ok(Exit::Done)
    }
}

fn load_file(path: &Path, session: &Session) -> Result<(Store, DumpSummary), Failure> {
    let refuse = |error: io::Error| Failure::unreadable(path, &error);
    let mut file = File::open(path).map_err(refuse)?;
    let metadata = file.metadata().map_err(refuse)?;
    if metadata.is_file() {
        let progress = session.progress(metadata.len());
        check_dump(&mut Counted::new(&file, &progress))?;
        file.rewind().map_err(refuse)?;
    }
    let store = session.open_to_write()?;
    let progress = session.progress(metadata.len());
    let summary = store.log().load(&mut Counted::new(&file, &progress), |_| {})?;
    Ok((store, summary))
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
