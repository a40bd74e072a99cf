//! Creator and comment come from the contexts in force, where the call does not say them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::future::Future;
use std::pin::pin;
use std::task::{self, Poll, Waker};
use std::thread;

use annals_core::{Context, Store};
use annals_revisions::{Revision, Revisions};
use common::{by, for_each_driver};

fn scores(store: &Store) -> Revisions<u32> {
    Revisions::open(store, "scores").unwrap()
}

fn said(revision: &Revision<u32>) -> (Option<&str>, Option<&str>) {
    (revision.creator(), revision.comment())
}

#[test]
fn what_is_in_force_is_taken_from_the_innermost_and_what_is_explicit_wins() {
    for_each_driver(|store| {
        let scores = scores(store);
        let set = |score: u32, context| scores.set("a", &score, context).unwrap();
        assert_eq!(said(&set(0, Context::new())), (None, None));
        by("arthur").reason("question").in_scope(|| {
            assert_eq!(said(&set(1, Context::new())), (Some("arthur"), Some("question")));
            by("computer").reason("answer").in_scope(|| {
                assert_eq!(said(&set(2, Context::new())), (Some("computer"), Some("answer")));
                assert_eq!(said(&set(3, by("ford"))), (Some("ford"), Some("answer")));
                assert_eq!(said(&set(4, Context::new().reason("panic"))), (Some("computer"), Some("panic")));
            });
            assert_eq!(said(&set(5, Context::new())), (Some("arthur"), Some("question")));
            Context::new().reason("towel").in_scope(|| {
                assert_eq!(said(&set(6, Context::new())), (Some("arthur"), Some("towel")));
            });
        });
        assert_eq!(said(&set(7, Context::new())), (None, None));
        let read: Vec<_> = scores.history("a").unwrap().into_iter().map(Result::unwrap).collect();
        let creators: Vec<_> = read.iter().map(|info| info.creator()).collect();
        let [arthur, computer] = ["arthur", "computer"].map(Some);
        assert_eq!(creators, [None, arthur, computer, Some("ford"), computer, arthur, arthur, None]);
    });
}

#[test]
fn every_way_of_writing_takes_what_is_in_force() {
    for_each_driver(|store| {
        let scores = scores(store);
        by("arthur").in_scope(|| {
            let first = scores.insert("a", &1, Context::new()).unwrap();
            scores.update(&first, Context::new(), |score| *score = 2).unwrap();
            scores.edit("a", Context::new(), |score| *score = 3).unwrap();
            scores.rollback_to(&first, Context::new()).unwrap();
            scores.retire("a", Context::new()).unwrap();
            scores.revive("a", Context::new()).unwrap();
            scores.delete("a", Context::new()).unwrap();
            store
                .try_commit(Context::new(), |tx| scores.in_transaction(tx).insert("a", &1))
                .map_err(|error: annals_revisions::Error| error)
                .unwrap();
            scores.purge("a", Context::new().reason("asked")).unwrap();
        });
        let creators = scores.history("a").unwrap().creator("arthur");
        assert_eq!(creators.count().unwrap(), 9);
    });
}

#[test]
fn what_the_store_handle_says_comes_before_what_is_in_force() {
    for_each_driver(|store| {
        let scores = scores(&store.with_context(by("service")));
        let revision =
            by("arthur").reason("why").in_scope(|| scores.insert("a", &1, Context::new()).unwrap());
        assert_eq!(said(&revision), (Some("service"), Some("why")));
    });
}

#[test]
fn a_panic_leaves_nothing_in_force() {
    for_each_driver(|store| {
        let scores = scores(store);
        let panicking = || by("arthur").in_scope(|| std::panic::resume_unwind(Box::new("given up")));
        std::panic::catch_unwind(panicking).unwrap_err();
        assert_eq!(said(&scores.insert("a", &1, Context::new()).unwrap()), (None, None));
    });
}

#[test]
fn threads_and_futures_have_their_own() {
    for_each_driver(|store| {
        let scores = scores(store);
        let carried = by("arthur").in_scope(|| {
            thread::scope(|scope| {
                let alone = scope.spawn(|| scores.insert("alone", &1, Context::new()).unwrap());
                assert_eq!(said(&alone.join().unwrap()), (None, None));
            });
            Context::current()
        });
        thread::scope(|scope| {
            let job = scope
                .spawn(|| carried.clone().in_scope(|| scores.insert("job", &1, Context::new()).unwrap()));
            assert_eq!(said(&job.join().unwrap()), (Some("arthur"), None));
        });

        let write = |name: &'static str| {
            let scores = scores.clone();
            async move { scores.insert(name, &1, Context::new()).unwrap() }
        };
        let future = carried.instrument(write("future"));
        by("poller").in_scope(|| {
            let Poll::Ready(written) = pin!(future).poll(&mut task::Context::from_waker(Waker::noop()))
            else {
                unreachable!("it waits for nothing")
            };
            assert_eq!(said(&written), (Some("arthur"), None));
            let by_poller = scores.insert("poller", &1, Context::new()).unwrap();
            assert_eq!(said(&by_poller), (Some("poller"), None));
        });
    });
}
