use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::task::{self, Poll, Waker};

use annals::codec::Value;
use annals::{Context, ContextPart, Error, ErrorKind, Store};

on_every_driver! {
    the_empty_text_hides_what_is_in_force_further_out,
    an_entry_can_be_by_nobody_in_a_commit_by_somebody,
    an_entry_keeps_only_what_differs_from_its_commit,
    untracked_commits_carry_neither_who_nor_why,
    tags_of_the_scope_are_carried_over_but_not_stored,
    a_body_can_add_to_the_context_of_its_commit,
    each_run_of_a_body_begins_with_the_context_given,
}

fn actor(name: &str) -> Context {
    Context::new().actor(name)
}

fn current_actor() -> Option<String> {
    Context::current().actor
}

#[test]
fn what_is_set_counts_until_the_innermost_ends() {
    actor("a").in_scope(|| {
        Context::new().in_scope(|| {
            actor("b").reason("r").tag("t", 1).set_in_force().unwrap();
            actor("c").set_in_force().unwrap();
            assert_eq!(Context::current(), actor("c").reason("r").tag("t", 1));
        });
        assert_eq!(Context::current(), actor("a"));
    });
}

#[test]
fn setting_where_nothing_is_in_force_is_refused() {
    let refused = actor("a").set_in_force().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(refused.to_string().contains("Context::in_scope"), "{refused}");
    assert_eq!(Context::current(), Context::new());
}

#[test]
fn unset_takes_from_the_nearest_that_says_it_and_reset_from_all() {
    actor("a").in_scope(|| {
        actor("b").in_scope(|| {
            Context::new().reason("r").in_scope(|| {
                assert!(ContextPart::Actor.unset());
                assert_eq!(current_actor().as_deref(), Some("a"));
                actor("c").set_in_force().unwrap();
                ContextPart::Actor.reset();
                assert_eq!(Context::current(), Context::new().reason("r"));
                assert!(!ContextPart::Actor.unset());
            });
        });
        assert_eq!(current_actor(), None, "reset reaches every depth");
        actor("d").set_in_force().unwrap();
        assert_eq!(current_actor().as_deref(), Some("d"));
    });
    assert_eq!(Context::current(), Context::new());
}

#[test]
fn every_part_can_be_taken_away() {
    let time = "2020-01-01T00:00:00Z".parse().unwrap();
    let all = actor("a").reason("r").location("l").occurred_at(time).tag("t", 1).untracked().activity("n");
    let parts = [
        ContextPart::Actor,
        ContextPart::Reason,
        ContextPart::Location,
        ContextPart::OccurredAt,
        ContextPart::Activity,
        ContextPart::Tracked,
        ContextPart::Tag("t"),
    ];
    all.in_scope(|| {
        for part in parts {
            assert!(part.unset(), "{part:?}");
            assert!(!part.unset(), "{part:?}");
        }
        assert_eq!(Context::current(), Context::new());
    });
}

#[test]
fn what_is_set_ends_with_a_panic_too() {
    actor("a").in_scope(|| {
        let fall = || {
            Context::new().in_scope(|| {
                actor("b").set_in_force().unwrap();
                resume_unwind(Box::new("on purpose"));
            });
        };
        assert!(catch_unwind(AssertUnwindSafe(fall)).is_err());
        assert_eq!(current_actor().as_deref(), Some("a"));
    });
}

#[test]
fn what_a_future_sets_is_its_own_and_lasts_over_its_turns() {
    let turn = || {
        let mut had = false;
        poll_fn(move |_| if std::mem::replace(&mut had, true) { Poll::Ready(()) } else { Poll::Pending })
    };
    let task = |name: &'static str| {
        Context::new().instrument(async move {
            assert_eq!(current_actor().as_deref(), Some("poller"));
            actor(name).set_in_force().unwrap();
            turn().await;
            assert_eq!(current_actor().as_deref(), Some(name));
            ContextPart::Actor.unset();
            turn().await;
            current_actor()
        })
    };
    let (mut first, mut second) = (pin!(task("first")), pin!(task("second")));
    let mut waking = task::Context::from_waker(Waker::noop());
    actor("poller").in_scope(|| {
        for _ in 0..2 {
            assert!(first.as_mut().poll(&mut waking).is_pending());
            assert_eq!(current_actor().as_deref(), Some("poller"));
            assert!(second.as_mut().poll(&mut waking).is_pending());
        }
        for task in [first, second] {
            assert_eq!(task.poll(&mut waking), Poll::Ready(Some("poller".to_owned())));
        }
    });
}

fn the_empty_text_hides_what_is_in_force_further_out(store: &Store) {
    let record = store.record("r").unwrap();
    actor("alice").reason("why").in_scope(|| {
        let nobody = record.with_context(actor("")).set("n", &1).unwrap();
        assert_eq!(
            (&nobody.commit.context.actor, nobody.commit.context.reason.as_deref()),
            (&None, Some("why"))
        );
        let why_not = Context::new().reason("").in_scope(|| record.set("n", &2)).unwrap();
        assert_eq!(
            (why_not.commit.context.actor.as_deref(), &why_not.commit.context.reason),
            (Some("alice"), &None)
        );
    });
}

