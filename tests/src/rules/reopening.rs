use annals_core::{Condition, Context, Durability};

use crate::Places;
use crate::contents::Contents;
use crate::samples::{DriverExt, batch, batch_at, key};

/// A log that was closed and opened again answers every read as before, however often.
pub fn reopening_keeps_everything(places: &Places) {
    let log = places.open_empty();
    assert_eq!(Contents::of(&*log), Contents::of(&*places.open_empty()));
    let mut log = log.reopen();
    for round in 0..6_u8 {
        let mut next = batch_at(round.into()).set(key("a", "x"), [round]).set(key("a/b", "y"), [round]);
        next.context = Context::new().actor("alice").tag("round", i64::from(round));
        log.commit(if round % 2 == 0 { next.delete(key("c", "z")) } else { next });
        let before = Contents::of(&*log);
        log = log.reopen();
        assert_eq!(Contents::of(&*log), before);
        log = log.reopen();
        assert_eq!(Contents::of(&*log), before);
    }
}

/// After reopening, positions go on where they ended, and conditions know what was there before.
pub fn appends_continue_after_reopening(places: &Places) {
    let log = places.open_empty();
    let x = key("a", "x");
    log.commit(batch().set(key("b", "y"), [1]));
    let before = log.commit(batch().set(x.clone(), [1]).set(key("a", "y"), [1]));
    let log = log.reopen();
    let absent = Condition::KeyAbsent { key: x.clone() };
    assert_eq!(log.refusal(batch().on_condition(absent).set(x.clone(), [2])).lost_to, before);
    let log = log.reopen();
    let unchanged = Condition::NamespaceUnchanged { namespace: x.namespace().clone(), since: before.last };
    let next = log.commit(batch().on_condition(unchanged).set(x.clone(), [2]));
    assert_eq!((next.first.get(), next.last.get()), (4, 4));
    assert_eq!(log.reopen().newest(&x).unwrap().commit, next);
}

/// A receipt says which durability was reached: under `Synced` the same each time, and never less
/// than under `Buffered`. A driver that reaches less than was asked for says so in its
/// documentation, and here.
pub fn receipts_say_the_durability_reached(places: &Places) {
    let log = places.open_empty();
    let reached = |asked: Durability| {
        let batches = [batch().set(key("a", "x"), [1]), batch().set(key("a", "y"), [2])];
        let answers = log.append(&batches, asked).unwrap();
        let reached: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().durability).collect();
        assert_eq!(reached[0], reached[1], "one write, one durability");
        reached[0]
    };
    let synced = reached(Durability::Synced);
    for _ in 0..3 {
        assert!(reached(Durability::Buffered) <= synced);
        assert_eq!(reached(Durability::Synced), synced);
        log.sync().unwrap();
    }
    assert_eq!(log.all_commits().len(), 14);
}

/// What was synced, by its own append or by `sync`, is there after reopening, in its place among
/// the rest.
pub fn synced_commits_survive_reopening(places: &Places) {
    let log = places.open_empty();
    for round in 0..4_u8 {
        log.commit(batch().set(key("a", "x"), [round]));
        let synced = log.append(&[batch().set(key("a", "y"), [round])], Durability::Synced).unwrap();
        assert!(synced[0].is_ok());
        log.commit(batch().delete(key("a", "x")));
        log.sync().unwrap();
    }
    let before = Contents::of(&*log);
    let log = log.reopen();
    assert_eq!(Contents::of(&*log), before);
    assert_eq!(log.last_position().unwrap().get(), 12);
    log.sync().unwrap();
}
