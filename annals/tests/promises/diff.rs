use std::collections::BTreeMap;

use annals::codec::Value;
use annals::{Change, Namespace, Position, Scope, Store};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::model::{Model, Name, Step, steps};

const NAMES: &[Name] = &[("a", "x"), ("a", "y"), ("a/b", "x"), ("a-b", "x"), ("ab", "x"), ("b", "z")];

fn scopes() -> [Scope; 4] {
    let namespace = |text| Namespace::new(text).unwrap();
    [Scope::All, Scope::Record(namespace("a")), Scope::Under(namespace("a")), Scope::Under(namespace("none"))]
}

/// The state of the scope after so many commits.
fn state(model: &Model, count: usize, scope: &Scope) -> BTreeMap<Name, Value> {
    let state = count.checked_sub(1).map(|index| model.states[index].clone()).unwrap_or_default();
    let in_scope = |name: &Name| scope.contains(&Namespace::new(name.0).unwrap());
    state.into_iter().filter(|(name, _)| in_scope(name)).map(|(name, (value, _))| (name, value)).collect()
}

fn diff_is_the_difference_of_two_replayed_states(
    store: &Store,
    steps: &[Step],
    ends: &[(Index, Index)],
) -> Result<(), TestCaseError> {
    let model = Model::replay(store, steps);
    let positions = usize::try_from(model.last_position().get()).unwrap() + 1;
    let position = |index: &Index| Position::new(index.index(positions) as u64).unwrap();
    for (from, to) in ends {
        let (from, to) = (position(from), position(to));
        for scope in scopes() {
            let before = state(&model, model.commits_through(from), &scope);
            let after = state(&model, model.commits_through(to), &scope);
            let mut expected: Vec<_> = before.keys().chain(after.keys()).copied().collect();
            expected.sort_unstable();
            expected.dedup();
            expected.retain(|name| before.get(name) != after.get(name));

            let found = store.at(from).unwrap().diff(&store.at(to).unwrap(), &scope);
            let found: Vec<_> = found.collect::<Result<_, _>>().unwrap();
            let names: Vec<_> =
                found.iter().map(|d| (d.key.namespace().as_str(), d.key.field().as_str())).collect();
            prop_assert_eq!(&names, &expected, "in key order, {:?} from {} to {}", scope, from, to);
            let value = |change: &Option<Change>| change.as_ref().map(|c| c.value().unwrap().unwrap());
            for (difference, name) in found.iter().zip(&expected) {
                prop_assert_eq!(value(&difference.before), before.get(name).cloned());
                prop_assert_eq!(value(&difference.after), after.get(name).cloned());
            }
        }
    }
    Ok(())
}

fn ends() -> impl Strategy<Value = Vec<(Index, Index)>> {
    prop::collection::vec(any::<(Index, Index)>(), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn diff_is_the_difference_of_two_replayed_states_in_memory(steps in steps(NAMES, 20), ends in ends()) {
        diff_is_the_difference_of_two_replayed_states(&crate::stores::memory(), &steps, &ends)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn diff_is_the_difference_of_two_replayed_states_in_sqlite(steps in steps(NAMES, 20), ends in ends()) {
        let folder = tempfile::tempdir().unwrap();
        diff_is_the_difference_of_two_replayed_states(&crate::stores::sqlite(&folder), &steps, &ends)?;
    }
}
