//! The type of a collection changes: attributes that come and go, upcasters, and what fits no more.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

use std::collections::BTreeMap;

use annals_core::codec::Value;
use annals_core::{Context, ErrorKind, Store};
use annals_driver_memory::MemoryDriver;
use annals_revisions::{Error, Revisions, RevisionsBuilder, State};
use common::{by, for_each_driver};
use serde::{Deserialize, Serialize};

const PLACE: &str = "game/answers";

/// What the first program kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct First {
    text: String,
    score: u32,
}

/// What the newest keeps: `text` is called `question`, and `score` is a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Newest {
    question: String,
    scores: Vec<u32>,
    #[serde(default)]
    language: Option<String>,
}

fn first(store: &Store) -> Revisions<First> {
    Revisions::open(store, PLACE).unwrap()
}

fn second_builder<T: annals_revisions::Object>(store: &Store) -> RevisionsBuilder<T> {
    Revisions::builder(store, PLACE).upcast("", "2024-a", |object| rename(object, "text", "question"))
}

fn newest(store: &Store) -> Revisions<Newest> {
    let builder = second_builder(store).version("2024-b").upcast("2024-a", "2024-b", |object| {
        rename(object, "score", "scores");
        if let Value::Map(members) = object {
            members.entry("scores".into()).and_modify(|score| *score = Value::List(vec![score.clone()]));
        }
    });
    builder.open().unwrap()
}

fn rename(object: &mut Value, from: &str, to: &str) {
    if let Value::Map(members) = object
        && let Some(value) = members.remove(&from.into())
    {
        members.insert(to.into(), value);
    }
}

fn untyped(store: &Store) -> Revisions<Value> {
    Revisions::untyped(store, PLACE).unwrap()
}

fn stored(store: &Store, version: u64) -> Value {
    Value::clone(&untyped(store).get("a", version).unwrap().unwrap())
}

/// Returns the fields that hold the object `a` and the number of entries that each has.
fn entries(store: &Store) -> BTreeMap<String, usize> {
    let record = store.record(format!("{PLACE}/a")).unwrap();
    let count = |field: &str| record.history(field).unwrap().into_iter().count();
    let fields = record.entries().unwrap().into_iter().map(|change| change.key().field().to_string());
    fields.map(|field| (field.clone(), count(&field))).collect()
}

fn asked(text: &str, score: u32) -> First {
    First { text: text.into(), score }
}

fn newest_of(question: &str, scores: &[u32]) -> Newest {
    Newest { question: question.into(), scores: scores.into(), language: None }
}

#[test]
fn attributes_come_and_go_and_what_a_type_does_not_know_is_left_alone() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Later {
        text: String,
        #[serde(default)]
        tags: Vec<String>,
    }
    for_each_driver(|store| {
        let earlier = first(store);
        earlier.insert("a", &asked("what?", 7), Context::new()).unwrap();

        let later = Revisions::<Later>::open(store, PLACE).unwrap();
        let read = later.current("a").unwrap().unwrap();
        assert_eq!(*read, Later { text: "what?".into(), tags: Vec::new() });
        later.update(&read, Context::new(), |draft| draft.tags.push("open".into())).unwrap();

        let again = earlier.current("a").unwrap().unwrap();
        assert_eq!(*again, asked("what?", 7), "an attribute that the later type lacks is left");
        earlier.update(&again, Context::new(), |draft| draft.score = 8).unwrap();
        earlier.edit("a", Context::new(), |draft| draft.text = "why?".into()).unwrap();
        assert_eq!(
            *later.current("a").unwrap().unwrap(),
            Later { text: "why?".into(), tags: vec!["open".into()] }
        );
        let counts = [("__meta", 4), ("score", 2), ("tags", 1), ("text", 2)];
        assert_eq!(entries(store), counts.map(|(name, count)| (name.to_owned(), count)).into());
    });
}

