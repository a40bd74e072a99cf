//! Deleting, retiring, reviving, purging; hooks; views of a part of a collection.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use annals_core::{Action, Context, ErrorKind, Position, Scope, Store};
use annals_revisions::{Error, Object, RevisionInfo, Revisions, State};
use common::{by, for_each_driver, for_each_place};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Person {
    email: String,
    age: u8,
}

fn ann() -> Person {
    Person { email: "ann@example.org".into(), age: 30 }
}

fn people(store: &Store) -> Revisions<Person> {
    Revisions::open(store, "people").unwrap()
}

fn names<T: Object>(collection: &Revisions<T>) -> Vec<String> {
    collection.names().collect::<Result<_, _>>().unwrap()
}

fn end(store: &Store) -> Position {
    store.snapshot().unwrap().position()
}

#[test]
fn deleting_marks_and_reviving_brings_back() {
    for_each_driver(|store| {
        let people = people(store);
        people.insert("ann", &ann(), by("ann")).unwrap();
        people.insert("ben", &ann(), by("ann")).unwrap();
        let deleted = people.delete("ann", by("dana").reason("left")).unwrap();
        assert_eq!((deleted.version(), deleted.state()), (2, State::Deleted));
        assert_eq!((deleted.creator(), deleted.comment()), (Some("dana"), Some("left")));

        assert_eq!(people.current("ann").unwrap(), None);
        assert!(!people.contains("ann").unwrap());
        assert_eq!((names(&people), people.len().unwrap()), (vec!["ben".to_owned()], 1));
        assert_eq!(people.get("ann", 1).unwrap().unwrap().age, 30);
        assert_eq!(people.history("ann").unwrap().count().unwrap(), 2);
        let end = end(store);
        for refused in [
            people.delete("ann", Context::new()).map(drop),
            people.retire("ann", Context::new()).map(drop),
            people.edit("ann", Context::new(), |_| ()).map(drop),
            people.delete("cy", Context::new()).map(drop),
            people.revive("cy", Context::new()).map(drop),
        ] {
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
        }
        assert_eq!(self::end(store), end);

        let all = people.with_deleted();
        assert_eq!((names(&all), all.len().unwrap()), (vec!["ann".to_owned(), "ben".to_owned()], 2));
        let shown = all.current("ann").unwrap().unwrap();
        assert_eq!((shown.info(), shown.state(), &*shown), (&deleted, State::Deleted, &ann()));
        assert_eq!(people.current("ann").unwrap(), None, "the other handle was told nothing");
        let gone = people.update(&shown, Context::new(), |person| person.age = 1).unwrap_err();
        assert!(matches!(gone, Error::NoObject { .. }), "{gone}");

        let revived = people.revive("ann", by("dana")).unwrap();
        assert_eq!((revived.version(), revived.state(), &*revived), (3, State::Locked, &ann()));
        assert_eq!(people.current("ann").unwrap().unwrap(), revived);
        let in_use = people.revive("ann", by("dana")).unwrap_err();
        assert_eq!(in_use.to_string(), "the object `ann` of people is locked");
        assert_eq!(people.update(&revived, by("ann"), |person| person.age = 31).unwrap().version(), 4);
    });
}

#[test]
fn a_deletion_is_in_the_way_of_whoever_updates() {
    for_each_driver(|store| {
        let people = people(store);
        let first = people.insert("ann", &ann(), by("ann")).unwrap();
        let deleted = people.delete("ann", by("dana")).unwrap();
        let late = people.update(&first, by("ann"), |person| person.age = 31).unwrap_err();
        assert_eq!(late.conflict().unwrap().lost_to, *deleted.commit());
    });
}

#[test]
fn an_object_that_is_inserted_again_goes_on_with_its_versions_and_nothing_else() {
    for_each_driver(|store| {
        let maps = Revisions::<BTreeMap<String, u32>>::open(store, "maps").unwrap();
        maps.insert("m", &BTreeMap::from([("a".into(), 1), ("b".into(), 2)]), by("ann")).unwrap();
        maps.delete("m", by("ann")).unwrap();
        let again = maps.insert("m", &BTreeMap::from([("b".into(), 2), ("c".into(), 3)]), by("ben")).unwrap();
        assert_eq!(again.version(), 3);
        let fresh = Revisions::<BTreeMap<String, u32>>::open(store, "maps").unwrap();
        assert_eq!(fresh.current("m").unwrap().unwrap(), again);
        assert_eq!(store.record("maps/m").unwrap().get::<u32>("a").unwrap(), None);
        // What is begun anew is written anew, so that it is known who set it.
        assert_eq!(store.record("maps/m").unwrap().history("b").unwrap().into_iter().count(), 2);
        assert_eq!(fresh.get("m", 1).unwrap().unwrap().get("a"), Some(&1));
    });
}

