use std::hash::{DefaultHasher, Hash, Hasher};

use annals::{Durability, Log, SqliteDriver};
use annals_bench::{Workload, Write};
use tempfile::TempDir;

/// A log in a file that no process holds, but for this one while it grows.
pub(crate) struct GrowingLog {
    path: String,
    workload: Workload,
    /// The newest value of each key.
    newest: Vec<Vec<u8>>,
    entries: usize,
    _folder: TempDir,
}

impl GrowingLog {
    /// Returns an empty log that is to have so many keys.
    pub(crate) fn with_keys(keys: usize) -> GrowingLog {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db").to_str().unwrap().to_owned();
        let newest = vec![Vec::new(); keys];
        GrowingLog { path, workload: Workload::with_keys(keys), newest, entries: 0, _folder: folder }
    }

    /// Appends so many entries in batches of 1,000.
    pub(crate) fn grow(&mut self, entries: usize) {
        let log = Log::new(SqliteDriver::open(&self.path).unwrap());
        for _ in 0..entries / Workload::BATCH {
            let writes = self.workload.next_writes(Workload::BATCH);
            log.append(self.workload.batch(&writes), Durability::Buffered).unwrap();
            self.entries += writes.len();
            writes.into_iter().for_each(|(key, bytes): Write| self.newest[key] = bytes);
        }
        log.sync().unwrap();
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn entries(&self) -> usize {
        self.entries
    }

    pub(crate) fn workload(&self) -> &Workload {
        &self.workload
    }

    /// Returns the newest value of a key.
    pub(crate) fn newest(&self, key: usize) -> &[u8] {
        &self.newest[key]
    }

    /// Returns a digest of the newest value of every key.
    pub(crate) fn state(&self) -> u64 {
        digest(self.newest.iter().map(Vec::as_slice))
    }
}

/// Returns a digest of values, the same in every process.
pub(crate) fn digest<'a>(values: impl Iterator<Item = impl AsRef<[u8]> + 'a>) -> u64 {
    let mut hasher = DefaultHasher::new();
    values.for_each(|value| value.as_ref().hash(&mut hasher));
    hasher.finish()
}
