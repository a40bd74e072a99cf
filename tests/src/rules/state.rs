use annals_core::{Action, Key, Namespace, Position, Scope};

use crate::samples::{DriverExt, batch, key, keys, namespace, positions};
use crate::{Opened, Places};

/// Names whose order and prefixes are easily got wrong, in the order that every driver gives:
/// that of the bytes of the namespace, then of the field.
const ORDERED: [(&str, &str); 25] = [
    ("0", "x"),
    ("A", "x"),
    ("Game", "x"),
    ("_", "x"),
    ("a", "X"),
    ("a", "_"),
    ("a", "b"),
    ("a", "x"),
    ("a", "x0"),
    ("a", "xy"),
    ("a", "é"),
    ("a", "中"),
    // These two stand the other way round in UTF-16.
    ("a", "ｘ"),
    ("a", "𝐱"),
    ("a-b", "x"),
    ("a.b", "x"),
    ("a/b", "x"),
    ("a/b/c", "x"),
    ("a0", "x"),
    ("aA", "x"),
    ("a_b", "x"),
    ("game", "player1"),
    ("game/player1", "x"),
    ("games", "x"),
    ("z", "x"),
];

fn ordered_keys() -> Vec<Key> {
    ORDERED.iter().map(|(namespace, field)| key(namespace, field)).collect()
}

/// A log with all of the names above, written in another order, each twice.
fn log_of_names(places: &Places) -> Opened {
    let log = places.open_empty();
    for step in [7, 9] {
        let shuffled = (0..ORDERED.len()).map(|nth| &ORDERED[nth * step % ORDERED.len()]);
        log.commit(shuffled.fold(batch(), |all, (namespace, field)| all.set(key(namespace, field), [1])));
    }
    log
}

/// State is the newest change of each key that has one, deletions included, with its commit.
pub fn state_is_the_newest_change_of_each_key(places: &Places) {
    let log = places.open_empty();
    let (x, y, z) = (key("a", "x"), key("a", "y"), key("b", "z"));
    log.commit(batch().set(z.clone(), [1]).set(y.clone(), [1]).set(x.clone(), [1]));
    let second = log.commit(batch().set(x.clone(), [2]).delete(y.clone()));
    let third = log.commit(batch().delete(z.clone()));
    let fourth = log.commit(batch().set(z, []));

    let state = log.state_at(&Scope::All, Position::MAX);
    assert_eq!(keys(&state), ["a x", "a y", "b z"]);
    assert_eq!(positions(&state), [4, 5, 7]);
    let actions: Vec<_> = state.iter().map(|change| change.entry.action.clone()).collect();
    assert_eq!(actions, [Action::Set([2].into()), Action::Deleted, Action::Set([].into())]);
    let commits: Vec<_> = state.into_iter().map(|change| change.commit).collect();
    assert_eq!(commits, [second.clone(), second, fourth]);
    assert_eq!(log.state_at(&Scope::All, third.last).last().unwrap().commit, third);
}

/// The state as of the end of any commit can still be read; keys that came later are not in it.
pub fn state_of_the_past_is_still_there(places: &Places) {
    let log = places.open_empty();
    let (x, y) = (key("a", "x"), key("b", "y"));
    log.commit(batch().set(x.clone(), [1]));
    log.commit(batch().set(y.clone(), [2]).set(x.clone(), [2]));
    log.commit(batch().delete(x.clone()));
    log.commit(batch().set(key("0", "new"), [4]));
    for (at, expected) in [(0, vec![]), (1, vec![1]), (3, vec![3, 2]), (4, vec![4, 2]), (5, vec![5, 4, 2])] {
        let at = Position::new(at).unwrap();
        assert_eq!(positions(&log.state_at(&Scope::All, at)), expected, "as of {at}");
        let record = Scope::Record(namespace("a"));
        let of_record = log.versions(&x).into_iter().rev().find(|change| change.position() <= at);
        assert_eq!(log.state_at(&record, at).pop(), of_record, "as of {at}");
    }
}

/// A scope is everything, one record's fields, or a record and all below it, and neither a
/// namespace that only begins alike (`games` is not under `game`), nor one in other letters, nor a
/// sub-namespace that shares a field's name.
pub fn scopes_cover_records_and_what_is_below(places: &Places) {
    let log = log_of_names(places);
    let all = ordered_keys();
    assert_eq!(state_keys(&log, &Scope::All), all);
    let roots = ["0", "A", "a", "a-b", "a/b", "a/b/c", "a0", "game", "game/player1", "games", "ga", "b"];
    for root in roots.map(namespace) {
        let record = all.iter().filter(|key| key.namespace() == &root).cloned();
        assert_eq!(state_keys(&log, &Scope::Record(root.clone())), record.collect::<Vec<_>>(), "{root}");
        let under = all.iter().filter(|key| key.namespace().is_under(&root)).cloned();
        assert_eq!(state_keys(&log, &Scope::Under(root.clone())), under.collect::<Vec<_>>(), "{root}");
    }
}

