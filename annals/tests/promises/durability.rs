use annals::{Context, Durability, ErrorKind, Receipt, Store, StoreUrl};
use annals_conformance::{Fault, Faulty};

use crate::stores;

/// Writes in every way there is.
fn receipts(store: &Store) -> Vec<Receipt> {
    let record = store.record("r").unwrap();
    let committed = |tx: &annals::Transaction<'_>| tx.record("r")?.set("n", &4);
    vec![
        record.set("n", &1).unwrap(),
        record.edit("n", |n: &mut i64| *n += 1).unwrap().receipt.unwrap(),
        record.with_context(Context::new().actor("a")).set("n", &3).unwrap(),
        store.commit(Context::new(), committed).unwrap().receipt.unwrap(),
        store.with_context(Context::new().actor("a")).record("r").unwrap().set("n", &5).unwrap(),
        store.transaction(Context::new(), |tx| tx.record("r")?.set("n", &6)).unwrap().receipt.unwrap(),
        record.delete("n").unwrap(),
    ]
}

fn reached(store: &Store) -> Vec<Durability> {
    let mut reached: Vec<Durability> = receipts(store).iter().map(|receipt| receipt.durability).collect();
    reached.dedup();
    reached
}

#[test]
fn a_store_asks_for_what_its_builder_or_its_handle_says() {
    let folder = tempfile::tempdir().unwrap();
    let store = stores::sqlite(&folder);
    assert_eq!(reached(&store), [Durability::Synced]);
    let buffered: Store = store.with_durability(Durability::Buffered).into();
    assert_eq!(reached(&buffered), [Durability::Buffered]);
    assert_eq!(reached(&store), [Durability::Synced], "the other handle is as it was");

    let url: StoreUrl = format!("sqlite:{}", folder.path().join("other.db").display()).parse().unwrap();
    let built: Store = Store::builder(url.open().unwrap()).durability(Durability::Buffered).build().into();
    assert_eq!(reached(&built), [Durability::Buffered]);
    let synced: Store = built.with_durability(Durability::Synced).into();
    assert_eq!(reached(&synced), [Durability::Synced]);
}

#[test]
fn a_receipt_promises_no_more_than_the_driver_does() {
    assert_eq!(reached(&stores::memory()), [Durability::Buffered]);
}

#[test]
fn flush_is_the_drivers_and_fails_where_that_does() {
    let driver = Faulty::new(StoreUrl::open(&"memory:".parse().unwrap()).unwrap());
    let store = Store::new(driver.fail_call(2, Fault::Refused));
    store.flush().unwrap();
    assert_eq!(store.flush().unwrap_err().kind(), ErrorKind::Unavailable);
    store.flush().unwrap();
}
