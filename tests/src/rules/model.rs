use std::env;

use proptest::test_runner::{Config, TestRunner};

use crate::{Places, steps};

/// Runs of random steps (appends of several batches with conditions, every read, syncing,
/// reopening, restoring elsewhere) are answered as [`ScanDriver`](crate::ScanDriver) answers them.
///
/// `PROPTEST_CASES` sets the number of runs. A failure names the steps, shortened to what is needed.
pub fn agrees_with_a_linear_scan(places: &Places) {
    const RUNS: u32 = 64;
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if env::var_os("PROPTEST_CASES").is_none() {
        config.cases = RUNS;
    }
    let outcome = TestRunner::new(config).run(&steps::steps(), |steps| steps::run(places, &steps));
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
