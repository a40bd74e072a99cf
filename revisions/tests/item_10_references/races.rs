//! Referrers arrive while what they refer to is deleted.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use annals_core::Context;
use annals_revisions::{Error, OnDelete, Revisions};

use crate::common::{Place, for_each_driver, for_each_place};
use crate::{Comment, blog, comments, insert, names, on, posts, referrers};

const WRITERS: usize = 7;
const POSTS: usize = 12;

/// Lets threads comment on posts, each with handles of its own, while another one deletes those posts.
fn race(place: &Place, rule: OnDelete<Comment>) {
    let store = place.open();
    let (posts, comments) = blog(&store, rule);
    let all: Vec<String> = (0..POSTS).map(|post| format!("p{post}")).collect();
    insert(&posts, &all.iter().map(String::as_str).collect::<Vec<_>>());
    let stores: Vec<_> = (0..=WRITERS).map(|_| place.open()).collect();
    thread::scope(|scope| {
        let (deleter, writers) = stores.split_first().unwrap();
        let all = &all;
        scope.spawn(move || {
            let posts = crate::posts(deleter);
            all.iter().for_each(|post| allow(posts.delete(post, Context::new())));
        });
        for (writer, store) in writers.iter().enumerate() {
            scope.spawn(move || {
                let comments = crate::comments(store);
                // Near to where the deleter is.
                for post in all {
                    allow(comments.insert(&format!("{writer} on {post}"), &on(post), Context::new()));
                }
            });
        }
    });
    let posts_left: BTreeSet<String> = posts.names().map(Result::unwrap).collect();
    for comment in comments.iter().map(Result::unwrap) {
        let Some(post) = &comment.post else { continue };
        assert!(posts_left.contains(post), "{comment:?} refers to what is gone on {}", place.driver);
        assert!(referrers(&posts, post).contains(&format!("blog/comments {} post", comment.name())));
    }
}

/// What may come of such a race; everything else fails.
fn allow<R>(answer: Result<R, Error>) {
    match answer {
        Ok(_) | Err(Error::NoTarget { .. } | Error::Restricted { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn no_reference_is_left_to_what_was_deleted_with_cascade() {
    for_each_place(|place| race(place, OnDelete::Cascade));
}

#[test]
fn no_reference_is_left_to_what_was_deleted_with_set_null() {
    for_each_place(|place| race(place, OnDelete::SetNull));
}

#[test]
fn no_reference_is_left_to_what_was_deleted_under_a_restriction() {
    for_each_place(|place| race(place, OnDelete::Restrict));
}

/// Returns whether it is called for the first time.
fn is_first(calls: &AtomicUsize) -> bool {
    calls.fetch_add(1, Ordering::Relaxed) == 0
}

#[test]
fn what_is_deleted_before_a_referrer_is_written_cannot_be_referred_to() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::Cascade);
        let calls = AtomicUsize::new(0);
        let late = store.try_commit(Context::new(), |tx| {
            let first = is_first(&calls);
            comments.in_transaction(tx).insert("c", &on("p"))?;
            if first {
                posts.delete("p", Context::new())?;
            }
            Ok::<(), Error>(())
        });
        assert!(matches!(late, Err(Error::NoTarget { .. })), "{late:?}");
        assert_eq!(calls.into_inner(), 2, "it was tried again");
    });
}

#[test]
fn what_arrives_before_a_deletion_is_written_goes_with_it() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::Cascade);
        comments.insert("c", &on("p"), Context::new()).unwrap();
        let calls = AtomicUsize::new(0);
        let deleted = store.try_commit(Context::new(), |tx| {
            posts.in_transaction(tx).delete("p")?;
            if is_first(&calls) {
                comments.insert("late", &on("p"), Context::new())?;
                comments.edit("c", Context::new(), |c| c.post = Some("q".into()))?;
            }
            Ok::<(), Error>(())
        });
        deleted.unwrap();
        assert_eq!(names(&comments), ["c"], "it refers to another one by now");
        assert_eq!(calls.into_inner(), 2, "it was tried again");
    });
}

#[test]
fn a_declaration_that_arrives_while_objects_are_written_misses_none() {
    for_each_place(|place| {
        let store = place.open();
        let (posts, comments) = (posts(&store), comments(&store));
        insert(&posts, &["p"]);
        let stores: Vec<_> = (0..4).map(|_| place.open()).collect();
        thread::scope(|scope| {
            for (writer, store) in stores.iter().enumerate() {
                scope.spawn(move || {
                    let comments: Revisions<Comment> = crate::comments(store);
                    for i in 0..12 {
                        comments.insert(&format!("c{writer}-{i}"), &on("p"), Context::new()).unwrap();
                    }
                });
            }
            comments.declare_reference("post", &posts, OnDelete::Cascade).unwrap();
        });
        assert_eq!(posts.referrers("p").unwrap().len(), 48);
        posts.delete("p", Context::new()).unwrap();
        assert_eq!(names(&comments).len(), 0);
    });
}
