//! Objects of which every revision is kept: insert, set, read, update.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeMap;

use annals_core::codec::Value;
use annals_core::{Context, ErrorKind, Store};
use annals_revisions::{Deltas, Error, Revision, Revisions, State};
use common::{by, for_each_driver, for_each_place};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Answer {
    question: String,
    answer: Option<u32>,
    tags: Vec<String>,
}

fn question() -> Answer {
    Answer { question: "what?".into(), answer: None, tags: vec!["open".into()] }
}

fn answers(store: &Store) -> Revisions<Answer> {
    Revisions::open(store, "game/answers").unwrap()
}

fn names<T: annals_revisions::Object>(collection: &Revisions<T>) -> Vec<String> {
    collection.names().collect::<Result<_, _>>().unwrap()
}

/// Returns the fields that hold the object and the number of entries that each has.
fn entries(store: &Store, object: &str) -> BTreeMap<String, usize> {
    let record = store.record(format!("game/answers/{object}")).unwrap();
    let count = |field| record.history(&field).unwrap().into_iter().count();
    let fields = record.entries().unwrap().into_iter().map(|change| change.entry.key.field().clone());
    fields.map(|field| (field.to_string(), count(field))).collect()
}

#[test]
fn each_revision_knows_version_state_times_creator_comment_and_commit() {
    for_each_place(|place| {
        let store = place.open();
        let answers = answers(&store);
        let first = answers.insert("a", &question(), by("arthur")).unwrap();
        assert_eq!((first.name(), first.version(), first.state()), ("a", 1, State::Locked));
        assert_eq!((first.creator(), first.comment(), first.end()), (Some("arthur"), None, None));
        assert_eq!(first.start(), first.commit().recorded_at);
        assert_eq!(*first, question());

        let context = by("computer").reason("provide the answer");
        let second = answers.update(&first, context, |draft| draft.answer = Some(42)).unwrap();
        assert_eq!((second.version(), second.state(), second.answer), (2, State::Locked, Some(42)));
        assert_eq!((second.creator(), second.comment()), (Some("computer"), Some("provide the answer")));
        assert_eq!(second.commit().last, store.snapshot().unwrap().position());
        assert_eq!((first.answer, first.version()), (None, 1), "a revision stays what it was");

        // What was written is what is read, by this handle and by another one.
        let again = Revisions::<Answer>::open(&place.open(), "game/answers").unwrap();
        for answers in [answers, again] {
            let read = answers.current("a").unwrap().unwrap();
            assert_eq!(read, second);
            assert_eq!((read.creator(), read.end()), (Some("computer"), None));
            let old = answers.get("a", 1).unwrap().unwrap();
            assert_eq!((&*old, old.state(), old.end()), (&question(), State::Retired, Some(second.start())));
            assert_eq!(old.info(), first.info());
            assert_eq!(answers.get("a", 2).unwrap().unwrap(), second);
            for version in [0, 3, u64::MAX] {
                assert_eq!(answers.get("a", version).unwrap(), None);
            }
            assert_eq!(answers.current("b").unwrap(), None);
            assert_eq!(answers.get("b", 1).unwrap(), None);
        }
    });
}

#[test]
fn the_location_is_the_line_of_the_caller() {
    for_each_driver(|store| {
        let revision = answers(store).insert("a", &question(), Context::new()).unwrap();
        let here = format!("{}:{}", file!(), line!() - 1);
        assert_eq!(revision.commit().context.location, Some(here));
    });
}

#[test]
fn insert_fails_if_the_object_is_there_and_set_does_not() {
    for_each_driver(|store| {
        let answers = answers(store);
        answers.insert("a", &question(), by("ann")).unwrap();
        let taken = answers.insert("a", &question(), by("ben")).unwrap_err();
        assert_eq!(taken.to_string(), "the object `a` of game/answers is locked");
        assert_eq!(taken.kind(), ErrorKind::Invalid);

        let answered = Answer { answer: Some(1), ..question() };
        let set = answers.set("a", &answered, by("ben")).unwrap();
        assert_eq!((set.version(), set.answer, set.creator()), (2, Some(1), Some("ben")));
        assert_eq!(answers.set("b", &answered, by("cy")).unwrap().version(), 1);
        let before = store.snapshot().unwrap().position();
        assert_eq!(
            answers.set("b", &answered, by("dan")).unwrap().creator(),
            Some("cy"),
            "it is that already"
        );
        assert_eq!(store.snapshot().unwrap().position(), before);
    });
}

