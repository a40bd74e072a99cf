//! The drivers that promises are tested on.

use annals::Store;
use tempfile::TempDir;

pub(crate) fn memory() -> Store {
    Store::open("memory:").unwrap()
}

pub(crate) fn sqlite(folder: &TempDir) -> Store {
    Store::open(&format!("sqlite:{}", folder.path().join("promises.db").display())).unwrap()
}
