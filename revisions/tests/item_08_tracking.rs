//! Who did it, and why: said of the commit, of each object and of each attribute, by what is in force.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{self, Poll, Waker};
use std::thread;

use annals_core::{Context, ContextPart, Order, PositionRange, Store};
use annals_revisions::{
    ATTRIBUTE_DESCRIPTION, DELETION_DESCRIPTION, Deltas, Error, OBJECT_DESCRIPTION, ObjectDelta, Revisions,
    Tracking,
};

use common::{by, for_each_driver};

type Player = BTreeMap<String, i64>;

fn players(store: &Store) -> Revisions<Player> {
    Revisions::open(store, "players").unwrap()
}

fn score(score: i64) -> Player {
    BTreeMap::from([("score".to_owned(), score)])
}

fn set(player: &mut Player, name: &str, value: i64) {
    player.insert(name.to_owned(), value);
}

/// Who and why of an object and of its attributes by name, as the newest commit tells it.
type Told = (Option<String>, Option<String>);

fn newest(store: &Store) -> ObjectDelta {
    Deltas::of(store).newest_first().into_iter().next().unwrap().unwrap()
}

fn told(actor: Option<&str>, why: Option<&str>) -> Told {
    (actor.map(str::to_owned), why.map(str::to_owned))
}

fn of_object(delta: &ObjectDelta) -> Told {
    told(delta.actor(), delta.description())
}

fn of_attributes(delta: &ObjectDelta) -> Vec<(&str, Told)> {
    let of = |delta: &'_ annals_revisions::AttributeDelta| told(delta.actor(), delta.description());
    delta.attributes().iter().map(|delta| (delta.name(), of(delta))).collect()
}

#[test]
fn each_description_is_told_where_it_belongs() {
    for_each_driver(|store| {
        let context = by("alice").reason("settle round 2").describe_object("the disputed one");
        let context = context.describe_attributes("as the referee said").describe_deletion("goes with it");
        let inserted = context.in_scope(|| players(store).insert("ann", &score(1), Context::new())).unwrap();
        let delta = newest(store);
        assert_eq!(of_object(&delta), told(Some("alice"), Some("the disputed one")));
        let attribute = told(Some("alice"), Some("as the referee said"));
        assert_eq!(of_attributes(&delta), [("score", attribute)]);
        let commit = &delta.info().commit().context;
        assert_eq!(commit.reason.as_deref(), Some("settle round 2"));
        assert_eq!(commit.tags, BTreeMap::new(), "a commit keeps no hints");
        assert_eq!((inserted.creator(), inserted.comment()), (Some("alice"), Some("the disputed one")));
        assert_eq!(inserted.info(), delta.info());

        let plain = by("bob")
            .reason("why")
            .in_scope(|| players(store).edit("ann", Context::new(), |ann| set(ann, "score", 2)));
        assert_eq!(
            (plain.unwrap().comment(), of_object(&newest(store))),
            (Some("why"), told(Some("bob"), Some("why")))
        );
        assert_eq!(of_attributes(&newest(store)), [("score", told(Some("bob"), Some("why")))]);
    });
}

#[test]
fn what_is_given_wins_over_what_is_in_force() {
    for_each_driver(|store| {
        let in_force = by("outer").reason("outer").describe_object("outer").describe_attributes("outer");
        in_force.in_scope(|| {
            let given =
                by("given").reason("given").describe_object("object").describe_attributes("attribute");
            players(store).insert("ann", &score(1), given).unwrap();
            assert_eq!(of_object(&newest(store)), told(Some("given"), Some("object")));
            assert_eq!(of_attributes(&newest(store)), [("score", told(Some("given"), Some("attribute")))]);
            assert_eq!(newest(store).info().commit().context.reason.as_deref(), Some("given"));

            let nothing = by("").reason("").describe_object("").describe_attributes("");
            let none = players(store).insert("ben", &score(1), nothing).unwrap();
            assert_eq!((none.creator(), none.comment()), (None, None));
            assert_eq!(of_object(&newest(store)), told(None, None));
            assert_eq!(of_attributes(&newest(store)), [("score", told(None, None))]);
        });
    });
}

