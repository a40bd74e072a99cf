//! Random graphs of objects under random rules, compared with a model that is too simple to be wrong.

use std::collections::{BTreeMap, BTreeSet};

use annals_core::{Context, Store};
use annals_revisions::{Error, OnDelete, Revisions, State};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::common::for_each_driver;

/// Two collections, 0 and 1, whose objects have the same attributes.
type Id = (usize, u8);

const NAMES: u8 = 15;
const FALLBACK: u8 = 0;

/// A reference attribute of a [`Node`], by its place in [`Node::held`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    Cascade,
    SetNull,
    SetDefault,
    Set,
    Restrict,
    DoNothing,
}

const ATTRIBUTES: [(&str, Rule); 8] = [
    ("parent", Rule::Cascade),
    ("parents", Rule::Cascade),
    ("friend", Rule::SetNull),
    ("friends", Rule::SetNull),
    ("default", Rule::SetDefault),
    ("set", Rule::Set),
    ("lock", Rule::Restrict),
    ("note", Rule::DoNothing),
];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Node {
    parent: Option<String>,
    parents: Vec<String>,
    friend: Option<String>,
    friends: Vec<String>,
    default: Option<String>,
    set: Option<String>,
    lock: Option<String>,
    note: Option<String>,
}

impl Node {
    /// What the default of `default` is.
    fn fallback() -> Node {
        Node { default: Some(FALLBACK.to_string()), ..Node::default() }
    }

    fn single(&mut self, attribute: usize) -> Option<&mut Option<String>> {
        Some(match attribute {
            0 => &mut self.parent,
            2 => &mut self.friend,
            4 => &mut self.default,
            5 => &mut self.set,
            6 => &mut self.lock,
            7 => &mut self.note,
            _ => return None,
        })
    }

    fn held(&self, attribute: usize) -> BTreeSet<u8> {
        let mut copy = self.clone();
        let list = match attribute {
            1 => copy.parents.clone(),
            3 => copy.friends.clone(),
            _ => copy.single(attribute).unwrap().iter().cloned().collect(),
        };
        list.iter().map(|name| name.parse().unwrap()).collect()
    }
}

/// Which collection an attribute of the objects of a collection refers to.
fn target(collection: usize, attribute: usize) -> usize {
    if attribute == 0 || attribute == 6 { collection } else { (collection + attribute) % 2 }
}

#[derive(Clone, Debug)]
enum Step {
    Insert(Id, Node),
    Update(Id, Node),
    Delete(Id),
    /// With the plan made before.
    Apply(Id),
    Revive(Id),
    ReviveAll(Id),
    Retire(Id),
}

/// An object that is or was there.
#[derive(Clone, Debug, PartialEq)]
struct Object {
    node: Node,
    state: State,
    version: u64,
}

/// What a deletion did: each object before and the version that it made.
type Deletion = BTreeMap<Id, (Object, u64)>;

#[derive(Default)]
struct Model {
    objects: BTreeMap<Id, Object>,
    deletions: Vec<Deletion>,
}

impl Model {
    fn exists(&self, id: Id) -> bool {
        self.objects.get(&id).is_some_and(|object| object.state != State::Deleted)
    }

    /// The references of an object that has this content: attribute and target.
    fn references((collection, _): Id, node: &Node) -> Vec<(usize, Id)> {
        let of = |attribute| {
            let held = node.held(attribute).into_iter();
            held.map(move |name| (attribute, (target(collection, attribute), name)))
        };
        (0..ATTRIBUTES.len()).flat_map(of).collect()
    }

    /// Whether all that is new in a content exists; an object may refer to itself.
    fn may_be(&self, id: Id, node: &Node) -> bool {
        let before = self.objects.get(&id).filter(|before| before.state != State::Deleted);
        let before = before.map(|before| Model::references(id, &before.node)).unwrap_or_default();
        let mut new = Model::references(id, node).into_iter().filter(|reference| !before.contains(reference));
        new.all(|(attribute, to)| ATTRIBUTES[attribute].1 == Rule::DoNothing || to == id || self.exists(to))
    }

