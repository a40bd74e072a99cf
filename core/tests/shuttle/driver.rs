use std::sync::atomic::{AtomicBool, Ordering};

use annals_core::{
    Batch, Conflict, Driver, DriverError, Durability, Error, ErrorKind, Receipt, forward_driver,
};
use annals_driver_memory::MemoryDriver;
use shuttle::thread::yield_now;

/// A log in memory that lets other threads go on before and after whatever it does.
#[derive(Debug)]
pub(crate) struct Yielding {
    inner: MemoryDriver,
    room: usize,
    is_appending: AtomicBool,
}

impl Yielding {
    pub(crate) fn new() -> Yielding {
        Yielding::with_room(usize::MAX)
    }

    /// Has room for so many batches in one call, and for none whose reason is `large`.
    pub(crate) fn with_room(room: usize) -> Yielding {
        Yielding { inner: MemoryDriver::new(), room, is_appending: AtomicBool::new(false) }
    }

    fn around<T>(&self, call: impl FnOnce(&MemoryDriver) -> T) -> T {
        yield_now();
        let answer = call(&self.inner);
        yield_now();
        answer
    }

    fn fits(&self, batches: &[Batch]) -> bool {
        let is_large = |batch: &Batch| batch.context.reason.as_deref() == Some("large");
        batches.len() <= self.room && !batches.iter().any(is_large)
    }
}

impl Driver for Yielding {
    forward_driver!(abilities => self.inner);
    forward_driver!(last_position, boundary, commits, entry, history, state, namespaces through self.around);
    forward_driver!(sync, restore through self.around);

    fn append(
        &self,
        batches: &[Batch],
        durability: Durability,
    ) -> Result<Vec<Result<Receipt, Conflict>>, Error> {
        assert!(!self.is_appending.swap(true, Ordering::SeqCst), "two threads append at the same time");
        let answers = self.around(|inner| {
            let full = || DriverError::new(ErrorKind::Full, "yielding", "there is no room");
            if self.fits(batches) { inner.append(batches, durability) } else { Err(full().into()) }
        });
        self.is_appending.store(false, Ordering::SeqCst);
        answers
    }
}
