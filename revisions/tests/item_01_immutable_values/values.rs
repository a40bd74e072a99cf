//! One immutable value.

use std::cell::Cell;
use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use annals_revisions::{Immutable, List, ListIter, Map, MapIter, Set, SetIter};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Colour {
    Red,
    Blue,
}

#[derive(Clone, Debug, PartialEq)]
struct Question {
    text: String,
    answer: Option<i32>,
    colour: Colour,
    hints: List<String>,
    next: Option<Immutable<Question>>,
}

fn question() -> Question {
    Question { text: "6 × 7".into(), answer: None, colour: Colour::Red, hints: List::new(), next: None }
}

#[test]
fn an_update_makes_a_new_value_and_leaves_the_old_one() {
    let old = Immutable::new(question());
    let new = old.update(|draft| {
        draft.answer = Some(42);
        draft.colour = Colour::Blue;
        draft.hints.push("even".into());
    });
    assert_eq!(*old, question());
    assert_eq!((new.answer, new.colour, &*new.hints[0]), (Some(42), Colour::Blue, "even"));
    assert_eq!(new.text, old.text);
}

#[test]
fn updates_go_on_from_each_other_and_from_any_version() {
    let first = Immutable::new(List::from([1]));
    let second = first.update(|draft| draft.push(2));
    let third = second.update(|draft| draft.push(3));
    let branch = first.update(|draft| draft.push(4));
    let all = [first, second, third, branch].map(Immutable::into_inner).map(Vec::from);
    assert_eq!(all, [vec![1], vec![1, 2], vec![1, 2, 3], vec![1, 4]]);
}

#[test]
fn a_change_that_fails_makes_no_value() {
    let old = Immutable::new(question());
    let failed = old.try_update(|draft| {
        draft.answer = Some(41);
        draft.hints.push("odd".into());
        Err("no")
    });
    assert_eq!(failed, Err("no"));
    assert_eq!(*old, question());
    let done = old.try_update(|draft| {
        draft.answer = Some(42);
        Ok::<(), &str>(())
    });
    assert_eq!(done.map(|new| new.answer), Ok(Some(42)));
    assert_eq!(*old, question());
}

#[test]
fn a_change_that_panics_makes_no_value() {
    let old = Immutable::new(question());
    let made = Cell::new(false);
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let _new = old.update(|draft| {
            draft.hints.push("odd".into());
            draft.answer = draft.hints.get(7).map(|_| 1).or_else(|| panic!("no seventh hint"));
        });
        made.set(true);
    }));
    assert_eq!(*panic.unwrap_err().downcast::<&str>().unwrap(), "no seventh hint");
    assert_eq!((made.get(), &*old), (false, &question()));
}

#[test]
fn a_value_inside_a_draft_is_replaced_not_changed() {
    let inner = Immutable::new(question());
    let outer = Immutable::new(Question { next: Some(inner.clone()), ..question() });
    let changed = outer.update(|draft| {
        draft.next = draft.next.take().map(|next| next.update(|next| next.answer = Some(42)));
    });
    assert_eq!(changed.next.as_ref().unwrap().answer, Some(42));
    assert_eq!(outer.next, Some(inner.clone()));
    assert_eq!(*inner, question());
}

#[test]
fn a_collection_put_into_a_draft_stays_as_it_is_outside() {
    let hints = Immutable::new(List::from(["even".to_owned()]));
    let new = Immutable::new(question()).update(|draft| {
        draft.hints = hints.clone().into_inner();
        draft.hints[0].push('!');
        draft.hints.push("large".into());
    });
    assert_eq!(*hints, List::from(["even".to_owned()]));
    assert_eq!(new.hints, List::from(["even!".to_owned(), "large".to_owned()]));
}

#[test]
fn one_value_may_stand_in_several_places() {
    let shared = List::from([1]);
    let old = Immutable::new(Map::from([("a", shared.clone()), ("b", shared.clone())]));
    let new = old.update(|draft| draft["a"].push(2));
    assert_eq!(*new, Map::from([("a", List::from([1, 2])), ("b", shared.clone())]));
    assert_eq!(*old, Map::from([("a", shared.clone()), ("b", shared)]));
}

#[test]
fn a_clone_is_the_same_value() {
    #[derive(Debug, PartialEq)]
    struct Unclonable(i32);
    let value = Immutable::new(Unclonable(42));
    let clone = value.clone();
    assert!(std::ptr::eq(&raw const *value, &raw const *clone));
    assert_eq!(clone, value);
}

#[test]
fn into_inner_clones_only_what_others_share() {
    let text = Immutable::new("a text".to_owned());
    let at = text.as_ptr();
    let other = text.clone();
    let cloned = text.into_inner();
    assert_ne!(cloned.as_ptr(), at);
    assert_eq!((cloned.as_str(), other.as_str()), ("a text", "a text"));
    let moved = other.into_inner();
    assert_eq!(moved.as_ptr(), at);
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[test]
fn it_is_compared_hashed_and_shown_as_the_value_itself() {
    let (one, two) = (Immutable::new(1), Immutable::from(2));
    assert!(one < two && one == Immutable::new(1) && one != two);
    assert_eq!(hash(&one), hash(&1));
    assert_eq!(format!("{:?}", Immutable::new(Some("a"))), r#"Some("a")"#);
    assert_eq!(*Immutable::<List<u8>>::default(), List::new());
    assert!(HashSet::from([one]).contains(&Immutable::new(1)));
}

#[test]
fn a_value_that_differs_from_itself_does_so_shared_or_not() {
    let (list, map) = (List::from([f64::NAN]), Map::from([(1, f64::NAN)]));
    assert_ne!(list, list.clone());
    assert_ne!(map, map.clone());
    assert_eq!(list.partial_cmp(&list.clone()), None);
}

#[test]
fn what_is_told_apart_hashes_apart() {
    let nested = |lists: [&[u8]; 2]| lists.map(|list| List::from(list.to_vec()));
    assert_ne!(hash(&nested([&[1], &[2, 3]])), hash(&nested([&[1, 2], &[3]])));
    let set = |items: &[u8]| items.iter().copied().collect::<Set<u8>>();
    assert_ne!(hash(&[set(&[1]), set(&[2, 3])]), hash(&[set(&[1, 2]), set(&[3])]));
    let map = |items: &[u8]| items.iter().map(|item| (*item, ())).collect::<Map<u8, ()>>();
    assert_ne!(hash(&[map(&[1]), map(&[2, 3])]), hash(&[map(&[1, 2]), map(&[3])]));
}

#[test]
fn threads_share_values() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Immutable<List<Map<String, Set<u8>>>>>();
    fn sent<T: Send>() {}
    sent::<(ListIter<'_, u8>, MapIter<'_, u8, u8>, SetIter<'_, u8>)>();

    let list = Immutable::new((0..1_000).collect::<List<u32>>());
    let sums = std::thread::scope(|scope| {
        let workers = [0, 1, 2, 3].map(|worker| {
            let list = &list;
            scope.spawn(move || list.update(|draft| draft[500] = worker).iter().sum::<u32>())
        });
        workers.map(|worker| worker.join().unwrap())
    });
    assert_eq!(sums, [499_000, 499_001, 499_002, 499_003]);
    assert_eq!(list[500], 500);
}