#[test]
fn an_update_writes_what_changed_and_nothing_else() {
    for_each_driver(|store| {
        let answers = answers(store);
        let first = answers.insert("a", &question(), Context::new()).unwrap();
        answers.update(&first, Context::new(), |draft| draft.answer = Some(42)).unwrap();
        let counts = [("__meta", 2), ("answer", 2), ("question", 1), ("tags", 1)];
        assert_eq!(entries(store, "a"), counts.map(|(name, count)| (name.to_owned(), count)).into());
    });
}

#[test]
fn an_update_that_changes_nothing_writes_nothing_unless_it_is_to_touch() {
    for_each_driver(|store| {
        let answers = answers(store);
        let first = answers.insert("a", &question(), by("ann")).unwrap();
        let end = store.snapshot().unwrap().position();
        let same = answers.update(&first, by("ben"), |draft| draft.answer = None).unwrap();
        assert_eq!((same.version(), same.creator(), same.info()), (1, Some("ann"), first.info()));
        assert_eq!(answers.edit("a", by("ben"), |_| ()).unwrap().info(), first.info());
        assert_eq!(store.snapshot().unwrap().position(), end);

        let touched = answers.touching().update(&first, by("ben"), |_| ()).unwrap();
        assert_eq!((touched.version(), touched.creator(), &*touched), (2, Some("ben"), &question()));
        assert_eq!(answers.touching().edit("a", by("cy"), |_| ()).unwrap().version(), 3);
        assert_eq!(entries(store, "a")["question"], 1);
    });
}

#[test]
fn a_stale_update_is_a_conflict_that_names_who_was_first() {
    for_each_driver(|store| {
        let answers = answers(store);
        let first = answers.insert("a", &question(), by("ann")).unwrap();
        let second = answers.update(&first, by("ben"), |draft| draft.answer = Some(1)).unwrap();
        let third = answers.update(&second, by("cy"), |draft| draft.answer = Some(2)).unwrap();

        let stale = answers.update(&first, by("dan"), |draft| draft.tags.clear()).unwrap_err();
        let conflict = stale.conflict().unwrap();
        assert_eq!((&conflict.lost_to, stale.is_conflict()), (second.commit(), true));
        assert_eq!(conflict.lost_to.context.actor.as_deref(), Some("ben"));
        assert_eq!(answers.current("a").unwrap().unwrap(), third, "nothing was written");
    });
}

