use std::sync::Arc;
use std::thread;

use annals_core::codec::Uuid;
use annals_core::{
    Batch, CommitEntries, CommitId, Condition, Driver, Durability, ErrorKind, Order, PositionRange, Receipt,
};

use crate::contents::Contents;
use crate::samples::{DriverExt, batch, batch_at, key};
use crate::{Fault, Faulty, Places};

/// Returns a batch under a given id that sets one key.
fn given(id: u8, value: u8) -> Batch {
    batch().with_id(Uuid::from_bytes([id; 16])).set(key("a", "x"), [value])
}

#[track_caller]
fn append(log: &dyn Driver, batch: Batch, durability: Durability) -> Receipt {
    log.append(&[batch], durability).unwrap().remove(0).expect("the batch's conditions hold")
}

/// Appends a batch whose id is there already, and checks that nothing came of it but that commit's
/// receipt.
#[track_caller]
fn assert_repeated(log: &dyn Driver, again: Batch, first: &Receipt) {
    let before = Contents::of(log);
    let answer = append(log, again, Durability::Buffered);
    assert!(answer.repeated, "the id is there already");
    assert_eq!(answer.commit, first.commit);
    assert_eq!(Contents::of(log), before, "something was written");
}

/// A given id is appended once: whoever appends under it again gets the first receipt, whatever else
/// the batch says, and nothing is written.
pub fn a_repeated_given_id_returns_the_first_receipt(places: &Places) {
    let log = places.open_empty();
    log.commit(batch().set(key("b", "z"), [0]));
    let first = append(&*log, given(1, 1), Durability::Buffered);
    assert!(!first.repeated);
    assert_eq!(first.commit.id, CommitId::Given(Uuid::from_bytes([1; 16])));
    assert_repeated(&*log, given(1, 1), &first);

    log.commit(batch().set(key("a", "x"), [2]));
    let second = append(&*log, given(2, 3), Durability::Synced);
    assert_repeated(&*log, given(1, 1), &first);
    assert_repeated(&*log, given(1, 9).delete(key("c", "z")), &first);
    assert_repeated(&*log, Batch { now: batch_at(9_000_000).now, ..given(2, 3) }, &second);
    let refused = Condition::KeyAbsent { key: key("a", "x") };
    assert_repeated(&*log, given(1, 1).on_condition(refused), &first);

    let synced = append(&*log, batch().set(key("a", "x"), [4]), Durability::Synced).durability;
    let repeated = append(&*log, given(1, 1), Durability::Synced);
    assert_eq!((repeated.repeated, repeated.durability), (true, synced), "as durable as any other");
}

/// Batches of one call under the same given id become one commit: the first of them whose conditions
/// hold. The ones between are not disturbed.
pub fn a_given_id_is_appended_once_within_one_call(places: &Places) {
    let log = places.open_empty();
    let absent = Condition::KeyAbsent { key: key("b", "y") };
    let answers = log.answers(&[
        batch().set(key("b", "y"), [1]),
        given(1, 1).on_condition(absent.clone()),
        given(1, 2),
        given(1, 3).on_condition(absent),
        given(2, 4),
        given(1, 5),
    ]);
    assert!(answers[1].is_err(), "a batch that was refused has no commit to repeat");
    let appended = |nth: usize| answers[nth].as_ref().unwrap();
    assert_eq!([2, 3, 4, 5].map(|nth| appended(nth).repeated), [false, true, false, true]);
    assert_eq!([3, 5].map(|nth| &appended(nth).commit), [&appended(2).commit; 2]);
    assert_eq!(appended(4).commit.last.get(), 3);
    let values: Vec<_> = log.versions(&key("a", "x")).into_iter().map(|change| change.entry.action).collect();
    assert_eq!(values.iter().map(|value| value.bytes().unwrap()[0]).collect::<Vec<_>>(), [2, 4]);
}