fn an_entry_can_be_by_nobody_in_a_commit_by_somebody(store: &Store) {
    let _ = store
        .commit(actor("alice").reason("why"), |tx| {
            tx.record("r")?.actor("").reason("").set("nobody", &1)?;
            tx.record("r")?.set("somebody", &1)
        })
        .unwrap();
    let told = |field| {
        let change = store.record("r").unwrap().history(field).unwrap().into_iter().next().unwrap().unwrap();
        (change.actor().map(str::to_owned), change.reason().map(str::to_owned))
    };
    assert_eq!(told("nobody"), (None, None));
    assert_eq!(told("somebody"), (Some("alice".to_owned()), Some("why".to_owned())));
}

fn an_entry_keeps_only_what_differs_from_its_commit(store: &Store) {
    let own = |context: Context| {
        let committed = store.commit(context, |tx| {
            for actor in ["", "alice", "bob"] {
                tx.record("r")?.actor(actor).reason(actor).set(format!("by_{actor}"), &1)?;
            }
            Ok(())
        });
        let position = committed.unwrap().receipt.unwrap().position();
        let commit = store.log().commit_at(position).unwrap().unwrap();
        commit.entries.into_iter().map(|entry| (entry.actor, entry.reason)).collect::<Vec<_>>()
    };
    let told = |text: &str| (Some(text.to_owned()), Some(text.to_owned()));
    assert_eq!(own(actor("alice").reason("alice")), [told(""), (None, None), told("bob")]);
    assert_eq!(own(Context::new()), [(None, None), told("alice"), told("bob")]);
}

fn untracked_commits_carry_neither_who_nor_why(store: &Store) {
    let record = store.record("r").unwrap().with_context(Context::new().tag("kept", 1));
    let told = |context: Context| {
        let receipt = context.in_scope(|| record.set("n", &1)).unwrap();
        let Context { actor, reason, tags, location, .. } = receipt.commit.context.clone();
        assert_eq!(tags, [("kept".to_owned(), Value::from(1))].into());
        assert!(location.unwrap().contains("context_parts.rs:"));
        (actor, reason)
    };
    let alice = || actor("alice").reason("why");
    let both = (Some("alice".to_owned()), Some("why".to_owned()));
    assert_eq!(told(alice().untracked()), (None, None));
    Context::new().untracked().in_scope(|| {
        assert_eq!(told(alice()), (None, None));
        alice().in_scope(|| assert_eq!(told(Context::new().tracked()), both));
        assert_eq!(told(alice().tracked()), both);
        assert!(ContextPart::Tracked.unset());
        assert_eq!(told(alice()), both);
    });
    let given = store.commit(alice().untracked(), |tx| tx.record("r")?.set("n", &2)).unwrap();
    assert_eq!(given.receipt.unwrap().commit.context.actor, None);
}

fn tags_of_the_scope_are_carried_over_but_not_stored(store: &Store) {
    let told = Context::new().tag(format!("{}layer", Context::SCOPE_TAGS), "a hint").tag("kept", 1);
    let captured = told.clone().in_scope(Context::current);
    assert_eq!(captured, told);
    let record = store.record("r").unwrap();
    let receipt = captured.in_scope(|| record.set("n", &1)).unwrap();
    assert_eq!(receipt.commit.context.tags, [("kept".to_owned(), Value::from(1))].into());
}

fn a_body_can_add_to_the_context_of_its_commit(store: &Store) {
    let committed = actor("outer").in_scope(|| {
        store.commit(actor("alice").tag("ticket", 1), |tx| {
            assert_eq!(current_actor().as_deref(), Some("alice"));
            tx.record("r")?.set("n", &1)?;
            Context::new().reason("what was found out").set_in_force()?;
            Context::new().in_scope(|| actor("not this one").set_in_force())?;
            ContextPart::Actor.unset();
            Ok(())
        })
    });
    let context = committed.unwrap().receipt.unwrap().commit.context.clone();
    assert_eq!(context.actor.as_deref(), Some("outer"));
    assert_eq!(context.reason.as_deref(), Some("what was found out"));
    assert_eq!(context.tags.len(), 1);
    assert_eq!(Context::current(), Context::new());
}

fn each_run_of_a_body_begins_with_the_context_given(store: &Store) {
    let record = store.record("r").unwrap();
    record.set("n", &1).unwrap();
    let mut runs = 0;
    let committed = store.transaction(Context::new(), |tx| {
        runs += 1;
        let n: i64 = tx.record("r")?.get("n")?.unwrap();
        assert_eq!(Context::current().tags, [].into());
        Context::new().tag(format!("run{runs}"), runs).set_in_force()?;
        if runs == 1 {
            record.set("n", &5)?;
        }
        tx.record("r")?.set("n", &(n + 1))?;
        Ok::<_, Error>(())
    });
    let context = committed.unwrap().receipt.unwrap().commit.context.clone();
    assert_eq!(context.tags, [("run2".to_owned(), Value::from(2))].into());
    assert_eq!(record.get("n").unwrap(), Some(6));
}