#[test]
fn a_try_update_that_fails_writes_nothing() {
    #[derive(Debug, PartialEq)]
    enum Refused {
        Because(&'static str),
        Ours(String),
    }
    impl From<Error> for Refused {
        fn from(error: Error) -> Refused {
            Refused::Ours(error.to_string())
        }
    }
    for_each_driver(|store| {
        let answers = answers(store);
        let first = answers.insert("a", &question(), Context::new()).unwrap();
        let end = store.snapshot().unwrap().position();
        let refused = answers.try_update(&first, Context::new(), |draft| {
            draft.answer = Some(1);
            Err::<(), _>(Refused::Because("it is too early"))
        });
        assert_eq!(refused.unwrap_err(), Refused::Because("it is too early"));
        let refused = answers.try_edit("a", Context::new(), |_| Err::<(), _>(Refused::Because("no")));
        assert_eq!(refused.unwrap_err(), Refused::Because("no"));
        let missing = answers.try_edit("b", Context::new(), |_| Ok::<_, Refused>(()));
        assert_eq!(
            missing.unwrap_err(),
            Refused::Ours("the object `b` of game/answers does not exist".into())
        );
        assert_eq!(store.snapshot().unwrap().position(), end);

        let done = answers.try_update(&first, Context::new(), |draft| {
            draft.answer = Some(1);
            Ok::<_, Refused>(())
        });
        assert_eq!(done.unwrap().answer, Some(1));
    });
}

#[test]
fn a_panic_in_an_update_writes_nothing() {
    for_each_driver(|store| {
        let answers = answers(store);
        let first = answers.insert("a", &question(), Context::new()).unwrap();
        let panicking = std::panic::AssertUnwindSafe(|| {
            answers.update(&first, Context::new(), |draft| {
                draft.answer = Some(1);
                std::panic::resume_unwind(Box::new("given up"));
            })
        });
        std::panic::catch_unwind(panicking).unwrap_err();
        assert_eq!(answers.current("a").unwrap().unwrap(), first);
        assert_eq!(answers.edit("a", Context::new(), |draft| draft.answer = Some(2)).unwrap().version(), 2);
    });
}

#[test]
fn an_edit_takes_the_newest_revision() {
    for_each_driver(|store| {
        let answers = answers(store);
        answers.insert("a", &question(), Context::new()).unwrap();
        for round in 1..=3 {
            let tags = answers.edit("a", Context::new(), |draft| draft.tags.push("x".into())).unwrap();
            assert_eq!((tags.tags.len(), tags.version()), (1 + round, 1 + round as u64));
        }
    });
}

#[test]
fn objects_are_counted_listed_and_looked_for() {
    for_each_driver(|store| {
        let answers = answers(store);
        assert_eq!((answers.len().unwrap(), names(&answers)), (0, vec![]));
        for name in ["b", "a/b c", "ä", ".", "a"] {
            answers.insert(name, &Answer { question: name.into(), ..question() }, Context::new()).unwrap();
        }
        // Neither what lies below an object nor what lies beside the collection is an object.
        store.record("game/answers/a/__referrers").unwrap().set("x", &1).unwrap();
        store.record("game/answers/__referrers").unwrap().set("__meta", &1).unwrap();
        store.record("game/answersx/a").unwrap().set("__meta", &1).unwrap();
        store.record("game/answers").unwrap().set("x", &1).unwrap();
        store.record("game/answers/plain").unwrap().set("x", &1).unwrap();

        assert_eq!(names(&answers), [".", "ä", "a", "a/b c", "b"]);
        assert_eq!(answers.len().unwrap(), 5);
        let contents = answers.iter().map(|revision| revision.unwrap().question.clone());
        assert_eq!(contents.collect::<Vec<_>>(), names(&answers));
        assert!(answers.contains("a/b c").unwrap());
        assert!(!answers.contains("a/b").unwrap());
        assert!(!answers.contains("plain").unwrap());
    });
}

#[test]
fn a_walk_shows_one_moment() {
    for_each_driver(|store| {
        let scores = Revisions::<u32>::open(store, "scores").unwrap();
        for name in ["a", "b", "c"] {
            scores.insert(name, &1, Context::new()).unwrap();
        }
        let mut walk = scores.iter();
        assert_eq!(walk.next().unwrap().unwrap().name(), "a");
        scores.set("b", &2, Context::new()).unwrap();
        scores.delete("c", Context::new()).unwrap();
        scores.insert("d", &1, Context::new()).unwrap();
        let rest: Vec<_> = walk.map(Result::unwrap).collect();
        assert_eq!(rest.iter().map(|r| (r.name(), **r)).collect::<Vec<_>>(), [("b", 1), ("c", 1)]);
    });
}

#[test]
fn many_objects_are_walked_page_by_page() {
    for_each_driver(|store| {
        let scores = Revisions::<u32>::open(store, "scores").unwrap();
        let done = store.try_commit(Context::new(), |tx| {
            (0..2500).try_for_each(|score| {
                scores.in_transaction(tx).insert(&format!("{score:04}"), &score).map(drop)
            })
        });
        done.map_err(|error: Error| error).unwrap();
        assert_eq!(scores.len().unwrap(), 2500);
        assert!(scores.iter().map(|score| *score.unwrap()).eq(0..2500));
    });
}

#[test]
fn anything_that_serde_can_write_is_kept() {
    for_each_driver(|store| {
        let numbers = Revisions::<u32>::open(store, "numbers").unwrap();
        let one = numbers.insert("n", &1, Context::new()).unwrap();
        assert_eq!(*numbers.update(&one, Context::new(), |n| *n = 2).unwrap(), 2);
        assert_eq!(store.record("numbers/n").unwrap().get("value").unwrap(), Some(2));

        let maps = Revisions::<BTreeMap<String, u32>>::open(store, "maps").unwrap();
        let first =
            maps.insert("m", &BTreeMap::from([("a b".into(), 1), ("c".into(), 2)]), Context::new()).unwrap();
        let second = maps.update(&first, Context::new(), |map| map.remove("c")).unwrap();
        assert_eq!(*second, BTreeMap::from([("a b".into(), 1)]));
        assert_eq!(maps.current("m").unwrap().unwrap(), second);
        assert_eq!(store.record("maps/m").unwrap().get::<u32>("c").unwrap(), None);
        assert_eq!(store.record("maps/m").unwrap().get("__a_a_20b").unwrap(), Some(1));
        let empty = maps.update(&second, Context::new(), BTreeMap::clear).unwrap();
        assert_eq!(maps.current("m").unwrap().unwrap(), empty);
        assert!(empty.is_empty());
    });
}

#[test]
fn attributes_that_a_type_does_not_know_are_left_alone() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Old {
        question: String,
        #[serde(default)]
        rating: u8,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    }
    for_each_driver(|store| {
        let new = answers(store);
        let old = Revisions::<Old>::open(store, "game/answers").unwrap();
        new.insert("a", &question(), Context::new()).unwrap();
        let read = old.current("a").unwrap().unwrap();
        assert_eq!((read.rating, &read.note), (0, &None));
        old.update(&read, Context::new(), |draft| draft.question = "why?".into()).unwrap();
        old.edit("a", Context::new(), |draft| draft.note = Some("n".into())).unwrap();
        old.edit("a", Context::new(), |draft| draft.note = None).unwrap();

        let read = new.current("a").unwrap().unwrap();
        assert_eq!((read.version(), &*read), (4, &Answer { question: "why?".into(), ..question() }));
        assert_eq!(store.record("game/answers/a").unwrap().get::<String>("note").unwrap(), None);
    });
}