#[test]
fn old_revisions_are_upcast_when_they_are_read_and_stay_as_they_are_stored() {
    for_each_driver(|store| {
        let old = first(store);
        let one = old.insert("a", &asked("what?", 7), by("ann")).unwrap();
        old.update(&one, by("ben"), |draft| draft.score = 9).unwrap();
        let end = store.snapshot().unwrap().position();

        let answers = newest(store);
        let current = answers.current("a").unwrap().unwrap();
        assert_eq!((&*current, current.creator()), (&newest_of("what?", &[9]), Some("ben")));
        assert_eq!((current.version(), current.info().type_version()), (2, None));
        assert_eq!(*answers.get("a", 1).unwrap().unwrap(), newest_of("what?", &[7]));
        let history = answers.history("a").unwrap().into_iter();
        let scores = history.map(|info| answers.load(&info.unwrap()).unwrap().scores.clone());
        assert_eq!(scores.collect::<Vec<_>>(), [[7], [9]]);
        let walked: Vec<_> = answers.iter().map(|revision| revision.unwrap().question.clone()).collect();
        assert_eq!(walked, ["what?"]);
        let as_of = answers.at("a", one.commit().last).unwrap().unwrap();
        assert_eq!(as_of.scores, [7]);
        let in_transaction = store.commit(Context::new(), |tx| {
            Ok(answers.in_transaction(tx).current("a").unwrap().unwrap().scores.clone())
        });
        assert_eq!(in_transaction.unwrap().value, [9]);
        assert_eq!(answers.filtered(|answer| answer.scores == [9]).len().unwrap(), 1);

        assert_eq!(store.snapshot().unwrap().position(), end, "nothing is rewritten");
        assert_eq!(stored(store, 1), Value::map([("text", "what?".into()), ("score", Value::from(7))]));
    });
}

#[test]
fn an_update_writes_the_newest_form_and_no_more_than_that_takes() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Wide {
        text: String,
        score: u32,
        note: String,
        place: String,
    }
    for_each_driver(|store| {
        let wide = Revisions::<Wide>::open(store, PLACE).unwrap();
        let [text, note, place] = ["what?", "a note", "here"].map(String::from);
        wide.insert("a", &Wide { text, score: 7, note, place }, Context::new()).unwrap();

        let answers = newest(store);
        let first = answers.current("a").unwrap().unwrap();
        let same = answers.update(&first, by("ben"), |_| ()).unwrap();
        assert_eq!((same.version(), same.info().type_version()), (1, None), "nothing to write");

        let second = answers.update(&first, by("ben"), |draft| draft.language = Some("en".into())).unwrap();
        assert_eq!((second.version(), second.info().type_version()), (2, Some("2024-b")));
        let members = [("question", "what?"), ("note", "a note"), ("place", "here"), ("language", "en")];
        let members = members.map(|(name, text)| (name, Value::from(text)));
        let scores = ("scores", Value::List(vec![7.into()]));
        assert_eq!(stored(store, 2), Value::map(members.into_iter().chain([scores])));
        assert_eq!(*answers.current("a").unwrap().unwrap(), *second);

        let written = ["question", "scores", "language"].map(|name| (name, 1));
        let left = ["note", "place"].map(|name| (name, 1));
        let gone = ["text", "score", "__meta"].map(|name| (name, 2));
        let counts = written.into_iter().chain(left).chain(gone);
        assert_eq!(entries(store), counts.map(|(name, count)| (name.to_owned(), count)).collect());

        // From then on, only what changes is written.
        answers.edit("a", Context::new(), |draft| draft.scores.push(8)).unwrap();
        assert_eq!((entries(store)["scores"], entries(store)["question"]), (2, 1));
    });
}

#[test]
fn an_update_that_only_touches_writes_the_newest_form() {
    for_each_driver(|store| {
        first(store).insert("a", &asked("what?", 7), Context::new()).unwrap();
        let answers = newest(store);
        let touched = answers.touching().edit("a", by("migration"), |_| ()).unwrap();
        assert_eq!((touched.version(), touched.info().type_version()), (2, Some("2024-b")));
        let members = [("question", "what?".into()), ("scores", Value::List(vec![7.into()]))];
        assert_eq!(stored(store, 2), Value::map(members));
        assert_eq!(*answers.get("a", 1).unwrap().unwrap(), *touched);
    });
}

#[test]
fn what_is_done_twice_in_one_commit_is_one_revision_of_the_newest_form() {
    for_each_driver(|store| {
        first(store).insert("a", &asked("what?", 7), Context::new()).unwrap();
        let answers = newest(store);
        let done = store.try_commit(Context::new(), |tx| {
            let answers = answers.in_transaction(tx);
            answers.edit("a", |draft| draft.scores.push(8))?;
            answers.edit("a", |draft| draft.scores.push(9))?;
            answers.retire("a")?;
            answers.revive("a")
        });
        let done = done.map_err(|error: Error| error).unwrap();
        let revision = done.value.into_revision(done.receipt.as_ref()).unwrap();
        assert_eq!((revision.version(), &*revision), (2, &newest_of("what?", &[7, 8, 9])));
        assert_eq!(*answers.current("a").unwrap().unwrap(), *revision);
    });
}

