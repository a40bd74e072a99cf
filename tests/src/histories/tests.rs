use fastrand::Rng;
use todc_utils::specifications::Specification;

use super::operation::{Outcome, Premise};
use super::*;

/// An operation between two moments.
fn at(called: u64, returned: u64, operation: Operation) -> Recorded {
    Recorded { thread: 0, called, returned, operation }
}

fn append(value: u32, position: u64) -> Operation {
    let outcome = Outcome::Appended(position, position);
    Operation::Write { on: Vec::new(), writes: vec![(0, Some(value))], outcome }
}

#[test]
fn a_read_after_a_write_sees_it_and_a_read_beside_it_may() {
    let read = |found| Operation::Read((0, found));
    assert!(is_linearizable(&[at(0, 1, append(7, 1)), at(2, 3, read(Some(7)))]));
    assert!(!is_linearizable(&[at(0, 1, append(7, 1)), at(2, 3, read(None))]), "a stale read");
    assert!(is_linearizable(&[at(0, 3, append(7, 1)), at(1, 2, read(None))]));
    assert!(is_linearizable(&[at(0, 3, append(7, 1)), at(1, 2, read(Some(7)))]));
    let back = [at(0, 5, append(7, 1)), at(1, 2, read(Some(7))), at(3, 4, read(None))];
    assert!(!is_linearizable(&back), "seen, and gone again");
}

#[test]
fn positions_order_writes() {
    assert!(is_linearizable(&[at(0, 2, append(1, 2)), at(1, 3, append(2, 1))]));
    assert!(!is_linearizable(&[at(0, 1, append(1, 2)), at(2, 3, append(2, 1))]), "against time");
    assert!(!is_linearizable(&[at(0, 2, append(1, 1)), at(1, 3, append(2, 1))]), "one position twice");
    let begun = [at(0, 1, Operation::Begin(4)), at(2, 3, append(1, 5))];
    assert!(is_linearizable(&begun));
}

#[test]
fn a_snapshot_is_of_one_moment() {
    let two = |value| vec![(0, Some(value)), (1, Some(value))];
    let both = Operation::Write { on: vec![], writes: two(1), outcome: Outcome::Appended(1, 2) };
    let history =
        |at_position, all| [at(0, 3, both.clone()), at(1, 2, Operation::Snapshot(at_position, all))];
    assert!(is_linearizable(&history(2, two(1))));
    assert!(is_linearizable(&history(0, vec![(0, None), (1, None)])));
    assert!(!is_linearizable(&history(1, vec![(0, Some(1)), (1, None)])), "half a commit");
    assert!(!is_linearizable(&history(0, two(1))), "at a position where it was not there");
}

#[test]
fn a_read_of_the_past_answers_at_the_end_of_a_commit() {
    let writes = vec![(0, Some(1)), (1, Some(1))];
    let both = Operation::Write { on: vec![], writes, outcome: Outcome::Appended(2, 3) };
    let as_of = |position, found| {
        is_linearizable(&[
            at(0, 1, append(9, 1)),
            at(2, 3, both.clone()),
            at(4, 5, Operation::ReadAsOf(position, (0, found))),
        ])
    };
    assert!(as_of(0, None) && as_of(1, Some(9)) && as_of(2, Some(9)) && as_of(3, Some(1)));
    assert!(!as_of(2, Some(1)) && !as_of(3, Some(9)) && !as_of(1, None) && !as_of(4, Some(1)));
}

#[test]
fn what_a_transaction_read_holds_when_it_writes() {
    let increment = |seen, position| {
        let (on, writes) = (vec![Premise::Value((0, seen))], vec![(0, Some(seen.unwrap_or(0) + 1))]);
        Operation::Write { on, writes, outcome: Outcome::Appended(position, position) }
    };
    assert!(is_linearizable(&[at(0, 2, increment(None, 1)), at(1, 3, increment(Some(1), 2))]));
    assert!(!is_linearizable(&[at(0, 2, increment(None, 1)), at(1, 3, increment(None, 2))]), "a lost update");
}

