use std::panic::{AssertUnwindSafe, catch_unwind};

use annals::codec::Uuid;
use annals::{Committed, Condition, Context, Error, Expect, Key, Position, Store};

on_every_driver! {
    a_body_that_fails_writes_nothing,
    a_body_that_panics_writes_nothing,
    a_body_that_writes_nothing_appends_nothing,
    an_edit_that_fails_or_panics_writes_nothing,
    a_commit_is_one_group_on_consecutive_positions,
    a_transaction_reads_its_own_writes_and_one_position,
    a_conflict_names_the_commit_it_lost_to_and_writes_nothing,
    a_context_is_completed_from_the_handle,
    a_commit_of_a_given_id_is_there_once,
    a_repeat_needs_its_writes,
}

fn last(store: &Store) -> Position {
    store.log().last_position().unwrap()
}

fn a_body_that_fails_writes_nothing(store: &Store) {
    store.record("r").unwrap().set("a", &1).unwrap();
    let before = last(store);
    let failed = store.commit(Context::new(), |tx| {
        tx.record("r")?.set("a", &2)?;
        tx.record("r")?.delete("missing")
    });
    assert!(matches!(failed.unwrap_err(), Error::NotFound { .. }));
    assert_eq!(last(store), before);
    assert_eq!(store.record("r").unwrap().get("a").unwrap(), Some(1));
}

