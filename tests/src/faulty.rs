use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use annals_core::{
    Abilities, Batch, Conflict, Driver, DriverError, Erase, Error, ErrorKind, Position, Receipt,
    forward_driver,
};
use fastrand::Rng;

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The call never reaches the driver below: nothing happened. The calls after it succeed.
    Refused,
    /// The driver below did what was asked, but its answer is lost. As a driver must when it does
    /// not know what reached the disk, this one refuses every later write
    /// ([`ErrorKind::Poisoned`]) until the log is opened anew; reads go on.
    AnswerLost,
}

/// A decorator that fails chosen calls to the driver below: one, or some at random.
///
/// Calls are counted from 1 over all methods but [`Driver::abilities`], which cannot fail, those of
/// [`Erase`] included. With no fault armed every call goes through untouched.
///
/// ```
/// use annals_conformance::{Fault, Faulty, ScanDriver};
/// use annals_core::{Driver, ErrorKind, Position};
///
/// let driver = Faulty::new(ScanDriver::new()).fail_call(2, Fault::Refused);
/// assert_eq!(driver.last_position()?, Position::START);
/// assert_eq!(driver.last_position().unwrap_err().kind(), ErrorKind::Unavailable);
/// assert_eq!(driver.last_position()?, Position::START);
/// # Ok::<(), annals_core::Error>(())
/// ```
pub struct Faulty<D> {
    inner: D,
    armed: Armed,
    state: Mutex<State>,
}

#[derive(Debug)]
enum Armed {
    Never,
    Once(u64, Fault),
    OneIn(u64),
}

#[derive(Debug)]
struct State {
    calls: u64,
    poisoned: bool,
    random: Rng,
}

impl<D> Faulty<D> {
    /// Returns `inner` with no fault armed.
    #[must_use]
    pub fn new(inner: D) -> Faulty<D> {
        let state = State { calls: 0, poisoned: false, random: Rng::with_seed(0) };
        Faulty { inner, armed: Armed::Never, state: Mutex::new(state) }
    }

    /// Arms one fault: the `number`th call, counted from 1, fails.
    #[must_use]
    pub fn fail_call(mut self, number: u64, fault: Fault) -> Faulty<D> {
        self.armed = Armed::Once(number, fault);
        self
    }

    /// Arms many faults: each call fails with a chance of one in `calls`, nine times
    /// [refused](Fault::Refused) for each time that its [answer is lost](Fault::AnswerLost). Which
    /// calls fail follows from `seed` and the order of the calls.
    ///
    /// ```
    /// use annals_conformance::{Faulty, ScanDriver};
    /// use annals_core::Driver;
    ///
    /// let driver = Faulty::new(ScanDriver::new()).fail_at_random(4, 7);
    /// let failed = (0..400).filter(|_| driver.last_position().is_err()).count();
    /// assert!((50..150).contains(&failed));
    /// ```
    ///
    /// # Panics
    /// If `calls` is 0.
    #[must_use]
    pub fn fail_at_random(mut self, calls: u64, seed: u64) -> Faulty<D> {
        assert!(calls > 0, "one call in none cannot fail");
        self.armed = Armed::OneIn(calls);
        self.lock().random = Rng::with_seed(seed);
        self
    }

