//! The driver blocks, but may be used and dropped wherever a program is.

use annals_core::{Batch, Context, Driver, Durability, Key, Position};

use crate::common::Scratch;

fn open_use_and_drop() {
    // The test's own client is the one that may not be dropped there.
    let Some(scratch) = std::thread::spawn(Scratch::new).join().unwrap() else { return };
    let driver = scratch.options().open().unwrap();
    let key = Key::parse("a", "x").unwrap();
    let batch = Batch::new(Context::new()).set(key.clone(), [1]);
    driver.append(&[batch], Durability::Synced).unwrap();
    assert_eq!(driver.entry(&key, Position::MAX).unwrap().unwrap().position.get(), 1);
    drop(driver);
    let driver = scratch.options().open().unwrap();
    assert_eq!(driver.last_position().unwrap().get(), 1);
    drop(driver);
    std::thread::spawn(move || drop(scratch)).join().unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn in_a_runtime_of_one_thread() {
    open_use_and_drop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_runtime_of_several_threads() {
    open_use_and_drop();
    tokio::spawn(async { open_use_and_drop() }).await.unwrap();
    tokio::task::spawn_blocking(open_use_and_drop).await.unwrap();
}

/// What the two tests above would come across, if the client were used as it is.
#[tokio::test]
async fn the_client_itself_may_not_be_used_there() {
    let Some(scratch) = std::thread::spawn(Scratch::new).join().unwrap() else { return };
    let used = std::panic::catch_unwind(|| drop(scratch.sql()));
    assert!(used.is_err());
    std::thread::spawn(move || drop(scratch)).join().unwrap();
}
