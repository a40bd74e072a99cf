use std::io::Write as _;
use std::thread;

use annals_core::{
    Action, Batch, CommitEntries, Condition, Context, Driver, Durability, Erase, ErrorKind, Position, Scope,
};

use crate::contents::Contents;
use crate::rounds::{beside_readers, for_a_while};
use crate::samples::{DriverExt, batch, batch_at, key, position};
use crate::{Fault, Faulty, Places};

/// Returns the ability to erase, and says so where there is none: then there is nothing to show.
fn eraser(log: &dyn Driver) -> Option<&dyn Erase> {
    let ability = log.abilities().erase;
    if ability.is_none() {
        let test = thread::current().name().unwrap_or("a rule").to_owned();
        // Past the capture of the test runner; that nobody listens is no failure.
        drop(writeln!(std::io::stderr(), "SKIPPED {test}: the driver cannot erase"));
    }
    ability
}

fn audit() -> Batch {
    let context = Context::new().actor("dana").reason("asked to");
    Batch { context, ..batch().set(key("__annals/erasures", "erasure"), [0x80]) }
}

/// A log of sets and deletions, in commits of several lengths, with values short and long.
fn filled(places: &Places) -> crate::Opened {
    let log = places.open_empty();
    for round in 0..6_u8 {
        let mut next =
            batch_at(i64::from(round)).set(key("a", "x"), [round]).set(key("a/b", "y"), [round; 9]);
        next.context = Context::new().actor("alice").tag("round", i64::from(round));
        let next = match round % 3 {
            0 => next.set(key("a", "long"), vec![round; 20_000]),
            1 => next.delete(key("a", "long")),
            _ => next,
        };
        log.commit(next);
    }
    log
}

fn erase(eraser: &dyn Erase, positions: &[Position], audit: &Batch) -> Position {
    let receipt = eraser.erase(positions, audit).unwrap().expect("the audit's conditions hold");
    assert!(!receipt.repeated);
    receipt.commit.last
}

/// Returns what these commits are to be after the entries at `positions` were erased `by` a commit.
fn with_erased(mut commits: Vec<CommitEntries>, positions: &[Position], by: Position) -> Vec<CommitEntries> {
    for entry in commits.iter_mut().flat_map(|item| &mut item.entries) {
        if positions.contains(&entry.position) && matches!(entry.action, Action::Set(_)) {
            entry.action = Action::Erased { by };
        }
    }
    commits
}

/// Erasing turns the entries that are set, and only those, into erased ones that name their erasure.
/// Positions, keys, contexts, ids, times and all other entries stay as they are, deletions among them,
/// and so it is after reopening.
pub fn erased_entries_keep_everything_but_their_values(places: &Places) {
    let log = filled(places);
    let Some(ability) = eraser(&*log) else { return };
    let before = log.all_commits();
    let last = log.last_position().unwrap();
    // A value of each kind, a deletion, and one that is not there yet.
    let chosen = [1, 2, 3, 6, 9].map(position);
    let beyond = [&chosen[..], &[last.plus(1), last.plus(40)]].concat();
    let by = erase(ability, &beyond, &audit());
    assert_eq!(by, last.plus(1), "the erasure is the next commit");

    let check = |log: &dyn Driver| {
        let commits = log.all_commits();
        assert_eq!(commits[..before.len()], with_erased(before.clone(), &chosen, by));
        let erasure = &commits[before.len()];
        assert_eq!((commits.len(), erasure.commit.last), (before.len() + 1, by));
        assert_eq!(erasure.commit.context, audit().context);
        assert_eq!(erasure.entries[0].action, Action::Set([0x80].into()));
        let entries = commits.iter().flat_map(|item| &item.entries);
        let erased = entries.filter(|entry| entry.action == Action::Erased { by }).count();
        assert_eq!(erased, 4, "the fifth one is a deletion");
    };
    check(&*log);
    ability.scrub().unwrap();
    check(&*log);
    check(&*log.reopen());
}

