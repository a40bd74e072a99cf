//! A list against a `Vec`: any sequence of changes, and every version that it went through.

use annals_revisions::List;
use proptest::prelude::*;
use proptest::sample::Index;

#[derive(Clone, Debug)]
enum Change {
    Push(u16),
    Extend(Vec<u16>),
    Insert(Index, u16),
    Set(Index, u16),
    AddToAll(u16),
    Remove(Index),
    Pop,
    Truncate(Index),
    Retain(u16),
    Append(Index),
    Reverse,
    Sort,
    Clear,
    GoBack(Index),
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => any::<u16>().prop_map(Change::Push),
        4 => prop::collection::vec(any::<u16>(), 0..200).prop_map(Change::Extend),
        4 => any::<(Index, u16)>().prop_map(|(index, item)| Change::Insert(index, item)),
        4 => any::<(Index, u16)>().prop_map(|(index, item)| Change::Set(index, item)),
        1 => any::<u16>().prop_map(Change::AddToAll),
        4 => any::<Index>().prop_map(Change::Remove),
        2 => Just(Change::Pop),
        2 => any::<Index>().prop_map(Change::Truncate),
        1 => (2_u16..9).prop_map(Change::Retain),
        4 => any::<Index>().prop_map(Change::Append),
        1 => Just(Change::Reverse),
        1 => Just(Change::Sort),
        1 => Just(Change::Clear),
        2 => any::<Index>().prop_map(Change::GoBack),
    ]
}

/// More items make the test slow, not sharper: a tree of so many has three levels.
const ITEMS_MAX: usize = 5_000;

type Version = (List<u16>, Vec<u16>);

fn apply(change: &Change, (list, model): &mut Version, versions: &[Version]) {
    let within = |index: &Index, len: usize| if len == 0 { 0 } else { index.index(len) };
    match change {
        Change::Push(item) => {
            list.push(*item);
            model.push(*item);
        }
        Change::Extend(items) => {
            list.extend(items.iter().copied());
            model.extend(items);
        }
        Change::Insert(index, item) => {
            let index = index.index(model.len() + 1);
            list.insert(index, *item);
            model.insert(index, *item);
        }
        Change::Set(index, item) => {
            let index = within(index, model.len());
            assert_eq!(list.get(index), model.get(index));
            let (own, wanted) = (list.get_mut(index), model.get_mut(index));
            assert_eq!(own, wanted);
            own.into_iter().chain(wanted).for_each(|slot| *slot = *item);
        }
        Change::AddToAll(number) => {
            list.iter_mut().chain(model.iter_mut()).for_each(|item| *item = item.wrapping_add(*number));
        }
        Change::Remove(index) => {
            let index = within(index, model.len());
            let wanted = (index < model.len()).then(|| model.remove(index));
            assert_eq!(list.remove(index), wanted);
        }
        Change::Pop => assert_eq!(list.pop(), model.pop()),
        Change::Truncate(index) => {
            let len = within(index, model.len());
            list.truncate(len);
            model.truncate(len);
        }
        Change::Retain(divisor) => {
            list.retain(|item| item % divisor != 0);
            model.retain(|item| item % divisor != 0);
        }
        Change::Append(version) => {
            let other = version.get(versions);
            if model.len() + other.1.len() <= ITEMS_MAX {
                list.append(other.0.clone());
                model.extend(&other.1);
            }
        }
        Change::Reverse => {
            list.reverse();
            model.reverse();
        }
        Change::Sort => {
            list.sort();
            model.sort();
        }
        Change::Clear => {
            list.clear();
            model.clear();
        }
        Change::GoBack(version) => (*list, *model) = version.get(versions).clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_version_of_a_list_stays_as_it_was_made(changes in prop::collection::vec(any_change(), 1..60)) {
        let mut versions = vec![Version::default()];
        for change in &changes {
            let mut next = versions.last().unwrap().clone();
            apply(change, &mut next, &versions);
            prop_assert_eq!(next.0.len(), next.1.len());
            versions.push(next);
        }
        for (list, model) in &versions {
            prop_assert!(list.iter().eq(model), "a version has changed");
            prop_assert!(list.iter().rev().eq(model.iter().rev()), "a version is another backwards");
        }
        for pair in versions.windows(2) {
            prop_assert_eq!(pair[0].0 == pair[1].0, pair[0].1 == pair[1].1);
            prop_assert_eq!(pair[0].0.cmp(&pair[1].0), pair[0].1.cmp(&pair[1].1));
        }
        let (list, model) = versions.pop().unwrap();
        prop_assert_eq!(Vec::from(list), model);
    }
}

#[test]
fn a_list_is_changed_a_thousand_times_anywhere() {
    let (mut list, mut model) = (List::new(), Vec::new());
    let mut versions = Vec::new();
    for number in 0..3_000_usize {
        let place = number * 7_919 % (model.len() + 1);
        if number % 3 < 2 {
            list.insert(place, number);
            model.insert(place, number);
        } else if place < model.len() {
            assert_eq!(list.remove(place), Some(model.remove(place)));
        }
        if number % 100 == 0 {
            versions.push((list.clone(), model.clone()));
        }
    }
    assert_eq!(model.len(), 1_002);
    assert!(list.iter().eq(&model) && versions.iter().all(|(list, model)| list.iter().eq(model)));
}
