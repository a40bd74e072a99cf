//! What a deletion would do is seen before it is done.

use annals_core::{Context, Store};
use annals_revisions::{Affected, Error, ObjectAction, OnDelete, Plan, Revisions};

use crate::common::{by, for_each_driver};
use crate::{Comment, blog, comments, insert, names, on, posts, referrers};

fn told(plan: &Plan<String>) -> Vec<String> {
    let told = |affected: &Affected| {
        let Affected { .. } = affected;
        let (collection, name, depth) = (affected.collection(), affected.name(), affected.depth());
        format!("{depth} {} {collection} {name} {:?}", affected.action(), affected.attributes())
    };
    plan.affected().iter().map(told).collect()
}

/// Comments on `p` that go with it, replies that go with those, and what is tagged with them.
fn deep(store: &Store) -> (Revisions<String>, Revisions<Comment>) {
    let (posts, comments) = (posts(store), comments(store));
    comments.declare_reference("post", &posts, OnDelete::Cascade).unwrap();
    let replies = Revisions::<Comment>::open(store, "blog/replies").unwrap();
    replies.declare_reference("post", &comments, OnDelete::Cascade).unwrap();
    replies.declare_reference("tags", &comments, OnDelete::SetNull).unwrap();
    insert(&posts, &["p", "q"]);
    comments.insert("c", &on("p"), Context::new()).unwrap();
    replies.insert("r", &on("c"), Context::new()).unwrap();
    let tagged = Comment { tags: vec!["c".into()], ..Comment::default() };
    replies.insert("tagged", &tagged, Context::new()).unwrap();
    (posts, comments)
}

#[test]
fn a_plan_names_all_that_a_deletion_does_and_does_nothing() {
    for_each_driver(|store| {
        let (posts, comments) = deep(store);
        let before = store.snapshot().unwrap().position();
        let plan = posts.plan_delete("p").unwrap();
        assert_eq!(
            told(&plan),
            [
                "0 delete blog/posts p []",
                "1 delete blog/comments c []",
                "2 delete blog/replies r []",
                "2 update blog/replies tagged [\"tags\"]",
            ]
        );
        assert!(plan.restricted_by().is_empty());
        assert_eq!(store.snapshot().unwrap().position(), before);
        let deleted = plan.apply(by("ann")).unwrap();
        assert_eq!((deleted.name(), deleted.version(), deleted.creator()), ("p", 2, Some("ann")));
        assert_eq!(names(&comments).len(), 0);
        assert!(matches!(plan.apply(by("ann")), Err(Error::NoObject { .. })), "it is done");
    });
}

#[test]
fn a_plan_names_who_restricts_it() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::Restrict);
        comments.insert("c", &on("p"), Context::new()).unwrap();
        let plan = posts.plan_delete("p").unwrap();
        assert_eq!(plan.restricted_by(), posts.referrers("p").unwrap());
        assert!(matches!(plan.apply(by("ann")), Err(Error::Restricted { .. })));
        comments.edit("c", Context::new(), |c| c.post = None).unwrap();
        let stale = plan.apply(by("ann")).unwrap_err();
        assert!(stale.is_conflict(), "{stale}");
        posts.plan_delete("p").unwrap().apply(by("ann")).unwrap();
    });
}

#[test]
fn a_plan_is_not_applied_to_what_has_changed() {
    for_each_driver(|store| {
        let (posts, comments) = deep(store);
        let replies = Revisions::<Comment>::open(store, "blog/replies").unwrap();
        let change = |step: usize| match step {
            0 => comments.edit("c", by("ben"), |c| c.text = "changed".into()).map(drop),
            1 => replies.edit("tagged", by("ben"), |r| r.text = "changed".into()).map(drop),
            2 => posts.set("p", &"changed".into(), by("ben")).map(drop),
            3 => comments.insert("new", &on("p"), by("ben")).map(drop),
            4 => replies.edit("r", by("ben"), |r| r.post = None).map(drop),
            _ => Context::new()
                .actor("ben")
                .in_scope(|| replies.declare_reference("post", &comments, OnDelete::SetNull)),
        };
        for step in 0..6 {
            let plan = posts.plan_delete("p").unwrap();
            change(step).unwrap();
            let before = store.snapshot().unwrap().position();
            let stale = plan.apply(by("ann")).unwrap_err();
            let conflict = stale.conflict().unwrap_or_else(|| panic!("step {step}: {stale}"));

            assert_eq!(conflict.lost_to.context.actor.as_deref(), Some("ben"), "step {step}");
            assert_eq!(store.snapshot().unwrap().position(), before);
        }
        // What has nothing to do with it does no harm.
        let plan = posts.plan_delete("p").unwrap();
        comments.insert("other", &on("q"), by("ben")).unwrap();
        plan.apply(by("ann")).unwrap();
        assert_eq!((names(&posts), names(&comments)), (vec!["q".into()], vec!["other".into()]));
        assert_eq!(referrers(&posts, "q"), ["blog/comments other post"]);
        let tagged = replies.current("tagged").unwrap().unwrap();
        let action = replies.delta(tagged.info()).unwrap().action();
        assert_eq!((tagged.tags.len(), action), (0, ObjectAction::Update));
    });
}