/// Every read tells the same of an entry: that it was erased. Reads that do not come upon it are
/// answered as before, at every moment of the log.
pub fn every_read_tells_of_what_was_erased(places: &Places) {
    let log = filled(places);
    let Some(ability) = eraser(&*log) else { return };
    let (x, long) = (key("a", "x"), key("a", "long"));
    let chosen = [1, 3].map(position);
    let ends: Vec<Position> = log.all_commits().iter().map(|item| item.commit.last).collect();
    let states =
        |log: &dyn Driver| ends.iter().map(|end| log.state_at(&Scope::All, *end)).collect::<Vec<_>>();
    let (before, history) = (states(&*log), log.versions(&x));
    let by = erase(ability, &chosen, &audit());
    ability.scrub().unwrap();
    let log = log.reopen();

    let gone = Action::Erased { by };
    assert_eq!(log.entry(&x, ends[0]).unwrap().unwrap().action, gone);
    assert_eq!(log.entry(&long, ends[0]).unwrap().unwrap().action, gone);
    let found = log.versions(&x);
    assert_eq!((&found[0].entry.action, &found[0].commit), (&gone, &history[0].commit));
    assert_eq!(found[1..], history[1..]);
    for (found, before) in states(&*log).iter().zip(&before) {
        assert_eq!(found.len(), before.len(), "no key comes or goes");
        for (found, before) in found.iter().zip(before) {
            let is_chosen = chosen.contains(&before.position());
            assert_eq!(
                found.entry.action,
                if is_chosen { gone.clone() } else { before.entry.action.clone() }
            );
            assert_eq!((found.position(), found.key()), (before.position(), before.key()));
        }
    }
}

/// An erased entry still is one: conditions see it as a value that is in effect, and that erasing did
/// not change.
pub fn conditions_hold_over_erased_entries(places: &Places) {
    let log = filled(places);
    let Some(ability) = eraser(&*log) else { return };
    let x = key("a", "x");
    let newest = log.newest(&x).unwrap();
    let by = erase(ability, &[newest.position()], &audit());
    let absent = Condition::KeyAbsent { key: x.clone() };
    let conflict = log.refusal(batch().on_condition(absent).set(x.clone(), [9]));
    assert_eq!(conflict.lost_to, newest.commit);
    let since = newest.commit.last;
    let namespace = x.namespace().clone();
    let unchanged = batch()
        .on_condition(Condition::KeyUnchanged { key: x.clone(), since })
        .on_condition(Condition::NamespaceUnchanged { namespace, since });
    let next = log.commit(unchanged.set(x.clone(), [9]));
    assert_eq!(next.first, by.plus(1));
    log.commit(batch().delete(x));
}

/// The erasure's own conditions are judged where it is stored: if one does not hold, nothing is erased.
/// Its time does not fall, and positions stay dense.
pub fn an_erasure_stands_or_falls_as_a_commit(places: &Places) {
    let log = filled(places);
    let Some(ability) = eraser(&*log) else { return };
    let before = Contents::of(&*log);
    let all: Vec<Position> = (1..=log.last_position().unwrap().get()).map(position).collect();
    let refused = Condition::KeyAbsent { key: key("a/b", "y") };
    let conflict = ability.erase(&all, &audit().on_condition(refused.clone())).unwrap().unwrap_err();
    assert_eq!(conflict.condition, refused);
    assert_eq!(Contents::of(&*log), before, "nothing was erased");

    let last = log.all_commits().pop().unwrap().commit;
    let early = Batch { now: batch_at(-50).now, ..audit() };
    let by = erase(ability, &all, &early);
    let erasure = log.all_commits().pop().unwrap().commit;
    assert_eq!((erasure.last, by), (last.last.plus(1), last.last.plus(1)));
    assert_eq!(erasure.recorded_at, last.recorded_at);
    assert_eq!(log.commit(batch().set(key("a", "x"), [1])).last, by.plus(1));
    assert!(log.versions(&key("a/b", "y")).iter().all(|change| change.entry.action == Action::Erased { by }));
}

