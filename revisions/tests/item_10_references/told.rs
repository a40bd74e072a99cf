//! Who and why of what goes with a deleted object.

use annals_core::{Context, Store};
use annals_revisions::{ObjectAction, OnDelete, Revisions, Tracking};

use crate::common::{by, for_each_driver};
use crate::{Comment, comments, insert, on, posts};

fn said(objects: &Revisions<Comment>, name: &str) -> (Option<String>, Option<String>) {
    let revision = objects.with_deleted().current(name).unwrap().unwrap();
    (revision.creator().map(str::to_owned), revision.comment().map(str::to_owned))
}

/// A post `p`, a comment that goes with it, and one that loses its tag.
fn blog(store: &Store) -> (Revisions<String>, Revisions<Comment>) {
    let (posts, comments) = (posts(store), comments(store));
    comments.declare_reference("post", &posts, OnDelete::Cascade).unwrap();
    comments.declare_reference("tags", &posts, OnDelete::SetNull).unwrap();
    insert(&posts, &["p"]);
    comments.insert("goes", &on("p"), by("ben")).unwrap();
    let tagged = Comment { tags: vec!["p".into()], ..Comment::default() };
    comments.insert("stays", &tagged, by("cy")).unwrap();
    (posts, comments)
}

fn some(actor: Option<&str>, reason: Option<&str>) -> (Option<String>, Option<String>) {
    (actor.map(str::to_owned), reason.map(str::to_owned))
}

#[test]
fn it_is_nobody_for_the_reason_of_the_deletion() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store);
        let why = by("ann")
            .reason("clean up")
            .describe_object("no longer needed")
            .describe_deletion("p was deleted");
        let deleted = posts.delete("p", why).unwrap();
        assert_eq!((deleted.creator(), deleted.comment()), (Some("ann"), Some("no longer needed")));
        assert_eq!(deleted.commit().context.actor.as_deref(), Some("ann"));
        assert_eq!(said(&comments, "goes"), some(None, Some("p was deleted")));
        assert_eq!(said(&comments, "stays"), some(None, Some("p was deleted")));
        let stays = comments.current("stays").unwrap().unwrap();
        let delta = comments.delta(stays.info()).unwrap();
        let [tags] = delta.attributes() else { panic!("{delta:?}") };
        assert_eq!((tags.name(), tags.actor(), tags.description()), ("tags", None, Some("p was deleted")));
    });
}

#[test]
fn where_the_deletion_says_nothing_it_is_the_reason_of_the_commit() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store);
        posts.delete("p", by("ann").reason("clean up").describe_object("no longer needed")).unwrap();
        assert_eq!(said(&comments, "goes"), some(None, Some("clean up")));

        // In force, and in a transaction, as well.
        posts.insert("p", &"x".into(), Context::new()).unwrap();
        comments.insert("goes", &on("p"), by("ben")).unwrap();
        Context::new().describe_deletion("by the rules").in_scope(|| posts.delete("p", by("ann"))).unwrap();
        assert_eq!(said(&comments, "goes"), some(None, Some("by the rules")));
        posts.insert("p", &"x".into(), Context::new()).unwrap();
        comments.insert("goes", &on("p"), by("ben")).unwrap();
        let own = Context::new().describe_deletion("of its own");
        let deleted =
            store.try_commit(by("ann"), |tx| posts.in_transaction(tx).with_context(own.clone()).delete("p"));
        deleted.map_err(|error: annals_revisions::Error| error).unwrap();
        assert_eq!(said(&comments, "goes"), some(None, Some("of its own")));

        posts.insert("p", &"x".into(), Context::new()).unwrap();
        comments.insert("goes", &on("p"), by("ben")).unwrap();
        posts.delete("p", by("ann").describe_deletion("x").untracked()).unwrap();
        assert_eq!(said(&comments, "goes"), some(None, None));
    });
}

#[test]
fn a_plan_tells_who_and_why_of_each() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store);
        let plan = posts.plan_delete("p").unwrap().telling(|affected| match affected.action() {
            ObjectAction::Delete => Context::new().reason(format!("{} goes with its post", affected.name())),
            _ => Context::new().actor("the rules"),
        });
        let deleted = plan.apply(by("ann").describe_deletion("p was deleted")).unwrap();
        assert_eq!((deleted.creator(), deleted.comment()), (Some("ann"), None));
        assert_eq!(said(&comments, "goes"), some(None, Some("goes goes with its post")));
        assert_eq!(said(&comments, "stays"), some(Some("the rules"), Some("p was deleted")));
    });
}
