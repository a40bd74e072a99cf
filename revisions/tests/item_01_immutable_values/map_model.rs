//! A map against a `BTreeMap`: any sequence of changes, and every version that it went through.

use std::collections::BTreeMap;

use annals_revisions::Map;
use proptest::prelude::*;
use proptest::sample::Index;

#[derive(Clone, Debug)]
enum Change {
    Insert(String, u16),
    Extend(Vec<(String, u16)>),
    Add(String, u16),
    Default(String, u16),
    Remove(String),
    PopFirst,
    PopLast,
    Retain(u16),
    Clear,
    GoBack(Index),
}

/// Few enough that a key is often there, and enough for a tree of three levels.
fn any_key() -> impl Strategy<Value = String> {
    (0..700).prop_map(|number| format!("key {number}"))
}

fn any_change() -> impl Strategy<Value = Change> {
    let entry = || (any_key(), any::<u16>());
    prop_oneof![
        4 => entry().prop_map(|(key, value)| Change::Insert(key, value)),
        4 => prop::collection::vec(entry(), 0..300).prop_map(Change::Extend),
        4 => entry().prop_map(|(key, value)| Change::Add(key, value)),
        2 => entry().prop_map(|(key, value)| Change::Default(key, value)),
        4 => any_key().prop_map(Change::Remove),
        2 => Just(Change::PopFirst),
        2 => Just(Change::PopLast),
        2 => (2_u16..9).prop_map(Change::Retain),
        1 => Just(Change::Clear),
        2 => any::<Index>().prop_map(Change::GoBack),
    ]
}

type Version = (Map<String, u16>, BTreeMap<String, u16>);

fn apply(change: &Change, (map, model): &mut Version, versions: &[Version]) {
    match change {
        Change::Insert(key, value) => {
            assert_eq!(map.insert(key.clone(), *value), model.insert(key.clone(), *value));
        }
        Change::Extend(entries) => {
            map.extend(entries.iter().cloned());
            model.extend(entries.iter().cloned());
        }
        Change::Add(key, number) => {
            assert_eq!(map.get(key.as_str()), model.get(key));
            let (own, wanted) = (map.get_mut(key.as_str()), model.get_mut(key));
            assert_eq!(own, wanted);
            own.into_iter().chain(wanted).for_each(|value| *value = value.wrapping_add(*number));
        }
        Change::Default(key, value) => {
            let wanted = model.entry(key.clone()).or_insert(*value);
            assert_eq!(map.get_or_insert_with(key.clone(), || *value), wanted);
        }
        Change::Remove(key) => assert_eq!(map.remove(key.as_str()), model.remove(key)),
        Change::PopFirst => assert_eq!(map.pop_first(), model.pop_first()),
        Change::PopLast => assert_eq!(map.pop_last(), model.pop_last()),
        Change::Retain(divisor) => {
            map.retain(|_, value| value % divisor != 0);
            model.retain(|_, value| *value % divisor != 0);
        }
        Change::Clear => {
            map.clear();
            model.clear();
        }
        Change::GoBack(version) => (*map, *model) = version.get(versions).clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_version_of_a_map_stays_as_it_was_made(changes in prop::collection::vec(any_change(), 1..60)) {
        let mut versions = vec![Version::default()];
        for change in &changes {
            let mut next = versions.last().unwrap().clone();
            apply(change, &mut next, &versions);
            prop_assert_eq!(next.0.len(), next.1.len());
            prop_assert_eq!(next.0.first_key_value(), next.1.first_key_value());
            prop_assert_eq!(next.0.last_key_value(), next.1.last_key_value());
            versions.push(next);
        }
        for (map, model) in &versions {
            prop_assert!(map.iter().eq(model), "a version has changed");
            prop_assert!(map.iter().rev().eq(model.iter().rev()), "a version is another backwards");
        }
        for pair in versions.windows(2) {
            prop_assert_eq!(pair[0].0 == pair[1].0, pair[0].1 == pair[1].1);
            prop_assert_eq!(pair[0].0.cmp(&pair[1].0), pair[0].1.cmp(&pair[1].1));
        }
        let (map, model) = versions.pop().unwrap();
        prop_assert_eq!(BTreeMap::from(map), model);
    }
}
