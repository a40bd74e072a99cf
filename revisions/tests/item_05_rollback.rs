//! Going back to an earlier revision by a new one.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeMap;

use annals_core::{Context, ErrorKind, Key, Selector, Store};
use annals_revisions::{Error, Revisions, State};
use common::{by, for_each_driver};

type Document = BTreeMap<String, u32>;

fn document(members: &[(&str, u32)]) -> Document {
    members.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect()
}

fn documents(store: &Store) -> Revisions<Document> {
    Revisions::open(store, "documents").unwrap()
}

/// What is known of every revision of the object: version, content, restored from.
fn told(documents: &Revisions<Document>, name: &str) -> Vec<(u64, Document, Option<u64>)> {
    let infos = documents.history(name).unwrap().into_iter().map(Result::unwrap);
    infos
        .map(|info| (info.version(), Document::clone(&documents.load(&info).unwrap()), info.restored_from()))
        .collect()
}

#[test]
fn a_rollback_appends_a_revision_that_is_equal_and_names_it() {
    for_each_driver(|store| {
        let documents = documents(store);
        let first = documents.insert("a", &document(&[("x", 1), ("y", 2)]), by("ann")).unwrap();
        let second = documents.update(&first, by("ben"), |it| *it = document(&[("x", 9), ("z", 3)])).unwrap();
        let other = documents.insert("b", &document(&[("x", 1)]), by("ann")).unwrap();
        let before = told(&documents, "a");

        let third = documents.rollback_to(&first, by("cy").reason("undo")).unwrap();
        assert_eq!((&*third, third.version(), third.state()), (&*first, 3, State::Locked));
        assert_eq!(
            (third.restored_from(), third.creator(), third.comment()),
            (Some(1), Some("cy"), Some("undo"))
        );
        let fresh = self::documents(store);
        assert_eq!(fresh.current("a").unwrap().unwrap(), third);
        assert_eq!(store.record("documents/a").unwrap().get::<u32>("z").unwrap(), None);
        assert_eq!(store.record("documents/a").unwrap().history("y").unwrap().into_iter().count(), 3);

        // All that was is still there, as it was.
        let after = told(&documents, "a");
        assert_eq!(after.split_last().unwrap().1, before);
        assert_eq!(documents.current("b").unwrap().unwrap(), other);
        assert_eq!(documents.history("b").unwrap().count().unwrap(), 1);

        // The rollback is rolled back.
        let fourth = documents.rollback_to(&second, by("ann")).unwrap();
        assert_eq!((&*fourth, fourth.version(), fourth.restored_from()), (&*second, 4, Some(2)));
        let fifth = documents.rollback_to(&third, by("ann")).unwrap();
        assert_eq!((&*fifth, fifth.restored_from()), (&*first, Some(3)));
        let sixth = documents.update(&fifth, by("ann"), BTreeMap::clear).unwrap();
        assert_eq!((sixth.version(), sixth.restored_from()), (6, None));
    });
}

#[test]
fn a_rollback_to_what_is_says_so_all_the_same() {
    for_each_driver(|store| {
        let documents = documents(store);
        let first = documents.insert("a", &document(&[("x", 1)]), by("ann")).unwrap();
        let again = documents.rollback_to(&first, by("ben")).unwrap();
        assert_eq!((again.version(), again.restored_from(), &*again), (2, Some(1), &*first));
        assert_eq!(store.record("documents/a").unwrap().history("x").unwrap().into_iter().count(), 1);
    });
}

#[test]
fn a_rollback_may_leave_the_object_retired_at_that_content() {
    for_each_driver(|store| {
        let documents = documents(store);
        let first = documents.insert("a", &document(&[("x", 1)]), by("ann")).unwrap();
        documents.update(&first, by("ann"), BTreeMap::clear).unwrap();
        let retired = documents.retire_at(&first, by("ben")).unwrap();
        assert_eq!((&*retired, retired.version(), retired.state()), (&*first, 3, State::Retired));
        assert_eq!(retired.restored_from(), Some(1));
        assert_eq!(documents.current("a").unwrap(), None);
        let shown = documents.with_deleted().current("a").unwrap().unwrap();
        assert_eq!(shown, retired);
        let revived = documents.revive("a", by("ben")).unwrap();
        assert_eq!((&*revived, revived.version(), revived.restored_from()), (&*first, 4, None));
    });
}

