//! The driver passes the conformance suite: as it is, boxed, and through the decorator.

use std::sync::Arc;

use annals_conformance::Faulty;
use annals_core::Driver;
use annals_driver_memory::MemoryDriver;

annals_conformance::suite!(plain, || {
    let log = Arc::new(MemoryDriver::new());
    move || Arc::clone(&log)
});

annals_conformance::suite!(boxed, || {
    let log = Arc::new(MemoryDriver::new());
    move || -> Box<dyn Driver> { Box::new(Arc::clone(&log)) }
});

annals_conformance::suite!(faulty, || {
    let log = Arc::new(MemoryDriver::new());
    move || Faulty::new(Arc::clone(&log))
});
