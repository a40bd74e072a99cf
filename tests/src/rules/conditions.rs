use std::sync::Barrier;
use std::{slice, thread};

use annals_core::{Action, Batch, Condition, Conflict, Driver, Key, Position};

use crate::Places;
use crate::contents::Contents;
use crate::rounds::for_a_while;
use crate::samples::{DriverExt, batch, key, namespace, position};

fn key_unchanged(key: &Key, since: u64) -> Condition {
    Condition::KeyUnchanged { key: key.clone(), since: position(since) }
}

fn key_absent(key: &Key) -> Condition {
    Condition::KeyAbsent { key: key.clone() }
}

fn namespace_unchanged(name: &str, since: u64) -> Condition {
    Condition::NamespaceUnchanged { namespace: namespace(name), since: position(since) }
}

fn log_unchanged(since: u64) -> Condition {
    Condition::LogUnchanged { since: position(since) }
}

/// Asserts that a batch with this one condition is refused because of it, and that nothing was
/// written.
#[track_caller]
fn assert_breaks(driver: &dyn Driver, condition: &Condition) -> Conflict {
    let before = Contents::of(driver);
    let probe = batch().on_condition(condition.clone()).set(key("probe", "x"), [0]);
    let conflict = driver.refusal(probe);
    assert_eq!(&conflict.condition, condition);
    assert_eq!(Contents::of(driver), before, "a batch that was refused wrote something");
    conflict
}

/// Asserts that a batch with this one condition is appended. It writes `probe x`.
#[track_caller]
fn assert_holds(driver: &dyn Driver, condition: &Condition) {
    driver.commit(batch().on_condition(condition.clone()).set(key("probe", "x"), [0]));
}

/// "This key is unchanged since p" holds until the key has an entry newer than p, a deletion
/// included; entries of other keys do not matter.
pub fn key_unchanged_holds_until_a_newer_entry(places: &Places) {
    let log = places.open_empty();
    let x = key("a", "x");
    assert_holds(&*log, &key_unchanged(&x, 0));
    assert_eq!(log.commit(batch().set(x.clone(), [1])).last.get(), 2);
    assert_breaks(&*log, &key_unchanged(&x, 0));
    assert_breaks(&*log, &key_unchanged(&x, 1));
    log.commit(batch().set(key("a", "y"), [1]).set(key("a/x", "x"), [1]).set(key("A", "x"), [1]));
    assert_holds(&*log, &key_unchanged(&x, 2));
    assert_holds(&*log, &key_unchanged(&x, 4));
    let deletion = log.commit(batch().delete(x.clone())).last.get();
    assert_breaks(&*log, &key_unchanged(&x, deletion - 1));
    assert_holds(&*log, &key_unchanged(&x, deletion));
    assert_holds(&*log, &Condition::KeyUnchanged { key: x, since: Position::MAX });
}

/// "This key is absent" holds while it has no value in effect: never set, or deleted.
pub fn key_absent_holds_without_a_value_in_effect(places: &Places) {
    let log = places.open_empty();
    let x = key("a", "x");
    assert_holds(&*log, &key_absent(&x));
    log.commit(batch().set(key("a/x", "x"), [1]).set(key("a", "X"), [1]));
    assert_holds(&*log, &key_absent(&x));

    log.commit(batch().set(x.clone(), [1]));
    let in_effect = log.commit(batch().set(key("a", "y"), [2]).set(x.clone(), []));
    log.commit(batch().set(key("a", "z"), [3]));
    let conflict = assert_breaks(&*log, &key_absent(&x));
    assert_eq!(conflict.lost_to, in_effect, "the commit that set the value in effect");
    assert_eq!(conflict.keys, slice::from_ref(&x));

    log.commit(batch().delete(x.clone()));
    assert_holds(&*log, &key_absent(&x));
    log.commit(batch().delete(x.clone()));
    assert_holds(&*log, &key_absent(&x));
    log.commit(batch().set(x.clone(), [4]));
    assert_breaks(&*log, &key_absent(&x));
}

/// "This namespace is unchanged since p" watches the fields of that one record, new ones and
/// deletions included, but no sub-namespace and no namespace that only begins alike.
pub fn namespace_unchanged_watches_one_record(places: &Places) {
    let log = places.open_empty();
    assert_holds(&*log, &namespace_unchanged("game", 0));
    log.commit(
        ["game/player1", "games", "gam", "Game", "game-1", "game.1"]
            .into_iter()
            .fold(batch(), |all, name| all.set(key(name, "x"), [1])),
    );
    assert_holds(&*log, &namespace_unchanged("game", 0));

    let first = log.commit(batch().set(key("game", "x"), [1])).last.get();
    assert_breaks(&*log, &namespace_unchanged("game", first - 1));
    assert_holds(&*log, &namespace_unchanged("game", first));
    let new_field = log.commit(batch().set(key("game", "y"), [1])).last.get();
    assert_breaks(&*log, &namespace_unchanged("game", first));
    log.commit(batch().delete(key("game", "x")));
    assert_breaks(&*log, &namespace_unchanged("game", new_field));
    assert_holds(&*log, &namespace_unchanged("game/player1", new_field));
}