#[test]
fn a_rollback_restores_an_old_revision_in_the_newest_form() {
    for_each_driver(|store| {
        first(store).insert("a", &asked("what?", 7), Context::new()).unwrap();
        let answers = newest(store);
        answers.edit("a", Context::new(), |draft| *draft = newest_of("why?", &[1, 2])).unwrap();
        let old = answers.get("a", 1).unwrap().unwrap();
        let third = answers.rollback_to(&old, by("ann")).unwrap();
        assert_eq!((third.restored_from(), &*third), (Some(1), &newest_of("what?", &[7])));
        assert_eq!(third.info().type_version(), Some("2024-b"));
        let members = [("question", "what?".into()), ("scores", Value::List(vec![7.into()]))];
        assert_eq!(stored(store, 3), Value::map(members));
        assert_eq!(*answers.current("a").unwrap().unwrap(), *third);
    });
}

#[test]
fn an_object_that_is_retired_deleted_or_revived_stays_of_its_type_version() {
    for_each_driver(|store| {
        first(store).insert("a", &asked("what?", 7), Context::new()).unwrap();
        let answers = newest(store);
        answers.retire("a", Context::new()).unwrap();
        assert_eq!(*answers.with_deleted().current("a").unwrap().unwrap(), newest_of("what?", &[7]));
        answers.delete("a", Context::new()).unwrap();
        let revived = answers.revive("a", Context::new()).unwrap();
        assert_eq!((&*revived, revived.version()), (&newest_of("what?", &[7]), 4));
        assert_eq!((revived.info().type_version(), stored(store, 4)), (None, stored(store, 1)));
        assert_eq!(*answers.current("a").unwrap().unwrap(), newest_of("what?", &[7]));

        answers.delete("a", Context::new()).unwrap();
        store
            .try_commit(Context::new(), |tx| {
                let answers = answers.in_transaction(tx);
                answers.insert("b", &newest_of("b?", &[1]))?;
                assert_eq!(answers.revive("a")?.scores, [7]);
                answers.delete("a")?;
                assert_eq!(answers.revive("a")?.scores, [7], "as this transaction has it");
                answers.delete("a")
            })
            .map_err(|error: Error| error)
            .unwrap();
        let anew = answers.insert("a", &newest_of("why?", &[]), Context::new()).unwrap();
        assert_eq!((anew.version(), anew.info().type_version()), (7, Some("2024-b")));
        assert_eq!(stored(store, 7).get("text"), None);
        let retired = answers.retire("a", Context::new()).unwrap();
        assert_eq!(retired.type_version(), Some("2024-b"));
        assert_eq!(*answers.revive("a", Context::new()).unwrap(), *anew);
    });
}

#[test]
fn what_was_one_value_can_become_an_object_of_attributes() {
    for_each_driver(|store| {
        let numbers = Revisions::<u32>::open(store, PLACE).unwrap();
        numbers.insert("a", &7, Context::new()).unwrap();
        let builder = Revisions::<First>::builder(store, PLACE).version("2");
        let answers = builder.upcast("", "2", |object| {
            *object = Value::map([("score", object.clone()), ("text", "?".into())]);
        });
        let answers = answers.open().unwrap();
        let old = answers.current("a").unwrap().unwrap();
        assert_eq!(*old, asked("?", 7));
        answers.edit("a", Context::new(), |draft| draft.score = 8).unwrap();
        let late = answers.update(&old, Context::new(), |draft| draft.score = 9);
        assert!(late.unwrap_err().is_conflict());
        assert_eq!(stored(store, 2), Value::map([("score", 8.into()), ("text", Value::from("?"))]));
        assert_eq!(stored(store, 1), Value::from(7));
    });
}

