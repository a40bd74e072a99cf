//! What can be done to a set.

use std::collections::BTreeSet;

use annals_revisions::{Immutable, Set};

/// Checks what a change makes of a set, and that it leaves the set as it was.
#[track_caller]
fn check<const A: usize, const B: usize>(
    before: [i32; A],
    change: impl FnOnce(&mut Set<i32>),
    after: [i32; B],
) {
    let old = Immutable::new(Set::from(before));
    let new = old.update(change);
    assert_eq!(BTreeSet::from(new.into_inner()), after.into());
    assert_eq!(BTreeSet::from(old.into_inner()), before.into());
}

#[test]
fn add_an_item() {
    check([], |set| assert!(set.insert(42)), [42]);
    check([42], |set| assert!(!set.insert(42)), [42]);
    check([42], |set| set.extend([41, 42, 43]), [41, 42, 43]);
}

#[test]
fn take_an_item_out() {
    check([41, 42], |set| assert!(set.remove(&42)), [41]);
    check([41, 42], |set| assert!(!set.remove(&43)), [41, 42]);
    check([41, 42], |set| assert_eq!(set.pop_first(), Some(41)), [42]);
    check([41, 42], |set| assert_eq!(set.pop_last(), Some(42)), [41]);
    check([], |set| assert_eq!((set.pop_first(), set.pop_last()), (None, None)), []);
}

#[test]
fn take_items_out() {
    check([41, 42, 43], |set| set.retain(|item| *item != 42), [41, 43]);
    check([41, 42], Set::clear, []);
}

#[test]
fn combine_two() {
    let other = Set::from([41, 43]);
    check([41, 42], |set| *set = &*set | &other, [41, 42, 43]);
    check([41, 42], |set| *set = &*set & &other, [41]);
    check([41, 42], |set| *set = &*set ^ &other, [42, 43]);
    check([41, 42], |set| *set = &*set - &other, [42]);
    assert_eq!(other, Set::from([41, 43]));
}

#[test]
fn compare_two() {
    let (small, large) = (Set::from([1, 2]), Set::from([1, 2, 3]));
    assert!(small.is_subset(&large) && small.is_subset(&small) && !large.is_subset(&small));
    assert!(!Set::from([1, 4]).is_subset(&large));
    assert!(small.is_disjoint(&Set::from([3, 4, 5])) && Set::from([3, 4, 5]).is_disjoint(&small));
    assert!(!small.is_disjoint(&large) && !large.is_disjoint(&small));
    assert!(small < large && large < Set::from([1, 3]) && small != large);
}

#[test]
fn ask() {
    let set = Set::from(["b".to_owned(), "a".to_owned()]);
    assert_eq!((set.len(), set.is_empty(), Set::<u8>::new().is_empty()), (2, false, true));
    assert!(set.contains("a") && !set.contains("c"));
    assert_eq!((set.first().unwrap().as_str(), set.last().unwrap().as_str()), ("a", "b"));
    assert_eq!(format!("{:?}", Set::from([42])), "{42}");
}

#[test]
fn go_over_the_items() {
    let set = Set::from([3, 1, 2]);
    let mut items = set.iter();
    assert_eq!((items.len(), items.next(), items.next_back(), items.len()), (3, Some(&1), Some(&3), 1));
    let mut items = set.clone().into_iter();
    assert_eq!((items.len(), items.next(), items.next_back(), items.len()), (3, Some(1), Some(3), 1));
    assert_eq!((&set).into_iter().count(), 3);
}

#[test]
fn sets_stand_in_sets() {
    let old = Set::from([Set::from([42])]);
    let mut new = old.clone();
    assert!(new.insert(Set::from([41])) && !new.insert(Set::from([42])));
    assert_eq!(new, Set::from([Set::from([41]), Set::from([42])]));
    assert_eq!(old, Set::from([Set::from([42])]));
}
