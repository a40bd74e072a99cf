//! A collection does what a simple model does, whatever is done to it, through whichever handle.
//!
//! The model keeps of each object a list of its revisions. Two handles over one log take turns, each with
//! memories of its own, and now and then one is opened anew.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

use std::collections::BTreeMap;

use annals_core::{Durability, ErrorKind};
use annals_revisions::{Error, Revisions, State};
use common::{Place, by};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

type Content = BTreeMap<String, u8>;

const NAMES: [&str; 3] = ["a", "b c", "."];

#[derive(Clone, Debug)]
enum Do {
    Insert(Content),
    Set(Content),
    Edit(Content),
    Touch,
    /// From the revision that stands so far back.
    Update(usize, Content),
    Delete,
    Retire,
    Revive,
    RollbackTo(usize),
    RetireAt(usize),
    Purge,
    Reopen,
}

#[derive(Clone, Debug)]
struct Step {
    handle: usize,
    name: &'static str,
    what: Do,
    /// Whether all is read afterwards, which refreshes what the handles remember.
    look: bool,
}

/// Few members and few values, so that much is equal.
fn content() -> impl Strategy<Value = Content> {
    proptest::collection::btree_map(
        select(vec!["x".to_owned(), "y z".to_owned(), "__meta".to_owned()]),
        0..2_u8,
        0..3,
    )
}

fn step() -> impl Strategy<Value = Step> {
    // Mostly the newest ones, so that not every update is stale.
    let back = || prop_oneof![4 => Just(0), 1 => 1..5_usize];
    let what = prop_oneof![
        3 => content().prop_map(Do::Insert),
        2 => content().prop_map(Do::Set),
        2 => content().prop_map(Do::Edit),
        1 => Just(Do::Touch),
        4 => (back(), content()).prop_map(|(back, content)| Do::Update(back, content)),
        2 => Just(Do::Delete),
        1 => Just(Do::Retire),
        2 => Just(Do::Revive),
        2 => (0..6_usize).prop_map(Do::RollbackTo),
        1 => (0..6_usize).prop_map(Do::RetireAt),
        1 => Just(Do::Purge),
        1 => Just(Do::Reopen),
    ];
    (0..2_usize, select(&NAMES[..]), what, any::<bool>()).prop_map(|(handle, name, what, look)| Step {
        handle,
        name,
        what,
        look,
    })
}

#[derive(Clone, Debug, PartialEq)]
struct Kept {
    state: State,
    content: Content,
    restored_from: Option<u64>,
    purge: bool,
    erased: bool,
}

impl Kept {
    fn new(state: State, content: &Content) -> Kept {
        Kept { state, content: content.clone(), restored_from: None, purge: false, erased: false }
    }