fn a_body_that_panics_writes_nothing(store: &Store) {
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        store.commit(Context::new(), |tx| {
            tx.record("r")?.set("a", &2)?;
            if true {
                panic!("in the body")
            }
            Ok(())
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(last(store), Position::START);
    store.record("r").unwrap().set("a", &3).unwrap();
    assert_eq!(store.record("r").unwrap().get("a").unwrap(), Some(3), "the store goes on");
}

fn a_body_that_writes_nothing_appends_nothing(store: &Store) {
    let done = store.commit(Context::new(), |tx| tx.record("r")?.get::<i64>("a")).unwrap();
    assert!(done.receipt.is_none());
    let undone = store.commit(Context::new(), |tx| {
        tx.record("r")?.set("a", &1)?;
        tx.record("r")?.delete("a")
    });
    assert!(undone.unwrap().receipt.is_none(), "set and deleted again");
    assert_eq!(last(store), Position::START);
}

fn an_edit_that_fails_or_panics_writes_nothing(store: &Store) {
    let record = store.record("r").unwrap();
    record.set("items", &["sword"]).unwrap();
    let before = last(store);
    let failed = record.try_edit("items", |items: &mut Vec<String>| {
        items.clear();
        Err::<(), _>(Error::Invalid("no".into()))
    });
    assert!(matches!(failed.unwrap_err(), Error::Invalid(_)));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        record.edit("items", |items: &mut Vec<String>| {
            items.clear();
            panic!("in the edit")
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(last(store), before);
    assert_eq!(record.get::<Vec<String>>("items").unwrap().unwrap(), ["sword"]);
}

fn a_commit_is_one_group_on_consecutive_positions(store: &Store) {
    store.record("r").unwrap().set("a", &0).unwrap();
    let done = store.commit(Context::new(), |tx| {
        for name in ["x", "y/z", "y"] {
            tx.record(name)?.set("a", &1)?;
        }
        tx.record("x")?.set("a", &2)
    });
    let commit = done.unwrap().receipt.unwrap().commit;
    assert_eq!((commit.first.get(), commit.last.get()), (2, 4), "the last write of a key counts");
    let stored = store.log().commit_at(commit.first).unwrap().unwrap();
    let keys: Vec<String> = stored.entries.iter().map(|entry| entry.key.to_string()).collect();
    assert_eq!(keys, ["x a", "y/z a", "y a"]);
    assert_eq!(stored.entries[0].get::<i64>().unwrap(), Some(2));
}

fn a_transaction_reads_its_own_writes_and_one_position(store: &Store) {
    let record = store.record("r").unwrap();
    record.set("a", &1).unwrap();
    let mut runs = 0;
    let done = store.commit(Context::new(), |tx| {
        runs += 1;
        let inside = tx.record("r")?;
        assert_eq!(inside.get("a")?, Some(1));
        record.set("a", &10)?; // another writer meanwhile
        assert_eq!(inside.get("a")?, Some(1), "what the transaction reads stands still");
        inside.set("b", &5)?;
        assert_eq!(inside.get("b")?, Some(5));
        inside.delete("b")?;
        assert_eq!(inside.get::<i64>("b")?, None);
        inside.set("c", &6)?;
        let fields: Vec<String> = inside.fields()?.iter().map(ToString::to_string).collect();
        assert_eq!(fields, ["a", "c"]);
        Ok(())
    });
    assert!(done.unwrap().receipt.is_some());
    assert_eq!(runs, 1);
}

fn a_conflict_names_the_commit_it_lost_to_and_writes_nothing(store: &Store) {
    let record = store.record("r").unwrap();
    let seen = record.set("a", &1).unwrap().position();
    let winner = record.with_context(Context::new().actor("alice")).set("a", &2).unwrap().commit;
    record.set("a", &3).unwrap();
    let before = last(store);

    let lost = record.set_if("a", Expect::At(seen), &4).unwrap_err();
    let conflict = lost.conflict().unwrap();
    assert_eq!(conflict.lost_to, winner, "the first that was in the way");
    assert_eq!(conflict.keys, [Key::parse("r", "a").unwrap()]);
    assert!(lost.to_string().contains("alice"), "{lost}");

    let taken = record.set_if("a", Expect::Absent, &4).unwrap_err();
    assert!(taken.is_conflict());
    let required = store.commit(Context::new(), |tx| {
        tx.require(Condition::LogUnchanged { since: seen });
        tx.record("r")?.set("b", &1)
    });
    assert!(required.unwrap_err().is_conflict());
    assert_eq!(last(store), before);
}

/// What is given at the call counts most, then the handle's, then the store's; the calling line
/// stands in where nobody gives a location.
fn a_context_is_completed_from_the_handle(store: &Store) {
    let night = store.with_context(Context::new().actor("cron").reason("nightly").location("crontab:3"));
    let by_record = night.record("r").unwrap().with_context(Context::new().actor("ann").tag("n", 1));
    by_record.set("a", &1).unwrap();
    night.commit(Context::new().reason("by hand"), |tx| tx.record("r")?.set("a", &2)).unwrap();
    store.commit(Context::new(), |tx| tx.record("r")?.set("a", &3)).unwrap();
    let line = line!() - 1;

    let history = store.record("r").unwrap().history("a").unwrap();
    let said: Vec<_> = history.into_iter().map(|change| change.unwrap().commit.context.clone()).collect();
    let from_store = Context::new().location("crontab:3");
    assert_eq!(said[0], from_store.clone().actor("ann").reason("nightly").tag("n", 1));
    assert_eq!(said[1], from_store.actor("cron").reason("by hand"));
    assert_eq!(said[2], Context::new().location(format!("{}:{line}", file!())));
}

fn a_commit_of_a_given_id_is_there_once(store: &Store) {
    let score = Key::parse("r", "score").unwrap();
    let book = |value: i64| -> Committed<()> {
        let booked = store.transaction(Context::new().reason("book"), |tx| {
            tx.set_id(Uuid::from_bytes([1; 16]));
            tx.require(Condition::KeyAbsent { key: score.clone() });
            tx.record("r")?.set("score", &value)
        });
        booked.unwrap()
    };
    let first = book(10).receipt.unwrap();
    let again = book(20).receipt.unwrap();
    assert_eq!((first.repeated, again.repeated), (false, true));
    assert_eq!(again.commit, first.commit);
    assert_eq!(
        store.record("r").unwrap().get("score").unwrap(),
        Some(10),
        "what was written again is dropped"
    );
    assert_eq!(last(store).get(), 1);
}

fn a_repeat_needs_its_writes(store: &Store) {
    let record = store.record("r").unwrap();
    record.set("a", &1).unwrap();
    let delete = || {
        store.commit(Context::new(), |tx| {
            tx.set_id(Uuid::from_bytes([1; 16]));
            tx.record("r")?.delete("a")
        })
    };
    assert!(!delete().unwrap().receipt.unwrap().repeated);
    assert!(matches!(delete().unwrap_err(), Error::NotFound { .. }), "the body finds its own work done");
    record.set("a", &2).unwrap();
    assert!(delete().unwrap().receipt.unwrap().repeated);
    assert_eq!(record.get("a").unwrap(), Some(2), "the deletion was the one before");
}
