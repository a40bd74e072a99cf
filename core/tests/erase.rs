//! What erasing and compacting do to a log, and what they refuse.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::io::Cursor;
use std::sync::{Arc, Mutex};

use annals_core::codec::{Timestamp, Value, encode};
use annals_core::{
    Action, Batch, Clock, CommitEntries, Context, Durability, ERASURES, Erasable, Error, ErrorKind, Field,
    Key, Log, Namespace, Order, Position, PositionRange, Retention, Selector, check_dump,
};
use annals_driver_memory::MemoryDriver;

fn key(namespace: &str, field: &str) -> Key {
    Key::parse(namespace, field).unwrap()
}

fn under(namespace: &str) -> Selector {
    Selector::under(Namespace::new(namespace).unwrap())
}

fn position(number: u64) -> Position {
    Position::new(number).unwrap()
}

fn why() -> Context {
    Context::new().actor("dana").reason("asked to")
}

fn set(log: &Log, key: &Key, value: u64) -> Position {
    let batch = Batch::new(Context::new()).set(key.clone(), encode(&value).unwrap());
    log.append(batch, Durability::Synced).unwrap().position()
}

fn delete(log: &Log, key: &Key) -> Position {
    log.append(Batch::new(Context::new()).delete(key.clone()), Durability::Synced).unwrap().position()
}

/// @1 a x, @2 a y, @3 a/b x, @4 ab x, @5 a x, @6 a x deleted, @7 a x.
fn sample() -> Log {
    let log = Log::new(MemoryDriver::new());
    for (namespace, field) in [("a", "x"), ("a", "y"), ("a/b", "x"), ("ab", "x"), ("a", "x")] {
        set(&log, &key(namespace, field), 7);
    }
    delete(&log, &key("a", "x"));
    set(&log, &key("a", "x"), 300);
    log
}

fn commits(log: &Log) -> Vec<CommitEntries> {
    log.commits(PositionRange::ALL, Order::OldestFirst).map(Result::unwrap).collect()
}

/// Returns the positions of the entries that are erased.
fn erased(log: &Log) -> Vec<u64> {
    let entries = commits(log).into_iter().flat_map(|item| item.entries);
    let erased = entries.filter(|entry| matches!(entry.action, Action::Erased { .. }));
    erased.map(|entry| entry.position.get()).collect()
}

/// Returns what the newest erasure says of itself.
fn told(log: &Log) -> (CommitEntries, Vec<(String, Value)>) {
    let newest = commits(log).pop().unwrap();
    let value = newest.entries[0].value().unwrap().unwrap();
    let said = ["what", "entries", "bytes"].map(|name| (name.to_owned(), value.get(name).unwrap().clone()));
    (newest, said.to_vec())
}

#[test]
fn a_selector_names_a_key_a_record_or_all_that_is_under_it() {
    let a = || Namespace::new("a").unwrap();
    let cases = [
        (Selector::key(key("a", "x")), vec![1, 5, 7]),
        (Selector::record(a()), vec![1, 2, 5, 7]),
        (under("a"), vec![1, 2, 3, 5, 7]),
        (under("a").through(position(5)), vec![1, 2, 3, 5]),
        (Selector::key(key("a", "x")).through(position(6)), vec![1, 5]),
        (Selector::record(a()).through(Position::START), vec![]),
        (Selector::record(a()).but(Field::new("x").unwrap()), vec![2]),
        (under("a").but(Field::new("y").unwrap()), vec![1, 3, 5, 7]),
        (under("b"), vec![]),
        (Selector::key(key("a", "z")), vec![]),
    ];
    for (selector, expected) in cases {
        let log = sample();
        let erasable = log.erasable(&selector).unwrap();
        assert_eq!(erasable.entries, expected.len() as u64, "{selector}");
        assert_eq!(log.last_position().unwrap().get(), 7, "counting erases nothing");
        let erasure = log.erase(&selector, &why()).unwrap();
        assert_eq!(erased(&log), expected, "{selector}");
        assert_eq!(Erasable { entries: erasure.entries, bytes: erasure.bytes }, erasable);
        assert_eq!(erasure.commits.len(), usize::from(!expected.is_empty()));
    }
}

