use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long a race lasts. What goes wrong between two steps of a driver shows only if others come
/// in between, which they do seldom: hundreds of rounds on a fast driver are needed to see it.
const RACE: Duration = Duration::from_millis(200);

/// Counts rounds from 0 for the time of a race, one at least.
pub(crate) fn for_a_while() -> impl Iterator<Item = u64> {
    let start = Instant::now();
    (0..).take_while(move |round| *round == 0 || start.elapsed() < RACE)
}

/// Runs `write` while so many threads run `read`, and returns when all are done.
pub(crate) fn beside_readers(readers: usize, read: impl Fn(Rounds<'_>) + Sync, write: impl FnOnce()) {
    let is_writing = AtomicBool::new(true);
    thread::scope(|scope| {
        for _ in 0..readers {
            scope.spawn(|| read(Rounds { is_writing: &is_writing, is_over: false }));
        }
        // Dropped in a panic too: a rule that fails must not leave its readers running.
        let _end = End(&is_writing);
        write();
    });
}

/// Goes on until the writing has ended, and once more after it.
pub(crate) struct Rounds<'a> {
    is_writing: &'a AtomicBool,
    is_over: bool,
}

impl Iterator for Rounds<'_> {
    type Item = ();

    fn next(&mut self) -> Option<()> {
        if self.is_over {
            return None;
        }
        self.is_over = !self.is_writing.load(Ordering::SeqCst);
        Some(())
    }
}

struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}
