//! Collections in collections, to any depth.

use annals_core::codec::{MAX_DEPTH, assert_round_trip, encode};
use annals_revisions::{Immutable, List, Map, Set};
use serde::{Deserialize, Serialize};

/// A document of any shape.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Node {
    Text(String),
    List(List<Node>),
    Map(Map<String, Node>),
    Set(Set<Node>),
}

impl Node {
    /// Returns what stands one step further down.
    fn below(&mut self, step: &str) -> Option<&mut Node> {
        match self {
            Node::Text(_) | Node::Set(_) => None,
            Node::List(list) => list.get_mut(step.parse().ok()?),
            Node::Map(map) => map.get_mut(step),
        }
    }

    fn at(&mut self, path: &[&str]) -> Option<&mut Node> {
        path.iter().try_fold(self, |node, step| node.below(step))
    }
}

fn text(text: &str) -> Node {
    Node::Text(text.to_owned())
}

#[test]
fn a_leaf_is_changed_at_any_depth() {
    let leaves = Map::from([("a".to_owned(), text("old")), ("b".to_owned(), text("kept"))]);
    let steps = ["x", "0"].repeat(30);
    let deep = steps.iter().rev().fold(Node::Map(leaves.clone()), |inner, step| match *step {
        "0" => Node::List(List::from([inner, text("beside")])),
        name => Node::Map(Map::from([(name.to_owned(), inner), ("beside".to_owned(), text("beside"))])),
    });
    let old = Immutable::new(deep);
    let path = [steps.as_slice(), &["a"]].concat();
    let new = old.update(|draft| *draft.at(&path).unwrap() = text("new"));

    let leaf = |version: &Immutable<Node>, name| {
        let path = [steps.as_slice(), &[name]].concat();
        version.clone().into_inner().at(&path).cloned()
    };
    assert_eq!((leaf(&old, "a"), leaf(&new, "a")), (Some(text("old")), Some(text("new"))));
    assert_eq!((leaf(&old, "b"), leaf(&new, "b")), (Some(text("kept")), Some(text("kept"))));
    assert_ne!(old, new);
    assert_eq!(old, new.update(|draft| *draft.at(&path).unwrap() = text("old")));
    assert_round_trip(&old);
}

#[test]
fn what_did_not_change_is_shared() {
    let page = |name: &str| List::from([name.to_owned(), "the same".to_owned()]);
    let old = Immutable::new(Map::from([("a", List::from([page("1"), page("2")])), ("b", List::new())]));
    let new = old.update(|draft| draft["a"][0][0].push('!'));
    let at = |version: &Immutable<Map<_, List<List<String>>>>, page: usize, line: usize| {
        version["a"][page][line].as_ptr()
    };
    assert_eq!((new["a"][0][0].as_str(), old["a"][0][0].as_str()), ("1!", "1"));
    assert_ne!(at(&new, 0, 0), at(&old, 0, 0));
    assert_eq!(at(&new, 0, 1), at(&old, 0, 1));
    assert!(std::ptr::eq(&new["a"][1], &old["a"][1]) && !std::ptr::eq(&new["a"][0], &old["a"][0]));
    assert!(std::ptr::eq(&new["b"], &old["b"]));
}

#[test]
fn what_is_too_deep_to_be_stored_is_refused() {
    let nested = |levels: usize| {
        (0..levels).fold(Node::Text(String::new()), |inner, _| Node::List(List::from([inner])))
    };
    let levels = (MAX_DEPTH - 1) / 2;
    assert!(encode(&nested(levels)).is_ok());
    let told = encode(&nested(levels + 1)).unwrap_err().to_string();
    assert_eq!(told, "nested deeper than 128 levels");
}