    fn put(&mut self, id: Id, node: Node, state: State) -> bool {
        if !self.may_be(id, &node) {
            return false;
        }
        let version = self.objects.get(&id).map_or(1, |object| object.version + 1);
        self.objects.insert(id, Object { node, state, version });
        true
    }

    fn referring(&self, gone: &BTreeSet<Id>, rule: Rule) -> Vec<(Id, usize, Id)> {
        let there = self.objects.iter().filter(|(_, object)| object.state != State::Deleted);
        there
            .flat_map(|(id, object)| {
                Model::references(*id, &object.node).into_iter().map(|(a, to)| (*id, a, to))
            })
            .filter(|(_, attribute, to)| ATTRIBUTES[*attribute].1 == rule && gone.contains(to))
            .collect()
    }

    fn delete(&mut self, root: Id) -> bool {
        let mut gone = BTreeSet::from([root]);
        loop {
            let more: BTreeSet<Id> =
                self.referring(&gone, Rule::Cascade).into_iter().map(|(id, ..)| id).collect();
            if more.is_subset(&gone) {
                break;
            }
            gone.extend(more);
        }
        if self.referring(&gone, Rule::Restrict).iter().any(|(id, _, to)| id != to) {
            return false;
        }
        let mut after = self.objects.clone();
        for rule in [Rule::SetNull, Rule::SetDefault, Rule::Set] {
            for (id, attribute, to) in self.referring(&gone, rule) {
                if gone.contains(&id) {
                    continue;
                }
                let by = (rule != Rule::SetNull).then_some(FALLBACK);
                if by.is_some_and(|by| !self.exists((to.0, by)) || gone.contains(&(to.0, by))) {
                    return false;
                }
                let node = &mut after.get_mut(&id).unwrap().node;
                match node.single(attribute) {
                    Some(single) => *single = by.map(|by| by.to_string()),
                    None => node.friends.retain(|friend| *friend != to.1.to_string()),
                }
            }
        }
        let mut deletion = Deletion::new();
        for (id, before) in &self.objects {
            let after = after.get_mut(id).unwrap();
            if gone.contains(id) {
                after.state = State::Deleted;
            }
            if after != before {
                after.version += 1;
                deletion.insert(*id, (before.clone(), after.version));
            }
        }
        self.objects = after;
        self.deletions.push(deletion);
        true
    }

    fn revive_all(&mut self, id: Id) -> bool {
        let deletion = self.deletions.iter().rev().find(|deletion| deletion.contains_key(&id)).cloned();
        // Deleted, and not changed by anything since.
        let Some(deletion) = deletion else { return false };
        let mut back: BTreeMap<Id, Object> = deletion
            .into_iter()
            .filter(|(id, (_, version))| self.objects[id].version == *version)
            .map(|(id, (before, version))| (id, Object { version: version + 1, ..before }))
            .collect();
        loop {
            let lacks = |(id, object): &(&Id, &Object)| {
                let now = &self.objects[*id];
                let had =
                    if now.state == State::Deleted { vec![] } else { Model::references(**id, &now.node) };
                let new = Model::references(**id, &object.node).into_iter().filter(|r| !had.contains(r));
                let checked = new.filter(|(attribute, _)| ATTRIBUTES[*attribute].1 != Rule::DoNothing);
                checked.into_iter().any(|(_, to)| !self.exists(to) && !back.contains_key(&to))
            };
            let lacking: Vec<Id> = back.iter().filter(lacks).map(|(id, _)| *id).collect();
            if lacking.contains(&id) {
                return false;
            }
            if lacking.is_empty() {
                break;
            }
            lacking.iter().for_each(|id| drop(back.remove(id)));
        }
        self.objects.extend(back);
        true
    }

