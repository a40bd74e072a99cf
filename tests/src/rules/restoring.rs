use std::sync::Arc;

use annals_core::{
    Action, At, Commit, CommitEntries, CommitId, Condition, Context, ErrorKind, Position, Scope,
};

use crate::contents::Contents;
use crate::samples::{DriverExt, batch, batch_at, key, position, time};
use crate::{Opened, Places};

/// A log with commits of several lengths, conditions that were refused, deletions and contexts.
fn original(places: &Places) -> Opened {
    let log = places.open_empty();
    let (x, y) = (key("a", "x"), key("a/b", "y"));
    for round in 0..6_u8 {
        let mut next = batch_at(1_000 - i64::from(round)).set(x.clone(), [round]);
        next.context = Context::new().actor("alice").reason("it's\0").tag("round", i64::from(round));
        next.context = next.context.occurred_at(time(i64::from(round) - 3)).location("a.rs:1");
        next.id = if round % 2 == 0 { next.id } else { CommitId::Given(next.id.uuid()) };
        let next = if round % 3 == 0 { next.delete(y.clone()) } else { next.set(y.clone(), []) };
        log.commit(next);
        log.refusal(batch().on_condition(Condition::KeyAbsent { key: x.clone() }).set(y.clone(), [9]));
    }
    log.commit(batch_at(2_000).delete(x));
    log
}

/// Commits read from one log and restored into an empty one make an equal log, in one call or in
/// several, and it is still so after reopening.
pub fn a_restored_log_equals_the_original(places: &Places) {
    let original = original(places);
    let commits = original.all_commits();
    for size in [1, 2, 3, commits.len()] {
        let log = places.open_empty();
        log.restore(&[]).unwrap();
        for some in commits.chunks(size) {
            log.restore(some).unwrap();
        }
        log.restore(&[]).unwrap();
        assert_eq!(log.all_commits(), commits);
        assert_eq!(Contents::of(&*log), Contents::of(&*original));
        assert_eq!(Contents::of(&*log.reopen()), Contents::of(&*original));
    }
}

/// An entry whose payload was erased is restored as erased: it keeps its position, key and
/// commit, and reads as neither a value nor a deletion.
pub fn erased_entries_are_restored_as_such(places: &Places) {
    let mut commits = original(places).all_commits();
    let erased = key("a/b", "y");
    let by = commits[5].commit.last;
    for item in &mut commits[..3] {
        for entry in item.entries.iter_mut().filter(|entry| entry.key == erased) {
            entry.action = Action::Erased { by };
        }
    }
    let log = places.open_empty();
    log.restore(&commits).unwrap();
    let log = log.reopen();
    assert_eq!(log.all_commits(), commits);
    let actions: Vec<Action> = log.versions(&erased).into_iter().map(|change| change.entry.action).collect();
    let set = Action::Set([].into());
    assert!(actions[..3].iter().all(|action| *action == Action::Erased { by }));
    assert_eq!(actions[3..], [Action::Deleted, set.clone(), set]);
    let state = log.state_at(&Scope::Record(erased.namespace().clone()), commits[2].commit.last);
    assert_eq!(state.len(), 1);
    assert_eq!(state[0].entry.action, Action::Erased { by });
}

/// A log that was restored goes on like any other: positions, times, conditions, boundaries.
pub fn a_restored_log_continues(places: &Places) {
    let commits = original(places).all_commits();
    let log = places.open_empty();
    log.restore(&commits[..4]).unwrap();
    let (first, last) = (&commits[0].commit, &commits[3].commit);
    assert_eq!(log.last_position().unwrap(), last.last);
    assert_eq!(log.boundary(At::Time(time(1_000))).unwrap(), last.last);
    assert_eq!(log.boundary(At::Position(position(3))).unwrap(), first.last);

    let x = key("a", "x");
    let absent = Condition::KeyAbsent { key: x.clone() };
    let conflict = log.refusal(batch_at(0).on_condition(absent).set(x.clone(), [9]));
    assert_eq!(&conflict.lost_to, last);
    let unchanged = Condition::KeyUnchanged { key: x.clone(), since: last.last };
    let next = log.commit(batch_at(0).on_condition(unchanged).set(x.clone(), [9]));
    assert_eq!(next.first, last.last.plus(1));
    assert_eq!(next.recorded_at, last.recorded_at, "the clock is behind the restored log");

    let log = log.reopen();
    assert_eq!(log.newest(&x).unwrap().commit, next);
    assert_eq!(log.versions(&x).len(), 5);
}

/// Commits that do not continue the log, or one another, are refused as a whole, whichever of them
/// is at fault: a gap, an overlap, a falling time, another number of entries than positions.
/// Nothing is written then.
pub fn restore_refuses_what_does_not_continue(places: &Places) {
    let commits = original(places).all_commits();
    let log = places.open_empty();
    assert_refused(&log, &commits[1..], "a log begins at 1");
    log.restore(&commits[..2]).unwrap();
    assert_refused(&log, &commits, "an overlap");
    assert_refused(&log, &commits[1..], "an overlap by one");
    assert_refused(&log, &commits[3..], "a gap");
    assert_refused(&log, &[commits[2].clone(), commits[4].clone()], "a gap between");
    assert_refused(&log, &[commits[2].clone(), commits[2].clone()], "a commit twice");
    assert_refused(&log, &[commits[3].clone(), commits[2].clone()], "the wrong order");

    for nth in [2, 4] {
        let but = |change: fn(&mut Commit, &mut CommitEntries)| {
            let mut changed = commits[2..].to_vec();
            let item = &mut changed[nth - 2];
            let mut commit = Commit::clone(&item.commit);
            change(&mut commit, item);
            item.commit = Arc::new(commit);
            changed
        };
        let falling = but(|commit, _| commit.recorded_at = time(commit.recorded_at.as_micros() - 1));
        assert_refused(&log, &falling, "a time that falls");
        assert_refused(&log, &but(|_, item| drop(item.entries.pop())), "an entry too few");
        let twice = but(|_, item| item.entries.push(item.entries[0].clone()));
        assert_refused(&log, &twice, "an entry too many");
        assert_refused(&log, &but(|_, item| item.entries.reverse()), "entries out of order");
        let empty = but(|commit, item| {
            item.entries.clear();
            commit.last = commit.first.before();
        });
        assert_refused(&log, &empty, "a commit without entries");
        let far = but(|commit, _| commit.last = Position::MAX);
        assert_refused(&log, &far, "a length that cannot be");
    }

    log.restore(&commits[2..]).unwrap();
    assert_eq!(log.all_commits(), commits);
}

#[track_caller]
fn assert_refused(log: &Opened, commits: &[CommitEntries], why: &str) {
    let before = Contents::of(&**log);
    let error = log.restore(commits).expect_err(why);
    assert_eq!(error.kind(), ErrorKind::Invalid, "{why}: {error}");
    assert_eq!(Contents::of(&**log), before, "{why}: something was written");
}
