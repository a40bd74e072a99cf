use std::cell::Cell;
use std::fmt::Debug;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// One run of the benchmarks: how large it is, and how many of the wanted figures it missed.
///
/// A quick run shows that everything works and both sides answer alike; its figures mean nothing, so
/// none of them counts as missed.
#[derive(Debug)]
pub struct Run {
    quick: bool,
    missed: Cell<u32>,
}

impl Run {
    /// The fewest entries of a log in a quick run: each key has one then.
    const ENTRIES_MIN: usize = 10_000;

    /// Returns a run that has missed nothing yet.
    #[must_use]
    pub fn new(quick: bool) -> Run {
        Run { quick, missed: Cell::new(0) }
    }

    /// Returns how many entries stand for `entries`: as many, or a hundredth in a quick run.
    #[must_use]
    pub fn entries(&self, entries: usize) -> usize {
        if self.quick { (entries / 100).max(Self::ENTRIES_MIN).min(entries) } else { entries }
    }

    /// Returns how often something is repeated: as often as said, or a hundredth in a quick run.
    #[must_use]
    pub fn times(&self, times: u32) -> u32 {
        if self.quick { (times / 100).max(1) } else { times }
    }

    /// Prints the head of a table that compares these two sides, in so many rounds.
    #[must_use]
    pub fn table(&self, title: &str, rounds: u32, [one, other]: [&str; 2]) -> Table<'_> {
        println!("\n{title:46} {one:>12} {other:>12} {:>8}  wanted", "ratio");
        Table { run: self, rounds: self.times(rounds) }
    }

    /// Prints a figure that nothing is wanted of, in `unit`.
    pub fn shown(&self, name: &str, figure: f64, unit: &str) {
        println!("{name:46} {figure:>12.2} {unit}");
    }

    /// Prints a figure that has a limit of its own, in `unit`.
    pub fn at_most(&self, name: &str, figure: f64, most: f64, unit: &str) {
        let missed = self.judge(figure <= most);
        println!("{name:46} {figure:>12.2} {unit:12} {:8}  <= {most} {unit}{missed}", "");
    }

    /// Prints a figure that shall not be less than something, in `unit`.
    pub fn at_least(&self, name: &str, figure: f64, least: f64, unit: &str) {
        let missed = self.judge(figure >= least);
        println!("{name:46} {figure:>12.0} {unit:12} {:8}  >= {least} {unit}{missed}", "");
    }

    /// Returns how many of the wanted figures were missed.
    #[must_use]
    pub fn missed(&self) -> u32 {
        self.missed.get()
    }

    fn judge(&self, reached: bool) -> &'static str {
        if reached || self.quick {
            return "";
        }
        self.missed.set(self.missed.get() + 1);
        "  MISSED"
    }
}

/// What a ratio should be.
#[derive(Clone, Copy, Debug)]
pub enum Wanted {
    /// The one side does at least so many operations for each one of the other.
    Speed(f64),
    /// The one side takes at most so many times as long as the other.
    Time(f64),
    /// The same, but nothing promises it: what is more does not count as missed.
    TimeUnpromised(f64),
    /// Nothing: how many operations the one side does for each one of the other is only shown.
    Nothing,
}

/// One line of a table.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// What is done.
    pub name: &'a str,
    /// How the sides should compare.
    pub wanted: Wanted,
    /// How many operations a side does in its turn.
    pub count: u32,
}

/// Comparisons of the same two sides, a row each.
#[derive(Debug)]
pub struct Table<'a> {
    run: &'a Run,
    rounds: u32,
}

