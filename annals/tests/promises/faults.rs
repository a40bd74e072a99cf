//! A driver that fails now and then: what its store answers can be explained all the same, and what
//! is left in the log is sound.

use std::sync::Arc;

use annals::{Context, Driver, Error, MemoryDriver, Position, Scope, SqliteDriver, Store};
use annals_conformance::{Fault, Faulty, assert_linearizable_despite};

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

/// Whichever read fails, what was given out before is right, and nothing is given out after it.
#[test]
fn a_diff_ends_where_it_cannot_be_read() {
    const FIELDS: i64 = 200;
    let driver = Arc::new(MemoryDriver::new());
    let store = Store::new(Arc::clone(&driver));
    for round in 0..2 {
        let set = store.commit(Context::new(), |tx| {
            (0..FIELDS).try_for_each(|nth| tx.record("r")?.set(&*format!("f{nth}"), &(nth * round)))
        });
        assert!(set.unwrap().receipt.is_some());
    }
    let between = Position::new(FIELDS.unsigned_abs()).unwrap();
    let diff = |store: &Store| Ok::<_, Error>(store.at(between)?.diff(&store.snapshot()?, &Scope::All));
    let right: Vec<_> = diff(&store).unwrap().map(Result::unwrap).collect();
    assert_eq!(right.len(), 199, "all but the one that is 0 in both");

    let mut ended_early = 0;
    for number in 1.. {
        let faulty = Arc::new(Faulty::new(Arc::clone(&driver)).fail_call(number, Fault::Refused));
        let Ok(differences) = diff(&Store::new(Arc::clone(&faulty))) else { continue };
        let all: Vec<_> = differences.collect();
        let found: Vec<_> = all.iter().map_while(|one| one.as_ref().ok().cloned()).collect();
        assert!(right.starts_with(&found), "wrong before call {number} failed");
        if faulty.calls() < number {
            assert_eq!(all.len(), right.len());
            break;
        }
        assert_eq!(all.len() - found.len(), 1, "read on after call {number} failed");
        ended_early += 1;
    }
    assert!(ended_early > 4, "each side has several pages, each of which failed once");
}
