use std::cell::RefCell;
use std::path::{Path, PathBuf};

use annals::{Batch, Durability, Position, Record, SqliteDriver, Store, StoreBuilder};
use tempfile::TempDir;

use crate::by_hand::{ByHand, PostgresByHand, Tables};
use crate::postgres::Scratch;
use crate::workload::{Workload, Write};

/// Whether a log is filled with commits of 1,000 entries or of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commits {
    /// A commit has 1,000 entries.
    Large,
    /// A commit has one entry.
    Small,
}

/// The same entries in a store and in tables written by hand, with the same settings: on SQLite, or on
/// a PostgreSQL server.
#[derive(Debug)]
pub struct Sides<T = ByHand, P = TempDir> {
    /// The one side, without a cache of values.
    pub store: Store,
    /// The other.
    pub by_hand: T,
    /// What was written, and random questions.
    pub workload: RefCell<Workload>,
    /// How many entries both have.
    pub entries: u64,
    /// Where all of it is until this is dropped.
    pub place: P,
}

impl Sides {
    /// Writes `entries` entries of the workload to both sides.
    #[must_use]
    pub fn filled(workload: Workload, entries: usize, commits: Commits) -> Sides {
        let folder = tempfile::tempdir().expect("there is a place for files");
        let store = new_store(&folder.path().join(FILE));
        let by_hand = ByHand::open(&folder.path().join("by_hand.db"));
        Sides::fill(store, by_hand, workload, entries, commits, folder)
    }

    /// Returns the settings of another store on the same log.
    pub fn another_store(&self) -> StoreBuilder {
        settings(&self.path())
    }

    fn path(&self) -> PathBuf {
        self.place.path().join(FILE)
    }
}

impl Sides<PostgresByHand, Scratch> {
    /// Writes `entries` entries of the workload to both sides, in schemas of their own on the server.
    #[must_use]
    pub fn on_server(workload: Workload, entries: usize, commits: Commits) -> Self {
        let scratch = Scratch::new();
        let store = Store::builder(scratch.driver()).cache_bytes(0).build().into();
        Sides::fill(store, scratch.by_hand(), workload, entries, commits, scratch)
    }
}

impl<T: Tables, P> Sides<T, P> {
    fn fill(
        store: Store,
        by_hand: T,
        mut workload: Workload,
        entries: usize,
        commits: Commits,
        place: P,
    ) -> Sides<T, P> {
        by_hand.set_durable(false);
        for _ in 0..entries / Workload::BATCH {
            let writes = workload.next_writes(Workload::BATCH);
            append(&store, &workload, &writes, commits);
            match commits {
                Commits::Large => by_hand.append(&writes),
                Commits::Small => by_hand.append_each(&writes),
            }
        }
        store.log().sync().expect("the disk works");
        by_hand.set_durable(true);
        let sides =
            Sides { store, by_hand, workload: RefCell::new(workload), entries: entries as u64, place };
        sides.verify();
        sides
    }

    /// Checks that both sides have the same entries and answer alike.
    ///
    /// # Panics
    /// If they do not.
    pub fn verify(&self) {
        self.verify_newest();
        let mut workload = self.workload.borrow_mut();
        let last = self.by_hand.last_position();
        for _ in 0..1_000 {
            let (key, then) = (workload.any_key(), workload.any_position(last));
            assert_eq!(self.bytes(&workload, key, then), self.by_hand.as_of(key, then.get()));
        }
    }

    /// Checks that both sides have as many entries and the same newest values; in which order several
    /// threads wrote them may differ.
    ///
    /// # Panics
    /// If they do not.
    pub fn verify_newest(&self) {
        let workload = self.workload.borrow();
        let last = self.store.log().last_position().expect("the log can be read");
        assert_eq!(last.get(), self.by_hand.last_position());
        for key in 0..workload.keys().len() {
            assert_eq!(self.bytes(&workload, key, Position::MAX), Some(self.by_hand.latest(key)));
        }
    }

    /// Returns the records of the workload in the order of their keys.
    ///
    /// # Panics
    /// If the store refuses one.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let workload = self.workload.borrow();
        let first_keys = workload.keys().iter().step_by(Workload::FIELDS);
        first_keys.map(|key| self.store.record(key.namespace()).expect("names are valid")).collect()
    }

    fn bytes(&self, workload: &Workload, key: usize, at: Position) -> Option<Vec<u8>> {
        let entry = self.store.log().entry(workload.key(key), at).expect("the log can be read");
        entry.map(|entry| entry.action.bytes().expect("nothing was deleted").to_vec())
    }
}

/// Returns a store on a new file, with the settings of the tables written by hand and no cache of
/// values.
#[must_use]
pub fn new_store(path: &Path) -> Store {
    settings(path).cache_bytes(0).build().into()
}

fn settings(path: &Path) -> StoreBuilder {
    Store::builder(SqliteDriver::options().cache_kib(ByHand::CACHE_KIB).open(path).expect("the file opens"))
}

const FILE: &str = "annals.db";

/// Appends writes without waiting for the disk.
fn append(store: &Store, workload: &Workload, writes: &[Write], commits: Commits) {
    let batches: Vec<Batch> = match commits {
        Commits::Large => vec![workload.batch(writes)],
        Commits::Small => writes.chunks(1).map(|write| workload.batch(write)).collect(),
    };
    for answer in store.log().append_all(batches, Durability::Buffered).expect("there is room") {
        answer.expect("there are no conditions");
    }
}