fn state_keys(log: &Opened, scope: &Scope) -> Vec<Key> {
    log.state_at(scope, Position::MAX).into_iter().map(|change| change.entry.key).collect()
}

/// State comes in the byte order of the joined namespace, then of the field: `a-b`, `a.b`, `a/b`,
/// `a0`; capitals before small letters; ASCII before all else.
pub fn state_comes_in_byte_order(places: &Places) {
    let log = log_of_names(places);
    let mut keys = ordered_keys();
    assert_eq!(state_keys(&log, &Scope::All), keys);
    keys.sort();
    assert_eq!(keys, ordered_keys(), "the list of this rule is in the order of keys");
}

/// Reading on after the last key of a page gives every key once; the key to continue after need
/// not exist, nor lie in the scope.
pub fn pages_of_state_continue_after_a_key(places: &Places) {
    let log = log_of_names(places);
    let beside =
        [("", "")].into_iter().chain([("Zz", "x"), ("a", "c"), ("a/a", "x"), ("a0", "w"), ("zz", "x")]);
    let afters: Vec<Option<Key>> = beside
        .map(|(namespace, field)| (!namespace.is_empty()).then(|| key(namespace, field)))
        .chain(ordered_keys().into_iter().map(Some))
        .collect();
    let scopes = [Scope::All, Scope::Record(namespace("a")), Scope::Under(namespace("a"))];
    for scope in &scopes {
        let all = log.state_at(scope, Position::MAX);
        for after in &afters {
            let rest = all.iter().filter(|change| after.as_ref().is_none_or(|after| change.key() > after));
            let rest: Vec<_> = rest.cloned().collect();
            for limit in [1, 2, 5, usize::MAX] {
                let page = log.state(scope, Position::MAX, after.as_ref(), limit).unwrap();
                let expected = &rest[..limit.min(rest.len())];
                assert_eq!(page, expected, "{limit} in {scope:?} after {after:?}");
            }
        }
    }
}

/// Every namespace in scope that ever had an entry is listed once, in byte order: of deleted
/// records too, but not one that only has sub-namespaces.
pub fn namespaces_ever_written_are_listed(places: &Places) {
    let log = places.open_empty();
    for name in ["b/c/d", "a", "b.c", "b0", "b", "b-c", "B", "a/b", "b/c/d", "c/d"] {
        log.commit(batch().set(key(name, "x"), [1]).set(key(name, "y"), [1]));
    }
    log.commit(batch().delete(key("a", "x")).delete(key("a", "y")));
    log.commit(batch().delete(key("never/set", "x")));
    let list = |scope: &Scope| {
        let found = log.namespaces(scope, None, usize::MAX).unwrap();
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let all = ["B", "a", "a/b", "b", "b-c", "b.c", "b/c/d", "b0", "c/d", "never/set"];
    assert_eq!(list(&Scope::All), all);
    assert_eq!(list(&Scope::Under(namespace("b"))), ["b", "b/c/d"]);
    assert_eq!(list(&Scope::Under(namespace("b/c"))), ["b/c/d"]);
    assert_eq!(list(&Scope::Under(namespace("c"))), ["c/d"]);
    assert_eq!(list(&Scope::Record(namespace("b"))), ["b"]);
    assert_eq!(list(&Scope::Record(namespace("c"))), [""; 0]);
    assert_eq!(list(&Scope::Under(namespace("nothing"))), [""; 0]);
}

/// Reading on after the last namespace of a page gives every namespace once; the one to continue
/// after need not exist, nor lie in the scope.
pub fn pages_of_namespaces_continue_after_a_namespace(places: &Places) {
    let log = log_of_names(places);
    let afters = ["0", "A", "Z", "a", "a/a", "a/b", "a/b/c", "a/c", "a0", "game", "z", "zz"].map(namespace);
    let roots = ["a", "a/b", "game"].map(namespace);
    let records = roots.clone().map(Scope::Record);
    for scope in roots.map(Scope::Under).into_iter().chain(records).chain([Scope::All]) {
        let all = log.namespaces(&scope, None, usize::MAX).unwrap();
        for after in &afters {
            let rest: Vec<Namespace> = all.iter().filter(|name| *name > after).cloned().collect();
            for limit in [0, 1, 2, 3, usize::MAX] {
                let page = log.namespaces(&scope, Some(after), limit).unwrap();
                assert_eq!(page, rest[..limit.min(rest.len())], "{limit} in {scope:?} after {after}");
            }
        }
        for limit in [0, 1, 2, usize::MAX] {
            assert_eq!(log.namespaces(&scope, None, limit).unwrap(), all[..limit.min(all.len())]);
        }
    }
}