    /// Returns how many calls were made, the failed one included.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, call: impl FnOnce(&D) -> Result<T, Error>) -> Result<T, Error> {
        match self.next_fault() {
            None => call(&self.inner),
            Some(Fault::Refused) => Err(refused()),
            Some(Fault::AnswerLost) => call(&self.inner).and_then(|_| Err(refused())),
        }
    }

    fn write<T>(&self, call: impl FnOnce(&D) -> Result<T, Error>) -> Result<T, Error> {
        let fault = self.next_fault();
        if self.lock().poisoned {
            return Err(poisoned());
        }
        match fault {
            None => call(&self.inner),
            Some(Fault::Refused) => Err(refused()),
            Some(Fault::AnswerLost) => {
                self.lock().poisoned = true;
                call(&self.inner).and_then(|_| Err(poisoned()))
            }
        }
    }

    /// Counts a call and returns how it is to fail.
    fn next_fault(&self) -> Option<Fault> {
        let mut state = self.lock();
        state.calls += 1;
        match self.armed {
            Armed::Once(number, fault) if number == state.calls => Some(fault),
            Armed::OneIn(calls) if state.random.u64(..calls) == 0 => Some(match state.random.u8(..10) {
                0 => Fault::AnswerLost,
                _ => Fault::Refused,
            }),
            Armed::Never | Armed::Once(..) | Armed::OneIn(_) => None,
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<D: Driver> Driver for Faulty<D> {
    forward_driver!(append, sync, restore through self.write);
    forward_driver!(last_position, boundary, commits, entry, history, state, namespaces through self.read);

    fn abilities(&self) -> Abilities<'_> {
        let mut abilities = self.inner.abilities();
        abilities.erase = abilities.erase.map(|_| self as &dyn Erase);
        abilities
    }
}

impl<D: Driver> Faulty<D> {
    fn eraser(&self) -> Result<&dyn Erase, Error> {
        let inner = self.inner.abilities().erase;
        Ok(inner.ok_or_else(|| DriverError::new(ErrorKind::Unsupported, "faulty:", "it cannot erase"))?)
    }
}

impl<D: Driver> Erase for Faulty<D> {
    fn erase(&self, positions: &[Position], audit: &Batch) -> Result<Result<Receipt, Conflict>, Error> {
        self.write(|_| self.eraser()?.erase(positions, audit))
    }

    fn scrub(&self) -> Result<u64, Error> {
        self.write(|_| self.eraser()?.scrub())
    }
}

impl<D> fmt::Debug for Faulty<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty")
            .field("armed", &self.armed)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

fn refused() -> Error {
    failure(ErrorKind::Unavailable, "the call was made to fail")
}

fn poisoned() -> Error {
    failure(ErrorKind::Poisoned, "an answer was made to get lost; open the log anew")
}

fn failure(kind: ErrorKind, message: &str) -> Error {
    DriverError::new(kind, "faulty", message).into()
}

#[cfg(test)]
mod tests {
    use annals_core::{At, Durability, Order, PositionRange, Scope};

    use super::*;
    use crate::ScanDriver;
    use crate::samples::{batch, key, position};

    fn append(driver: &dyn Driver) -> Result<u64, Error> {
        driver.append(&[batch().set(key("a", "x"), [1])], Durability::Synced)?;
        Ok(driver.last_position()?.get())
    }

    #[test]
    fn a_refused_call_never_reaches_the_driver_and_the_next_one_does() {
        let driver = Faulty::new(ScanDriver::new()).fail_call(1, Fault::Refused);
        assert_eq!(append(&driver).unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(driver.last_position().unwrap(), Position::START);
        assert_eq!(append(&driver).unwrap(), 1);
    }

    #[test]
    fn a_lost_answer_leaves_the_commit_and_refuses_later_writes() {
        let driver = Faulty::new(ScanDriver::new()).fail_call(3, Fault::AnswerLost);
        assert_eq!(append(&driver).unwrap(), 1);
        assert_eq!(append(&driver).unwrap_err().kind(), ErrorKind::Poisoned);
        assert_eq!(driver.last_position().unwrap(), position(2), "reads go on");
        let writes = [append(&driver).map(drop), driver.sync(), driver.restore(&[])];
        for write in writes {
            assert_eq!(write.unwrap_err().kind(), ErrorKind::Poisoned);
        }
        assert_eq!(driver.last_position().unwrap(), position(2));
    }

    #[test]
    fn a_lost_answer_of_a_read_is_no_reason_to_refuse_writes() {
        let driver = Faulty::new(ScanDriver::new()).fail_call(1, Fault::AnswerLost);
        assert_eq!(driver.last_position().unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(append(&driver).unwrap(), 1);
    }

    #[test]
    fn every_method_that_can_fail_is_counted() {
        let driver = Faulty::new(ScanDriver::new());
        append(&driver).unwrap();
        driver.sync().unwrap();
        driver.boundary(At::Position(Position::MAX)).unwrap();
        driver.commits(PositionRange::ALL, Order::OldestFirst, 1).unwrap();
        driver.history(&key("a", "x"), PositionRange::ALL, Order::OldestFirst, 0, 1).unwrap();
        driver.state(&Scope::All, Position::MAX, None, 1).unwrap();
        driver.namespaces(&Scope::All, None, 1).unwrap();
        driver.restore(&[]).unwrap();
        assert!(driver.abilities().measure.is_none());
        assert_eq!(driver.calls(), 9);
    }
}