#[test]
fn a_chain_of_upcasters_is_checked_when_a_collection_is_opened() {
    let memory = Store::new(MemoryDriver::new());
    let refused = |newest: &str, upcasters: &[(&str, &str)]| {
        let mut builder = Revisions::<First>::builder(&memory, PLACE).version(newest);
        for (from, to) in upcasters {
            builder = builder.upcast(*from, *to, |_| ());
        }
        let error = builder.open().err()?;
        assert_eq!(error.kind(), ErrorKind::Invalid);
        Some(error.to_string().strip_prefix("the upcasters of game/answers are no chain: ")?.to_owned())
    };
    assert_eq!(refused("c", &[("b", "c"), ("a", "b"), ("", "a")]), None);
    assert_eq!(refused("c", &[("b", "c"), ("a", "c")]), None);
    assert_eq!(refused("", &[("b", "")]), None);
    for (newest, upcasters, problem) in [
        (
            "c",
            &[("a", "b"), ("", "a")][..],
            "there is a gap: they lead to the type version `b`, and none from there to the type version `c`",
        ),
        (
            "",
            &[("", "a")],
            "one leads from the type version without a name to the type version `a`, and the first of \
             these is to be the newest",
        ),
        (
            "b",
            &[("a", "b"), ("b", "a")],
            "one leads from the type version `b` to the type version `a`, and the first of these is to be \
             the newest",
        ),
        ("c", &[("a", "b"), ("b", "a")], "they lead round in a circle: `a`, `b`, `a`"),
        ("c", &[("a", "a")], "they lead round in a circle: `a`, `a`"),
        ("c", &[("a", "c"), ("b", "c"), ("a", "b")], "two begin at the type version `a`"),
    ] {
        assert_eq!(refused(newest, upcasters).as_deref(), Some(problem), "{newest} {upcasters:?}");
    }
}

#[test]
fn a_type_version_that_is_not_known_is_named_and_can_be_read_as_a_value() {
    for_each_driver(|store| {
        let answers = newest(store);
        let one = answers.insert("a", &newest_of("what?", &[7]), Context::new()).unwrap();
        let old = second_builder::<Newest>(store).version("2024-a").open().unwrap();
        let unknown = |error: Error| {
            assert_eq!(error.kind(), ErrorKind::TypeMismatch);
            error.to_string()
        };
        let text = "the object `a` of game/answers, version 1, is of the type version `2024-b`, and no \
                    upcaster leads from there to the type version `2024-a`; `Revisions::untyped` reads it";
        assert_eq!(unknown(old.current("a").unwrap_err()), text);
        assert_eq!(unknown(old.get("a", 1).unwrap_err()), text);
        assert_eq!(unknown(old.iter().next().unwrap().unwrap_err()), text, "it is not skipped");
        assert_eq!(unknown(old.edit("a", Context::new(), |_| ()).unwrap_err()), text);
        assert_eq!(unknown(old.set("a", &newest_of("why?", &[]), Context::new()).unwrap_err()), text);
        assert_eq!(unknown(old.rollback_to(one.info(), Context::new()).unwrap_err()), text);
        let unnamed = first(store).current("a").unwrap_err().to_string();
        assert!(unnamed.contains("to the type version without a name;"), "{unnamed}");
        let members = [("question", "what?".into()), ("scores", Value::List(vec![7.into()]))];
        assert_eq!(stored(store, 1), Value::map(members.into_iter().chain([("language", Value::Null)])));

        // What needs no look at the content can be done all the same.
        assert_eq!(old.history("a").unwrap().count().unwrap(), 1);
        assert_eq!(old.delete("a", Context::new()).unwrap().state(), State::Deleted);
        let anew = old.insert("a", &newest_of("why?", &[]), Context::new()).unwrap();
        assert_eq!((anew.version(), anew.info().type_version()), (3, Some("2024-a")));
    });
}

