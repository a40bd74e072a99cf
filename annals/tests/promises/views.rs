use annals::codec::Value;
use annals::{Change, Moment, Position, Record, Store, View};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::model::{Model, Name, Step, alike, steps};

on_every_driver! {
    one_true_and_one_point_zero_are_three_conditions,
    a_commit_of_score_and_round_belongs_to_that_round,
    an_along_view_answers_for_the_last_stretch_of_its_value,
}

fn one_true_and_one_point_zero_are_three_conditions(store: &Store) {
    let player = store.record("p").unwrap();
    for (round, score) in [(Value::from(1), 10), (Value::from(true), 20), (Value::from(1.0), 30)] {
        player.set("round", &round).unwrap();
        player.set("score", &score).unwrap();
    }
    player.set("round", "over").unwrap();
    let score = |view: View| view.get::<i64>("score").unwrap();
    assert_eq!(score(player.within("round", &1).unwrap()), Some(10));
    assert_eq!(score(player.within("round", &true).unwrap()), Some(20));
    assert_eq!(score(player.within("round", &1.0).unwrap()), Some(30));
    assert_eq!(score(player.within("round", "1").unwrap()), None);
}

fn a_commit_of_score_and_round_belongs_to_that_round(store: &Store) {
    let player = store.record("p").unwrap();
    player.set("round", &1).unwrap();
    player.set("score", &5).unwrap();
    let both = store.commit(annals::Context::new(), |tx| {
        let player = tx.record("p")?;
        player.set("score", &7)?;
        player.set("round", &2)
    });
    assert!(both.unwrap().receipt.is_some());
    assert_eq!(player.within("round", &1).unwrap().get("score").unwrap(), Some(5));
    let second = player.within("round", &2).unwrap().strict();
    assert_eq!(second.get("score").unwrap(), Some(7));
}

fn an_along_view_answers_for_the_last_stretch_of_its_value(store: &Store) {
    let player = store.record("p").unwrap();
    for (round, score) in [(1, 10), (2, 20), (1, 30)] {
        player.set("round", &round).unwrap();
        player.set("score", &score).unwrap();
    }
    let along: Vec<(i64, i64)> = player
        .along("round")
        .unwrap()
        .map(|step| {
            let (change, view) = step.unwrap();
            (change.get().unwrap().unwrap(), view.get("score").unwrap().unwrap())
        })
        .collect();
    assert_eq!(along, [(1, 30), (2, 20), (1, 30)]);
}

const RECORD: &str = "r";
const FIELDS: [&str; 3] = ["a", "b", "c"];
/// The other record is there to disturb.
const NAMES: &[Name] = &[("r", "a"), ("r", "b"), ("r", "c"), ("r/a", "a")];