#[test]
fn what_does_not_fit_is_an_error_and_readable_as_a_value() {
    for_each_driver(|store| {
        let texts = Revisions::<BTreeMap<String, String>>::open(store, "game/answers").unwrap();
        texts.insert("a", &BTreeMap::from([("question".into(), "what?".into())]), Context::new()).unwrap();
        let unfit = answers(store).current("a").unwrap_err();
        assert_eq!(unfit.kind(), ErrorKind::TypeMismatch);
        assert_eq!(
            unfit.to_string(),
            "the object `a` of game/answers, version 1, attribute `tags`, is not of the collection's type: the \
             field `tags` is missing; `Revisions::untyped` reads it"
        );
        assert!(answers(store).iter().any(|revision| revision.is_err()), "it is not skipped");
        let values = Revisions::untyped(store, "game/answers").unwrap();
        let value = values.current("a").unwrap().unwrap();
        assert_eq!(*value, Value::map([("question", "what?".into())]));
        // What cannot be read can be deleted.
        assert_eq!(answers(store).delete("a", Context::new()).unwrap().version(), 2);
    });
}

#[test]
fn several_objects_and_collections_change_in_one_commit() {
    for_each_driver(|store| {
        let (answers, scores) = (answers(store), Revisions::<u32>::open(store, "scores").unwrap());
        let first = answers.insert("a", &question(), by("ann")).unwrap();
        let body = |tx: &annals_core::Transaction<'_>| {
            let objects = answers.in_transaction(tx);
            objects.update(&first, |draft| draft.answer = Some(1))?;
            objects.edit("a", |draft| draft.tags.clear())?;
            let other = objects.insert("b", &question())?;
            assert_eq!((other.state(), other.version()), (State::Transient, 1));
            let score =
                scores.in_transaction(tx).with_context(by("ben").reason("for the answer")).set("ann", &10)?;
            assert_eq!(objects.current("a")?.unwrap().answer, Some(1));
            Ok::<_, Error>((other, score))
        };
        let done = store.try_commit(by("cy").reason("round 1"), body).unwrap();
        let receipt = done.receipt.as_ref();
        let (other, score) = done.value;
        let (other, score) = (other.into_revision(receipt).unwrap(), score.into_revision(receipt).unwrap());
        assert_eq!((score.creator(), score.comment()), (Some("ben"), Some("for the answer")));
        assert_eq!((other.creator(), other.comment()), (Some("cy"), Some("round 1")));

        let updated = answers.current("a").unwrap().unwrap();
        assert_eq!((updated.version(), updated.answer, updated.tags.len()), (2, Some(1), 0));
        assert_eq!([updated.commit(), other.commit()], [score.commit(), score.commit()]);
        assert_eq!(answers.current("b").unwrap().unwrap(), other);
        let read = scores.current("ann").unwrap().unwrap();
        assert_eq!((&read, read.creator(), read.comment()), (&score, score.creator(), score.comment()));

        // One stale object, and nothing of the commit is written.
        let stale = store.try_commit(Context::new(), |tx| {
            scores.in_transaction(tx).set("ann", &11)?;
            answers.in_transaction(tx).update(&first, |draft| draft.answer = Some(2))
        });
        assert!(stale.map_err(|error: Error| error).unwrap_err().is_conflict());
        assert_eq!(*scores.current("ann").unwrap().unwrap(), 10);
    });
}