#[test]
fn the_innermost_counts_and_ends_with_its_body_even_in_a_panic() {
    for_each_driver(|store| {
        let describe = |text: &str| Context::new().describe_object(text);
        describe("outer").actor("outer").in_scope(|| {
            let fall = || {
                describe("inner").in_scope(|| {
                    players(store).insert("ann", &score(1), Context::new()).unwrap();
                    resume_unwind(Box::new("on purpose"));
                });
            };
            assert!(catch_unwind(AssertUnwindSafe(fall)).is_err());
            assert_eq!(of_object(&newest(store)), told(Some("outer"), Some("inner")));
            players(store).insert("ben", &score(1), Context::new()).unwrap();
            assert_eq!(of_object(&newest(store)), told(Some("outer"), Some("outer")));
        });
        players(store).insert("cleo", &score(1), Context::new()).unwrap();
        assert_eq!(of_object(&newest(store)), told(None, None));
    });
}

#[test]
fn what_is_in_force_is_set_unset_and_reset_at_any_depth() {
    let parts = [OBJECT_DESCRIPTION, ATTRIBUTE_DESCRIPTION, DELETION_DESCRIPTION];
    let all =
        |text: &str| Context::new().describe_object(text).describe_attributes(text).describe_deletion(text);
    let here = || {
        let here = Context::current();
        let told = [here.object_description(), here.attribute_description(), here.deletion_description()];
        told.map(|text| text.map(str::to_owned))
    };
    let each = |text: &str| [Some(text.to_owned()), Some(text.to_owned()), Some(text.to_owned())];
    assert!(all("nowhere").set_in_force().is_err());
    all("outer").in_scope(|| {
        all("middle").in_scope(|| {
            Context::new().in_scope(|| {
                assert_eq!(here(), each("middle"));
                all("set").set_in_force().unwrap();
                all("set again").set_in_force().unwrap();
                assert_eq!(here(), each("set again"));
                for expected in [each("middle"), each("outer"), [const { None }; 3]] {
                    assert!(parts.into_iter().all(ContextPart::unset));
                    assert_eq!(here(), expected);
                }
                assert!(!parts.into_iter().any(ContextPart::unset));
                all("").set_in_force().unwrap();
                assert_eq!(here(), [const { None }; 3], "the empty text is none");
            });
            all("set further out").set_in_force().unwrap();
            Context::new().in_scope(|| {
                all("inner").set_in_force().unwrap();
                OBJECT_DESCRIPTION.reset();
                assert_eq!(here()[0], None);
                assert_eq!(here()[1..], each("inner")[1..]);
            });
            assert_eq!(here()[0], None, "reset reaches every depth");
            assert_eq!(here()[1..], each("set further out")[1..]);
        });
        assert_eq!(here(), [const { None }; 3], "all of the outermost was unset from within");
    });
}

