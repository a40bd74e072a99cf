//! Two logs in the same database, written and read all the time.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use annals_core::{Batch, Context, Driver, Durability, Key, Order, PositionRange};
use annals_driver_postgres::PostgresDriver;

use crate::common::Scratch;

/// When this is dropped, the logs are found to be what was written to them, and nothing else.
pub(crate) struct Neighbours {
    is_over: Arc<AtomicBool>,
    writers: Vec<JoinHandle<()>>,
}

impl Neighbours {
    pub(crate) fn new() -> Neighbours {
        let is_over = Arc::new(AtomicBool::new(false));
        let writers = (0..2).filter_map(|_| Scratch::new()).map(|scratch| {
            let is_over = Arc::clone(&is_over);
            thread::spawn(move || write_until(&is_over, &scratch.options().open().unwrap()))
        });
        Neighbours { writers: writers.collect(), is_over }
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        for writer in self.writers.drain(..) {
            let outcome = writer.join();
            // A test that has failed already says why by itself.
            assert!(outcome.is_ok() || thread::panicking(), "a neighbour is not what was written to it");
        }
    }
}

/// Writes to the same keys as tests do, at the same positions.
fn write_until(is_over: &AtomicBool, driver: &PostgresDriver) {
    let key = |field| Key::parse("a", field).unwrap();
    let mut written: u64 = 0;
    while written < 2 || !is_over.load(Ordering::SeqCst) {
        let value = written.to_be_bytes();
        let batch = Batch::new(Context::new()).set(key("x"), value).set(key("y"), value);
        let answers = driver.append(&[batch], Durability::Buffered).unwrap();
        written += 1;
        assert_eq!(answers[0].as_ref().unwrap().commit.last.get(), 2 * written);
        thread::sleep(Duration::from_millis(2));
    }
    let there = driver.commits(PositionRange::ALL, Order::OldestFirst, usize::MAX).unwrap();
    let values = there.iter().map(|commit| commit.entries[0].action.bytes().unwrap().to_vec());
    assert!(values.eq((0..written).map(|number| number.to_be_bytes().to_vec())));
}
