use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{self, Poll, Waker};
use std::thread;

use annals::codec::{Timestamp, Value};
use annals::{Context, Order, Position, PositionRange, Receipt, Store};

on_every_driver! {
    a_commit_takes_what_it_leaves_open_from_the_innermost_outwards,
    every_way_to_write_knows_what_is_in_force,
    a_context_ends_with_its_body_even_in_a_panic,
    a_context_is_in_force_on_one_thread,
    tasks_on_two_threads_do_not_see_one_anothers_actor,
    a_future_that_is_dropped_commits_in_its_own_name,
    a_captured_context_goes_on_in_a_worker,
    an_activity_lists_as_one,
    an_activity_survives_dump_and_load,
    an_activity_without_commits_leaves_nothing,
    an_activity_goes_on_in_a_worker,
    an_activity_that_others_came_between_is_listed_in_parts,
}

fn of(receipt: &Receipt) -> &Context {
    &receipt.commit.context
}

fn actor(name: &str) -> Context {
    Context::new().actor(name)
}

fn a_commit_takes_what_it_leaves_open_from_the_innermost_outwards(store: &Store) {
    let time: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
    let outer = actor("outer").reason("outer").location("outer").occurred_at(time).tag("a", 1).tag("b", 1);
    let inner = Context::new().reason("inner").tag("b", 2).tag("c", 2).tag("d", 2).tag("e", 2);
    let handle = store.with_context(Context::new().tag("c", 3).tag("d", 3).tag("e", 3));
    let record = handle.record("r").unwrap().with_context(Context::new().tag("d", 4).tag("e", 4));

    let expected = Context::new().actor("outer").reason("inner").location("outer").occurred_at(time);
    let expected = expected.tag("a", 1).tag("b", 2).tag("c", 3);
    outer.in_scope(|| {
        inner.in_scope(|| {
            let receipt = record.set("n", &1).unwrap();
            assert_eq!(*of(&receipt), expected.clone().tag("d", 4).tag("e", 4));
            let explicit = actor("explicit").tag("e", 5);
            let committed = handle.commit(explicit, |tx| tx.record("r")?.set("n", &2)).unwrap();
            assert_eq!(
                *of(&committed.receipt.unwrap()),
                expected.clone().actor("explicit").tag("d", 3).tag("e", 5)
            );
        });
        assert_eq!(Context::current().reason.as_deref(), Some("outer"));
    });
    let receipt = store.record("r").unwrap().set("n", &3).unwrap();
    let here = Context::new().location(of(&receipt).location.clone().unwrap());
    assert_eq!(*of(&receipt), here);
    assert!(here.location.unwrap().contains("contexts.rs:"), "where nobody gave one, it is the caller's");
}

fn every_way_to_write_knows_what_is_in_force(store: &Store) {
    let record = store.record("r").unwrap();
    actor("alice").reason("test").in_scope(|| {
        record.set("n", &1).unwrap();
        let seen = record.entry("n").unwrap().unwrap().position();
        record.set_if("n", annals::Expect::At(seen), &2).unwrap();
        let _ = record.edit("n", |n: &mut i64| *n += 1).unwrap();
        record.delete("n").unwrap();
        let _ = record.edit_or_default("n", |n: &mut i64| *n += 1).unwrap();
        let _ = store.commit(Context::new(), |tx| tx.record("r")?.set("n", &5)).unwrap();
        let _ = store.transaction(Context::new(), |tx| tx.record("r")?.set("n", &6)).unwrap();
    });
    let mut commits = 0;
    for commit in store.commits(PositionRange::ALL, Order::OldestFirst) {
        let context = commit.unwrap().commit.context.clone();
        assert_eq!((context.actor.as_deref(), context.reason.as_deref()), (Some("alice"), Some("test")));
        assert!(context.location.unwrap().contains("contexts.rs:"));
        commits += 1;
    }
    assert_eq!(commits, 7);
}

fn a_context_ends_with_its_body_even_in_a_panic(store: &Store) {
    let record = store.record("r").unwrap();
    actor("outer").in_scope(|| {
        let fall =
            || actor("inner").in_scope(|| record.set("n", "not reached").map(|_| panic!("on purpose")));
        let fallen: thread::Result<annals::Result<()>> = catch_unwind(AssertUnwindSafe(fall));
        assert!(fallen.is_err());
        assert_eq!(Context::current(), actor("outer"));
        assert_eq!(of(&record.set("n", &1).unwrap()).actor.as_deref(), Some("outer"));
    });
    assert_eq!(Context::current(), Context::new());
    assert_eq!(of(&record.set("n", &1).unwrap()).actor, None);
}