#[test]
fn what_is_untracked_is_written_without_who_and_why() {
    for_each_driver(|store| {
        let alice = || by("alice").reason("why").describe_object("object").describe_attributes("attribute");
        let nothing = told(None, None);
        let all = (told(Some("alice"), Some("object")), told(Some("alice"), Some("attribute")));
        let players = players(store);
        let edit = |value: i64| {
            players.edit("ann", Context::new(), |ann| set(ann, "score", value)).unwrap();
            let delta = newest(store);
            assert_eq!(delta.attributes()[0].after().unwrap(), Some(value), "it is written all the same");
            let attribute = of_attributes(&delta).remove(0).1;
            let commit = delta.info().commit().context.clone();
            assert_eq!(commit.actor.is_some(), attribute.0.is_some());
            assert_eq!(commit.reason.is_some(), attribute.1.is_some());
            (of_object(&delta), attribute)
        };
        alice().in_scope(|| {
            players.insert("ann", &score(0), Context::new()).unwrap();
            Context::new().untracked().in_scope(|| {
                assert_eq!(edit(1), (nothing.clone(), nothing.clone()));
                alice().in_scope(|| assert_eq!(edit(2), (nothing.clone(), nothing.clone())));
                Context::new().tracked().in_scope(|| {
                    assert_eq!(edit(3), all);
                    Context::new().untracked().set_in_force().unwrap();
                    assert_eq!(edit(4), (nothing.clone(), nothing.clone()));
                    assert!(ContextPart::Tracked.unset());
                    assert_eq!(edit(5), (nothing.clone(), nothing.clone()), "what is further out counts");
                });
                players.edit("ann", alice().tracked(), |ann| set(ann, "score", 6)).unwrap();
                assert_eq!(of_object(&newest(store)), all.0);
            });
            assert_eq!(edit(7), all);
        });
        let _ = store
            .try_commit(alice(), |tx| {
                let untracked =
                    || players.in_transaction(tx).edit("ann", |ann| set(ann, "score", 8)).map(drop);
                Context::new().untracked().in_scope(untracked)
            })
            .map_err(|error: Error| error)
            .unwrap();
        let delta = newest(store);
        assert_eq!(delta.info().commit().context.actor.as_deref(), Some("alice"));
        assert_eq!(of_object(&delta), nothing, "only what is in the scope is");
    });
}

#[test]
fn one_commit_can_have_several_actors() {
    for_each_driver(|store| {
        let players = players(store);
        players.insert("ann", &score(0), Context::new()).unwrap();
        let done = store.try_commit(by("referee").reason("settle"), |tx| {
            let objects = players.in_transaction(tx);
            by("ann").in_scope(|| objects.edit("ann", |ann| set(ann, "score", 1)))?;
            let ben = by("ben").describe_object("joined late");
            ben.in_scope(|| objects.edit("ann", |ann| set(ann, "helped", 1)))?;
            objects.insert("cleo", &score(0))
        });
        let done = done.map_err(|error: Error| error).unwrap();
        let deltas: Vec<_> =
            Deltas::of_commit(store, &done.receipt.unwrap().commit).into_iter().map(Result::unwrap).collect();
        let [ann, cleo] = &deltas[..] else { panic!("{deltas:?}") };
        assert_eq!(of_object(ann), told(Some("ben"), Some("joined late")), "whoever was last");
        let by_ann = ("score", told(Some("ann"), Some("settle")));
        assert_eq!(of_attributes(ann), [by_ann, ("helped", told(Some("ben"), Some("settle")))]);
        assert_eq!(ann.actors().collect::<Vec<_>>(), ["ben", "ann"]);
        assert_eq!(of_object(cleo), told(Some("referee"), Some("settle")));
        assert_eq!(ann.info().commit(), cleo.info().commit());
    });
}

#[test]
fn several_commits_are_one_activity_that_is_made_when_first_needed() {
    for_each_driver(|store| {
        let players = players(store);
        let listed = || -> Vec<(Option<String>, u64)> {
            let all = store.activities(PositionRange::ALL, Order::OldestFirst).map(Result::unwrap);
            all.map(|activity| (activity.name().map(str::to_owned), activity.commits)).collect()
        };
        let round = by("referee").activity("settle round 2");
        let id = round.activity_id().unwrap();
        round.in_scope(|| {
            assert_eq!(listed(), [], "nothing was needed yet");
            players.insert("ann", &score(1), Context::new()).unwrap();
            players.insert("ben", &score(2), Context::new()).unwrap();
            players.edit("ann", Context::new(), |_| ()).unwrap();
            Context::new().in_scope(|| {
                assert!(ContextPart::Activity.unset());
                players.insert("cleo", &score(3), Context::new()).unwrap();
                Context::new().activity("aside").set_in_force().unwrap();
                players.delete("cleo", Context::new()).unwrap();
            });
        });
        let name = |name: &str| Some(name.to_owned());
        assert_eq!(listed(), [(name("settle round 2"), 2), (None, 1), (name("aside"), 1)]);
        let names: Vec<_> = Deltas::of(store)
            .activity(id)
            .into_iter()
            .map(|delta| delta.unwrap().info().name().to_owned())
            .collect();
        assert_eq!(names, ["ann", "ben"]);
    });
}

