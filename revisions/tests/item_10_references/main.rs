//! References between collections, and what becomes of them when objects are deleted.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod declarations;
mod graphs;
mod model;
mod plans;
mod races;
mod references;
mod revived;
mod rules;
mod told;

use annals_core::{Context, Store};
use annals_revisions::{Object, OnDelete, Revisions};
use serde::{Deserialize, Serialize};

/// What refers by each kind of attribute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Comment {
    text: String,
    post: Option<String>,
    tags: Vec<String>,
}

fn posts(store: &Store) -> Revisions<String> {
    Revisions::open(store, "blog/posts").unwrap()
}

fn comments(store: &Store) -> Revisions<Comment> {
    Revisions::open(store, "blog/comments").unwrap()
}

/// Returns posts `p` and `q`, and comments whose attribute `post` refers to posts.
fn blog(store: &Store, on_delete: OnDelete<Comment>) -> (Revisions<String>, Revisions<Comment>) {
    let (posts, comments) = (posts(store), comments(store));
    comments.declare_reference("post", &posts, on_delete).unwrap();
    insert(&posts, &["p", "q"]);
    (posts, comments)
}

fn insert<T: Object + Default>(objects: &Revisions<T>, names: &[&str]) {
    for name in names {
        objects.insert(name, &T::default(), Context::new()).unwrap();
    }
}

fn on(post: &str) -> Comment {
    Comment { post: Some(post.into()), ..Comment::default() }
}

/// Who refers to an object, as `collection name attribute`, sorted.
fn referrers<T: Object>(objects: &Revisions<T>, name: &str) -> Vec<String> {
    let referrers = objects.referrers(name).unwrap().into_iter();
    let mut told: Vec<_> =
        referrers.map(|r| format!("{} {} {}", r.collection(), r.name(), r.attribute())).collect();
    told.sort();
    told
}

fn names<T: Object>(objects: &Revisions<T>) -> Vec<String> {
    objects.names().collect::<Result<_, _>>().unwrap()
}