impl Table<'_> {
    /// Compares the mean time of an operation on each side; returns the medians over the rounds.
    pub fn compare<A, B>(&self, row: Row<'_>, one: impl Fn() -> A, other: impl Fn() -> B) -> [Duration; 2] {
        let count = self.run.times(row.count);
        let [[one], [other]] = self.turns(|| (), |()| [mean(count, &one)], |()| [mean(count, &other)]);
        self.show(row.name, row.wanted, [one, other]);
        [one, other]
    }

    /// Compares how long each side takes to answer questions, after a check that they answer alike;
    /// returns the medians over the rounds.
    ///
    /// # Panics
    /// If they do not.
    pub fn compare_answers<Q: Copy + Debug, A: Debug, B: Debug>(
        &self,
        row: Row<'_>,
        ask: impl Fn() -> Q,
        one: impl Fn(Q) -> A,
        other: impl Fn(Q) -> B,
        alike: impl Fn(&A, &B) -> bool,
    ) -> [Duration; 2] {
        for _ in 0..row.count.div_ceil(10) {
            let question = ask();
            let (ours, theirs) = (one(question), other(question));
            assert!(alike(&ours, &theirs), "{}: {ours:?} and {theirs:?} for {question:?}", row.name);
        }
        self.compare(row, || one(ask()), || other(ask()))
    }

    /// Returns the medians, side by side, of what each side measures of itself in rounds. Both sides of a
    /// round get what `prepare` made for it, and take turns in who is first.
    pub fn turns<T, const N: usize>(
        &self,
        prepare: impl Fn() -> T,
        one: impl Fn(&T) -> [Duration; N],
        other: impl Fn(&T) -> [Duration; N],
    ) -> [[Duration; N]; 2] {
        let [mut ones, mut others] = [const { Vec::new() }; 2];
        for round in 0..self.rounds {
            let prepared = prepare();
            let before_other = round.is_multiple_of(2).then(|| one(&prepared));
            others.push(other(&prepared));
            ones.push(before_other.unwrap_or_else(|| one(&prepared)));
        }
        [ones, others].map(medians)
    }

    /// Returns the medians of what `round` measures, in rounds.
    pub fn rounds<const N: usize>(&self, round: impl Fn() -> [Duration; N]) -> [Duration; N] {
        medians((0..self.rounds).map(|_| round()))
    }

    /// Prints how two times compare.
    pub fn show(&self, name: &str, wanted: Wanted, [one, other]: [Duration; 2]) {
        let time = one.as_secs_f64() / other.as_secs_f64();
        let speed = 1.0 / time;
        let (ratio, wanted, reached) = match wanted {
            Wanted::Speed(least) => (speed, format!(">= {least}"), speed >= least),
            Wanted::Time(most) => (time, format!("<= {most}"), time <= most),
            Wanted::TimeUnpromised(most) => (time, format!("({most}, not promised)"), true),
            Wanted::Nothing => (speed, String::new(), true),
        };
        let missed = self.run.judge(reached);
        println!("{name:46} {one:>12.2?} {other:>12.2?} {ratio:>8.2}  {wanted}{missed}");
    }
}

/// Returns the mean time of one of `count` operations.
fn mean<T>(count: u32, operation: impl Fn() -> T) -> Duration {
    timed(|| (0..count).for_each(|_| drop(black_box(operation())))) / count
}

/// Returns how long `operation` took.
pub fn timed(operation: impl FnOnce()) -> Duration {
    let started = Instant::now();
    operation();
    started.elapsed()
}

/// Returns the median; of an even number the upper one, of none zero.
fn median(times: Vec<Duration>) -> Duration {
    percentile(times, 50)
}

/// Returns the time that `percent` of the times do not exceed; the greatest for 100, zero of none.
#[must_use]
pub fn percentile(mut times: Vec<Duration>, percent: usize) -> Duration {
    times.sort_unstable();
    let place = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(place).copied().unwrap_or_default()
}

fn medians<const N: usize>(rounds: impl IntoIterator<Item = [Duration; N]>) -> [Duration; N] {
    let mut columns = [const { Vec::new() }; N];
    for round in rounds {
        columns.iter_mut().zip(round).for_each(|(column, time)| column.push(time));
    }
    columns.map(median)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn milliseconds(times: impl IntoIterator<Item = u64>) -> Vec<Duration> {
        times.into_iter().map(Duration::from_millis).collect()
    }

    #[test]
    fn percentiles_are_taken_of_the_sorted_times() {
        let times = || milliseconds((1..=200).rev());
        let of = |percent| percentile(times(), percent).as_millis();
        assert_eq!([0, 50, 99, 100].map(of), [1, 101, 199, 200]);
        assert_eq!(median(Vec::new()), Duration::ZERO);
    }

    #[test]
    fn each_side_has_a_median_of_its_own() {
        let rounds = [[3, 30], [1, 10], [2, 20]].map(|round| round.map(Duration::from_millis));
        assert_eq!(medians(rounds), [2, 20].map(Duration::from_millis));
    }

    #[test]
    fn the_sides_of_a_round_share_what_was_prepared_and_take_turns_in_who_is_first() {
        let run = Run::new(false);
        let (prepared, order) = (Cell::new(0), RefCell::new(String::new()));
        let side = |name, round: u64| {
            order.borrow_mut().push(name);
            [Duration::from_millis(round)]
        };
        let medians = run.table("", 3, ["", ""]).turns(
            || prepared.replace(prepared.get() + 1),
            |round| side('a', *round),
            |round| side('b', *round * 10),
        );
        assert_eq!(
            (medians, order.into_inner().as_str()),
            ([[1], [10]].map(|[n]| [Duration::from_millis(n)]), "abbaab")
        );
    }

    #[test]
    fn what_is_too_slow_counts_as_missed_unless_the_run_is_quick() {
        let missed = |quick| {
            let run = Run::new(quick);
            let table = run.table("", 1, ["", ""]);
            let times = [2, 1].map(Duration::from_millis);
            for wanted in [Wanted::Speed(0.5), Wanted::Speed(0.6), Wanted::Time(2.0), Wanted::Time(1.9)] {
                table.show("", wanted, times);
            }
            table.show("", Wanted::TimeUnpromised(1.9), times);
            run.at_most("", 2.0, 1.0, "ms");
            run.at_least("", 1.0, 2.0, "/s");
            run.missed()
        };
        assert_eq!([missed(false), missed(true)], [4, 0]);
    }
}
