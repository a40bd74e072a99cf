//! The SQLite driver keeps every promise of the contract, also boxed and behind a decorator.

use annals_conformance::Faulty;
use annals_core::Driver;
use annals_driver_sqlite::SqliteDriver;

annals_conformance::suite!(|| {
    let folder = tempfile::tempdir().expect("a scratch folder");
    move || SqliteDriver::open(folder.path().join("log.db")).expect("the log opens")
});

annals_conformance::suite!(boxed, || {
    let folder = tempfile::tempdir().expect("a scratch folder");
    move || -> Box<dyn Driver> {
        Box::new(SqliteDriver::open(folder.path().join("log.db")).expect("the log opens"))
    }
});

annals_conformance::suite!(decorated, || {
    let folder = tempfile::tempdir().expect("a scratch folder");
    move || Faulty::new(SqliteDriver::open(folder.path().join("log.db")).expect("the log opens"))
});

/// Passes of the index begin every 8 entries and go in slices of 1 to 3, so that every rule meets them
/// at every moment.
fn open_with_short_passes(folder: &tempfile::TempDir, share: u64) -> SqliteDriver {
    let options = SqliteDriver::options().pace(8, 1, share);
    options.open(folder.path().join("log.db")).expect("the log opens")
}

annals_conformance::suite!(slices_of_one, || {
    let folder = tempfile::tempdir().expect("a scratch folder");
    move || open_with_short_passes(&folder, 1)
});

annals_conformance::suite!(slices_of_three, || {
    let folder = tempfile::tempdir().expect("a scratch folder");
    move || open_with_short_passes(&folder, 3)
});
