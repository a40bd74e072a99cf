//! A driver that fails now and then: what its store answers can be explained all the same, and what
//! is left in the log is sound.

use std::sync::Arc;

use annals::{Driver, Error, MemoryDriver, SqliteDriver, Store};
use annals_conformance::{Faulty, assert_linearizable_despite};

const THREADS: usize = 4;

fn is_fault(error: &Error) -> bool {
    matches!(error, Error::Driver(fault) if fault.store == "faulty")
}

/// Lets threads use stores over a driver that fails one call in `calls`, each round over a new
/// handle: one that lost an answer refuses to write.
fn promises_hold_despite_faults(driver: &Arc<dyn Driver>, calls: u64) {
    let mut handles = 0;
    let open = || {
        handles += 1;
        let faulty = Arc::new(Faulty::new(Arc::clone(driver)).fail_at_random(calls, handles));
        let stores = [annals_core::Store::new(Arc::clone(&faulty)), annals_core::Store::new(faulty)];
        stores.into_iter().cycle().take(THREADS).collect()
    };
    assert_linearizable_despite(open, is_fault);
    assert_sound(&Store::new(Arc::clone(driver)));
}

#[track_caller]
fn assert_sound(store: &Store) {
    let report = store.log().verify(|_| {}).unwrap();
    assert_eq!(report.damages, []);
    assert!(report.commits > 0, "nothing was ever written");
}

#[test]
fn promises_hold_though_memory_fails() {
    let driver: Arc<dyn Driver> = Arc::new(MemoryDriver::new());
    promises_hold_despite_faults(&driver, 5);
    promises_hold_despite_faults(&driver, 40);
}

#[test]
fn promises_hold_though_sqlite_fails() {
    let folder = tempfile::tempdir().unwrap();
    let driver: Arc<dyn Driver> = Arc::new(SqliteDriver::open(folder.path().join("log.db")).unwrap());
    promises_hold_despite_faults(&driver, 5);
    promises_hold_despite_faults(&driver, 40);
}
