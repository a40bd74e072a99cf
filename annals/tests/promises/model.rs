//! A store that is too simple to be wrong: the whole state after every commit, in a vector.

use std::collections::BTreeMap;

use annals::codec::Value;
use annals::{Context, Position, Store};
use proptest::prelude::*;

/// Namespace and field.
pub(crate) type Name = (&'static str, &'static str);

/// What a commit does to each key: set to a value, or delete.
pub(crate) type Step = BTreeMap<Name, Option<Value>>;

/// A value, and the index of the commit that wrote it.
type Written = (Value, usize);

#[derive(Debug)]
pub(crate) struct Model {
    /// What each commit did, after deletions of nothing were left out; none is empty.
    pub(crate) steps: Vec<Step>,
    /// The position of each commit's last entry.
    pub(crate) ends: Vec<Position>,
    /// The state after each commit.
    pub(crate) states: Vec<BTreeMap<Name, Written>>,
}

impl Model {
    /// Makes the same commits in `store` and in the model.
    pub(crate) fn replay(store: &Store, steps: &[Step]) -> Model {
        let mut model = Model { steps: Vec::new(), ends: Vec::new(), states: Vec::new() };
        let mut state = BTreeMap::new();
        for step in steps {
            let mut step = step.clone();
            step.retain(|name, value| value.is_some() || state.contains_key(name));
            if step.is_empty() {
                continue;
            }
            let done = store.commit(Context::new(), |tx| {
                step.iter().try_for_each(|((namespace, field), value)| match value {
                    Some(value) => tx.record(*namespace)?.set(*field, value),
                    None => tx.record(*namespace)?.delete(*field),
                })
            });
            model.ends.push(done.unwrap().receipt.unwrap().position());
            for (name, value) in &step {
                match value {
                    Some(value) => drop(state.insert(*name, (value.clone(), model.steps.len()))),
                    None => drop(state.remove(name)),
                }
            }
            model.states.push(state.clone());
            model.steps.push(step);
        }
        model
    }

    /// How many commits there were up to a position.
    pub(crate) fn commits_through(&self, position: Position) -> usize {
        self.ends.iter().filter(|end| **end <= position).count()
    }

    pub(crate) fn last_position(&self) -> Position {
        self.ends.last().copied().unwrap_or(Position::START)
    }
}

/// Values that a careless comparison takes for one another.
pub(crate) fn alike() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        Value::from(1),
        Value::from(true),
        Value::from(1.0),
        Value::from("1"),
        Value::Null,
        Value::from(2),
    ])
}

/// Commits of one to three entries over `names`, a third of them deletions.
pub(crate) fn steps(names: &'static [Name], count: usize) -> impl Strategy<Value = Vec<Step>> {
    let value = prop_oneof![2 => alike().prop_map(Some), 1 => Just(None)];
    let step = prop::collection::btree_map(prop::sample::select(names), value, 1..4);
    prop::collection::vec(step, 0..count)
}
