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