#[test]
fn a_revision_that_does_not_fit_is_named_and_not_skipped_and_can_be_read_as_a_value() {
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Strict {
        text: String,
        score: String,
    }
    #[derive(Clone, Debug, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Denying {
        text: String,
    }
    #[derive(Clone, Debug, Serialize, Deserialize)]
    #[serde(try_from = "First")]
    struct Checked {
        text: String,
    }
    impl TryFrom<First> for Checked {
        type Error = &'static str;

        fn try_from(_: First) -> Result<Checked, &'static str> {
            Err("never")
        }
    }
    for_each_driver(|store| {
        let answers = first(store);
        answers.insert("a", &asked("what?", 7), Context::new()).unwrap();
        let strict = Revisions::<Strict>::open(store, PLACE).unwrap();
        let unfit = |error: Error| {
            let Error::Unfit { version: 1, attribute, .. } = &error else { panic!("{error:?}") };
            (attribute.clone(), error.to_string())
        };
        let text = "the object `a` of game/answers, version 1, attribute `score`, is not of the \
                    collection's type: wanted a string, stored is integer; `Revisions::untyped` reads it";
        let told = (Some("score".to_owned()), text.to_owned());
        assert_eq!(unfit(strict.current("a").unwrap_err()), told);
        assert_eq!(unfit(strict.get("a", 1).unwrap_err()), told);
        assert_eq!(unfit(strict.iter().next().unwrap().unwrap_err()), told);
        let infos: Vec<_> = strict.history("a").unwrap().into_iter().map(Result::unwrap).collect();
        assert_eq!(infos.len(), 1);
        assert_eq!(unfit(strict.load(&infos[0]).unwrap_err()), told);
        assert_eq!(unfit(strict.rollback_to(&infos[0], Context::new()).unwrap_err()), told);
        let value = untyped(store).load(&infos[0]).unwrap();
        assert_eq!(*value, Value::map([("text", "what?".into()), ("score", Value::from(7))]));

        let missing = Revisions::<Newest>::open(store, PLACE).unwrap().get("a", 1).unwrap_err();
        let (attribute, text) = unfit(missing);
        assert_eq!(attribute.as_deref(), Some("question"));
        assert!(text.contains("the field `question` is missing"), "{text}");
        let denying = Revisions::<Denying>::open(store, PLACE).unwrap().get("a", 1).unwrap_err();
        assert_eq!(unfit(denying).0.as_deref(), Some("score"), "the one that is denied");
        let whole = Revisions::<Checked>::open(store, PLACE).unwrap().get("a", 1).unwrap_err();
        assert_eq!(unfit(whole).0, None, "no one attribute is to blame");
        let single = Revisions::<u32>::open(store, PLACE).unwrap().get("a", 1).unwrap_err();
        assert_eq!(unfit(single).0, None);
    });
}

#[test]
fn an_upcaster_that_leaves_something_unfit_is_no_worse_than_none() {
    for_each_driver(|store| {
        first(store).insert("a", &asked("what?", 7), Context::new()).unwrap();
        let builder = second_builder::<Newest>(store).version("2024-a");
        let error = builder.open().unwrap().current("a").unwrap_err();
        let Error::Unfit { version: 1, attribute, .. } = error else { panic!("{error:?}") };
        assert_eq!(attribute.as_deref(), Some("scores"));
    });
}

#[test]
fn whoever_is_late_is_told_of_the_conflict_whatever_the_form() {
    for_each_driver(|store| {
        first(store).insert("a", &asked("what?", 7), Context::new()).unwrap();
        let answers = newest(store);
        let old = answers.current("a").unwrap().unwrap();
        let winner = answers.update(&old, by("ann"), |draft| draft.scores.clear()).unwrap();
        let late = answers.update(&old, by("ben"), |draft| draft.scores.push(8)).unwrap_err();
        assert_eq!(late.conflict().unwrap().lost_to, *winner.commit());
        assert_eq!(*answers.current("a").unwrap().unwrap(), *winner);
    });
}

#[test]
fn what_is_changed_as_a_value_stays_of_its_type_version() {
    for_each_driver(|store| {
        let answers = newest(store);
        let one = answers.insert("a", &newest_of("what?", &[7]), Context::new()).unwrap();
        first(store).insert("b", &asked("why?", 1), Context::new()).unwrap();
        let values = untyped(store);
        let set = |value: &mut Value, name: &str, to: Value| {
            let Value::Map(members) = value else { panic!("{value:?}") };
            members.insert(name.into(), to);
        };
        let two = values.edit("a", Context::new(), |value| set(value, "language", "en".into())).unwrap();
        assert_eq!((two.version(), two.info().type_version()), (2, Some("2024-b")));
        let read = answers.current("a").unwrap().unwrap();
        assert_eq!((read.language.as_deref(), &read.scores), (Some("en"), &vec![7]));
        let late = values.update(&values.get("a", 1).unwrap().unwrap(), Context::new(), |value| {
            set(value, "language", "de".into());
        });
        assert!(late.unwrap_err().is_conflict());

        let back = values.rollback_to(&one, Context::new()).unwrap();
        assert_eq!((back.version(), back.info().type_version()), (3, Some("2024-b")));
        answers.edit("b", Context::new(), |draft| draft.scores.push(2)).unwrap();
        let back = values.rollback_to(&values.get("b", 1).unwrap().unwrap(), Context::new()).unwrap();
        assert_eq!((back.version(), back.info().type_version()), (3, None));
        assert_eq!(answers.current("b").unwrap().unwrap().scores, [1]);
        assert_eq!(values.insert("c", &7.into(), Context::new()).unwrap().info().type_version(), None);
    });
}
