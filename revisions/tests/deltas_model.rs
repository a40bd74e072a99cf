//! Deltas tell all that happened: applied one after the other they make every revision of every object.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;

use annals_core::Store;
use annals_core::codec::Value;
use annals_revisions::{AttributeAction, Deltas, Error, ObjectAction, ObjectDelta, Revisions, State};
use proptest::prelude::*;

use common::{by, for_each_driver};

/// An attribute is a number, null, or not there.
type Note = BTreeMap<String, Option<i64>>;

#[derive(Clone, Debug)]
enum Step {
    Set(Note),
    Delete,
    Revive,
    Retire,
    RollBack(u64),
}

/// What one commit does: to which object, by whom.
type Steps = Vec<(usize, usize, Step)>;

const NAMES: [&str; 3] = ["a", "b", "c"];
const ACTORS: [&str; 3] = ["", "ann", "ben"];

fn note() -> impl Strategy<Value = Note> {
    prop::collection::btree_map("[xyz]", prop::option::of(0..3_i64), 0..4)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => note().prop_map(Step::Set),
        1 => Just(Step::Delete),
        1 => Just(Step::Revive),
        1 => Just(Step::Retire),
        1 => (1..6_u64).prop_map(Step::RollBack),
    ]
}

fn commits() -> impl Strategy<Value = Vec<Steps>> {
    let steps = prop::collection::vec((0..NAMES.len(), 0..ACTORS.len(), step()), 1..4);
    prop::collection::vec(steps, 1..12)
}

fn notes(store: &Store) -> Revisions<Note> {
    Revisions::open(store, "notes").unwrap()
}

/// Does the steps in one commit; those that cannot be done are left out.
fn commit(store: &Store, steps: &Steps) {
    let (notes, steps) = (notes(store), steps.clone());
    let _ = store
        .try_commit(by("whole"), |tx| {
            let objects = notes.in_transaction(tx);
            for (object, actor, step) in &steps {
                let (name, actor) = (NAMES[*object], ACTORS[*actor]);
                let done = by(actor).in_scope(|| match step {
                    Step::Set(note) => objects.set(name, note).map(drop),
                    Step::Delete => objects.delete(name),
                    Step::Revive => objects.revive(name).map(drop),
                    Step::Retire => objects.retire(name),
                    Step::RollBack(version) => match notes.get(name, *version)? {
                        Some(revision) => objects.rollback_to(&revision).map(drop),
                        None => Ok(()),
                    },
                });
                match done {
                    Ok(()) | Err(Error::NoObject { .. } | Error::WrongState { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        })
        .unwrap();
}

/// An object as its deltas have made it so far.
#[derive(Default)]
struct Replayed {
    version: u64,
    there: bool,
    note: BTreeMap<String, Value>,
}

impl Replayed {
    fn apply(&mut self, delta: &ObjectDelta) {
        self.version += 1;
        assert_eq!(delta.info().version(), self.version);
        let action = match (self.there, delta.info().state()) {
            (_, State::Deleted) => ObjectAction::Delete,
            (false, _) => ObjectAction::Create,
            (true, _) => ObjectAction::Update,
        };
        assert_eq!(delta.action(), action);
        self.there = action != ObjectAction::Delete;
        for attribute in delta.attributes() {
            let name = attribute.name().to_owned();
            let (before, after) = (attribute.before::<Value>().unwrap(), attribute.after::<Value>().unwrap());
            assert_eq!(before.as_ref(), self.note.get(&name), "{name}");
            assert_ne!(before, after, "{name}");
            let nothing = |value: &Option<Value>| matches!(value, None | Some(Value::Null));
            let unset = after.is_none() || nothing(&after) && !nothing(&before);
            assert_eq!(attribute.action() == AttributeAction::Unset, unset, "{name}");
            match after {
                Some(value) => drop(self.note.insert(name, value)),
                None => drop(self.note.remove(&name)),
            }
            let known = attribute.actor().is_none_or(|actor| ACTORS.contains(&actor));
            assert!(known, "each entry is told to be whose it is");
        }
    }
}

fn check(store: &Store, commits: &[Steps]) {
    commits.iter().for_each(|steps| commit(store, steps));
    let notes = notes(store);
    let mut replayed: BTreeMap<String, Replayed> = BTreeMap::new();
    let mut listed = Vec::new();
    for delta in Deltas::of(store) {
        let delta = delta.unwrap();
        let object = replayed.entry(delta.info().name().to_owned()).or_default();
        object.apply(&delta);
        let stored = notes.load(delta.info()).unwrap();
        let content: BTreeMap<String, Value> = stored
            .iter()
            .map(|(name, value)| (name.clone(), value.map_or(Value::Null, Value::from)))
            .collect();
        assert_eq!(object.note, content);
        assert_eq!(format!("{:?}", notes.delta(delta.info()).unwrap()), format!("{delta:?}"));
        listed.push(format!("{delta:?}"));
    }
    listed.reverse();
    let newest_first: Vec<_> =
        Deltas::of(store).newest_first().into_iter().map(|delta| format!("{:?}", delta.unwrap())).collect();
    assert_eq!(newest_first, listed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn deltas_replay_to_every_revision(commits in commits()) {
        check(&Store::new(annals_driver_memory::MemoryDriver::new()), &commits);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn deltas_replay_to_every_revision_on_each_driver(commits in commits()) {
        for_each_driver(|store| check(store, &commits));
    }
}