#[test]
fn a_rollback_brings_back_what_was_deleted_and_reaches_every_revision() {
    for_each_driver(|store| {
        let documents = documents(store);
        let first = documents.insert("a", &document(&[("x", 1)]), by("ann")).unwrap();
        documents.delete("a", by("ann")).unwrap();
        documents.insert("a", &document(&[("y", 2)]), by("ben")).unwrap();
        let deleted = documents.delete("a", by("ben")).unwrap();
        let back = documents.rollback_to(&first, by("cy")).unwrap();
        assert_eq!((&*back, back.version(), back.state()), (&document(&[("x", 1)]), 5, State::Locked));
        let back = documents.rollback_to(&deleted, by("cy")).unwrap();
        assert_eq!(
            (&*back, back.state()),
            (&document(&[("y", 2)]), State::Locked),
            "as it was when it was deleted"
        );
    });
}

#[test]
fn attributes_that_the_type_does_not_know_go_back_as_well() {
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Narrow {
        x: u32,
    }
    for_each_driver(|store| {
        let (wide, narrow) = (documents(store), Revisions::<Narrow>::open(store, "documents").unwrap());
        wide.insert("a", &document(&[("x", 1), ("y", 2)]), by("ann")).unwrap();
        wide.edit("a", by("ann"), |it| *it = document(&[("x", 5), ("y", 6), ("z", 7)])).unwrap();
        let first = narrow.get("a", 1).unwrap().unwrap();
        assert_eq!(*narrow.rollback_to(&first, by("ben")).unwrap(), Narrow { x: 1 });
        assert_eq!(*wide.current("a").unwrap().unwrap(), document(&[("x", 1), ("y", 2)]));
    });
}

#[test]
fn what_was_erased_since_does_not_stay_in_the_way() {
    for_each_driver(|store| {
        let documents = documents(store);
        let first = documents.insert("a", &document(&[("x", 1)]), by("ann")).unwrap();
        documents.update(&first, by("ann"), |it| it.insert("y".into(), 2)).unwrap();
        let y = Selector::key(Key::parse("documents/a", "y").unwrap());
        store.erase(&y, by("dana").reason("asked")).unwrap();
        assert_eq!(documents.current("a").unwrap_err().kind(), ErrorKind::Erased);
        let back = documents.rollback_to(&first, by("dana")).unwrap();
        assert_eq!(self::documents(store).current("a").unwrap().unwrap(), back);
    });
}

#[test]
fn a_revision_that_is_not_of_this_log_is_refused() {
    for_each_driver(|store| {
        let documents = documents(store);
        documents.insert("a", &document(&[("x", 1)]), by("ann")).unwrap();
        let elsewhere = self::documents(&Store::new(annals_driver_memory::MemoryDriver::new()));
        let foreign = elsewhere.insert("a", &document(&[("x", 1)]), by("ann")).unwrap();
        let refused = documents.rollback_to(&foreign, Context::new()).unwrap_err();
        assert!(matches!(refused, Error::NoRevision { .. }), "{refused}");
        assert_eq!(refused.to_string(), "the object `a` of documents has no such revision");
        assert_eq!(documents.history("a").unwrap().count().unwrap(), 1);
    });
}

#[test]
fn objects_go_back_together_in_one_commit() {
    for_each_driver(|store| {
        let documents = documents(store);
        let firsts: Vec<_> = ["a", "b"]
            .into_iter()
            .map(|name| documents.insert(name, &document(&[("x", 1)]), by("ann")).unwrap())
            .collect();
        firsts.iter().for_each(|it| drop(documents.update(it, by("ben"), BTreeMap::clear).unwrap()));
        let back = store.try_commit(by("cy"), |tx| {
            firsts.iter().try_for_each(|first| documents.in_transaction(tx).rollback_to(first).map(drop))
        });
        back.map_err(|error: Error| error).unwrap();
        let [a, b] = ["a", "b"].map(|name| documents.current(name).unwrap().unwrap());
        assert_eq!((a.commit(), a.version(), &*a), (b.commit(), 3, &document(&[("x", 1)])));
    });
}
