//! A set against a `BTreeSet`: any sequence of changes, and every version that it went through.

use std::collections::BTreeSet;

use annals_revisions::Set;
use proptest::prelude::*;
use proptest::sample::Index;

#[derive(Clone, Debug)]
enum Change {
    Insert(u16),
    Extend(Vec<u16>),
    Remove(u16),
    PopFirst,
    PopLast,
    Retain(u16),
    Union(Index),
    Intersection(Index),
    SymmetricDifference(Index),
    Difference(Index),
    Clear,
    GoBack(Index),
}

fn any_change() -> impl Strategy<Value = Change> {
    let item = || 0_u16..700;
    prop_oneof![
        4 => item().prop_map(Change::Insert),
        6 => prop::collection::vec(item(), 0..300).prop_map(Change::Extend),
        4 => item().prop_map(Change::Remove),
        2 => Just(Change::PopFirst),
        2 => Just(Change::PopLast),
        2 => (2_u16..9).prop_map(Change::Retain),
        2 => any::<Index>().prop_map(Change::Union),
        1 => any::<Index>().prop_map(Change::Intersection),
        2 => any::<Index>().prop_map(Change::SymmetricDifference),
        2 => any::<Index>().prop_map(Change::Difference),
        1 => Just(Change::Clear),
        2 => any::<Index>().prop_map(Change::GoBack),
    ]
}

type Version = (Set<u16>, BTreeSet<u16>);

fn apply(change: &Change, (set, model): &mut Version, versions: &[Version]) {
    match change {
        Change::Insert(item) => assert_eq!(set.insert(*item), model.insert(*item)),
        Change::Extend(items) => {
            set.extend(items.iter().copied());
            model.extend(items);
        }
        Change::Remove(item) => assert_eq!(set.remove(item), model.remove(item)),
        Change::PopFirst => assert_eq!(set.pop_first(), model.pop_first()),
        Change::PopLast => assert_eq!(set.pop_last(), model.pop_last()),
        Change::Retain(divisor) => {
            set.retain(|item| item % divisor != 0);
            model.retain(|item| item % divisor != 0);
        }
        Change::Union(version) => {
            let other = version.get(versions);
            (*set, *model) = (&*set | &other.0, &*model | &other.1);
        }
        Change::Intersection(version) => {
            let other = version.get(versions);
            (*set, *model) = (&*set & &other.0, &*model & &other.1);
        }
        Change::SymmetricDifference(version) => {
            let other = version.get(versions);
            (*set, *model) = (&*set ^ &other.0, &*model ^ &other.1);
        }
        Change::Difference(version) => {
            let other = version.get(versions);
            (*set, *model) = (&*set - &other.0, &*model - &other.1);
        }
        Change::Clear => {
            set.clear();
            model.clear();
        }
        Change::GoBack(version) => (*set, *model) = version.get(versions).clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_version_of_a_set_stays_as_it_was_made(changes in prop::collection::vec(any_change(), 1..60)) {
        let mut versions = vec![Version::default()];
        for change in &changes {
            let mut next = versions.last().unwrap().clone();
            apply(change, &mut next, &versions);
            prop_assert_eq!(next.0.len(), next.1.len());
            prop_assert_eq!((next.0.first(), next.0.last()), (next.1.first(), next.1.last()));
            versions.push(next);
        }
        for (set, model) in &versions {
            prop_assert!(set.iter().eq(model), "a version has changed");
            prop_assert!(set.iter().rev().eq(model.iter().rev()), "a version is another backwards");
        }
        for pair in versions.windows(2) {
            prop_assert_eq!(pair[0].0 == pair[1].0, pair[0].1 == pair[1].1);
            prop_assert_eq!(pair[0].0.cmp(&pair[1].0), pair[0].1.cmp(&pair[1].1));
            prop_assert_eq!(pair[0].0.is_subset(&pair[1].0), pair[0].1.is_subset(&pair[1].1));
            prop_assert_eq!(pair[0].0.is_disjoint(&pair[1].0), pair[0].1.is_disjoint(&pair[1].1));
        }
        let (set, model) = versions.pop().unwrap();
        prop_assert_eq!(BTreeSet::from(set), model);
    }
}