/// Given ids are known as long as the log is: after reopening, and in a log that was restored.
pub fn given_ids_are_known_for_ever(places: &Places) {
    let log = places.open_empty();
    let receipts: Vec<Receipt> =
        (1..=5).map(|id| append(&*log, given(id, id), Durability::Buffered)).collect();
    let log = log.reopen();
    let restored = places.open_empty();
    for page in log.all_commits().chunks(2) {
        restored.restore(page).unwrap();
    }
    for log in [log, restored.reopen()] {
        for (id, first) in (1..).zip(&receipts) {
            assert_repeated(&*log, given(id, 0), first);
        }
        assert!(!append(&*log, given(6, 0), Durability::Buffered).repeated);
    }
}

/// Ids that the log made are not looked for: they repeat nothing, neither one another nor a given one.
pub fn made_ids_are_not_looked_for(places: &Places) {
    let log = places.open_empty();
    let uuid = Uuid::from_bytes([7; 16]);
    let made = || Batch { id: CommitId::Made(uuid), ..batch().set(key("a", "x"), [1]) };
    let ids = [made(), made(), given(7, 1), made()];
    for (batch, last) in ids.into_iter().zip(1..) {
        let receipt = append(&*log, batch, Durability::Buffered);
        assert_eq!((receipt.commit.last.get(), receipt.repeated), (last, false));
    }
    let restored = places.open_empty();
    restored.restore(&log.all_commits()).unwrap();
    assert_eq!(Contents::of(&*restored), Contents::of(&*log));
}

/// Restoring does not bring a given id in twice, neither among the commits restored nor beside one
/// that is there.
pub fn restore_refuses_a_given_id_twice(places: &Places) {
    let log = places.open_empty();
    let source = places.open_empty();
    append(&*source, given(1, 1), Durability::Buffered);
    append(&*source, given(2, 2), Durability::Buffered);
    let commits = source.all_commits();
    let again = |id: &CommitEntries| {
        let mut changed = commits[1].clone();
        Arc::make_mut(&mut changed.commit).id = id.commit.id;
        changed
    };
    let twice = [commits[0].clone(), again(&commits[0])];
    assert_eq!(log.restore(&twice).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(log.all_commits(), [], "nothing is written then");
    log.restore(&twice[..1]).unwrap();
    assert_eq!(log.restore(&twice[1..]).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(log.all_commits(), commits[..1]);
    log.restore(&commits[1..]).unwrap();
    assert_eq!(log.all_commits(), commits);
}

/// Of several writers who append under one given id at once, one appends; the others get its receipt.
pub fn one_of_racing_repeats_appends(places: &Places) {
    let log = places.open_empty();
    let driver = &*log.driver();
    for round in 1..=10_u8 {
        let receipts: Vec<Receipt> = thread::scope(|scope| {
            let write = |writer| append(driver, given(round, writer), Durability::Buffered);
            let writers: Vec<_> = (0..4).map(|writer| scope.spawn(move || write(writer))).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        assert_eq!(receipts.iter().filter(|receipt| !receipt.repeated).count(), 1);
        assert!(receipts.iter().all(|receipt| receipt.commit == receipts[0].commit));
        assert_eq!(driver.last_position().unwrap().get(), u64::from(round));
    }
}

/// An append whose answer was lost is settled by doing it again under the same given id, after
/// reopening: it is there once, whether or not it had happened.
pub fn an_unknown_outcome_is_settled_by_its_id(places: &Places) {
    for (fault, had_happened) in [(Fault::AnswerLost, true), (Fault::Refused, false)] {
        let log = places.open_empty();
        log.commit(batch().set(key("b", "y"), [1]));
        let faulty = Faulty::new(log.driver()).fail_call(1, fault);
        let group = [given(1, 1), given(2, 2)];
        let failure = faulty.append(&group, Durability::Synced).unwrap_err();
        assert!(matches!(failure.kind(), ErrorKind::Poisoned | ErrorKind::Unavailable));
        drop(faulty);

        let log = log.reopen();
        for answer in log.answers(&group) {
            assert_eq!(answer.unwrap().repeated, had_happened);
        }
        let page = log.commits(PositionRange::ALL, Order::OldestFirst, 10).unwrap();
        let ids: Vec<CommitId> = page[1..].iter().map(|item| item.commit.id).collect();
        assert_eq!(ids, group.map(|batch| batch.id));
    }
}