/// "The log ends at p" holds only while no entry at all is newer than p.
pub fn log_unchanged_holds_at_the_end(places: &Places) {
    let log = places.open_empty();
    assert_holds(&*log, &log_unchanged(0));
    assert_breaks(&*log, &log_unchanged(0));
    let last = log.commit(batch().set(key("a", "x"), [1]).set(key("b", "y"), [1])).last.get();
    assert_breaks(&*log, &log_unchanged(last - 2));
    assert_breaks(&*log, &log_unchanged(last - 1));
    assert_holds(&*log, &log_unchanged(last));
    assert_breaks(&*log, &log_unchanged(last));
    assert_holds(&*log, &Condition::LogUnchanged { since: Position::MAX });
}

/// A conflict carries the earliest commit after the condition's position that broke it, and those
/// of its keys that the condition speaks of, in the order of their positions.
pub fn a_conflict_names_the_earliest_later_commit(places: &Places) {
    let log = places.open_empty();
    let (x, y, other) = (key("a", "x"), key("a", "y"), key("b", "x"));
    log.commit(batch().set(x.clone(), [1]).set(y.clone(), [1]));
    log.commit(batch().set(other.clone(), [2]));
    let mut earliest = batch().set(y.clone(), [3]).set(other.clone(), [3]).set(x.clone(), [3]);
    earliest.context = earliest.context.actor("alice").reason("the first to come");
    let earliest = log.commit(earliest);
    let later = batch().set(x.clone(), [4]).set(y.clone(), [4]).set(other.clone(), [4]);
    log.commit(later.set(key("a", "new"), [4]));

    for (condition, keys) in [
        (key_unchanged(&x, 2), vec![x.clone()]),
        (key_unchanged(&y, 3), vec![y.clone()]),
        (namespace_unchanged("a", 2), vec![y.clone(), x.clone()]),
        (namespace_unchanged("b", 3), vec![other.clone()]),
        (log_unchanged(3), vec![y.clone(), other.clone(), x.clone()]),
    ] {
        let conflict = assert_breaks(&*log, &condition);
        assert_eq!(conflict.lost_to, earliest, "{condition}");
        assert_eq!(conflict.keys, keys, "{condition}");
    }
}

/// A conflict lists at most [`Conflict::KEYS_MAX`] keys, the first ones, however many a commit has.
pub fn a_conflict_lists_a_bounded_number_of_keys(places: &Places) {
    let log = places.open_empty();
    let keys: Vec<Key> = (0..Conflict::KEYS_MAX + 20).rev().map(|n| key("a", &format!("f{n}"))).collect();
    log.commit(keys.iter().fold(batch(), |all, key| all.set(key.clone(), [1])));
    for condition in [namespace_unchanged("a", 0), log_unchanged(0)] {
        assert_eq!(assert_breaks(&*log, &condition).keys, keys[..Conflict::KEYS_MAX]);
    }
}

/// Of several broken conditions the first in the batch's own order is named; the others need not
/// be looked at, and one that holds does not save the batch.
pub fn the_first_broken_condition_is_named(places: &Places) {
    let log = places.open_empty();
    let x = key("a", "x");
    log.commit(batch().set(x.clone(), [1]));
    let holding = [key_unchanged(&x, 1), key_absent(&key("a", "y")), namespace_unchanged("a", 1)];
    let broken = [log_unchanged(0), key_absent(&x), namespace_unchanged("a", 0), key_unchanged(&x, 0)];
    for first in 0..broken.len() {
        let mut conditions = holding.to_vec();
        conditions.extend_from_slice(&broken[first..]);
        conditions.extend_from_slice(&holding);
        let refused = Batch { conditions, ..batch().set(key("b", "y"), [2]) };
        assert_eq!(log.refusal(refused).condition, broken[first]);
    }
    let conditions = holding.to_vec();
    assert_eq!(log.commit(Batch { conditions, ..batch().set(x, [2]) }).last.get(), 2);
}