    fn content(&self) -> Result<Content, Refused> {
        match self {
            Kept { purge: true, .. } => Err(Refused::Purged),
            Kept { erased: true, .. } => Err(Refused::Erased),
            Kept { content, .. } => Ok(content.clone()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Refused {
    NoObject,
    WrongState,
    Conflict,
    Purged,
    Erased,
}

fn refused(error: &Error) -> Refused {
    match error {
        Error::NoObject { .. } => Refused::NoObject,
        Error::WrongState { .. } => Refused::WrongState,
        Error::Purged { .. } => Refused::Purged,
        error if error.is_conflict() => Refused::Conflict,
        error if error.kind() == ErrorKind::Erased => Refused::Erased,
        error => panic!("{error}"),
    }
}

/// The revisions of each object; the first has version 1.
#[derive(Default)]
struct Model(BTreeMap<&'static str, Vec<Kept>>);

impl Model {
    /// Does a step; returns the version that is the answer.
    fn step(&mut self, Step { name, what, .. }: &Step) -> Result<u64, Refused> {
        let revisions = self.0.entry(name).or_default();
        let newest = revisions.last().cloned();
        let state = newest.as_ref().map_or(State::Deleted, |kept| kept.state);
        let content = newest.as_ref().map(|kept| kept.content.clone()).unwrap_or_default();
        let append = match what {
            Do::Insert(_) if state != State::Deleted => return Err(Refused::WrongState),
            Do::Set(new) if state == State::Locked && *new == content => return Ok(revisions.len() as u64),
            Do::Insert(new) | Do::Set(new) => Kept::new(State::Locked, new),
            Do::Edit(_) | Do::Touch | Do::Delete | Do::Retire if state == State::Deleted => {
                return Err(Refused::NoObject);
            }
            Do::Edit(_) | Do::Touch | Do::Retire if state == State::Retired => {
                return Err(Refused::WrongState);
            }
            Do::Edit(new) if *new == content => return Ok(revisions.len() as u64),
            Do::Edit(new) => Kept::new(State::Locked, new),
            Do::Touch => Kept::new(State::Locked, &content),
            Do::Delete => Kept::new(State::Deleted, &content),
            Do::Retire => Kept::new(State::Retired, &content),
            Do::Revive => match &newest {
                None => return Err(Refused::NoObject),
                Some(Kept { state: State::Locked, .. }) => return Err(Refused::WrongState),
                Some(Kept { purge: true, .. }) => return Err(Refused::Purged),
                Some(_) => Kept::new(State::Locked, &content),
            },
            Do::Update(back, new) => {
                let Some(version) = revisions.len().checked_sub(*back).filter(|version| *version > 0) else {
                    return Err(Refused::NoObject);
                };
                let from = &revisions[version - 1];
                let content = from.content()?;
                match from.state {
                    State::Deleted => return Err(Refused::NoObject),
                    State::Retired => return Err(Refused::WrongState),
                    _ if *new == content => return Ok(version as u64),
                    _ if version < revisions.len() => return Err(Refused::Conflict),
                    _ => Kept::new(State::Locked, new),
                }
            }
            Do::RollbackTo(version) | Do::RetireAt(version) => {
                let Some(to) = version.checked_sub(1).and_then(|index| revisions.get(index)) else {
                    return Err(Refused::NoObject);
                };
                let state = if matches!(what, Do::RollbackTo(_)) { State::Locked } else { State::Retired };
                Kept { restored_from: Some(*version as u64), ..Kept::new(state, &to.content()?) }
            }
            Do::Purge => {
                let Some(newest) = newest else { return Err(Refused::NoObject) };
                revisions.iter_mut().for_each(|kept| kept.erased = !kept.content.is_empty());
                if newest.purge {
                    return Ok(revisions.len() as u64);
                }
                Kept { purge: true, ..Kept::new(State::Deleted, &Content::new()) }
            }
            Do::Reopen => return Ok(0),
        };
        revisions.push(append);
        Ok(revisions.len() as u64)
    }
}

struct Real<'a> {
    place: &'a Place,
    handles: [Revisions<Content>; 2],
}

impl Real<'_> {
    fn new(place: &Place) -> Real<'_> {
        Real { place, handles: [open(place), open(place)] }
    }

    fn step(&mut self, Step { handle, name, what, .. }: &Step) -> Result<u64, Refused> {
        if matches!(what, Do::Reopen) {
            self.handles[*handle] = open(self.place);
            return Ok(0);
        }
        self.done(&self.handles[*handle], name, what).map_err(|error| refused(&error))
    }

    fn done(&self, objects: &Revisions<Content>, name: &str, what: &Do) -> Result<u64, Error> {
        let context = || by("dana").reason("a step");
        let no_object = || Error::NoObject { object: name.to_owned() };
        let newest = || objects.history(name)?.count();
        Ok(match what {
            Do::Insert(content) => objects.insert(name, content, context())?.version(),
            Do::Set(content) => objects.set(name, content, context())?.version(),
            Do::Edit(content) => objects.edit(name, context(), |it| it.clone_from(content))?.version(),
            Do::Touch => objects.touching().edit(name, context(), |_| ())?.version(),
            Do::Update(back, content) => {
                let version = newest()?.checked_sub(*back as u64).ok_or_else(no_object)?;
                let from = objects.get(name, version)?.ok_or_else(no_object)?;
                objects.update(&from, context(), |it| it.clone_from(content))?.version()
            }
            Do::Delete => objects.delete(name, context())?.version(),
            Do::Retire => objects.retire(name, context())?.version(),
            Do::Revive => objects.revive(name, context())?.version(),
            Do::RollbackTo(version) | Do::RetireAt(version) => {
                let skip = version.checked_sub(1).ok_or_else(no_object)?;
                let to =
                    objects.history(name)?.skip(skip).limit(1).into_iter().next().ok_or_else(no_object)??;
                if matches!(what, Do::RollbackTo(_)) {
                    objects.rollback_to(&to, context())?.version()
                } else {
                    objects.retire_at(&to, context())?.version()
                }
            }
            Do::Purge => {
                objects.purge(name, context())?;
                newest()?
            }
            Do::Reopen => 0,
        })
    }

    /// Compares everything that can be asked of the object.
    fn compare(&self, name: &str, revisions: &[Kept]) {
        for objects in &self.handles {
            let history: Vec<_> = objects.history(name).unwrap().into_iter().map(Result::unwrap).collect();
            assert_eq!(history.len(), revisions.len());
            for (index, (info, kept)) in history.iter().zip(revisions).enumerate() {
                let superseded = index + 1 < revisions.len() && kept.state == State::Locked;
                let state = if superseded { State::Retired } else { kept.state };
                assert_eq!((info.version(), info.state()), (index as u64 + 1, state));
                assert_eq!((info.restored_from(), info.is_purge()), (kept.restored_from, kept.purge));
                let read = objects.get(name, info.version()).map(|read| Content::clone(&read.unwrap()));
                assert_eq!(read.map_err(|error| refused(&error)), kept.content());
            }
            let shown = |objects: &Revisions<Content>| {
                objects.current(name).unwrap().map(|it| (it.version(), Content::clone(&it)))
            };
            let newest = revisions.last().map(|kept| (revisions.len() as u64, kept.content.clone()));
            let in_use = revisions.last().is_some_and(|kept| kept.state == State::Locked);
            let purged = revisions.last().is_some_and(|kept| kept.purge);
            assert_eq!(shown(objects), newest.clone().filter(|_| in_use));
            assert_eq!(shown(&objects.with_deleted()), newest.filter(|_| !purged));
        }
    }

    fn compare_all(&self, model: &Model) {
        let mut in_use = Vec::new();
        // In the order of the tokens: `_2e`, `a`, `b_20c`.
        for name in [".", "a", "b c"] {
            let revisions = model.0.get(name).map(Vec::as_slice).unwrap_or_default();
            self.compare(name, revisions);
            if let Some(Kept { state: State::Locked, content, .. }) = revisions.last() {
                in_use.push((name.to_owned(), content.clone()));
            }
        }
        for objects in &self.handles {
            let walked =
                objects.iter().map(Result::unwrap).map(|it| (it.name().to_owned(), Content::clone(&it)));
            assert_eq!(walked.collect::<Vec<_>>(), in_use);
            assert_eq!(objects.len().unwrap(), in_use.len());
        }
    }
}

fn open(place: &Place) -> Revisions<Content> {
    let store = place.builder().durability(Durability::Buffered).build();
    Revisions::open(&store, "objects").unwrap()
}

fn check(place: &Place, steps: &[Step]) {
    let (mut real, mut model) = (Real::new(place), Model::default());
    for step in steps {
        let expected = model.step(step);
        assert_eq!(real.step(step), expected, "{step:?}");
        if step.look {
            real.compare(step.name, &model.0[step.name]);
        }
    }
    real.compare_all(&model);
}

fn cases(default: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    Config { cases: asked.unwrap_or(default), failure_persistence: None, ..Config::default() }
}

fn agrees_on(place: fn() -> Option<Place>, default: u32) {
    let steps = proptest::collection::vec(step(), 1..40);
    let mut runner = TestRunner::new(cases(default));
    let run = runner.run(&steps, |steps| {
        place().iter().for_each(|place| check(place, &steps));
        Ok(())
    });
    run.unwrap();
}

#[test]
fn a_collection_agrees_with_a_simple_model_in_memory() {
    agrees_on(common::memory, 200);
}

#[test]
fn a_collection_agrees_with_a_simple_model_in_sqlite() {
    agrees_on(common::sqlite, 30);
}

#[test]
fn a_collection_agrees_with_a_simple_model_in_postgres() {
    agrees_on(common::postgres, 6);
}
