//! Objects of several forms beside one another are what a simple model says, whoever works on them: programs
//! of an old type, of the newest, and one that knows neither.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

use std::collections::BTreeMap;

use annals_core::codec::Value;
use annals_core::{Context, Durability, Store};
use annals_revisions::{Revisions, State};
use common::Place;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Old {
    text: String,
    score: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Newest {
    question: String,
    scores: Vec<u8>,
}

const NEWEST: Option<&str> = Some("2");

fn newest(store: &Store) -> Revisions<Newest> {
    let builder = Revisions::builder(store, "answers").version("2").upcast("1", "2", |object| {
        let Value::Map(members) = object else { return };
        let score = members.remove(&"score".into()).unwrap();
        members.insert("scores".into(), Value::List(vec![score]));
    });
    let builder = builder.upcast("", "1", |object| match object {
        Value::Map(members) => {
            let text = members.remove(&"text".into()).unwrap();
            members.insert("question".into(), text);
        }
        number => *number = Value::map([("question", "?".into()), ("score", number.clone())]),
    });
    builder.open().unwrap()
}

#[derive(Clone, Copy, Debug)]
enum Form {
    /// A number.
    Number,
    Old,
    Newest,
}

/// Who does it: a program of the newest type, or one that knows no type.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Newest,
    Untyped,
}

#[derive(Clone, Copy, Debug)]
enum Do {
    Insert(Form, u8),
    Push(u8),
    Touch,
    Delete(By),
    Retire(By),
    Revive(By),
    /// To the revision that stands so far back.
    RollbackTo(usize, By),
    RetireAt(usize, By),
}

fn step() -> impl Strategy<Value = (&'static str, Do)> {
    let by = || select(vec![By::Newest, By::Untyped]);
    let form = select(vec![Form::Number, Form::Old, Form::Newest]);
    let what = prop_oneof![
        3 => (form, 0..2_u8).prop_map(|(form, score)| Do::Insert(form, score)),
        3 => (0..2_u8).prop_map(Do::Push),
        1 => Just(Do::Touch),
        2 => by().prop_map(Do::Delete),
        1 => by().prop_map(Do::Retire),
        2 => by().prop_map(Do::Revive),
        2 => (0..4_usize, by()).prop_map(|(back, by)| Do::RollbackTo(back, by)),
        1 => (0..4_usize, by()).prop_map(|(back, by)| Do::RetireAt(back, by)),
    ];
    (select(vec!["a", "b"]), what)
}

/// A revision: its content as the newest type has it, the type version that it is stored in, its state.
#[derive(Clone, Debug, PartialEq)]
struct Kept {
    content: Newest,
    type_version: Option<&'static str>,
    state: State,
}

/// Returns what the object is after `what`, `None` if that cannot be done.
fn expected(kept: &[Kept], what: Do) -> Option<Kept> {
    let last = kept.last();
    let in_state = |states: &[State]| last.filter(|last| states.contains(&last.state)).cloned();
    let back = |back: usize| kept.len().checked_sub(back + 1).map(|place| kept[place].clone());
    let restored = |found: Kept, by: By, state| match by {
        By::Newest => Kept { type_version: NEWEST, state, ..found },
        By::Untyped => Kept { state, ..found },
    };
    match what {
        Do::Insert(form, score) => {
            let (question, type_version) = match form {
                Form::Number => ("?", None),
                Form::Old => ("old?", None),
                Form::Newest => ("new?", NEWEST),
            };
            let content = Newest { question: question.into(), scores: vec![score] };
            let free = last.is_none_or(|last| last.state == State::Deleted);
            free.then_some(Kept { content, type_version, state: State::Locked })
        }
        Do::Push(score) => in_state(&[State::Locked]).map(|mut kept| {
            kept.content.scores.push(score);
            Kept { type_version: NEWEST, ..kept }
        }),
        Do::Touch => in_state(&[State::Locked]).map(|kept| Kept { type_version: NEWEST, ..kept }),
        Do::Delete(_) => {
            in_state(&[State::Locked, State::Retired]).map(|kept| Kept { state: State::Deleted, ..kept })
        }
        Do::Retire(_) => in_state(&[State::Locked]).map(|kept| Kept { state: State::Retired, ..kept }),
        Do::Revive(_) => {
            in_state(&[State::Deleted, State::Retired]).map(|kept| Kept { state: State::Locked, ..kept })
        }
        Do::RollbackTo(place, by) => back(place).map(|found| restored(found, by, State::Locked)),
        Do::RetireAt(place, by) => back(place).map(|found| restored(found, by, State::Retired)),
    }
}

