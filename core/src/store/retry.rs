use std::thread;
use std::time::Duration;

use crate::error::Error;

/// How often something that lost to another commit is tried again.
///
/// The pauses grow, so that of many writers who keep losing to one another some get through.
pub(crate) struct Retry {
    left: u32,
    pause: Duration,
}

impl Default for Retry {
    fn default() -> Retry {
        Retry { left: 50, pause: Duration::ZERO }
    }
}

impl Retry {
    const PAUSE_FIRST: Duration = Duration::from_micros(50);
    const PAUSE_MAX: Duration = Duration::from_millis(10);

    /// Returns whether there is a try left, after a pause.
    pub(crate) fn again(&mut self) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        thread::sleep(self.pause);
        self.pause = (self.pause * 2).clamp(Self::PAUSE_FIRST, Self::PAUSE_MAX);
        true
    }

    /// Runs `action` until it does not end in a conflict or no try is left.
    pub(crate) fn on_conflict<R>(mut self, mut action: impl FnMut() -> Result<R, Error>) -> Result<R, Error> {
        loop {
            match action() {
                Err(error) if error.is_conflict() && self.again() => {}
                answer => return answer,
            }
        }
    }
}