type Conditions = Vec<(&'static str, Value)>;

/// A view to be asked for: as of where, under which conditions, and how.
#[derive(Clone, Debug)]
struct Query {
    /// `None`: now, on a live record.
    at: Option<Index>,
    conditions: Conditions,
    strict: bool,
    field: &'static str,
    along: [&'static str; 2],
}

fn queries() -> impl Strategy<Value = Vec<Query>> {
    let field = || prop::sample::select(&FIELDS[..]);
    let condition = (field(), alike());
    let query = (
        prop::option::of(any::<Index>()),
        prop::collection::vec(condition, 0..3),
        any::<bool>(),
        field(),
        [field(), field()],
    );
    let query = query.prop_map(|(at, conditions, strict, field, along)| Query {
        at,
        conditions,
        strict,
        field,
        along,
    });
    prop::collection::vec(query, 1..8)
}

impl Model {
    fn holds(&self, commit: usize, conditions: &[(&'static str, Value)]) -> bool {
        let state = &self.states[commit];
        conditions
            .iter()
            .all(|(field, wanted)| state.get(&(RECORD, *field)).is_some_and(|(value, _)| value == wanted))
    }

    /// The answer of a view over the first `count` commits.
    fn within(
        &self,
        count: usize,
        conditions: &[(&'static str, Value)],
        strict: bool,
        field: &'static str,
    ) -> Option<Value> {
        let end = (0..count).rfind(|commit| self.holds(*commit, conditions))?;
        let start = (0..end).rfind(|commit| !self.holds(*commit, conditions)).map_or(0, |broken| broken + 1);
        let (value, written) = self.states[end].get(&(RECORD, field))?;
        (!strict || *written >= start).then(|| value.clone())
    }

    /// The values of a field that were written while conditions held.
    fn along(&self, count: usize, conditions: &[(&'static str, Value)], field: &'static str) -> Vec<Value> {
        let written = (0..count).filter(|commit| self.holds(*commit, conditions));
        written.filter_map(|commit| self.steps[commit].get(&(RECORD, field))?.clone()).collect()
    }
}

fn ask<M: Moment>(
    record: &Record<M>,
    count: usize,
    query: &Query,
    model: &Model,
) -> Result<(), TestCaseError> {
    let Query { conditions, strict, field, along: [first, _], .. } = query;
    let Some(((one, value), more)) = conditions.split_first() else {
        let along: Vec<_> = record.along(*first).unwrap().collect::<Result<_, _>>().unwrap();
        return compare_along(along, count, &Query { strict: false, ..query.clone() }, model);
    };
    let view = record.within(*one, value).unwrap();
    let view = more.iter().fold(view, |view, (field, value)| view.and(*field, value).unwrap());
    let view = if *strict { view.strict() } else { view };
    prop_assert_eq!(view.get::<Value>(*field).unwrap(), model.within(count, conditions, *strict, field));
    let along: Vec<_> = view.along(*first).unwrap().collect::<Result<_, _>>().unwrap();
    compare_along(along, count, query, model)
}

/// Compares each step, its view, and the steps along another field inside that view.
fn compare_along<M: Moment>(
    along: Vec<(Change, View<M>)>,
    count: usize,
    Query { conditions, strict, field, along: [first, second], .. }: &Query,
    model: &Model,
) -> Result<(), TestCaseError> {
    let values: Vec<Value> = along.iter().map(|(change, _)| change.value().unwrap().unwrap()).collect();
    prop_assert_eq!(&values, &model.along(count, conditions, first));
    for (value, (_, view)) in values.into_iter().zip(along) {
        let mut narrowed = conditions.clone();
        narrowed.push((*first, value));
        prop_assert_eq!(view.get::<Value>(*field).unwrap(), model.within(count, &narrowed, *strict, field));
        let nested = view.along(*second).unwrap();
        let nested: Vec<Value> = nested.map(|step| step.unwrap().0.value().unwrap().unwrap()).collect();
        prop_assert_eq!(nested, model.along(count, &narrowed, second));
    }
    Ok(())
}

fn views_answer_as_a_replay_of_all_commits(
    store: &Store,
    steps: &[Step],
    queries: &[Query],
) -> Result<(), TestCaseError> {
    let model = Model::replay(store, steps);
    let record = store.record(RECORD).unwrap();
    for query in queries {
        match query.at {
            None => ask(&record, model.steps.len(), query, &model)?,
            Some(index) => {
                let numbers = usize::try_from(model.last_position().get()).unwrap() + 1;
                let at = Position::new(index.index(numbers) as u64).unwrap();
                ask(&record.at(at).unwrap(), model.commits_through(at), query, &model)?;
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn views_answer_as_a_replay_of_all_commits_in_memory(steps in steps(NAMES, 30), queries in queries()) {
        views_answer_as_a_replay_of_all_commits(&crate::stores::memory(), &steps, &queries)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn views_answer_as_a_replay_of_all_commits_in_sqlite(steps in steps(NAMES, 20), queries in queries()) {
        let folder = tempfile::tempdir().unwrap();
        views_answer_as_a_replay_of_all_commits(&crate::stores::sqlite(&folder), &steps, &queries)?;
    }
}