#[test]
fn a_time_means_what_was_recorded_by_then() {
    let log = sample();
    let third = commits(&log)[2].commit.recorded_at;
    let by_then = commits(&log).iter().filter(|item| item.commit.recorded_at <= third).count();
    log.erase(&under("a").through(third), &why()).unwrap();
    assert!(erased(&log).iter().all(|position| *position <= by_then as u64));
    assert!(erased(&log).starts_with(&[1, 2, 3]));
}

#[test]
fn an_erasure_says_who_why_and_how_much_and_no_value() {
    let log = sample();
    let before = commits(&log);
    let erasure = log.erase(&under("a").through(position(5)), &why().tag("ticket", 412)).unwrap();
    assert_eq!((erasure.entries, erasure.bytes, &erasure.commits[..]), (4, 4, &[position(8)][..]));
    let (commit, said) = told(&log);
    assert_eq!(commit.commit.context, why().tag("ticket", 412));
    assert_eq!(commit.entries[0].key.namespace().as_str(), ERASURES);
    let expected = [
        ("what", "everything under a through @5".into()),
        ("entries", Value::from(4)),
        ("bytes", Value::from(4)),
    ];
    assert_eq!(said, expected.map(|(name, value)| (name.to_owned(), value)));

    let after = commits(&log);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.commit, after.commit);
        for (before, after) in before.entries.iter().zip(&after.entries) {
            let is_gone = after.action == Action::Erased { by: position(8) };
            assert!(is_gone || before == after);
            assert_eq!((before.position, &before.key), (after.position, &after.key));
        }
    }
    assert_eq!(log.verify(|_| {}).unwrap().damages, []);
}

#[test]
fn what_is_erased_already_is_not_erased_again() {
    let log = sample();
    log.erase(&Selector::key(key("a", "x")), &why()).unwrap();
    assert_eq!(log.erasable(&under("a")).unwrap().entries, 2);
    let second = log.erase(&under("a"), &why()).unwrap();
    assert_eq!((second.entries, &second.commits[..]), (2, &[position(9)][..]));
    let third = log.erase(&under("a"), &why()).unwrap();
    assert_eq!((third.entries, third.commits.len()), (0, 0));
    assert_eq!(log.last_position().unwrap().get(), 9, "nothing is told where nothing was done");
}

#[test]
fn an_erasure_needs_somebody_who_does_it_and_a_reason() {
    let log = sample();
    let refused = |context: Context| log.erase(&under("a"), &context).unwrap_err();
    let cases = [
        (Context::new(), "nothing is erased without an actor: say who does it"),
        (Context::new().reason("r"), "nothing is erased without an actor: say who does it"),
        (Context::new().actor(" ").reason("r"), "nothing is erased without an actor: say who does it"),
        (Context::new().actor("dana"), "nothing is erased without a reason: say why"),
        (Context::new().actor("dana").reason(""), "nothing is erased without a reason: say why"),
    ];
    for (context, expected) in cases {
        let error = refused(context);
        assert_eq!((error.to_string().as_str(), error.kind()), (expected, ErrorKind::Invalid));
    }
    assert!(
        matches!(refused(why().reason("r".repeat(2 << 20))), Error::TooLarge { what, .. } if what == "context")
    );
    assert_eq!((erased(&log), log.last_position().unwrap()), (vec![], position(7)));
}

#[test]
fn erasures_are_not_erased_nor_is_what_is_not_there_yet() {
    let log = sample();
    log.erase(&under("ab"), &why()).unwrap();
    for selector in [under("__annals"), under(ERASURES), Selector::key(key(ERASURES, "erasure"))] {
        let error = log.erase(&selector, &why()).unwrap_err();
        assert!(error.to_string().ends_with("is kept for the log itself and is never erased"), "{error}");
    }
    let beyond = log.erase(&under("a").through(position(9)), &why()).unwrap_err();
    assert_eq!(beyond.to_string(), "the log ends at @8; @9 is beyond it");
    assert_eq!(erased(&log), [4]);
}

