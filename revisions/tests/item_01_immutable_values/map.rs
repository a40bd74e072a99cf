//! What can be done to a map.

use std::collections::BTreeMap;

use annals_revisions::{Immutable, Map};

/// Checks what a change makes of a map, and that it leaves the map as it was.
#[track_caller]
fn check<const A: usize, const B: usize>(
    before: [(&str, i32); A],
    change: impl FnOnce(&mut Map<String, i32>),
    after: [(&str, i32); B],
) {
    let owned = |entry: (&str, i32)| (entry.0.to_owned(), entry.1);
    let old = Immutable::new(Map::from(before.map(owned)));
    let new = old.update(change);
    assert_eq!(BTreeMap::from(new.into_inner()), after.map(owned).into());
    assert_eq!(BTreeMap::from(old.into_inner()), before.map(owned).into());
}

#[test]
fn set_a_value() {
    check([], |map| assert_eq!(map.insert("a".into(), 42), None), [("a", 42)]);
    check([("a", 41)], |map| assert_eq!(map.insert("a".into(), 42), Some(41)), [("a", 42)]);
    check([("a", 41)], |map| map["a"] = 42, [("a", 42)]);
    check([("a", 41)], |map| *map.get_mut("a").unwrap() += 1, [("a", 42)]);
    check([("a", 41)], |map| assert_eq!(map.get_mut("b"), None), [("a", 41)]);
}

#[test]
fn set_a_value_where_there_is_none() {
    check([], |map| assert_eq!(*map.get_or_insert_with("a".into(), || 42), 42), [("a", 42)]);
    check([("a", 41)], |map| *map.get_or_insert_with("a".into(), || panic!("it is there")) += 1, [("a", 42)]);
}

#[test]
fn add_entries() {
    check([("a", 1)], |map| map.extend([("b".into(), 2), ("a".into(), 3)]), [("a", 3), ("b", 2)]);
    check([], |map| *map = ["a", "b"].map(|key| (key.to_owned(), 42)).into(), [("a", 42), ("b", 42)]);
}

#[test]
fn take_an_entry_out() {
    check([("a", 41), ("b", 42)], |map| assert_eq!(map.remove("a"), Some(41)), [("b", 42)]);
    check([("a", 41)], |map| assert_eq!(map.remove("b"), None), [("a", 41)]);
    check([("a", 41), ("b", 42)], |map| assert_eq!(map.pop_first(), Some(("a".into(), 41))), [("b", 42)]);
    check([("a", 41), ("b", 42)], |map| assert_eq!(map.pop_last(), Some(("b".into(), 42))), [("a", 41)]);
    check([], |map| assert_eq!((map.pop_first(), map.pop_last()), (None, None)), []);
}

#[test]
fn take_entries_out() {
    check(
        [("a", 1), ("b", 2), ("c", 3)],
        |map| map.retain(|key, value| key == "b" || *value == 3),
        [("b", 2), ("c", 3)],
    );
    check([("a", 1)], Map::clear, []);
}

#[test]
#[should_panic(expected = "a key of the map")]
fn there_is_nothing_at_a_missing_key() {
    let _ = Map::from([("a", 1)])["b"];
}

#[test]
fn ask() {
    let map = Map::from([("b", 2), ("a", 1), ("c", 3)]);
    assert_eq!((map.len(), map.is_empty(), Map::<u8, u8>::new().is_empty()), (3, false, true));
    assert_eq!((map.get("b"), map.get("d"), map["c"]), (Some(&2), None, 3));
    assert!(map.contains_key("a") && !map.contains_key("d"));
    assert_eq!((map.first_key_value(), map.last_key_value()), (Some((&"a", &1)), Some((&"c", &3))));
    assert_eq!(format!("{map:?}"), r#"{"a": 1, "b": 2, "c": 3}"#);
    assert!(map < Map::from([("a", 1), ("b", 3)]) && map > Map::from([("a", 1), ("b", 2)]));
}

#[test]
fn go_over_the_entries() {
    let map = Map::from([("b", 2), ("a", 1), ("c", 3)]);
    let mut entries = map.iter();
    assert_eq!((entries.len(), entries.next(), entries.next_back()), (3, Some((&"a", &1)), Some((&"c", &3))));
    assert_eq!(entries.len(), 1);
    let mut entries = map.clone().into_iter();
    assert_eq!((entries.len(), entries.next(), entries.next_back()), (3, Some(("a", 1)), Some(("c", 3))));
    assert_eq!(entries.len(), 1);
    assert_eq!(map.keys().rev().copied().collect::<String>(), "cba");
    assert_eq!(map.values().copied().collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((&map).into_iter().count(), 3);
}

#[test]
fn a_key_that_is_set_again_stays_the_same_key() {
    let key = "a key".to_owned();
    let at = key.as_ptr();
    let mut map = Map::from([(key, 1)]);
    map.insert("a key".to_owned(), 2);
    assert_eq!(map.first_key_value().map(|(key, value)| (key.as_ptr(), *value)), Some((at, 2)));
}
