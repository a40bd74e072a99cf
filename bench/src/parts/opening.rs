use annals::Store;
use annals::codec::decode;
use annals_bench::{Run, Workload};

use super::growing_log::GrowingLog;
use crate::child;

/// How much the log grows between two openings, and how often: in all that is more than the driver
/// leaves without an index, so one of the openings finds nearly the most that it ever leaves.
const GROWTH: usize = 4_000;
const OPENINGS: u32 = 25;

const DATA_MIB_MAX: u64 = 64;

pub(crate) fn run(run: &Run) {
    println!("\nopening and reading one value in a new process, at worst");
    let mut log = GrowingLog::with_keys(Workload::KEYS);
    log.grow(run.entries(1_000_000));
    measure(run, &mut log, "1,000,000 entries");
}

/// Opens a log at several lengths from its own on; judges the length with the slowest openings, and the
/// largest opening.
///
/// Of a length the quickest opening counts: the others waited longer for a processor.
pub(crate) fn measure(run: &Run, log: &mut GrowingLog, name: &str) {
    let (mut slowest, mut largest) = (0.0_f64, 0.0_f64);
    for _ in 0..run.times(OPENINGS) {
        log.grow(GROWTH);
        let openings: Vec<_> = (0..5).map(|_| open(log)).collect();
        let elapsed = openings.iter().map(|done| done.elapsed).min().unwrap();
        slowest = slowest.max(elapsed.as_secs_f64() * 1e3);
        largest = openings.iter().map(|done| done.peak_mib).fold(largest, f64::max);
    }
    run.at_most(&format!("time, {name}"), slowest, 20.0, "ms");
    run.at_most(&format!("peak of memory, {name}"), largest, 16.0, "MiB");
}

fn open(log: &GrowingLog) -> child::Done {
    let key = log.workload().key(0);
    let names = [key.namespace().as_str(), key.field().as_str()];
    let done = child::start("open-and-read", DATA_MIB_MAX, &[&[log.path()], &names[..]].concat()).done();
    assert_eq!(done.answer, decode::<String>(log.newest(0)).unwrap());
    done
}

/// Answers with the text that a field of a record has.
pub(crate) fn open_and_read(arguments: &[&str]) -> String {
    let [path, namespace, field] = *arguments else { panic!("a path, a namespace and a field") };
    let store = Store::open(&format!("sqlite:{path}")).unwrap();
    store.record(namespace).unwrap().get(field).unwrap().unwrap()
}