    /// Does a step, and returns whether that can be done.
    fn step(&mut self, step: &Step) -> bool {
        match step {
            Step::Insert(id, node) => !self.exists(*id) && self.put(*id, node.clone(), State::Locked),
            Step::Update(id, node) => {
                let is = self.objects.get(id).filter(|object| object.state == State::Locked);
                let Some(is) = is.cloned() else { return false };
                is.node == *node || self.put(*id, node.clone(), State::Locked)
            }
            Step::Delete(id) | Step::Apply(id) => self.exists(*id) && self.delete(*id),
            Step::Revive(id) => match self.objects.get(id).cloned() {
                Some(object) if object.state != State::Locked => self.put(*id, object.node, State::Locked),
                _ => false,
            },
            Step::ReviveAll(id) => self.objects.contains_key(id) && !self.exists(*id) && self.revive_all(*id),
            Step::Retire(id) => match self.objects.get(id).cloned() {
                Some(object) if object.state == State::Locked => self.put(*id, object.node, State::Retired),
                _ => false,
            },
        }
    }
}

fn collections(store: &Store) -> [Revisions<Node>; 2] {
    let both = ["zero", "one"].map(|name| Revisions::open(store, name).unwrap());
    for (collection, objects) in both.iter().enumerate() {
        for (attribute, (name, rule)) in ATTRIBUTES.iter().enumerate() {
            let rule = match rule {
                Rule::Cascade => OnDelete::Cascade,
                Rule::SetNull => OnDelete::SetNull,
                Rule::SetDefault => OnDelete::SetDefault(Node::fallback),
                Rule::Set if collection == 0 => OnDelete::Set(FALLBACK.to_string()),
                Rule::Set => OnDelete::set_with(|_| Some(FALLBACK.to_string())),
                Rule::Restrict => OnDelete::Restrict,
                Rule::DoNothing => OnDelete::DoNothing,
            };
            objects.declare_reference(name, &both[target(collection, attribute)], rule).unwrap();
        }
    }
    both
}

fn act(both: &[Revisions<Node>; 2], step: &Step) -> Result<(), Error> {
    let context = Context::new();
    match step {
        Step::Insert((c, n), node) => both[*c].insert(&n.to_string(), node, context).map(drop),
        Step::Update((c, n), node) => {
            both[*c].edit(&n.to_string(), context, |draft| *draft = node.clone()).map(drop)
        }
        Step::Delete((c, n)) => both[*c].delete(&n.to_string(), context).map(drop),
        Step::Apply((c, n)) => both[*c].plan_delete(&n.to_string())?.apply(context).map(drop),
        Step::Revive((c, n)) => both[*c].revive(&n.to_string(), context).map(drop),
        Step::ReviveAll((c, n)) => both[*c].revive_all(&n.to_string(), context).map(drop),
        Step::Retire((c, n)) => both[*c].retire(&n.to_string(), context).map(drop),
    }
}

/// What is stored is what the model says, and everybody stands with those they refer to, nobody else.
fn compare(both: &[Revisions<Node>; 2], model: &Model, step: &Step) {
    let mut referrers: BTreeMap<Id, BTreeSet<(usize, u8, String)>> = BTreeMap::new();
    for (id, object) in &model.objects {
        let (collection, name) = (id.0, id.1.to_string());
        let stored = both[collection].with_deleted().current(&name).unwrap().unwrap();
        let stored = Object { node: (*stored).clone(), state: stored.state(), version: stored.version() };
        assert_eq!(stored, *object, "{id:?} after {step:?}");
        if model.exists(*id) {
            for (attribute, to) in Model::references(*id, &object.node) {
                let attribute = ATTRIBUTES[attribute].0.to_owned();
                referrers.entry(to).or_default().insert((id.0, id.1, attribute));
            }
        }
    }
    for (collection, objects) in both.iter().enumerate() {
        for name in 0..NAMES {
            let stored = objects.referrers(&name.to_string()).unwrap().into_iter();
            let told = stored.map(|referrer| {
                let collection = usize::from(referrer.collection().as_str() == "one");
                (collection, referrer.name().parse().unwrap(), referrer.attribute().to_owned())
            });
            let expected = referrers.remove(&(collection, name)).unwrap_or_default();
            assert_eq!(told.collect::<BTreeSet<_>>(), expected, "of {collection} {name} after {step:?}");
        }
    }
}

