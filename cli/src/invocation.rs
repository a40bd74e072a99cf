//! What every command needs: the store, the moment and the style of its answers.

use std::path::PathBuf;

use annals::{Snapshot, Store, StoreUrl};

use crate::arguments::Globals;
use crate::failure::Failure;
use crate::output::Style;
use crate::progress::Progress;
use crate::times::Present;
use crate::when::When;

/// The global options, understood.
pub(crate) struct Invocation {
    url: Option<String>,
    at: Option<When>,
    quiet: bool,
    pub(crate) style: Style,
}

impl Invocation {
    pub(crate) fn new(globals: &Globals) -> Result<Invocation, Failure> {
        let present = Present::in_zone(&globals.tz)?;
        let at = globals.at.as_deref().map(|when| When::parse(when, &present)).transpose()?;
        let style = Style::stdout(globals.output.map(Into::into), present);
        Ok(Invocation { url: globals.store.clone(), at, quiet: globals.quiet, style })
    }

    pub(crate) fn present(&self) -> &Present {
        &self.style.present
    }

    /// Returns the address of the store.
    pub(crate) fn url(&self) -> Result<StoreUrl, Failure> {
        let missing = || {
            Failure::usage("no store is given").help("give one: `-s sqlite:game.db`, or set $ANNALS_STORE")
        };
        Ok(self.url.as_deref().ok_or_else(missing)?.parse()?)
    }

    /// Returns the file that the store lives in, if it lives in one.
    pub(crate) fn store_file(&self) -> Result<Option<PathBuf>, Failure> {
        let url = self.url()?.to_string();
        let file =
            url.strip_prefix("sqlite:").map(|rest| rest.split_once('?').map_or(rest, |(file, _)| file));
        Ok(file.map(PathBuf::from))
    }

    /// Opens the store for reading. It must exist, and needs not be writable.
    pub(crate) fn open_to_read(&self) -> Result<Store, Failure> {
        Invocation::open(&self.url()?.read_only())
    }

    /// Opens the store for writing. It must exist.
    pub(crate) fn open_existing(&self) -> Result<Store, Failure> {
        self.refuse_at()?;
        Invocation::open(&self.url()?.existing())
    }

    /// Opens the store for writing. An SQLite file that is missing is created unless the URL says otherwise, a
    /// PostgreSQL log only if it says so.
    pub(crate) fn open_to_write(&self) -> Result<Store, Failure> {
        self.refuse_at()?;
        Invocation::open(&self.url()?)
    }

    /// Opens the store for writing, and creates it if it is missing.
    pub(crate) fn create(&self) -> Result<Store, Failure> {
        self.refuse_at()?;
        Invocation::open(&self.url()?.created())
    }

    fn open(url: &StoreUrl) -> Result<Store, Failure> {
        Ok(Store::new(url.open().map_err(Failure::of_store)?))
    }

    /// Fails if `--at` was given to a command that does not read the past.
    pub(crate) fn refuse_at(&self) -> Result<(), Failure> {
        match self.at {
            None => Ok(()),
            Some(_) => Err(Failure::usage("`--at` is for commands that read a state of the store")),
        }
    }

    /// Returns the state of the store at the moment asked for.
    pub(crate) fn snapshot(&self, store: &Store) -> Result<Snapshot, Failure> {
        match &self.at {
            None => Ok(store.snapshot()?),
            Some(when) => {
                let snapshot = store.at(when.resolve(store)?)?;
                self.note_if_inside(when, &snapshot);
                Ok(snapshot)
            }
        }
    }

    /// Positions of entries are shown everywhere, but only the end of a commit is a moment.
    fn note_if_inside(&self, when: &When, snapshot: &Snapshot) {
        if let When::Position(asked) = when
            && *asked != snapshot.position()
        {
            self.note(&format!("{asked} lies inside a commit; reading as of {}", snapshot.position()));
        }
    }

    /// Returns a bar of `total` steps on standard error, which nobody sees unless that is a terminal.
    pub(crate) fn progress(&self, total: u64) -> Progress {
        if self.quiet { Progress::hidden() } else { Progress::new(total) }
    }

    /// Writes a line to standard error unless the user wants none.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            anstream::eprintln!("{}", crate::escape::escape(text));
        }
    }
}
