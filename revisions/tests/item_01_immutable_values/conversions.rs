//! From and to the standard library's collections, and values of any type.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use annals_core::codec::{self, Kind, Value};
use annals_revisions::{List, Map, Set};

#[test]
fn std_collections_and_back() {
    let vec = vec!["a", "b", "a"];
    assert_eq!(Vec::from(List::from(vec.clone())), vec);
    assert_eq!(vec.iter().copied().collect::<List<_>>(), List::from(["a", "b", "a"]));

    let ordered = BTreeMap::from([("a", 1), ("b", 2)]);
    let hashed = HashMap::from([("a", 1), ("b", 2)]);
    assert_eq!(Map::from(ordered.clone()), Map::from(hashed.clone()));
    assert_eq!(BTreeMap::from(Map::from(hashed.clone())), ordered);
    assert_eq!(HashMap::from(Map::from(ordered)), hashed);

    let ordered = BTreeSet::from([1, 2]);
    let hashed = HashSet::from([1, 2]);
    assert_eq!(Set::from(ordered.clone()), Set::from(hashed.clone()));
    assert_eq!(BTreeSet::from(Set::from(hashed.clone())), ordered);
    assert_eq!(HashSet::from(Set::from(ordered)), hashed);
}

#[test]
fn of_several_entries_with_one_key_the_last_counts() {
    assert_eq!(Map::from([("a", 1), ("b", 2), ("a", 3)]), Map::from([("a", 3), ("b", 2)]));
    assert_eq!(Set::from([1, 2, 1]).len(), 2);
}

#[test]
fn values_and_back() {
    let list = List::from([Map::from([("a".to_owned(), Set::from([2_u8, 1]))])]);
    let value = Value::try_from(&list).unwrap();
    let set = Value::Set([1, 2].map(Value::from).into());
    assert_eq!(value, Value::List(vec![Value::map([("a", set.clone())])]));
    assert_eq!(List::try_from(&value).as_ref(), Ok(&list));
    assert_eq!(Value::try_from(&list[0]), Ok(Value::map([("a", set.clone())])));
    assert_eq!(Map::try_from(&Value::map([("a", set.clone())])).as_ref(), Ok(&list[0]));
    assert_eq!(Value::try_from(&list[0]["a"]).as_ref(), Ok(&set));
    assert_eq!(Set::try_from(&set).as_ref(), Ok(&list[0]["a"]));
}

#[test]
fn values_of_any_kind_are_items() {
    let mixed = Value::List(vec![Value::Null, Value::from("a"), Value::from(1.5)]);
    let list: List<Value> = List::try_from(&mixed).unwrap();
    assert_eq!((list.len(), list[1].kind()), (3, Kind::Text));
    assert_eq!(Value::try_from(&list), Ok(mixed));
}

#[test]
fn a_value_that_does_not_fit_is_refused() {
    let text = Value::from("a");
    let told = [
        List::<u8>::try_from(&text).unwrap_err(),
        Map::<String, u8>::try_from(&text).unwrap_err(),
        Set::<u8>::try_from(&text).unwrap_err(),
        Set::<u8>::try_from(&Value::List(vec![])).unwrap_err(),
    ];
    let told = told.map(|error: codec::Error| error.to_string());
    assert_eq!(
        told,
        [
            "wanted a sequence, stored is text",
            "wanted a map, stored is text",
            "wanted a set, stored is text",
            "wanted a set, stored is list",
        ]
    );
}