fn a_context_is_in_force_on_one_thread(store: &Store) {
    actor("alice").in_scope(|| {
        let record = store.record("r").unwrap();
        let elsewhere = thread::scope(|scope| scope.spawn(|| record.set("n", &1)).join().unwrap());
        assert_eq!(of(&elsewhere.unwrap()).actor, None);
    });
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Polls the tasks in turn on two threads until all are done; returns how many have panicked.
fn run(tasks: Vec<Task>) -> usize {
    let tasks = Mutex::new(VecDeque::from(tasks));
    let take = || tasks.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let worker = || {
        let mut panics = 0;
        while let Some(mut task) = take() {
            let mut waking = task::Context::from_waker(Waker::noop());
            match catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(&mut waking))) {
                Ok(Poll::Pending) => tasks.lock().unwrap().push_back(task),
                Ok(Poll::Ready(())) => {}
                Err(_) => panics += 1,
            }
            assert_eq!(Context::current(), Context::new(), "a task has left its context behind");
        }
        panics
    };
    thread::scope(|scope| {
        let workers = [scope.spawn(worker), scope.spawn(worker)];
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    })
}

/// Lets the other tasks have a turn.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

fn tasks_on_two_threads_do_not_see_one_anothers_actor(store: &Store) {
    const TASKS: usize = 1000;
    let task = |number: usize| -> Task {
        let record = store.record(format!("task/t{number}")).unwrap();
        let inner = actor(&format!("inner{number}"));
        let work = async move {
            yield_now().await;
            if number.is_multiple_of(4) {
                record.set("outer", &number).unwrap();
            }
            let nested = async {
                yield_now().await;
                if number.is_multiple_of(4) {
                    record.set("inner", &number).unwrap();
                }
                assert_eq!(Context::current().actor, Some(format!("inner{number}")));
                if number.is_multiple_of(10) {
                    // As a panic, but nobody needs to read of it.
                    resume_unwind(Box::new("on purpose"));
                }
                yield_now().await;
            };
            inner.instrument(nested).await;
            yield_now().await;
            assert_eq!(Context::current(), actor(&format!("outer{number}")));
        };
        Box::pin(actor(&format!("outer{number}")).instrument(work))
    };
    let panics = run((0..TASKS).map(task).collect());
    assert_eq!(panics, TASKS / 10);
    let mut seen = 0;
    for change in store.snapshot().unwrap().entries(&annals::Scope::All) {
        let change = change.unwrap();
        let number: usize = change.get().unwrap().unwrap();
        assert_eq!(change.actor(), Some(&*format!("{}{number}", change.key().field())));
        seen += 1;
    }
    assert_eq!(seen, TASKS / 4 * 2);
}

fn a_future_that_is_dropped_commits_in_its_own_name(store: &Store) {
    struct Farewell(annals::Record);
    impl Drop for Farewell {
        fn drop(&mut self) {
            self.0.set("left", &true).unwrap();
        }
    }
    let farewell = Farewell(store.record("r").unwrap());
    let task = actor("alice").instrument(async move {
        let _farewell = farewell;
        std::future::pending::<()>().await;
    });
    let mut task = Box::pin(task);
    assert!(task.as_mut().poll(&mut task::Context::from_waker(Waker::noop())).is_pending());
    drop(task);
    assert_eq!(store.record("r").unwrap().entry("left").unwrap().unwrap().actor(), Some("alice"));
}