/// What was erased once names that erasure for ever, however often it is asked for again; a scrub may
/// be done at any time.
pub fn what_is_erased_stays_so(places: &Places) {
    let log = filled(places);
    let Some(ability) = eraser(&*log) else { return };
    ability.scrub().unwrap();
    let first = erase(ability, &[position(1)], &audit());
    let second = erase(ability, &[position(1), position(2)], &audit());
    let third = erase(ability, &[], &audit());
    assert_eq!(third.get(), second.get() + 1);
    ability.scrub().unwrap();
    ability.scrub().unwrap();
    let erased = |log: &dyn Driver| -> Vec<Action> {
        log.all_commits()[0].entries.iter().map(|entry| entry.action.clone()).take(2).collect()
    };
    let expected = [Action::Erased { by: first }, Action::Erased { by: second }];
    assert_eq!(erased(&*log), expected);
    assert_eq!(erased(&*log.reopen()), expected);
}

/// Several thousand entries, large ones among them, are erased in one call.
pub fn many_entries_are_erased_at_once(places: &Places) {
    const COMMITS: u8 = 20;
    let log = places.open_empty();
    let keys: Vec<_> = (0..200).map(|number| key("many", &format!("f{number}"))).collect();
    for round in 0..COMMITS {
        let next = keys.iter().fold(batch(), |all, key| all.set(key.clone(), [round; 40]));
        log.commit(next.set(key("many", "large"), vec![round; 300_000]));
    }
    let Some(ability) = eraser(&*log) else { return };
    let kept = log.last_position().unwrap().get() - 201;
    let old: Vec<Position> = (1..=kept).map(position).collect();
    let by = erase(ability, &old, &audit());
    ability.scrub().unwrap();
    for key in keys.iter().chain([&key("many", "large")]) {
        let versions = log.versions(key);
        let (newest, older) = versions.split_last().unwrap();
        assert!(
            newest.entry.action.bytes().is_some_and(|bytes| bytes.iter().all(|byte| *byte == COMMITS - 1))
        );
        assert!(older.iter().all(|change| change.entry.action == Action::Erased { by }));
    }
}

/// Readers see all of an erasure or nothing of it, beside writers who are not disturbed.
pub fn readers_see_whole_erasures(places: &Places) {
    let log = places.open_empty();
    let driver = &*log.driver();
    let Some(ability) = eraser(driver) else { return };
    let keys = [key("a", "x"), key("b/c", "y"), key("d", "z")];
    let write = || keys.iter().fold(batch(), |all, key| all.set(key.clone(), [7; 3000]));
    beside_readers(
        2,
        |rounds| {
            for () in rounds {
                let commits = driver.all_commits();
                for item in commits.iter().filter(|item| item.entries.len() == keys.len()) {
                    let first = &item.entries[0].action;
                    assert!(item.entries.iter().all(|entry| entry.action == *first), "an erasure in part");
                    if let Action::Erased { by } = first {
                        assert!(commits.iter().any(|item| item.commit.last == *by), "without its commit");
                    }
                }
            }
        },
        || {
            for _ in for_a_while().take(40) {
                let written = driver.commit(write());
                let positions: Vec<Position> = (1..=written.last.get()).map(position).collect();
                let own = &positions[positions.len() - keys.len()..];
                erase(ability, own, &audit());
            }
        },
    );
    ability.scrub().unwrap();
}

/// An erasure whose call failed was done whole, or not at all; the log goes on after reopening.
pub fn a_failed_erasure_is_whole_or_nothing(places: &Places) {
    for (fault, was_done) in [(Fault::AnswerLost, true), (Fault::Refused, false)] {
        let log = filled(places);
        if eraser(&*log).is_none() {
            return;
        }
        let before = log.all_commits();
        let chosen = [1, 2, 3].map(position);
        let faulty = Faulty::new(log.driver()).fail_call(1, fault);
        let ability = faulty.abilities().erase.unwrap();
        let failure = ability.erase(&chosen, &audit()).unwrap_err();
        assert!(matches!(failure.kind(), ErrorKind::Poisoned | ErrorKind::Unavailable));
        drop(faulty);

        let log = log.reopen();
        let by = before.last().unwrap().commit.last.plus(1);
        let expected = if was_done { with_erased(before.clone(), &chosen, by) } else { before.clone() };
        assert_eq!(log.all_commits()[..before.len()], expected);
        log.abilities().erase.unwrap().scrub().unwrap();
        let answer = log.append(&[batch().set(key("a", "x"), [1])], Durability::Synced).unwrap().remove(0);
        assert_eq!(answer.unwrap().commit.last, if was_done { by.plus(1) } else { by });
    }
}