#[test]
fn a_retired_object_is_out_of_use_until_it_is_revived_or_set() {
    for_each_driver(|store| {
        let people = people(store);
        let first = people.insert("ann", &ann(), by("ann")).unwrap();
        let retired = people.retire("ann", by("dana").reason("for the winter")).unwrap();
        assert_eq!((retired.version(), retired.state(), retired.end()), (2, State::Retired, None));
        assert_eq!((people.current("ann").unwrap(), names(&people)), (None, vec![]));
        let shown = people.with_deleted().current("ann").unwrap().unwrap();
        assert_eq!((shown.state(), &*shown), (State::Retired, &ann()));

        let end = end(store);
        for refused in [
            people.insert("ann", &ann(), Context::new()).map(drop),
            people.retire("ann", Context::new()).map(drop),
            people.edit("ann", Context::new(), |_| ()).map(drop),
            people.update(&shown, Context::new(), |_| ()).map(drop),
        ] {
            assert_eq!(refused.unwrap_err().to_string(), "the object `ann` of people is retired");
        }
        assert!(people.update(&first, Context::new(), |person| person.age = 1).unwrap_err().is_conflict());
        assert_eq!(self::end(store), end);

        assert_eq!(people.revive("ann", Context::new()).unwrap().version(), 3);
        people.retire("ann", Context::new()).unwrap();
        let set = people.set("ann", &ann(), Context::new()).unwrap();
        assert_eq!(
            (set.version(), people.contains("ann").unwrap()),
            (5, true),
            "though nothing else changed"
        );
        people.retire("ann", Context::new()).unwrap();
        assert_eq!(people.delete("ann", Context::new()).unwrap().version(), 7);
    });
}

