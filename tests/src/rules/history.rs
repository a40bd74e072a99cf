use annals_core::{Action, Order, Position, PositionRange};

use crate::Places;
use crate::samples::{DriverExt, batch, key, positions, range};

/// History has every change of a key, deletions and equal values included, each with its commit.
pub fn history_keeps_every_change(places: &Places) {
    let log = places.open_empty();
    let (x, y) = (key("a", "x"), key("a", "y"));
    let first = log.commit(batch().set(y.clone(), [9]).set(x.clone(), [1]));
    let second = log.commit(batch().set(x.clone(), [1]));
    let third = log.commit(batch().delete(x.clone()).delete(y.clone()));
    let fourth = log.commit(batch().set(x.clone(), [2]));

    let versions = log.versions(&x);
    assert_eq!(positions(&versions), [2, 3, 4, 6]);
    let actions: Vec<_> = versions.iter().map(|change| change.entry.action.clone()).collect();
    let [one, two] = [1, 2].map(|byte| Action::Set([byte].into()));
    assert_eq!(actions, [one.clone(), one, Action::Deleted, two]);
    let commits: Vec<_> = versions.into_iter().map(|change| change.commit).collect();
    assert_eq!(commits, [first, second, third, fourth]);
}

/// A page of history is the changes in the range, in the order asked for, without the first
/// `skip`, at most `limit`: for every range, order, skip and limit, the greatest ones included.
pub fn history_is_cut_by_range_skip_and_limit(places: &Places) {
    let log = places.open_empty();
    let (x, y) = (key("a", "x"), key("a", "y"));
    let expected: [u64; 4] = [2, 3, 5, 6];
    log.commit(batch().set(y.clone(), [1]).set(x.clone(), [1]));
    log.commit(batch().set(x.clone(), [2]).delete(y.clone()));
    log.commit(batch().delete(x.clone()));
    log.commit(batch().set(x.clone(), [3]).set(y.clone(), [3]));
    let counts = [0, 1, 2, 3, 4, 5, usize::MAX];
    for (after, through) in (0..8).flat_map(|after| (0..8).map(move |through| (after, through))) {
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let inside = expected.iter().copied().filter(|at| after < *at && *at <= through);
            let mut inside: Vec<u64> = inside.collect();
            if order == Order::NewestFirst {
                inside.reverse();
            }
            for (skip, limit) in counts.iter().flat_map(|skip| counts[1..].iter().map(move |l| (*skip, *l))) {
                let page = log.history(&x, range(after, through), order, skip, limit).unwrap();
                let wanted: Vec<u64> = inside.iter().copied().skip(skip).take(limit).collect();
                let asked = || format!("{after}..={through} {order:?}, {limit} after {skip}");
                assert_eq!(positions(&page), wanted, "{}", asked());
            }
        }
    }
}

/// The entry of a key at a position is the newest one there or before, deletions included, without
/// a look at any later one.
pub fn entry_is_the_newest_of_history(places: &Places) {
    let log = places.open_empty();
    let (x, y) = (key("a", "x"), key("a", "y"));
    log.commit(batch().set(y.clone(), [1]).set(x.clone(), [1]));
    log.commit(batch().set(x.clone(), [2]).delete(y.clone()));
    log.commit(batch().delete(x.clone()));
    log.commit(batch().set(x.clone(), [3]).set(y.clone(), [3]));
    for at in (0..=9).filter_map(Position::new).chain([Position::MAX]) {
        for key in [&x, &y] {
            let newest = log.history(key, PositionRange::through(at), Order::NewestFirst, 0, 1).unwrap();
            let newest = newest.into_iter().next().map(|change| change.entry);
            assert_eq!(log.entry(key, at).unwrap(), newest, "{key} at {at}");
        }
    }
    let at_three = log.entry(&x, Position::new(3).expect("it is small")).unwrap();
    assert_eq!(at_three.expect("it was written").position.get(), 3);
    assert_eq!(log.entry(&key("a", "z"), Position::MAX).unwrap(), None);
}

/// A key that was never written has no history, even where its namespace or its field is known;
/// names are compared byte by byte.
pub fn history_of_one_key_is_not_of_another(places: &Places) {
    let log = places.open_empty();
    let written = [("a", "x"), ("a/b", "y"), ("b", "x"), ("a", "é"), ("a_b", "x"), ("a", "x_")];
    for (namespace, field) in written {
        log.commit(batch().set(key(namespace, field), [1]));
    }
    for (nth, (namespace, field)) in (1..).zip(written) {
        assert_eq!(positions(&log.versions(&key(namespace, field))), [nth], "{namespace} {field}");
    }
    for (namespace, field) in [
        ("a", "y"),
        ("A", "x"),
        ("a", "X"),
        ("a/b", "x"),
        ("a", "b"),
        ("c", "x"),
        ("a", "e\u{301}"),
        ("a-b", "x"),
    ] {
        let unknown = key(namespace, field);
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let found = log.history(&unknown, PositionRange::ALL, order, 0, 5).unwrap();
            assert_eq!(found, [], "{unknown}");
        }
    }
}
