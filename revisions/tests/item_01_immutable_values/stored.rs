//! What the collections are stored as.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use annals_core::codec::{self, assert_round_trip, decode, encode, from_value, to_value};
use annals_revisions::{Immutable, List, Map, Set};
use proptest::collection::{btree_map, btree_set, hash_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Document {
    title: Immutable<String>,
    lines: List<Option<String>>,
    by_number: Map<i32, List<u8>>,
    by_name: Map<String, Map<String, Set<u32>>>,
    labels: Set<String>,
    groups: Set<Set<u16>>,
}

type Parts = (
    String,
    Vec<Option<String>>,
    BTreeMap<i32, Vec<u8>>,
    BTreeMap<String, BTreeMap<String, BTreeSet<u32>>>,
    BTreeSet<String>,
    BTreeSet<BTreeSet<u16>>,
);

fn document((title, lines, by_number, by_name, labels, groups): Parts) -> Document {
    let inner = |map: BTreeMap<String, BTreeSet<u32>>| {
        map.into_iter().map(|(name, items)| (name, items.into())).collect::<Map<_, Set<_>>>()
    };
    Document {
        title: title.into(),
        lines: lines.into(),
        by_number: by_number.into_iter().map(|(key, list)| (key, list.into())).collect(),
        by_name: by_name.into_iter().map(|(name, map)| (name, inner(map))).collect(),
        labels: labels.into(),
        groups: groups.into_iter().map(Set::from).collect(),
    }
}

fn any_parts() -> impl Strategy<Value = Parts> {
    let few = 0..4;
    let text = ".{0,4}";
    let items = btree_set(any::<u32>(), few.clone());
    (
        text,
        vec(option::of(text), few.clone()),
        btree_map(any::<i32>(), vec(any::<u8>(), few.clone()), few.clone()),
        btree_map(text, btree_map(text, items, few.clone()), few.clone()),
        btree_set(text, few.clone()),
        btree_set(btree_set(any::<u16>(), few.clone()), few),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn documents_round_trip(parts in any_parts()) {
        let document = document(parts);
        assert_round_trip(&document);
        prop_assert_eq!(&from_value::<Document>(&to_value(&document).unwrap()).unwrap(), &document);
        let json = serde_json::to_string(&document).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Document>(&json).unwrap(), &document);
    }

    #[test]
    fn they_have_the_bytes_of_what_they_stand_for(
        list in vec(any::<i64>(), 0..100),
        map in hash_map(".{0,4}", any::<i64>(), 0..100),
        set in btree_set(any::<i64>(), 0..100),
    ) {
        prop_assert_eq!(encode(&List::from(list.clone())), encode(&list));
        prop_assert_eq!(encode(&Map::from(map.clone())), encode(&map));
        prop_assert_eq!(encode(&Set::from(set.clone())), encode(&codec::Set(&set)));
        prop_assert_eq!(encode(&Immutable::new(set.clone())), encode(&set));
    }
}

#[test]
fn json_has_the_plain_collections() {
    let document = document((
        "t".into(),
        vec![None],
        [(-1, vec![2])].into(),
        [("a".into(), [("b".into(), [3].into())].into())].into(),
        ["l".into()].into(),
        [[].into()].into(),
    ));
    assert_eq!(
        serde_json::to_string(&document).unwrap(),
        r#"{"title":"t","lines":[null],"by_number":{"-1":[2]},"by_name":{"a":{"b":[3]}},"labels":["l"],"groups":[[]]}"#
    );
}

/// A text without regard to case, so that unequal bytes may be equal keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Caseless(String);

impl Ord for Caseless {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.to_lowercase().cmp(&other.0.to_lowercase())
    }
}

impl PartialOrd for Caseless {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Caseless {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Caseless {}

#[test]
fn nothing_is_dropped_in_silence_when_read() {
    let map = encode(&BTreeMap::from([("a", 1), ("A", 2)])).unwrap();
    assert_eq!(decode::<Map<String, u8>>(&map).unwrap().len(), 2);
    assert_eq!(decode::<Map<Caseless, u8>>(&map), Err(codec::Error::Refused));
    let set = encode(&codec::Set(["a", "A"])).unwrap();
    assert_eq!(decode::<Set<String>>(&set).unwrap().len(), 2);
    assert_eq!(decode::<Set<Caseless>>(&set), Err(codec::Error::Refused));

    let told = serde_json::from_str::<Map<String, u8>>(r#"{"a":1,"a":2}"#).unwrap_err().to_string();
    assert!(told.starts_with("a map has the same key twice"), "{told}");
    let told = serde_json::from_str::<Set<u8>>("[1,1]").unwrap_err().to_string();
    assert!(told.starts_with("a set has the same item twice"), "{told}");
}