#[test]
fn other_threads_begin_with_nothing_and_take_along_what_they_are_given() {
    for_each_driver(|store| {
        let players = &players(store);
        by("alice").describe_object("queued").describe_attributes("by a job").in_scope(|| {
            thread::scope(|scope| {
                let plain = move || players.insert("ann", &score(1), Context::new()).map(drop);
                scope.spawn(plain).join().unwrap().unwrap();
                assert_eq!(of_object(&newest(store)), told(None, None));

                let job = annals_core::codec::encode(&Context::current()).unwrap();
                let worker = move || {
                    let carried: Context = annals_core::codec::decode(&job).unwrap();
                    carried.in_scope(|| players.insert("ben", &score(1), Context::new()).map(drop))
                };
                scope.spawn(worker).join().unwrap().unwrap();
                assert_eq!(of_object(&newest(store)), told(Some("alice"), Some("queued")));
                assert_eq!(of_attributes(&newest(store)), [("score", told(Some("alice"), Some("by a job")))]);
            });
        });
    });
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Polls the tasks in turn on two threads until all are done.
fn run(tasks: Vec<Task>) {
    let tasks = Mutex::new(VecDeque::from(tasks));
    let take = || tasks.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let worker = || {
        while let Some(mut task) = take() {
            let mut waking = task::Context::from_waker(Waker::noop());
            let pending = task.as_mut().poll(&mut waking).is_pending();
            assert_eq!(Context::current(), Context::new(), "a task has left its context behind");
            if pending {
                tasks.lock().unwrap().push_back(task);
            }
        }
    };
    thread::scope(|scope| {
        let workers = [scope.spawn(worker), scope.spawn(worker)];
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
}

/// Lets the other tasks have a turn.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

#[test]
fn no_author_crosses_among_1000_tasks_on_two_threads() {
    const TASKS: usize = 1000;
    for_each_driver(|store| {
        let players = players(store);
        let task = |number: usize| -> Task {
            let players = players.clone();
            let work = async move {
                yield_now().await;
                Context::new().describe_object(format!("object of {number}")).set_in_force().unwrap();
                yield_now().await;
                let nested = async {
                    yield_now().await;
                    // Each has its turns, but a commit of each would take long on some drivers.
                    if number.is_multiple_of(5) {
                        players.insert(&number.to_string(), &score(1), Context::new()).unwrap();
                    }
                    let here = Context::current();
                    assert_eq!(here.actor, Some(format!("actor of {number}")));
                    assert_eq!(here.object_description(), Some(&*format!("object of {number}")));
                    assert_eq!(here.attribute_description(), Some(&*format!("attribute of {number}")));
                };
                let attribute = format!("attribute of {number}");
                Context::new().describe_attributes(attribute).instrument(nested).await;
                yield_now().await;
                assert_eq!(Context::current().attribute_description(), None);
            };
            Box::pin(by(&format!("actor of {number}")).instrument(work))
        };
        run((0..TASKS).map(task).collect());
        let mut seen = 0;
        for delta in Deltas::of(store) {
            let delta = delta.unwrap();
            let number = delta.info().name();
            let actor = format!("actor of {number}");
            assert_eq!(of_object(&delta), told(Some(&actor), Some(&format!("object of {number}"))));
            let attribute = told(Some(&actor), Some(&format!("attribute of {number}")));
            assert_eq!(of_attributes(&delta), [("score", attribute)]);
            seen += 1;
        }
        assert_eq!(seen, TASKS / 5);
    });
}
