//! What can be done to a list.

use annals_revisions::{Immutable, List};

/// Checks what a change makes of a list, and that it leaves the list as it was.
#[track_caller]
fn check<const A: usize, const B: usize>(
    before: [i32; A],
    change: impl FnOnce(&mut List<i32>),
    after: [i32; B],
) {
    let old = Immutable::new(List::from(before));
    let new = old.update(change);
    assert_eq!(Vec::from(new.into_inner()), after);
    assert_eq!(Vec::from(old.into_inner()), before);
}

#[test]
fn set_an_item() {
    check([41, 43], |list| list[0] = 42, [42, 43]);
    check([41, 43], |list| *list.get_mut(1).unwrap() = 42, [41, 42]);
    check([41, 43], |list| assert_eq!(list.get_mut(2), None), [41, 43]);
    check([41, 43], |list| list.iter_mut().rev().for_each(|item| *item += 1), [42, 44]);
}

#[test]
fn take_an_item_out() {
    check([41, 42], |list| assert_eq!(list.remove(0), Some(41)), [42]);
    check([41, 42], |list| assert_eq!(list.remove(2), None), [41, 42]);
    check([41, 42], |list| assert_eq!(list.pop(), Some(42)), [41]);
    check([], |list| assert_eq!(list.pop(), None), []);
}

#[test]
fn add_items() {
    check([], |list| list.push(42), [42]);
    check([41], |list| list.extend([42, 43]), [41, 42, 43]);
    check([41], |list| list.append(List::from([42, 43])), [41, 42, 43]);
    check([41, 42], |list| list.append(list.clone()), [41, 42, 41, 42]);
    check([42], |list| list.insert(0, 41), [41, 42]);
    check([41], |list| list.insert(1, 42), [41, 42]);
}

#[test]
#[should_panic(expected = "the index 2 is beyond the end of a list of 1 items")]
fn an_item_is_not_added_beyond_the_end() {
    List::from([41]).insert(2, 42);
}

#[test]
#[should_panic(expected = "an index within the list")]
fn there_is_nothing_beyond_the_end() {
    let _ = List::from([41])[1];
}

#[test]
fn take_items_out() {
    check([41, 42, 41], |list| list.retain(|item| *item != 41), [42]);
    check([41, 42], |list| list.retain(|_| true), [41, 42]);
    check([41, 42, 43], |list| list.truncate(1), [41]);
    check([41, 42], |list| list.truncate(2), [41, 42]);
    check([41, 42], |list| list.truncate(usize::MAX), [41, 42]);
    check([41, 42], List::clear, []);
}

#[test]
fn change_the_order() {
    check([41, 42, 43], List::reverse, [43, 42, 41]);
    check([43, 41, 42], List::sort, [41, 42, 43]);
    check([43, 31, 42, 41], |list| list.sort_by(|a, b| (b % 10).cmp(&(a % 10))), [43, 42, 31, 41]);
}

#[test]
fn ask() {
    let list = List::from([41, 42, 43]);
    assert_eq!((list.len(), list.is_empty(), List::<i32>::new().is_empty()), (3, false, true));
    assert_eq!(
        (list.first(), list.last(), list.get(1), list.get(3)),
        (Some(&41), Some(&43), Some(&42), None)
    );
    assert!(list.contains(&42) && !list.contains(&44));
    assert_eq!((List::<i32>::new().first(), List::<i32>::new().last()), (None, None));
    assert_eq!(format!("{list:?}"), "[41, 42, 43]");
    assert!(list < List::from([41, 43]) && list > List::from([41, 42]));
}

#[test]
fn go_over_the_items() {
    let list = List::from([41, 42, 43]);
    let mut items = list.iter();
    assert_eq!((items.len(), items.next(), items.next_back(), items.len()), (3, Some(&41), Some(&43), 1));
    let mut items = list.clone().into_iter();
    assert_eq!((items.len(), items.next(), items.next_back(), items.len()), (3, Some(41), Some(43), 1));
    assert_eq!(format!("{items:?}"), "ListIntoIter { .. }");
    assert_eq!((&list).into_iter().copied().sum::<i32>(), 126);
}