#[test]
fn a_large_selection_is_erased_in_several_commits() {
    let log = Log::new(MemoryDriver::new());
    let keys: Vec<Key> = (0..30).map(|number| key("a", &format!("f{number}"))).collect();
    for value in 0..300 {
        let batch = keys
            .iter()
            .fold(Batch::new(Context::new()), |batch, key| batch.set(key.clone(), encode(&value).unwrap()));
        log.append(batch, Durability::Buffered).unwrap();
    }
    let mut steps = Vec::new();
    let rules = Retention::keep_all().latest("a").unwrap();
    assert_eq!(log.compactable(&rules).unwrap().entries, 8970);
    let erasure = log.compact(&rules, &why(), |so_far| steps.push(so_far.entries)).unwrap();
    assert_eq!((erasure.entries, erasure.commits.len()), (8970, 3));
    assert_eq!(steps, [4000, 8000, 8970]);
    let told: Vec<Value> = commits(&log)[300..]
        .iter()
        .map(|item| item.entries[0].value().unwrap().unwrap().get("entries").unwrap().clone())
        .collect();
    assert_eq!(told, [4000, 4000, 970].map(Value::from));
    for key in &keys {
        assert_eq!(log.entry(key, Position::MAX).unwrap().unwrap().get::<u64>().unwrap(), Some(299));
    }
    assert_eq!(log.verify(|_| {}).unwrap().damages, []);
}

#[test]
fn more_than_is_found_at_a_time_is_erased_too() {
    let log = Log::new(MemoryDriver::new());
    let keys: Vec<Key> = (0..1000).map(|number| key("a", &format!("f{number}"))).collect();
    for _ in 0..526 {
        let all = keys.iter().fold(Batch::new(Context::new()), |all, key| all.set(key.clone(), *b"\x01"));
        log.append(all, Durability::Buffered).unwrap();
    }
    assert_eq!(log.erasable(&under("a")).unwrap(), Erasable { entries: 526_000, bytes: 526_000 });
    let erasure = log.erase(&under("a"), &why()).unwrap();
    assert_eq!((erasure.entries, erasure.bytes), (526_000, 526_000));
    // 2^19 are found first, and erased in 131 commits of 4000 and one of the rest.
    assert_eq!(erasure.commits.len(), 133);
    let is_erased = |key: &Key| {
        let history = log.history(key, PositionRange::ALL, Order::OldestFirst);
        history.map(Result::unwrap).all(|change| matches!(change.entry.action, Action::Erased { .. }))
    };
    assert!(keys.iter().all(is_erased));
}

#[test]
fn compacting_keeps_the_newest_entry_of_every_key() {
    let log = sample();
    set(&log, &key("a/b", "gone"), 1);
    delete(&log, &key("a/b", "gone"));
    set(&log, &key("kept", "x"), 1);
    set(&log, &key("kept", "x"), 2);
    let rules = Retention::keep_all().all("a y").unwrap().latest("a/*").unwrap().latest("a").unwrap();
    assert_eq!(log.compactable(&rules).unwrap().entries, 3);
    let erasure = log.compact(&rules, &why(), |_| {}).unwrap();
    assert_eq!(erasure.entries, 3);
    assert_eq!(erased(&log), [1, 5, 8], "what was deleted is not the newest any more");
    let what = Value::from(
        "superseded values: keep all of a y, the latest of a/*, the latest of a, all of the rest",
    );
    assert_eq!(told(&log).1[0].1, what);
    assert_eq!(log.compact(&rules, &why(), |_| {}).unwrap().entries, 0);

    set(&log, &key("a", "x"), 9);
    assert_eq!(log.compact(&rules, &why(), |_| {}).unwrap().entries, 1);
    assert_eq!(erased(&log), [1, 5, 7, 8]);
    let all = Retention::keep_all().latest("**").unwrap();
    log.compact(&all, &why(), |_| {}).unwrap();
    assert_eq!(erased(&log), [1, 5, 7, 8, 10], "erasures keep what they say");
}

