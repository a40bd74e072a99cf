//! The example driver passes the suite: as it is, boxed, and through the decorator.

use std::sync::Arc;

use annals_conformance::{Faulty, ScanDriver};
use annals_core::Driver;

annals_conformance::suite!(plain, || {
    let log = Arc::new(ScanDriver::new());
    move || Arc::clone(&log)
});

annals_conformance::suite!(boxed, || {
    let log = Arc::new(ScanDriver::new());
    move || -> Box<dyn Driver> { Box::new(Arc::clone(&log)) }
});

annals_conformance::suite!(faulty, || {
    let log = Arc::new(ScanDriver::new());
    move || Faulty::new(Arc::clone(&log))
});
