//! An object as of any revision, delta, position or time.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;

use annals_core::{Context, Position, Store};
use annals_revisions::{Deltas, Error, Revisions, State};

use common::{by, for_each_driver, for_each_place};

type Note = BTreeMap<String, i64>;

fn notes(store: &Store) -> Revisions<Note> {
    Revisions::open(store, "notes").unwrap()
}

fn note(pairs: &[(&str, i64)]) -> Note {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
}

/// Revisions of one object: what each holds.
fn history() -> Vec<Note> {
    vec![
        note(&[("a", 1)]),
        note(&[("a", 1), ("b", 1)]),
        note(&[("b", 2), ("c", 3)]),
        note(&[]),
        note(&[("a", 5)]),
    ]
}

fn write(store: &Store) {
    for (number, content) in history().iter().enumerate() {
        notes(store).set("n", content, by("ann")).unwrap();
        notes(store).set(&format!("other{number}"), &note(&[("a", 0)]), Context::new()).unwrap();
    }
}

#[test]
fn an_object_is_read_as_of_each_revision_delta_position_and_time() {
    for_each_driver(|store| {
        write(store);
        let notes = notes(store);
        let mut seen = Vec::new();
        for info in notes.history("n").unwrap() {
            let info = info.unwrap();
            seen.push((**notes.load(&info).unwrap().content()).clone());
            let commit = info.commit();
            let before = seen.iter().rev().nth(1);
            for position in commit.first.get()..commit.last.get() {
                let inside = notes.at("n", Position::new(position).unwrap()).unwrap();
                assert_eq!(inside.as_deref(), before, "inside a commit it is the one before");
            }
            for position in [commit.last, commit.last.plus(1)] {
                let then = notes.at("n", position).unwrap().unwrap();
                assert_eq!(
                    (&*then, then.version(), then.end()),
                    (seen.last().unwrap(), info.version(), None)
                );
                assert_eq!((then.info(), then.state()), (&info, State::Locked));
            }
        }
        assert_eq!(seen, history());
        let of_deltas = Deltas::of(store).actor("ann").into_iter();
        let loaded: Vec<_> =
            of_deltas.map(|delta| (*notes.load(delta.unwrap().info()).unwrap()).clone()).collect();
        assert_eq!(loaded, history());
        let now = store.log().now();
        assert_eq!(notes.at("n", now).unwrap().unwrap().version(), 5);
        assert_eq!(notes.at("n", Position::START).unwrap(), None);
        assert_eq!(notes.at("nobody", now).unwrap(), None);
        let beyond = notes.at("n", Position::MAX).unwrap_err();
        assert!(matches!(beyond, Error::Core(annals_core::Error::BeyondEnd { .. })), "{beyond}");
    });
}

#[test]
fn a_deleted_object_is_read_as_it_was_and_inserted_again() {
    for_each_driver(|store| {
        write(store);
        let notes = notes(store);
        let deleted = notes.delete("n", by("bob")).unwrap();
        assert_eq!(notes.at("n", deleted.commit().last).unwrap(), None);
        let last = notes.with_deleted().at("n", deleted.commit().last).unwrap().unwrap();
        assert_eq!((&*last, last.state(), last.creator()), (&history()[4], State::Deleted, Some("bob")));

        for (number, content) in history().iter().enumerate() {
            let version = u64::try_from(number).unwrap() + 1;
            let then = notes.get("n", version).unwrap().unwrap();
            assert_eq!(&*then, content);
            assert_eq!(notes.at("n", then.commit().last).unwrap().unwrap(), then);
            let again = notes.insert(then.name(), &then, Context::new()).unwrap();
            assert_eq!((&*again, again.name()), (content, "n"));
            assert_eq!(
                **notes.current("n").unwrap().unwrap().content(),
                *content,
                "and nothing else is left of it"
            );
            notes.delete("n", Context::new()).unwrap();
        }
    });
}

#[test]
fn what_others_wrote_into_the_record_belongs_to_no_snapshot() {
    for_each_driver(|store| {
        write(store);
        let receipt = store.record("notes/n").unwrap().set("a", &99).unwrap();
        let then = notes(store).at("n", receipt.position()).unwrap().unwrap();
        assert_eq!(*then, history()[4]);
    });
}

#[test]
fn a_snapshot_is_one_read_whatever_the_number_of_attributes() {
    for_each_place(|place| {
        let store = &place.open();
        for attributes in [1, 20, 500] {
            let name = attributes.to_string();
            let content: Note = (0..attributes).map(|number| (format!("a{number}"), number)).collect();
            notes(store).insert(&name, &content, Context::new()).unwrap();
            for _ in 0..20 {
                notes(store).edit(&name, Context::new(), |note| *note.get_mut("a0").unwrap() += 1).unwrap();
            }
            let tenth = notes(store).get(&name, 10).unwrap().unwrap();
            notes(store).delete(&name, Context::new()).unwrap();

            let (counted, calls) = place.counted();
            let notes = notes(&counted);
            calls.take();
            assert_eq!(*notes.at(&name, tenth.commit().last).unwrap().unwrap(), *tenth);
            assert_eq!(calls.take(), [("boundary", 1), ("state", 1)].into());
            assert_eq!(*notes.get(&name, 10).unwrap().unwrap(), *tenth);
            assert_eq!(calls.take(), [("history", 1), ("state", 1)].into());
            assert_eq!(*notes.load(tenth.info()).unwrap(), *tenth);
            assert_eq!(calls.take(), [("state", 1)].into());
        }
    });
}
