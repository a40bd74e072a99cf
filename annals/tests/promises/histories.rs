//! What threads are answered at the same time can be explained by one operation after the other.

use std::slice;
use std::sync::Arc;

use annals::{Freshness, MemoryDriver, Store};
use annals_conformance::assert_linearizable;
use tempfile::TempDir;

const THREADS: usize = 4;

/// Returns handles for so many threads, the stores in turn.
fn handles(stores: &[Store]) -> Vec<annals_core::Store> {
    stores.iter().cycle().take(THREADS).cloned().map(Into::into).collect()
}

on_every_driver! {
    threads_of_one_store_are_answered_in_an_order,
}

fn threads_of_one_store_are_answered_in_an_order(store: &Store) {
    assert_linearizable(|| handles(slice::from_ref(store)));
}

#[test]
fn two_stores_over_one_driver_are_answered_in_an_order() {
    let driver = Arc::new(MemoryDriver::new());
    let stores = [Store::new(Arc::clone(&driver)), Store::new(driver)];
    assert_linearizable(|| handles(&stores));
}

#[test]
fn two_stores_over_one_file_are_answered_in_an_order() {
    let folder = TempDir::new().unwrap();
    let stores = [crate::stores::sqlite(&folder), crate::stores::sqlite(&folder)];
    assert_linearizable(|| handles(&stores));
}

#[test]
fn a_cache_of_any_size_leaves_an_order() {
    for bytes in [0, 2_000, 1 << 20] {
        let driver = Arc::new(MemoryDriver::new());
        let store = || Store::builder(Arc::clone(&driver)).cache_bytes(bytes).build().into();
        let stores = [store(), store()];
        assert_linearizable(|| handles(&stores));
    }
}

#[test]
fn a_store_that_asks_nobody_is_answered_in_an_order_with_itself() {
    let store = Store::builder(MemoryDriver::new()).freshness(Freshness::Cached).build().into();
    assert_linearizable(|| handles(slice::from_ref(&store)));
}

#[test]
fn stores_that_are_opened_anew_are_answered_in_an_order() {
    let folder = TempDir::new().unwrap();
    assert_linearizable(|| handles(&[crate::stores::sqlite(&folder)]));
}
