use annals_core::{At, Condition, Order, Position, PositionRange, Scope};

use crate::Places;
use crate::samples::{DriverExt, batch, bounds, key, time};

/// A log without entries is empty to every read: no position, no commit, no key, no error.
pub fn an_empty_log_answers_with_nothing(places: &Places) {
    let log = places.open_empty();
    assert_eq!(log.last_position().unwrap(), Position::START);
    for at in [At::Position(Position::START), At::Position(Position::MAX), At::Time(time(0))] {
        assert_eq!(log.boundary(at).unwrap(), Position::START);
    }
    for order in [Order::OldestFirst, Order::NewestFirst] {
        assert_eq!(log.commits(PositionRange::ALL, order, 10).unwrap(), []);
        assert_eq!(log.history(&key("a", "x"), PositionRange::ALL, order, 0, 10).unwrap(), []);
    }
    assert_eq!(log.state_at(&Scope::All, Position::MAX), []);
    assert_eq!(log.state_at(&Scope::All, Position::START), []);
    assert_eq!(log.namespaces(&Scope::All, None, 10).unwrap(), []);
    log.sync().unwrap();
    assert_eq!(log.answers(&[]), [], "no batch, no answer");
    assert_eq!(log.last_position().unwrap(), Position::START);
}

/// Positions start at 1 and are dense: within a commit, from one commit to the next, and over the
/// batches of one call; the entries of a commit stand in the order of its writes.
pub fn positions_are_dense_from_one(places: &Places) {
    let log = places.open_empty();
    let (x, y, z) = (key("a", "x"), key("a", "y"), key("b", "z"));
    log.commit(batch().set(y.clone(), [1]));
    for answer in log.answers(&[
        batch().set(z.clone(), [2]).set(x.clone(), [3]).delete(y.clone()),
        batch().delete(z.clone()),
        batch().set(y.clone(), [4]).set(x.clone(), [5]),
    ]) {
        assert!(answer.is_ok());
    }
    log.commit(batch().set(z.clone(), [6]));

    let commits = log.all_commits();
    assert_eq!(bounds(&commits), [(1, 1), (2, 4), (5, 5), (6, 7), (8, 8)]);
    let entries: Vec<_> = commits.iter().flat_map(|item| &item.entries).collect();
    let positions: Vec<u64> = entries.iter().map(|entry| entry.position.get()).collect();
    assert_eq!(positions, [1, 2, 3, 4, 5, 6, 7, 8]);
    let keys: Vec<_> = entries.iter().map(|entry| &entry.key).collect();
    assert_eq!(keys, [&y, &z, &x, &y, &z, &y, &x, &z]);
    assert_eq!(log.last_position().unwrap().get(), 8);
}

/// A batch that is refused leaves no gap: the next commit takes the positions it would have had.
pub fn a_conflict_takes_no_position(places: &Places) {
    let log = places.open_empty();
    let x = key("a", "x");
    let absent = || batch().on_condition(Condition::KeyAbsent { key: x.clone() });
    log.commit(absent().set(x.clone(), [1]));
    log.refusal(absent().set(x.clone(), [2]).set(key("a", "y"), [2]));
    assert_eq!(log.last_position().unwrap().get(), 1);
    assert_eq!(log.commit(batch().set(x.clone(), [3])).first.get(), 2);
    assert_eq!(bounds(&log.all_commits()), [(1, 1), (2, 2)]);
}