#[test]
fn an_object_of_another_collection_is_refused() {
    for_each_driver(|store| {
        let (ours, theirs) = (answers(store), Revisions::<Answer>::open(store, "other").unwrap());
        let foreign: Revision<Answer> = theirs.insert("a", &question(), Context::new()).unwrap();
        ours.insert("a", &question(), Context::new()).unwrap();
        let refused = ours.update(&foreign, Context::new(), |draft| draft.answer = Some(1)).unwrap_err();
        assert!(matches!(refused, Error::NoRevision { .. }), "{refused}");
        assert!(matches!(ours.load(foreign.info()), Err(Error::NoRevision { .. })));
        assert!(matches!(ours.rollback_to(&foreign, Context::new()), Err(Error::NoRevision { .. })));
    });
}

#[test]
fn what_another_process_wrote_is_seen() {
    for_each_place(|place| {
        let (ours, theirs) = (answers(&place.open()), answers(&place.open()));
        let first = ours.insert("a", &question(), by("ann")).unwrap();
        assert_eq!(theirs.current("a").unwrap().unwrap(), first);
        let second = theirs.update(&first, by("ben"), |draft| draft.answer = Some(1)).unwrap();
        assert_eq!(ours.current("a").unwrap().unwrap(), second);
        let stale = ours.update(&first, by("ann"), |draft| draft.answer = Some(2)).unwrap_err();
        assert_eq!(stale.conflict().unwrap().lost_to, *second.commit());
    });
}

#[test]
fn what_others_write_into_the_record_belongs_to_no_revision() {
    for_each_place(|place| {
        let store = place.open();
        let first = answers(&store).insert("a", &question(), by("ann")).unwrap();
        let record = store.record("game/answers/a").unwrap();
        record.set("answer", &7).unwrap();
        record.set("__hidden", &1).unwrap();
        for answers in [answers(&store), answers(&place.open())] {
            assert_eq!(answers.current("a").unwrap().unwrap(), first);
            assert_eq!(*answers.iter().next().unwrap().unwrap(), question());
            assert_eq!(*answers.load(first.info()).unwrap(), question());
        }
    });
}

#[test]
fn an_object_that_cannot_be_read_is_an_error_in_its_place_and_hides_no_others() {
    for_each_driver(|store| {
        let answers = answers(store);
        for name in ["a", "b", "c"] {
            answers.insert(name, &question(), by("arthur")).unwrap();
        }
        store.record("game/answers/b").unwrap().set("__meta", &7).unwrap();
        let is_damaged = |error: Error| error.kind() == ErrorKind::TypeMismatch;
        let expected = [Ok("a".to_owned()), Err(true), Ok("c".to_owned())];
        let names = answers.names().map(|name| name.map_err(is_damaged));
        assert_eq!(names.collect::<Vec<_>>(), expected);
        let objects =
            answers.iter().map(|found| found.map(|found| found.name().to_owned()).map_err(is_damaged));
        assert_eq!(objects.collect::<Vec<_>>(), expected);
        assert!(is_damaged(answers.len().unwrap_err()));

        let deltas = Deltas::of(store).newest_first().into_iter();
        let deltas =
            deltas.map(|delta| delta.map(|delta| delta.info().name().to_owned()).map_err(is_damaged));
        let names = ["c", "b", "a"].map(|name| Ok(name.to_owned()));
        assert_eq!(deltas.collect::<Vec<_>>(), [&[Err(true)], &names[..]].concat());
    });
}