/// Does it, and returns whether it was done.
fn done(store: &Store, newest: &Revisions<Newest>, name: &str, versions: usize, what: Do) -> bool {
    let none = Context::new;
    let untyped = Revisions::untyped(store, "answers").unwrap();
    let info = |back: usize| {
        let skip = versions.checked_sub(back + 1)?;
        untyped.history(name).unwrap().skip(skip).limit(1).into_iter().next().map(Result::unwrap)
    };
    match what {
        Do::Insert(Form::Number, score) => {
            Revisions::open(store, "answers").unwrap().insert(name, &score, none()).is_ok()
        }
        Do::Insert(Form::Old, score) => {
            let content = Old { text: "old?".into(), score };
            Revisions::open(store, "answers").unwrap().insert(name, &content, none()).is_ok()
        }
        Do::Insert(Form::Newest, score) => {
            newest.insert(name, &Newest { question: "new?".into(), scores: vec![score] }, none()).is_ok()
        }
        Do::Push(score) => newest.edit(name, none(), |draft| draft.scores.push(score)).is_ok(),
        Do::Touch => newest.touching().edit(name, none(), |_| ()).is_ok(),
        Do::Delete(By::Newest) => newest.delete(name, none()).is_ok(),
        Do::Delete(By::Untyped) => untyped.delete(name, none()).is_ok(),
        Do::Retire(By::Newest) => newest.retire(name, none()).is_ok(),
        Do::Retire(By::Untyped) => untyped.retire(name, none()).is_ok(),
        Do::Revive(By::Newest) => newest.revive(name, none()).is_ok(),
        Do::Revive(By::Untyped) => untyped.revive(name, none()).is_ok(),
        Do::RollbackTo(back, by) => info(back).is_some_and(|info| match by {
            By::Newest => newest.rollback_to(&info, none()).is_ok(),
            By::Untyped => untyped.rollback_to(&info, none()).is_ok(),
        }),
        Do::RetireAt(back, by) => info(back).is_some_and(|info| match by {
            By::Newest => newest.retire_at(&info, none()).is_ok(),
            By::Untyped => untyped.retire_at(&info, none()).is_ok(),
        }),
    }
}

/// Returns the revisions of an object, each in the state that it was made in.
fn kept(answers: &Revisions<Newest>, name: &str) -> Vec<Kept> {
    let of = |info| {
        let revision = answers.load(&info).unwrap();
        let type_version =
            revision.info().type_version().map(|version| if version == "2" { "2" } else { "?" });
        let state = answers.delta(&info).unwrap().info().state();
        Kept { content: Newest::clone(&revision), type_version, state }
    };
    answers.history(name).unwrap().into_iter().map(|info| of(info.unwrap())).collect()
}

fn check(place: &Place, steps: &[(&'static str, Do)]) {
    let store = place.builder().durability(Durability::Buffered).build();
    let answers = newest(&store);
    let mut model: BTreeMap<&str, Vec<Kept>> = BTreeMap::new();
    for (name, what) in steps {
        let of_model = model.entry(name).or_default();
        let expected = expected(of_model, *what);
        let was_done = done(&store, &answers, name, of_model.len(), *what);
        assert_eq!(was_done, expected.is_some(), "{what:?} of {of_model:?}");
        of_model.extend(expected);
        assert_eq!(kept(&answers, name), *of_model, "after {what:?}");
        for answers in [&answers, &newest(&store)] {
            let current = answers.with_deleted().current(name).unwrap();
            let current = current.map(|revision| Newest::clone(&revision));
            assert_eq!(current, of_model.last().map(|kept| kept.content.clone()), "after {what:?}");
        }
    }
}

fn agrees_on(place: fn() -> Option<Place>, default: u32) {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let config = Config { cases: asked.unwrap_or(default), failure_persistence: None, ..Config::default() };
    let steps = proptest::collection::vec(step(), 1..25);
    let run = TestRunner::new(config).run(&steps, |steps| {
        place().iter().for_each(|place| check(place, &steps));
        Ok(())
    });
    run.unwrap();
}

#[test]
fn forms_beside_one_another_agree_with_a_simple_model_in_memory() {
    agrees_on(common::memory, 200);
}

#[test]
fn forms_beside_one_another_agree_with_a_simple_model_in_sqlite() {
    agrees_on(common::sqlite, 20);
}

#[test]
fn forms_beside_one_another_agree_with_a_simple_model_in_postgres() {
    agrees_on(common::postgres, 5);
}
