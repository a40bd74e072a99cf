use annals_core::Store;

use crate::{Places, assert_linearizable};

/// What threads are answered who set, delete, run transactions and read at the same time, each
/// through a store of its own, can be explained by one operation after the other
/// (linearizability).
pub fn histories_are_linearizable(places: &Places) {
    const THREADS: usize = 4;
    let log = places.open_empty();
    assert_linearizable(|| (0..THREADS).map(|_| Store::new(log.driver())).collect());
}