/// Returns the bytes of all values below `namespace`, of every time.
fn payloads(store: &Store, namespace: &str) -> Vec<String> {
    let scope = Scope::Under(annals_core::Namespace::new(namespace).unwrap());
    let changes = store.snapshot().unwrap().history(&scope).unwrap();
    let set = changes.into_iter().filter_map(|change| match change.unwrap().entry.action {
        Action::Set(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Action::Deleted | Action::Erased { .. } => None,
    });
    set.collect()
}

#[test]
fn a_purge_erases_every_payload_of_one_object_and_says_how_many() {
    for_each_place(|place| {
        let store = place.open();
        let people = people(&store);
        people.insert("ann", &ann(), by("ann")).unwrap();
        people.edit("ann", by("ann"), |person| person.email = "ann@example.com".into()).unwrap();
        people.insert("ben", &ann(), by("ben")).unwrap();
        let (position, refused) = (end(&store), people.purge("ann", by("dana")).unwrap_err());
        assert_eq!(refused.to_string(), "nothing is erased without a reason: say why");
        assert_eq!(end(&store), position, "nor is it deleted");

        let asked = || by("dana").reason("asked to be forgotten");
        let erasure = people.purge("ann", asked()).unwrap();
        assert_eq!((erasure.entries, erasure.commits.len()), (3, 1), "two emails and an age");
        assert!(payloads(&store, "people/ann").iter().all(|payload| !payload.contains("example")));
        assert!(payloads(&store, "people/ben").iter().any(|payload| payload.contains("ann@example.org")));
        assert_eq!(people.current("ben").unwrap().unwrap().age, 30);

        // By whichever handle it is looked at.
        for people in [people.clone(), self::people(&place.open())] {
            assert_eq!(people.current("ann").unwrap(), None);
            assert_eq!(people.with_deleted().current("ann").unwrap(), None);
            assert_eq!(names(&people.with_deleted()), ["ben"]);
            assert_eq!(people.get("ann", 1).unwrap_err().kind(), ErrorKind::Erased);
            assert_eq!(people.get("ann", 2).unwrap_err().kind(), ErrorKind::Erased);
            let history: Vec<_> = people.history("ann").unwrap().into_iter().map(Result::unwrap).collect();
            assert_eq!(history.iter().map(RevisionInfo::is_purge).collect::<Vec<_>>(), [false, false, true]);
            assert_eq!(history.iter().map(RevisionInfo::version).collect::<Vec<_>>(), [1, 2, 3]);
            assert_eq!(history.last().unwrap().creator(), Some("dana"));
            assert!(matches!(people.revive("ann", Context::new()), Err(Error::Purged { .. })));
            assert!(matches!(people.get("ann", 3), Err(Error::Purged { .. })));
            let purge = history.last().unwrap();
            assert!(matches!(people.rollback_to(purge, Context::new()), Err(Error::Purged { .. })));
            let first = history.first().unwrap();
            assert_eq!(people.rollback_to(first, Context::new()).unwrap_err().kind(), ErrorKind::Erased);
        }
        // Again: there is nothing left, and nothing is written but that.
        let before = end(&store);
        assert_eq!(people.purge("ann", asked()).unwrap().entries, 0);
        assert_eq!(end(&store), before);
        assert!(matches!(people.purge("cy", asked()), Err(Error::NoObject { .. })));

        let anew = people.insert("ann", &ann(), by("ann")).unwrap();
        assert_eq!((anew.version(), people.current("ann").unwrap().unwrap()), (4, anew.clone()));
        people.delete("ann", by("ann")).unwrap();
        assert_eq!(people.purge("ann", asked()).unwrap().entries, 2, "a deleted object can be purged");
    });
}

#[test]
fn a_purge_spares_what_is_inserted_while_it_erases() {
    for_each_driver(|store| {
        let people = people(store);
        people.insert("ann", &ann(), by("ann")).unwrap();
        // Told of after the deletion is committed, and before anything is erased.
        let (again, anew) = (people.clone(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&anew);
        let watch = store.on_change(move |change| {
            let is_meta = change.key().field().as_str() == "__meta";
            if is_meta
                && again.current("ann").unwrap().is_none()
                && count.fetch_add(1, Ordering::Relaxed) == 0
            {
                again.insert("ann", &Person { age: 1, ..ann() }, by("ben")).unwrap();
            }
        });
        let asked = by("dana").reason("asked to be forgotten");
        assert_eq!(people.purge("ann", asked).unwrap().entries, 2);
        drop(watch);
        assert_eq!(anew.load(Ordering::Relaxed), 1);
        assert_eq!(people.get("ann", 1).unwrap_err().kind(), ErrorKind::Erased);
        let current = self::people(store).current("ann").unwrap().unwrap();
        assert_eq!((current.version(), current.age, current.creator()), (3, 1, Some("ben")));
    });
}

#[test]
fn what_was_erased_by_hand_is_not_shown_from_memory() {
    for_each_place(|place| {
        let (ours, theirs) = (place.open(), place.open());
        let people = people(&ours);
        people.insert("ann", &ann(), by("ann")).unwrap();
        assert_eq!(people.current("ann").unwrap().unwrap().age, 30);
        let email = annals_core::Key::parse("people/ann", "email").unwrap();
        theirs.erase(&annals_core::Selector::key(email), by("dana").reason("asked")).unwrap();
        assert_eq!(people.current("ann").unwrap_err().kind(), ErrorKind::Erased);
        assert_eq!(
            people.edit("ann", by("ann"), |person| person.age = 31).unwrap_err().kind(),
            ErrorKind::Erased
        );
        // It can still be deleted.
        assert_eq!(people.delete("ann", by("ann")).unwrap().version(), 2);
    });
}

#[test]
fn what_a_revision_in_hand_still_holds_of_the_erased_is_not_remembered() {
    for_each_driver(|store| {
        let people = people(store);
        let first = people.insert("ann", &ann(), by("ann")).unwrap();
        let email = annals_core::Key::parse("people/ann", "email").unwrap();
        store.erase(&annals_core::Selector::key(email), by("dana").reason("asked")).unwrap();
        assert_eq!(people.update(&first, by("ann"), |person| person.age = 31).unwrap().version(), 2);
        assert_eq!(people.current("ann").unwrap_err().kind(), ErrorKind::Erased);
        let anew = people.set("ann", &ann(), by("ann")).unwrap_err();
        assert_eq!(anew.kind(), ErrorKind::Erased);
    });
}

#[test]
fn hooks_before_may_change_and_refuse() {
    for_each_driver(|store| {
        let refuse = |person: &Person| {
            let too_old = || annals_core::Error::Invalid("nobody is that old".into());
            if person.age > 150 { Err(Error::from(too_old())) } else { Ok(()) }
        };
        let people = people(store)
            .before_create(|person| {
                person.email = person.email.to_lowercase();
                Ok(())
            })
            .before_create(move |person| refuse(person))
            .before_update(move |before, person| {
                person.age = person.age.max(before.age);
                refuse(person)
            });
        let created =
            people.insert("ann", &Person { email: "Ann@X".into(), age: 30 }, Context::new()).unwrap();
        assert_eq!(created.email, "ann@x");
        let younger = people.update(&created, Context::new(), |person| person.age = 20).unwrap();
        assert_eq!((younger.version(), younger.age), (1, 30), "nothing is left to be changed");
        let end = end(store);
        let refused = people.edit("ann", Context::new(), |person| person.age = 200).unwrap_err();
        assert_eq!(refused.to_string(), "nobody is that old");
        people.insert("ben", &Person { age: 151, ..ann() }, Context::new()).unwrap_err();
        people.set("ben", &Person { age: 151, ..ann() }, Context::new()).unwrap_err();
        people.set("ann", &Person { age: 151, ..ann() }, Context::new()).unwrap_err();
        assert_eq!(self::end(store), end);
    });
}

#[test]
fn hooks_after_write_in_the_same_commit_and_may_refuse() {
    for_each_driver(|store| {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let people = people(store)
            .after_create(|tx, draft| {
                Ok(tx.record("log")?.set("last", &format!("{} created", draft.name()))?)
            })
            .after_update(move |tx, before, draft| {
                counted.fetch_add(1, Ordering::Relaxed);
                if draft.age > 150 {
                    return Err(annals_core::Error::Invalid("nobody is that old".into()).into());
                }
                let grown = format!("{}: {} to {}, {}", draft.name(), before.age, draft.age, draft.version());
                Ok(tx.record("log")?.set("last", &grown)?)
            });
        let last = || store.record("log").unwrap().entry("last").unwrap().unwrap();
        let created = people.insert("ann", &ann(), Context::new()).unwrap();
        assert_eq!(last().get::<String>().unwrap().unwrap(), "ann created");
        assert_eq!(last().position(), created.commit().last);
        people.edit("ann", Context::new(), |person| person.age = 31).unwrap();
        assert_eq!(last().get::<String>().unwrap().unwrap(), "ann: 30 to 31, 2");
        people.edit("ann", Context::new(), |_| ()).unwrap();
        assert_eq!(calls.load(Ordering::Relaxed), 1, "nothing was updated");
        people.edit("ann", Context::new(), |person| person.age = 200).unwrap_err();
        assert_eq!(people.current("ann").unwrap().unwrap().age, 31);
    });
}

#[test]
fn a_filtered_view_reaches_nothing_beyond_its_filter() {
    for_each_driver(|store| {
        let people = people(store);
        for (name, age) in [("ann", 30), ("ben", 10), ("cy", 40), ("dan", 12)] {
            people.insert(name, &Person { age, ..ann() }, Context::new()).unwrap();
        }
        people.delete("dan", Context::new()).unwrap();
        people.delete("cy", Context::new()).unwrap();
        let adults = people.filtered(|person| person.age >= 18);
        assert_eq!((names(&adults), adults.len().unwrap()), (vec!["ann".to_owned()], 1));
        assert_eq!(names(&adults.with_deleted()), ["ann", "cy"]);
        assert_eq!(adults.iter().map(|person| person.unwrap().age).collect::<Vec<_>>(), [30]);
        assert_eq!((adults.current("ben").unwrap(), adults.get("ben", 1).unwrap()), (None, None));
        assert_eq!(adults.history("ben").unwrap().count().unwrap(), 0);
        assert_eq!(adults.history("ben").unwrap().into_iter().count(), 0);
        assert_eq!(adults.history("cy").unwrap().count().unwrap(), 2);

        let (ben, end) = (people.current("ben").unwrap().unwrap(), end(store));
        let asked = || by("dana").reason("tidy up");
        for refused in [
            adults.delete("ben", asked()).map(drop),
            adults.retire("ben", asked()).map(drop),
            adults.edit("ben", asked(), |_| ()).map(drop),
            adults.set("ben", &ann(), asked()).map(drop),
            adults.update(&ben, asked(), |person| person.age = 50).map(drop),
            adults.rollback_to(&ben, asked()).map(drop),
            adults.purge("ben", asked()).map(drop),
            adults.purge("dan", asked()).map(drop),
            adults.revive("dan", asked()).map(drop),
        ] {
            assert!(matches!(refused, Err(Error::NoObject { .. })), "{refused:?}");
        }
        assert!(matches!(adults.insert("ben", &ann(), asked()), Err(Error::WrongState { .. })));
        assert_eq!(self::end(store), end);

        // The newest content decides.
        let ann = adults.edit("ann", asked(), |person| person.age = 17).unwrap();
        assert!(matches!(adults.delete("ann", asked()), Err(Error::NoObject { .. })));
        assert_eq!(adults.get("ann", 1).unwrap(), None);
        people.update(&ann, asked(), |person| person.age = 18).unwrap();
        assert_eq!(adults.get("ann", 2).unwrap().unwrap().age, 17);
        assert_eq!(adults.purge("cy", asked()).unwrap().entries, 2);
        let old = adults.filtered(|person| person.age > 100);
        assert!(matches!(old.delete("ann", asked()), Err(Error::NoObject { .. })));
        assert_eq!(adults.delete("ann", asked()).unwrap().version(), 4);
    });
}