#[test]
fn erasures_at_the_same_time_erase_everything_once() {
    let log = Log::new(MemoryDriver::new());
    let keys: Vec<Key> = (0..40).map(|number| key("a", &format!("f{number}"))).collect();
    for key in &keys {
        set(&log, key, 1);
    }
    let erase = |key: &Key| log.erase(&Selector::key(key.clone()), &why()).unwrap().entries;
    let erase_all = || keys.iter().map(erase).sum::<u64>();
    let erased_by: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(erase_all)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(erased_by.iter().sum::<u64>(), 40, "each is counted by one");
    assert_eq!(log.last_position().unwrap().get(), 80);
    assert_eq!(log.verify(|_| {}).unwrap().damages, []);
}

/// A clock that does something when it is first asked.
struct Interrupting<F>(Mutex<Option<F>>);

impl<F: FnOnce() + Send> Clock for Interrupting<F> {
    fn now(&self) -> Timestamp {
        let first = self.0.lock().unwrap().take();
        first.into_iter().for_each(|interrupt| interrupt());
        Timestamp::now()
    }
}

#[test]
fn what_another_erasure_takes_meanwhile_is_not_counted() {
    let driver = Arc::new(MemoryDriver::new());
    let other = Log::new(Arc::clone(&driver));
    set(&other, &key("a", "x"), 1);
    set(&other, &key("a", "y"), 1);
    let interrupt = {
        let other = other.clone();
        move || assert_eq!(other.erase(&Selector::key(key("a", "x")), &why()).unwrap().entries, 1)
    };
    let log = Log::new(driver).with_clock(Interrupting(Mutex::new(Some(interrupt))));
    let erasure = log.erase(&under("a"), &why()).unwrap();
    assert_eq!((erasure.entries, &erasure.commits[..]), (1, &[position(4)][..]));
    assert_eq!(told(&log).1[1].1, Value::from(1));
}

#[test]
fn a_dump_carries_erasures_and_a_load_brings_them_back() {
    let log = sample();
    log.erase(&Selector::key(key("a", "x")), &why()).unwrap();
    let mut dump = Vec::new();
    log.dump(&mut dump, |_| {}).unwrap();
    let copy = Log::new(MemoryDriver::new());
    copy.load(&mut Cursor::new(&dump), |_| {}).unwrap();
    assert_eq!(commits(&copy), commits(&log));
    assert_eq!(erased(&copy), [1, 5, 7]);
    assert_eq!(copy.verify(|_| {}).unwrap().damages, []);
}

#[test]
fn a_dump_that_comes_upon_a_new_erasure_is_given_up() {
    let log = Log::new(Arc::new(MemoryDriver::new()));
    for value in 0..100 {
        set(&log, &key("a", "x"), value);
    }
    let mut dump = Vec::new();
    let mut is_first = true;
    let erase_meanwhile = |_| {
        if std::mem::take(&mut is_first) {
            set(&log, &key("a", "y"), 1);
            log.erase(&Selector::key(key("a", "x")), &why()).unwrap();
            set(&log, &key("a", "y"), 2);
        }
    };
    let given_up = log.dump(&mut dump, erase_meanwhile).unwrap_err();
    assert!(matches!(given_up, Error::ErasedMeanwhile { by } if by.get() == 102));
    let cut_off = check_dump(&mut Cursor::new(&dump)).unwrap_err();
    assert_eq!(cut_off.kind(), ErrorKind::Corrupt, "nobody takes what there is for the whole");

    let mut again = Vec::new();
    assert_eq!(log.dump(&mut again, |_| {}).unwrap().commits, 103);
    let copy = Log::new(MemoryDriver::new());
    copy.load(&mut Cursor::new(&again), |_| {}).unwrap();
    assert_eq!(erased(&copy).len(), 100);
    assert_eq!(copy.verify(|_| {}).unwrap().damages, []);
}