/// The batches of one call are judged in order, each after the ones before it: one batch can
/// break a later one's condition, and can make one hold.
pub fn batches_are_judged_in_order(places: &Places) {
    let log = places.open_empty();
    let (x, y) = (key("a", "x"), key("a", "y"));
    let answers = log.answers(&[
        batch().on_condition(log_unchanged(0)).set(x.clone(), [1]),
        batch().on_condition(log_unchanged(0)).set(y.clone(), [2]),
        batch().on_condition(key_absent(&y)).set(y.clone(), [3]),
        batch().on_condition(key_unchanged(&y, 1)).set(x.clone(), [4]),
        batch().on_condition(namespace_unchanged("a", 2)).delete(x.clone()),
        batch().on_condition(key_absent(&x)).set(x.clone(), [5]),
    ]);
    let commits = log.all_commits();
    let won: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(won, [true, false, true, false, true, true]);
    let lost_to = |nth: usize| answers[nth].as_ref().unwrap_err().lost_to.clone();
    assert_eq!(lost_to(1), commits[0].commit, "a commit of the same call");
    assert_eq!(lost_to(3), commits[1].commit, "a commit of the same call");
    let receipts: Vec<_> = answers.iter().flatten().map(|receipt| receipt.commit.clone()).collect();
    assert_eq!(receipts, commits.iter().map(|item| item.commit.clone()).collect::<Vec<_>>());
}

/// A batch whose condition is broken writes nothing, and its neighbours in the same call stand as
/// if it had not been there.
pub fn a_conflict_disturbs_no_neighbour(places: &Places) {
    let (with, without) = (places.open_empty(), places.open_empty());
    let x = key("a", "x");
    let first = batch().set(x.clone(), [1]);
    let good = [batch().set(x.clone(), [2]).set(key("a", "y"), [2]), batch().set(key("b", "z"), [3])];
    let bad = || batch().on_condition(key_absent(&x)).set(x.clone(), [9]).set(key("c", "new"), [9]);
    for log in [&with, &without] {
        log.commit(first.clone());
    }
    let answers = with.answers(&[bad(), good[0].clone(), bad(), good[1].clone(), bad()]);
    assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, true, false, true, false]);
    for answer in without.answers(&good) {
        assert!(answer.is_ok());
    }
    assert_eq!(Contents::of(&*with), Contents::of(&*without));
}

/// Of several writers with the same condition exactly one wins, in every round of the race and
/// for every kind of condition; the others are told that they lost to it.
pub fn one_of_racing_writers_wins(places: &Places) {
    const WRITERS: u8 = 4;
    const ROUNDS: u64 = 12;
    let log = places.open_empty();
    let driver = &*log.driver();
    let x = key("a", "x");
    for round in 0..ROUNDS {
        let last = driver.last_position().unwrap().get();
        let condition = match round % 4 {
            0 => key_unchanged(&x, last),
            1 => namespace_unchanged("a", last),
            2 => log_unchanged(last),
            _ => key_absent(&x),
        };
        let start = Barrier::new(WRITERS.into());
        let attempt = |writer: u8| {
            let attempt = batch().on_condition(condition.clone()).set(x.clone(), [writer]);
            start.wait();
            driver.answers(&[attempt]).remove(0)
        };
        let answers: Vec<_> = thread::scope(|scope| {
            let attempt = &attempt;
            let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(move || attempt(writer))).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "winners of a race for: {condition}");
        let winner = &won[0].as_ref().unwrap().commit;
        for answer in lost {
            assert_eq!(&answer.unwrap_err().lost_to, winner);
        }
        assert_eq!(driver.last_position().unwrap(), winner.last);
        assert_eq!(winner.last.get(), last + 1);
        if round % 4 == 2 {
            driver.commit(batch().delete(x.clone()));
        }
    }
}

/// Several writers who each read a counter and write it back greater by one, on condition that it
/// is unchanged, lose no update: the counter ends at the number of their receipts.
pub fn no_update_is_lost(places: &Places) {
    const WRITERS: usize = 4;
    let log = places.open_empty();
    let driver = &*log.driver();
    let counter = key("a", "counter");
    let increment = || {
        let newest = driver.newest(&counter);
        let since = newest.as_ref().map_or(0, |change| change.position().get());
        let count = newest.map_or(0, |change| count_in(&change.entry.action));
        let update = batch().set(counter.clone(), (count + 1).to_be_bytes());
        driver.answers(&[update.on_condition(key_unchanged(&counter, since))]).remove(0).is_ok()
    };
    let race = || for_a_while().filter(|_| increment()).count();
    let receipts: usize = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(race)).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    assert_ne!(receipts, 0);
    let newest = driver.newest(&counter).unwrap();
    assert_eq!(count_in(&newest.entry.action), receipts as u64);
    assert_eq!(newest.position().get(), receipts as u64);
}

fn count_in(action: &Action) -> u64 {
    let bytes = action.bytes().expect("the counter is never deleted");
    u64::from_be_bytes(bytes[..].try_into().expect("the counter has eight bytes"))
}
