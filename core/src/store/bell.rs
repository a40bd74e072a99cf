use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::log::{Announce, Appended, Observer};

/// What subscriptions wait at, rung at every commit of this process.
///
/// Whoever reads the number of rings, looks, and waits with that number misses no ring. The locks are
/// always the standard library's: those of shuttle know no time.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct State {
    rings: u64,
    waiting: usize,
    /// Whether the driver rings as well.
    is_announced: bool,
}

impl Observer for Bell {
    fn committed(&self, _: &[Appended<'_>]) {
        self.ring();
    }
}

impl Bell {
    /// Wakes all who wait. Where nobody does, it costs a lock that nobody holds for long.
    fn ring(&self) {
        let mut state = self.state();
        state.rings += 1;
        if state.waiting > 0 {
            self.rung.notify_all();
        }
    }

    /// Lets what is announced ring as well, from the first time on.
    pub(crate) fn hear(self: &Arc<Bell>, announce: &dyn Announce) {
        if !std::mem::replace(&mut self.state().is_announced, true) {
            let bell = Arc::downgrade(self);
            announce.tell(Box::new(move || bell.upgrade().inspect(|bell| bell.ring()).is_some()));
        }
    }

    pub(crate) fn rings(&self) -> u64 {
        self.state().rings
    }

    /// Waits until it was rung more than `seen` times, at most `time`.
    pub(crate) fn wait(&self, seen: u64, time: Duration) {
        let mut state = self.state();
        state.waiting += 1;
        let unrung = |state: &mut State| state.rings == seen;
        let waited = self.rung.wait_timeout_while(state, time, unrung);
        waited.unwrap_or_else(PoisonError::into_inner).0.waiting -= 1;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// As good as for ever: a test that waits so long has failed.
    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn a_ring_wakes_all_who_wait() {
        let bell = Bell::default();
        let seen = bell.rings();
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| bell.wait(seen, LONG));
            }
            while bell.state().waiting < 3 {
                thread::yield_now();
            }
            bell.ring();
        });
        assert_eq!((bell.rings(), bell.state().waiting), (1, 0));
    }

    #[test]
    fn a_ring_before_the_wait_is_not_missed() {
        let bell = Bell::default();
        let seen = bell.rings();
        bell.ring();
        bell.wait(seen, LONG);
    }

    #[derive(Default)]
    struct Announcer(Mutex<Vec<Box<dyn Fn() -> bool + Send + Sync>>>);

    impl Announce for Announcer {
        fn tell(&self, ring: Box<dyn Fn() -> bool + Send + Sync>) {
            self.0.lock().unwrap().push(ring);
        }

        fn is_on(&self) -> bool {
            true
        }
    }

    #[test]
    fn what_is_announced_rings_once_as_long_as_there_is_a_bell() {
        let (announcer, bell) = (Announcer::default(), Arc::new(Bell::default()));
        bell.hear(&announcer);
        bell.hear(&announcer);
        let ring_all = || announcer.0.lock().unwrap().iter().map(|ring| ring()).collect::<Vec<_>>();
        assert_eq!((ring_all(), bell.rings()), (vec![true], 1));
        drop(bell);
        assert_eq!(ring_all(), [false]);
    }

    #[test]
    fn a_wait_ends_without_a_ring() {
        let bell = Bell::default();
        bell.wait(bell.rings(), Duration::from_millis(1));
        assert_eq!(bell.state().waiting, 0);
    }
}
