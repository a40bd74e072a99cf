//! Many who change one object at the same time: no change is lost, versions are dense.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeMap;
use std::thread;

use annals_core::Context;
use annals_revisions::{Object, RevisionInfo, Revisions};
use common::{Place, by, for_each_place};

const THREADS: u64 = 100;

type Marks = BTreeMap<String, u64>;

/// Returns the collection with an object `a`, once for each of the threads, through two stores.
fn opened<T: Object>(place: &Place, content: &T) -> Vec<Revisions<T>> {
    let [one, other] = [place.open(), place.open()].map(|store| Revisions::open(&store, "marks").unwrap());
    one.insert("a", content, by("nobody")).unwrap();
    (0..THREADS).map(|thread| if thread % 2 == 0 { one.clone() } else { other.clone() }).collect()
}

/// Checks that each thread has made one revision, and that each added to the one before it.
fn check(objects: &Revisions<Marks>) {
    let infos: Vec<_> = objects.history("a").unwrap().into_iter().map(Result::unwrap).collect();
    assert!(infos.iter().map(RevisionInfo::version).eq(1..=THREADS + 1));
    let mut creators: Vec<_> = infos.iter().skip(1).map(|info| info.creator().unwrap().to_owned()).collect();
    creators.sort();
    creators.dedup();
    assert_eq!(creators.len() as u64, THREADS);
    for info in &infos {
        assert_eq!(objects.load(info).unwrap().len() as u64, info.version() - 1);
    }
}

#[test]
fn no_edit_of_many_threads_is_lost() {
    for_each_place(|place| {
        let handles = opened(place, &Marks::new());
        thread::scope(|scope| {
            for (number, objects) in (0..).zip(&handles) {
                let name = format!("t{number}");
                scope.spawn(move || {
                    // An edit gives up after many conflicts; who wants to goes on.
                    while let Err(error) =
                        objects.edit("a", by(&name), |marks| marks.insert(name.clone(), number))
                    {
                        assert!(error.is_conflict(), "{error}");
                    }
                });
            }
        });
        check(handles.first().unwrap());
    });
}

#[test]
fn no_update_of_many_threads_is_lost_and_each_loser_knows_it() {
    for_each_place(|place| {
        let handles = opened(place, &Marks::new());
        thread::scope(|scope| {
            for (number, objects) in (0..).zip(&handles) {
                let name = format!("t{number}");
                scope.spawn(move || {
                    loop {
                        let seen = objects.current("a").unwrap().unwrap();
                        let done =
                            objects.update(&seen, by(&name), |marks| marks.insert(name.clone(), number));
                        match done {
                            Ok(revision) => break assert_eq!(revision.version(), seen.version() + 1),
                            Err(error) => {
                                let conflict = error.conflict().unwrap();
                                assert!(conflict.lost_to.last > seen.commit().last, "it names a later one");
                            }
                        }
                    }
                });
            }
        });
        check(handles.first().unwrap());
    });
}

#[test]
fn of_many_threads_that_insert_one_does() {
    for_each_place(|place| {
        let handles = opened(place, &0_u64);
        let inserted: Vec<u64> = thread::scope(|scope| {
            let insert = |(number, objects): (u64, &Revisions<u64>)| {
                let objects = objects.clone();
                scope.spawn(move || objects.insert("b", &number, Context::new()).map(|revision| *revision))
            };
            let threads: Vec<_> = (0..).zip(&handles).map(insert).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap().ok()).collect()
        });
        let current = handles.first().unwrap().current("b").unwrap().unwrap();
        assert_eq!((inserted, current.version()), (vec![*current], 1));
    });
}
