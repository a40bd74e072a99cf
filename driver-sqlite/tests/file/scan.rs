//! What a log must answer, found by reading all of it in order.

use std::collections::BTreeMap;

use annals_core::{Change, Check, Driver, Key, Order, Position, PositionRange, Scope};
use annals_driver_sqlite::SqliteDriver;

/// Every change of a log by key, as its commits say.
pub(crate) struct Scan {
    by_key: BTreeMap<Key, Vec<Change>>,
    boundaries: Vec<Position>,
}

impl Scan {
    pub(crate) fn of(driver: &dyn Driver) -> Scan {
        let mut scan = Scan { by_key: BTreeMap::new(), boundaries: vec![Position::START] };
        for commit in driver.commits(PositionRange::ALL, Order::OldestFirst, usize::MAX).unwrap() {
            scan.boundaries.push(commit.commit.last);
            for entry in commit.entries {
                let of_key = scan.by_key.entry(entry.key.clone()).or_default();
                of_key.push(Change { entry, commit: commit.commit.clone() });
            }
        }
        scan
    }

    fn newest(&self, key: &Key, at: Position) -> Option<&Change> {
        self.by_key[key].iter().rfind(|change| change.position() <= at)
    }

    fn state(&self, at: Position) -> Vec<Change> {
        self.by_key.keys().filter_map(|key| self.newest(key, at)).cloned().collect()
    }
}

/// The driver answers every question by key as the scan of its log does, and its check finds nothing.
#[track_caller]
pub(crate) fn assert_answers_as_a_scan(driver: &SqliteDriver) {
    let scan = Scan::of(driver);
    let history = |key, range, order, skip, limit| driver.history(key, range, order, skip, limit).unwrap();
    for (key, changes) in &scan.by_key {
        assert_eq!(&history(key, PositionRange::ALL, Order::OldestFirst, 0, usize::MAX), changes, "{key}");
        let mut reversed = history(key, PositionRange::ALL, Order::NewestFirst, 0, usize::MAX);
        reversed.reverse();
        assert_eq!(&reversed, changes, "{key}");
        let few = changes.iter().skip(2).take(3).cloned().collect::<Vec<_>>();
        assert_eq!(history(key, PositionRange::ALL, Order::OldestFirst, 2, 3), few, "{key}");
        let newest = driver.entry(key, Position::MAX).unwrap();
        assert_eq!(newest.as_ref(), changes.last().map(|change| &change.entry), "{key}");
        for at in scan.boundaries.iter().step_by(scan.boundaries.len() / 20 + 1).copied() {
            let entry = driver.entry(key, at).unwrap();
            assert_eq!(entry.as_ref(), scan.newest(key, at).map(|change| &change.entry), "{key} as of {at}");
            let after = PositionRange::after(at);
            let later = changes.iter().filter(|change| change.position() > at).cloned().collect::<Vec<_>>();
            assert_eq!(history(key, after, Order::OldestFirst, 0, usize::MAX), later, "{key} after {at}");
        }
    }
    for at in scan.boundaries.iter().step_by(scan.boundaries.len() / 10 + 1).copied().chain([Position::MAX]) {
        let state = driver.state(&Scope::All, at, None, usize::MAX).unwrap();
        assert_eq!(state, scan.state(at), "the state as of {at}");
    }
    assert_eq!(driver.check().unwrap().damages, Vec::<String>::new());
}