#[test]
fn a_refused_write_names_the_commit_that_it_lost_to() {
    let lost = |on, to| {
        let write =
            Operation::Write { on: vec![on], writes: vec![(0, Some(5))], outcome: Outcome::LostTo(to) };
        is_linearizable(&[at(0, 1, append(1, 1)), at(2, 3, append(2, 2)), at(4, 5, write)])
    };
    assert!(lost(Premise::Absent(0), 2) && lost(Premise::UnchangedSince(0, 0), 1));
    assert!(lost(Premise::UnchangedSince(0, 1), 2));
    assert!(!lost(Premise::Absent(0), 1) && !lost(Premise::UnchangedSince(0, 0), 2), "another commit");
    assert!(!lost(Premise::Absent(1), 2) && !lost(Premise::UnchangedSince(0, 2), 2), "it holds");
}

#[test]
fn a_deletion_in_vain_found_nothing() {
    let nothing = Operation::Write {
        on: vec![Premise::Present(0)],
        writes: vec![(0, None)],
        outcome: Outcome::NoValue,
    };
    assert!(is_linearizable(&[at(0, 1, nothing.clone()), at(2, 3, append(1, 1))]));
    assert!(!is_linearizable(&[at(0, 1, append(1, 1)), at(2, 3, nothing)]));
}

#[test]
fn an_open_outcome_may_show_later_or_never() {
    let open = Operation::Write { on: vec![], writes: vec![(0, Some(7))], outcome: Outcome::Open };
    let then = |found: &[Option<u32>]| {
        let reads =
            (2..).step_by(2).zip(found).map(|(from, one)| at(from, from + 1, Operation::Read((0, *one))));
        let mut history: Vec<Recorded> = reads.collect();
        history.insert(0, at(0, Recorded::NEVER, open.clone()));
        is_linearizable(&history)
    };
    assert!(then(&[None, None]) && then(&[Some(7), Some(7)]) && then(&[None, Some(7)]));
    assert!(!then(&[Some(7), None]) && !then(&[Some(8)]));
}

/// Tries every order of the operations that are not in `done`.
fn has_an_order(history: &[Recorded], done: &[bool], state: &Model) -> bool {
    let mut open = (0..history.len()).filter(|nth| !done[*nth]).peekable();
    if open.peek().is_none() {
        return true;
    }
    open.any(|nth| {
        let is_after = |other: usize| !done[other] && history[other].returned < history[nth].called;
        let (is_explained, next) = Model::apply(&history[nth].operation, state);
        let mut done = done.to_vec();
        is_explained && !(0..history.len()).any(is_after) && {
            done[nth] = true;
            has_an_order(history, &done, &next)
        }
    })
}

/// Writes and reads of one key that overlap at random, with answers that may be right.
fn any_history(random: &mut Rng) -> Vec<Recorded> {
    let mut ticks: Vec<u64> = (0..12).collect();
    random.shuffle(&mut ticks);
    let operation = |random: &mut Rng| match random.u8(..6) {
        0..=2 => append(random.u32(1..3), random.u64(1..4)),
        3 => Operation::ReadAsOf(random.u64(..3), (0, random.bool().then(|| random.u32(1..3)))),
        _ => Operation::Read((0, random.bool().then(|| random.u32(1..3)))),
    };
    let pairs = ticks.chunks(2);
    pairs.map(|two| at(two[0].min(two[1]), two[0].max(two[1]), operation(random))).collect()
}

#[test]
fn the_checker_agrees_with_trying_every_order() {
    let mut random = Rng::with_seed(3);
    let mut linearizable = 0;
    for _ in 0..20_000 {
        let history = any_history(&mut random);
        let expected = has_an_order(&history, &vec![false; history.len()], &Model::default());
        assert_eq!(is_linearizable(&history), expected, "{}", list(&history));
        linearizable += usize::from(expected);
    }
    assert!((100..10_000).contains(&linearizable), "{linearizable} of them have an order");
}
