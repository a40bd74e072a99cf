//! Deletions that reach far, and in circles.

use annals_core::{Context, Store};
use annals_revisions::{Error, OnDelete, Revisions, State};
use serde::{Deserialize, Serialize};

use crate::common::{for_each_driver, for_each_place};
use crate::{insert, names, referrers};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Node {
    /// Goes with any of these.
    parents: Vec<String>,
    friend: Option<String>,
    lock: Option<String>,
}

fn nodes(store: &Store) -> Revisions<Node> {
    let nodes = Revisions::open(store, "nodes").unwrap();
    nodes.declare_reference("parents", &nodes, OnDelete::Cascade).unwrap();
    nodes.declare_reference("friend", &nodes, OnDelete::SetNull).unwrap();
    nodes.declare_reference("lock", &nodes, OnDelete::Restrict).unwrap();
    nodes
}

fn below(parents: &[&str]) -> Node {
    Node { parents: parents.iter().map(|name| (*name).to_owned()).collect(), ..Node::default() }
}

fn link(nodes: &Revisions<Node>, name: &str, change: impl Fn(&mut Node)) {
    nodes.edit(name, Context::new(), change).unwrap();
}

fn version(nodes: &Revisions<Node>, name: &str) -> u64 {
    nodes.with_deleted().current(name).unwrap().unwrap().version()
}

#[test]
fn a_long_chain_goes_in_one_commit() {
    const LENGTH: usize = 1000;
    for_each_driver(|store| {
        let nodes = nodes(store);
        let insert_all = store.try_commit(Context::new(), |tx| {
            let nodes = nodes.in_transaction(tx);
            nodes.insert("0", &Node::default())?;
            (1..LENGTH)
                .try_for_each(|i| nodes.insert(&i.to_string(), &below(&[&(i - 1).to_string()])).map(drop))
        });
        insert_all.map_err(|error: Error| error).unwrap();
        let deleted = nodes.delete("0", Context::new()).unwrap();
        assert_eq!(nodes.len().unwrap(), 0);
        let last = nodes.with_deleted().current(&(LENGTH - 1).to_string()).unwrap().unwrap();
        assert_eq!(last.commit(), deleted.commit());
        // Each writes that it is deleted, and leaves the one before it.
        let commit = store.log().commit_at(deleted.commit().last).unwrap().unwrap();
        assert_eq!(commit.entries.len(), 2 * LENGTH - 1);
    });
}

