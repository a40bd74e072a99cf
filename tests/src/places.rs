use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use annals_core::Driver;

type Opener = Box<dyn FnMut() -> Arc<dyn Driver>>;

/// Where logs of one driver can live: opens empty ones, as many as a rule asks for.
pub struct Places {
    make: Box<dyn Fn() -> Opener>,
}

impl Places {
    /// Returns the places that `make` prepares: each call makes an empty one and returns its opener.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use annals_conformance::{Places, ScanDriver, rules};
    ///
    /// let places = Places::new(|| {
    ///     let log = Arc::new(ScanDriver::new());
    ///     move || Arc::clone(&log)
    /// });
    /// rules::positions_are_dense_from_one(&places);
    /// ```
    #[must_use]
    pub fn new<M, O, D>(make: M) -> Places
    where
        M: Fn() -> O + 'static,
        O: FnMut() -> D + 'static,
        D: Driver + 'static,
    {
        Places {
            make: Box::new(move || {
                let mut open = make();
                Box::new(move || Arc::new(open()))
            }),
        }
    }

    /// Returns an empty log, open, at a place of its own.
    #[must_use]
    pub fn open_empty(&self) -> Opened {
        Opened::new((self.make)())
    }
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").finish_non_exhaustive()
    }
}

/// An open log together with its place, which is given up when this is dropped.
pub struct Opened {
    // Fields are dropped in this order: the driver lets go of the place before the place goes.
    driver: Arc<dyn Driver>,
    open: Opener,
}

impl Opened {
    fn new(mut open: Opener) -> Opened {
        Opened { driver: open(), open }
    }

    /// Returns the driver, shared. It must be dropped before [`Opened::reopen`].
    #[must_use]
    pub fn driver(&self) -> Arc<dyn Driver> {
        Arc::clone(&self.driver)
    }

    /// Closes the log by dropping its driver and opens it again.
    ///
    /// # Panics
    /// If somebody still shares the driver: the log would not have been closed.
    #[must_use]
    pub fn reopen(self) -> Opened {
        let Opened { driver, open } = self;
        assert_eq!(Arc::strong_count(&driver), 1, "the driver is still shared");
        drop(driver);
        Opened::new(open)
    }
}

impl Deref for Opened {
    type Target = dyn Driver;

    fn deref(&self) -> &(dyn Driver + 'static) {
        &*self.driver
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").finish_non_exhaustive()
    }
}