fn run(store: &Store, draws: &[Draw]) {
    let both = collections(store);
    let mut model = Model::default();
    for draw in draws {
        let step = draw.step(&model);
        let end = store.refresh().unwrap();
        let (possible, done) = (model.step(&step), act(&both, &step));
        assert_eq!(done.is_ok(), possible, "{step:?}: {done:?}");
        if possible {
            compare(&both, &model, &step);
        } else {
            assert_eq!(store.refresh().unwrap(), end, "nothing is written by {step:?}");
        }
    }
}

/// A step that is to be made of what is there when it is done, so that it mostly can be done.
#[derive(Clone, Debug)]
struct Draw {
    kind: u8,
    collection: usize,
    /// Which object; and for each attribute which targets.
    object: u8,
    targets: Vec<Vec<u8>>,
}

impl Draw {
    fn step(&self, model: &Model) -> Step {
        let there = |exists: bool| {
            let of = model.objects.keys().filter(move |(collection, _)| *collection == self.collection);
            of.map(|(_, name)| *name).filter(move |name| model.exists((self.collection, *name)) == exists)
        };
        let id = |exists| {
            let there: Vec<u8> = there(exists).collect();
            (self.collection, pick(self.object, &there).unwrap_or(self.object % NAMES))
        };
        match self.kind {
            0..9 => Step::Insert((self.collection, self.object % NAMES), self.node(model)),
            9..13 => Step::Update(id(true), self.node(model)),
            13..16 => Step::Delete(id(true)),
            16 => Step::Apply(id(true)),
            17 => Step::Revive(id(false)),
            18..20 => Step::ReviveAll(id(false)),
            _ => Step::Retire(id(true)),
        }
    }

    fn node(&self, model: &Model) -> Node {
        let mut node = Node::default();
        for (attribute, draws) in self.targets.iter().enumerate() {
            let target = target(self.collection, attribute);
            let there: Vec<u8> = (0..NAMES).filter(|name| model.exists((target, *name))).collect();
            let names = draws.iter().filter_map(|draw| pick(*draw, &there));
            let names: BTreeSet<String> = names.map(|name| name.to_string()).collect();
            match (attribute, node.single(attribute)) {
                (_, Some(single)) => *single = names.into_iter().next(),
                (1, _) => node.parents = names.into_iter().collect(),
                _ => node.friends = names.into_iter().collect(),
            }
        }
        node
    }
}

/// Returns one of `there`, if there is any, and now and then any other name.
fn pick(draw: u8, there: &[u8]) -> Option<u8> {
    if draw >= 250 { Some(draw % NAMES) } else { there.get(usize::from(draw) % there.len().max(1)).copied() }
}

fn draw() -> impl Strategy<Value = Draw> {
    let some = |count| proptest::collection::vec(any::<u8>(), 0..=count);
    // Restrictions are rare, or little would ever be deleted.
    let lock = proptest::option::weighted(0.08, any::<u8>()).prop_map(|lock| lock.into_iter().collect());
    let single = || some(1);
    let targets = (single(), some(2), single(), some(2), single(), single(), lock, single());
    let targets = targets.prop_map(|(a, b, c, d, e, f, g, h)| vec![a, b, c, d, e, f, g, h]);
    (0..21u8, 0..2usize, any::<u8>(), targets).prop_map(|(kind, collection, object, targets)| Draw {
        kind,
        collection,
        object,
        targets,
    })
}

fn draws(count: usize) -> impl Strategy<Value = Vec<Draw>> {
    proptest::collection::vec(draw(), 1..count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_graphs_in_memory_do_as_the_model_does(draws in draws(80)) {
        run(&Store::new(annals_driver_memory::MemoryDriver::new()), &draws);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn random_graphs_do_as_the_model_does(draws in draws(60)) {
        for_each_driver(|store| run(store, &draws));
    }
}
