use annals_core::Store;

use crate::{Places, assert_linearizable};

/// What threads are answered who set, delete, run transactions and read at the same time, each
/// through a store of its own, can be explained by one operation after the other
/// (linearizability).
///
/// Without a cache: what a store holds would hide a driver that answers with what is past.
pub fn histories_are_linearizable(places: &Places) {
    const THREADS: usize = 4;
    let log = places.open_empty();
    let store = || Store::builder(log.driver()).cache_bytes(0).build();
    assert_linearizable(|| (0..THREADS).map(|_| store()).collect());
}
