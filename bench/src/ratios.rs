use std::time::{Duration, Instant};

/// Runs two sides in turns and prints how they compare.
#[derive(Debug)]
pub struct Table {
    rounds: usize,
}

impl Table {
    /// Prints the head of a table that compares these two sides, in so many rounds.
    #[must_use]
    pub fn new(rounds: usize, [one, other]: [&str; 2]) -> Table {
        println!("{:40} {one:>12} {other:>12} {:>8}  wanted", "", "ratio");
        Table { rounds }
    }

    /// Compares the time that each side takes for `count` operations: medians over the rounds.
    ///
    /// With [`Wanted::Speed`] the ratio is of operations a second, with [`Wanted::Time`] of the
    /// time an operation takes.
    pub fn compare(
        &self,
        name: &str,
        wanted: Wanted,
        count: u32,
        mut one: impl FnMut(),
        mut other: impl FnMut(),
    ) {
        let mut times = (Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            times.0.push(timed(count, &mut one));
            times.1.push(timed(count, &mut other));
        }
        let (one, other) = (median(times.0), median(times.1));
        let ratio = one.as_secs_f64() / other.as_secs_f64();
        let (ratio, wanted) = match wanted {
            Wanted::Speed(least) => (1.0 / ratio, format!(">= {least}")),
            Wanted::Time(most) => (ratio, format!("<= {most}")),
        };
        println!("{name:40} {one:>12.2?} {other:>12.2?} {ratio:>8.2}  {wanted}");
    }
}

/// What a ratio should be.
#[derive(Clone, Copy, Debug)]
pub enum Wanted {
    /// The one side does at least so many operations for each one of the other.
    Speed(f64),
    /// The one side takes at most so many times as long as the other.
    Time(f64),
}

/// Returns the mean time of one of `count` operations.
fn timed(count: u32, operation: &mut impl FnMut()) -> Duration {
    let started = Instant::now();
    for _ in 0..count {
        operation();
    }
    started.elapsed() / count
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
