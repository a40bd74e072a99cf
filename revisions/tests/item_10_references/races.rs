//! Referrers arrive while what they refer to is deleted.

use std::thread;

use annals_core::Context;
use annals_revisions::{Error, OnDelete, Revisions};

use crate::common::{Place, for_each_place};
use crate::{comments, names, on, posts};

const WRITERS: usize = 8;
const COMMENTS: usize = 12;

/// Lets threads insert comments, each with handles of its own, while others delete and insert the post.
fn race(place: &Place, rule: OnDelete<crate::Comment>) {
    let store = place.open();
    let (posts, comments) = crate::blog(&store, rule);
    let stores: Vec<_> = (0..=WRITERS).map(|_| place.open()).collect();
    thread::scope(|scope| {
        let (deleter, writers) = stores.split_first().unwrap();
        scope.spawn(move || {
            let posts = crate::posts(deleter);
            for _ in 0..COMMENTS {
                allow(posts.delete("p", Context::new()).map(drop));
                allow(posts.insert("p", &"again".into(), Context::new()).map(drop));
            }
        });
        for (writer, store) in writers.iter().enumerate() {
            scope.spawn(move || {
                let comments = crate::comments(store);
                for i in 0..COMMENTS {
                    allow(comments.insert(&format!("c{writer}-{i}"), &on("p"), Context::new()).map(drop));
                }
            });
        }
    });
    let exists = posts.contains("p").unwrap();
    let on_p = comments.iter().filter(|c| c.as_ref().unwrap().post.is_some()).count();
    assert!(exists || on_p == 0, "{on_p} comments refer to what is gone on {}", place.driver);
    assert_eq!(posts.referrers("p").unwrap().len(), on_p);
}

/// What may come of such a race; everything else fails.
fn allow(answer: Result<(), Error>) {
    match answer {
        Ok(())
        | Err(
            Error::NoTarget { .. }
            | Error::Restricted { .. }
            | Error::NoObject { .. }
            | Error::WrongState { .. },
        ) => {}
        Err(error) if error.is_conflict() => {}
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

#[test]
fn a_declaration_that_arrives_while_objects_are_written_misses_none() {
    for_each_place(|place| {
        let store = place.open();
        let (posts, comments) = (posts(&store), comments(&store));
        crate::insert(&posts, &["p"]);
        let stores: Vec<_> = (0..4).map(|_| place.open()).collect();
        thread::scope(|scope| {
            for (writer, store) in stores.iter().enumerate() {
                scope.spawn(move || {
                    let comments: Revisions<crate::Comment> = crate::comments(store);
                    for i in 0..COMMENTS {
                        comments.insert(&format!("c{writer}-{i}"), &on("p"), Context::new()).unwrap();
                    }
                });
            }
            comments.declare_reference("post", &posts, OnDelete::Cascade).unwrap();
        });
        assert_eq!(posts.referrers("p").unwrap().len(), 4 * COMMENTS);
        posts.delete("p", Context::new()).unwrap();
        assert_eq!(names(&comments).len(), 0);
    });
}