#[test]
fn circles_and_diamonds_go_once() {
    for_each_driver(|store| {
        let nodes = nodes(store);
        insert(&nodes, &["a", "b", "c", "d", "e", "apart"]);
        for (name, parents) in
            [("a", &["c"][..]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"]), ("e", &["e", "d"])]
        {
            link(&nodes, name, |node| node.parents = below(parents).parents);
        }
        nodes.delete("d", Context::new()).unwrap();
        assert_eq!(names(&nodes), ["a", "apart", "b", "c"]);
        nodes.revive("d", Context::new()).unwrap();
        nodes.delete("b", Context::new()).unwrap();
        assert_eq!(names(&nodes), ["a", "apart", "c"]);
        nodes.delete("a", Context::new()).unwrap();
        assert_eq!(names(&nodes), ["apart"]);
        assert_eq!(["a", "b", "c", "d", "e"].map(|name| version(&nodes, name)), [3, 3, 3, 5, 3]);
        assert_eq!(["a", "b", "c", "d", "e"].map(|name| referrers(&nodes, name).len()), [0; 5]);
    });
}

#[test]
fn what_goes_itself_is_not_changed_as_well() {
    for_each_driver(|store| {
        let nodes = nodes(store);
        insert(&nodes, &["a", "b", "stays"]);
        link(&nodes, "b", |b| (b.parents, b.friend) = (vec!["a".into()], Some("a".into())));
        link(&nodes, "stays", |stays| stays.friend = Some("b".into()));
        nodes.delete("a", Context::new()).unwrap();
        let b = nodes.with_deleted().current("b").unwrap().unwrap();
        assert_eq!((b.state(), b.version(), b.friend.as_deref()), (State::Deleted, 3, Some("a")));
        let stays = nodes.current("stays").unwrap().unwrap();
        assert_eq!((stays.friend.as_deref(), stays.version()), (None, 3));
        assert_eq!(stays.info().consequence_of(), Some("nodes/a"), "by way of b");
    });
}

#[test]
fn a_restriction_anywhere_refuses_all() {
    for_each_driver(|store| {
        let nodes = nodes(store);
        insert(&nodes, &["a", "b", "c", "holder"]);
        link(&nodes, "b", |b| b.parents = vec!["a".into()]);
        link(&nodes, "c", |c| c.parents = vec!["b".into()]);
        link(&nodes, "holder", |holder| holder.lock = Some("c".into()));
        let before = store.snapshot().unwrap().position();
        let refused = nodes.delete("a", Context::new()).unwrap_err();
        let Error::Restricted { object, by } = refused else { panic!("{refused}") };
        assert_eq!(object, "the object `a` of nodes");
        assert_eq!((by.len(), by[0].name(), by[0].attribute()), (1, "holder", "lock"));
        assert_eq!(store.snapshot().unwrap().position(), before, "nothing at all was written");

        // Even one that would go itself.
        link(&nodes, "holder", |holder| holder.parents = vec!["a".into()]);
        assert!(matches!(nodes.delete("a", Context::new()), Err(Error::Restricted { .. })));
        link(&nodes, "holder", |holder| holder.lock = None);
        nodes.delete("a", Context::new()).unwrap();
        assert_eq!(names(&nodes).len(), 0);
    });
}

#[test]
fn a_deletion_goes_through_many_collections() {
    for_each_driver(|store| {
        let chain: Vec<Revisions<Option<String>>> =
            ["one", "two", "three/four"].map(|name| Revisions::open(store, name).unwrap()).into();
        chain[1].declare_reference("value", &chain[0], OnDelete::Cascade).unwrap();
        chain[2].declare_reference("value", &chain[1], OnDelete::Cascade).unwrap();
        insert(&chain[0], &["x"]);
        for objects in &chain[1..] {
            objects.insert("x", &Some("x".into()), Context::new()).unwrap();
        }
        chain[1].delete("x", Context::new()).unwrap();
        assert_eq!(chain.iter().map(|objects| objects.len().unwrap()).collect::<Vec<_>>(), [1, 0, 0]);
        for objects in &chain[1..] {
            objects.revive("x", Context::new()).unwrap();
        }
        chain[0].delete("x", Context::new()).unwrap();
        assert_eq!(chain.iter().map(|objects| objects.len().unwrap()).collect::<Vec<_>>(), [0; 3]);
    });
}

#[test]
fn a_deletion_costs_what_it_concerns() {
    for_each_place(|place| {
        let store = place.open();
        let nodes = nodes(&store);
        let mut others = 0;
        let mut calls_beside = |count: usize| {
            let insert_all = store.try_commit(Context::new(), |tx| {
                let nodes = nodes.in_transaction(tx);
                nodes.insert("root", &Node::default())?;
                nodes.set("other", &Node::default())?;
                ["a", "b", "c"]
                    .iter()
                    .try_for_each(|name| nodes.insert(name, &below(&["root"])).map(drop))?;
                let mut more = (others..others + count).map(|i| format!("of other {i}"));
                more.try_for_each(|name| nodes.insert(&name, &below(&["other"])).map(drop))
            });
            insert_all.map_err(|error: Error| error).unwrap();
            others += count;
            let (counted, calls) = place.counted();
            let nodes = Revisions::<Node>::open(&counted, "nodes").unwrap();
            calls.take();
            nodes.delete("root", Context::new()).unwrap();
            calls.take()
        };
        let few = calls_beside(1);
        assert_eq!(few["state"], 4, "one read of referrers for each that goes");
        assert_eq!(calls_beside(500), few);
    });
}