fn a_captured_context_goes_on_in_a_worker(store: &Store) {
    let price = Value::Decimal("1.10".parse().unwrap());
    let told =
        actor("alice").tag("price", price.clone()).tag("nan", f64::NAN).tag("bytes", Value::Bytes(vec![7]));
    let captured = told.occurred_at("2020-01-01T00:00:00.25Z".parse().unwrap()).in_scope(Context::current);
    let json = serde_json::to_string(&captured).unwrap();
    let packed = annals::codec::encode(&captured).unwrap();
    assert!(json.contains(r#""price":{"$decimal":"1.10"}"#), "{json}");
    let jobs: [Context; 2] = [serde_json::from_str(&json).unwrap(), annals::codec::decode(&packed).unwrap()];
    for job in jobs {
        assert_eq!(job, captured);
        let record = store.record("r").unwrap();
        let receipt = thread::spawn(move || job.in_scope(|| record.set("n", &1))).join().unwrap().unwrap();
        assert_eq!(of(&receipt).tags, captured.tags);
        assert_eq!(of(&receipt).actor.as_deref(), Some("alice"));
    }
    assert_eq!(serde_json::from_str::<Context>("{}").unwrap(), Context::new());
    assert!(
        serde_json::from_str::<Context>(r#"{"actr": "alice"}"#).is_err(),
        "nobody gets lost by a typing error"
    );
}

/// The name, the number of commits, and the first and the last position of each activity.
fn activities(store: &Store, order: Order) -> Vec<(Option<String>, u64, u64, u64)> {
    let activities = store.activities(PositionRange::ALL, order).map(Result::unwrap);
    activities
        .map(|activity| {
            let (first, last) = (activity.first.first.get(), activity.last.last.get());
            assert_eq!(activity.entries, last - first + 1);
            (activity.name().map(str::to_owned), activity.commits, first, last)
        })
        .collect()
}

fn import(store: &Store) {
    let set = |number: i64| drop(store.record("r").unwrap().set("n", &number).unwrap());
    set(0);
    actor("import").activity("import of 12 May").in_scope(|| {
        set(1);
        let two = store.commit(Context::new(), |tx| {
            tx.record("r")?.set("n", &2)?;
            tx.record("s")?.set("n", &2)
        });
        let _ = two.unwrap();
        set(3);
    });
    // Of the same name, but another time.
    Context::new().activity("import of 12 May").in_scope(|| set(4));
    set(5);
    set(6);
}

fn imported() -> Vec<(Option<String>, u64, u64, u64)> {
    let named = Some("import of 12 May".to_owned());
    vec![(None, 1, 1, 1), (named.clone(), 3, 2, 5), (named, 1, 6, 6), (None, 1, 7, 7), (None, 1, 8, 8)]
}

fn an_activity_lists_as_one(store: &Store) {
    import(store);
    assert_eq!(activities(store, Order::OldestFirst), imported());
    assert_eq!(activities(store, Order::NewestFirst), imported().into_iter().rev().collect::<Vec<_>>());
    let second = store.log().commit_at(Position::new(3).unwrap()).unwrap().unwrap().commit;
    assert_eq!(second.context.activity_name(), Some("import of 12 May"));
    assert_eq!(second.context.actor.as_deref(), Some("import"));
}

fn an_activity_survives_dump_and_load(store: &Store) {
    import(store);
    let mut dump = Vec::new();
    store.log().dump(&mut dump, |_| {}).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for copy in [crate::stores::memory(), crate::stores::sqlite(&folder)] {
        copy.log().load(&mut &dump[..], |_| {}).unwrap();
        assert_eq!(activities(&copy, Order::OldestFirst), imported());
        let ids = |store: &Store| -> Vec<_> {
            store
                .activities(PositionRange::ALL, Order::OldestFirst)
                .map(|activity| activity.unwrap().id())
                .collect()
        };
        assert_eq!(ids(&copy), ids(store));
        assert_eq!(ids(&copy).iter().flatten().collect::<std::collections::HashSet<_>>().len(), 2);
    }
}

fn an_activity_without_commits_leaves_nothing(store: &Store) {
    Context::new().activity("nothing to do").in_scope(|| {
        let none = store.commit(Context::new(), |_| Ok(())).unwrap();
        assert_eq!(none.receipt, None);
    });
    assert_eq!(activities(store, Order::OldestFirst), []);
    assert_eq!(store.log().last_position().unwrap(), Position::START);
}

fn an_activity_goes_on_in_a_worker(store: &Store) {
    let record = store.record("r").unwrap();
    Context::new().activity("outer").activity("tidy up").in_scope(|| {
        record.set("n", &1).unwrap();
        let job = Context::current();
        let record = record.clone();
        thread::spawn(move || job.in_scope(|| record.set("n", &2))).join().unwrap().unwrap();
    });
    assert_eq!(activities(store, Order::OldestFirst), [(Some("tidy up".to_owned()), 2, 1, 2)]);
}

fn an_activity_that_others_came_between_is_listed_in_parts(store: &Store) {
    let record = store.record("r").unwrap();
    let import = Context::new().activity("import");
    for number in 0..4 {
        match number {
            2 => record.set("n", &number).unwrap(),
            _ => import.clone().in_scope(|| record.set("n", &number)).unwrap(),
        };
    }
    let import = || Some("import".to_owned());
    let parts = [(import(), 2, 1, 2), (None, 1, 3, 3), (import(), 1, 4, 4)];
    assert_eq!(activities(store, Order::OldestFirst), parts);
    let ids: Vec<_> =
        store.activities(PositionRange::ALL, Order::OldestFirst).map(|part| part.unwrap().id()).collect();
    assert_eq!(ids[0], ids[2]);
}
