//! What each deletion rule does.

use annals_core::{Context, ErrorKind};
use annals_revisions::{Error, OnDelete, Revisions, State};

use crate::common::{by, for_each_driver};
use crate::{Comment, blog, insert, names, on, referrers};

impl Comment {
    fn on_default() -> Comment {
        on("default")
    }
}

#[test]
fn cascade_deletes_what_refers() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::Cascade);
        for (name, post) in [("c1", "p"), ("c2", "p"), ("c3", "q")] {
            comments.insert(name, &on(post), Context::new()).unwrap();
        }
        comments.retire("c2", Context::new()).unwrap();
        let deleted = posts.delete("p", Context::new()).unwrap();
        assert_eq!((names(&posts), names(&comments)), (vec!["q".into()], vec!["c3".into()]));
        for name in ["c1", "c2"] {
            let gone = comments.with_deleted().current(name).unwrap().unwrap();
            assert_eq!((gone.state(), gone.post.as_deref()), (State::Deleted, Some("p")));
            assert_eq!(gone.commit(), deleted.commit(), "in the same commit");
            assert_eq!(gone.info().consequence_of(), Some("blog/posts/p"));
        }
        assert_eq!(deleted.consequence_of(), None);
        assert_eq!(referrers(&posts, "p").len(), 0);
    });
}

#[test]
fn rules_that_set_leave_the_object() {
    let by_name = |referrer: &annals_revisions::Referrer| {
        assert_eq!((referrer.collection().as_str(), referrer.attribute()), ("blog/comments", "post"));
        (referrer.name() == "c").then(|| "q".to_owned())
    };
    for_each_driver(|store| {
        for (rule, after, other) in [
            (OnDelete::SetNull, None, None),
            (OnDelete::SetDefault(Comment::on_default), Some("default"), Some("default")),
            (OnDelete::SetDefault(Comment::default), None, None),
            (OnDelete::Set("q".into()), Some("q"), Some("q")),
            (OnDelete::set_with(by_name), Some("q"), None),
        ] {
            let told = format!("{rule:?}");
            let (posts, comments) = (crate::posts(store), crate::comments(store));
            comments.declare_reference("post", &posts, rule).unwrap();
            for name in ["p", "q", "default"] {
                posts.set(name, &"x".into(), Context::new()).unwrap();
            }
            comments.set("c", &on("p"), Context::new()).unwrap();
            comments.set("other", &on("p"), Context::new()).unwrap();
            comments.retire("other", Context::new()).unwrap();

            let deleted = posts.delete("p", Context::new()).unwrap();
            let comments = comments.with_deleted();
            let (c, d) =
                (comments.current("c").unwrap().unwrap(), comments.current("other").unwrap().unwrap());
            assert_eq!((c.post.as_deref(), d.post.as_deref()), (after, other), "{told}");
            assert_eq!((c.state(), d.state()), (State::Locked, State::Retired), "{told}");
            assert_eq!((c.commit(), c.info().consequence_of()), (deleted.commit(), Some("blog/posts/p")));
            if let Some(after) = after {
                assert!(referrers(&posts, after).contains(&"blog/comments c post".to_owned()), "{told}");
            }
        }
    });
}

#[test]
fn what_takes_the_place_of_a_name_has_to_exist() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::Set("q".into()));
        comments.insert("c", &on("p"), Context::new()).unwrap();
        posts.delete("q", Context::new()).unwrap();
        let refused = posts.delete("p", Context::new()).unwrap_err();
        assert!(matches!(refused, Error::NoTarget { .. }), "{refused}");
        assert_eq!(names(&posts), ["p"]);

        comments.edit("c", Context::new(), |c| c.post = None).unwrap();
        posts.revive("q", Context::new()).unwrap();
        comments.insert("d", &on("q"), Context::new()).unwrap();
        let refused = posts.delete("q", Context::new()).unwrap_err();
        assert!(matches!(refused, Error::NoTarget { .. }), "not what is being deleted: {refused}");
    });
}

#[test]
fn restrict_refuses_and_says_who() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::Restrict);
        comments.insert("c", &on("p"), Context::new()).unwrap();
        let before = store.snapshot().unwrap().position();
        let refused = posts.delete("p", Context::new()).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the object `p` of blog/posts cannot be deleted: the object `c` of blog/comments refers by `post` \
             to what would be deleted"
        );
        assert_eq!(refused.kind(), ErrorKind::Invalid);
        assert_eq!(store.snapshot().unwrap().position(), before);

        comments.insert("d", &on("p"), Context::new()).unwrap();
        let refused = posts.delete("p", Context::new()).unwrap_err();
        assert!(refused.to_string().ends_with("what would be deleted, and 1 more do"), "{refused}");
        let Error::Restricted { by, .. } = refused else { panic!("{refused}") };
        assert_eq!(
            by.iter().map(annals_revisions::Referrer::name).collect::<std::collections::BTreeSet<_>>(),
            ["c", "d"].into()
        );

        comments.delete("c", Context::new()).unwrap();
        comments.edit("d", Context::new(), |d| d.post = Some("q".into())).unwrap();
        posts.delete("p", Context::new()).unwrap();
    });
}

#[test]
fn what_a_transaction_has_deleted_before_restricts_nothing() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::Restrict);
        comments.insert("c", &on("p"), Context::new()).unwrap();
        let both = |comment_first: bool| {
            store.try_commit(Context::new(), |tx| {
                let (posts, comments) = (posts.in_transaction(tx), comments.in_transaction(tx));
                if comment_first {
                    comments.delete("c")?;
                }
                posts.delete("p")?;
                if comment_first { Ok(()) } else { comments.delete("c") }
            })
        };
        assert!(matches!(both(false), Err(Error::Restricted { .. })));
        both(true).unwrap();
        assert_eq!((names(&posts), names(&comments).len()), (vec!["q".into()], 0));
    });
}

#[test]
fn what_refers_to_itself_does_not_stand_in_its_own_way() {
    for_each_driver(|store| {
        let nodes = Revisions::<Option<String>>::open(store, "nodes").unwrap();
        nodes.declare_reference("value", &nodes, OnDelete::Restrict).unwrap();
        insert(&nodes, &["a"]);
        nodes.edit("a", Context::new(), |a| *a = Some("a".into())).unwrap();
        nodes.delete("a", Context::new()).unwrap();
        assert_eq!((names(&nodes).len(), referrers(&nodes, "a").len()), (0, 0));
    });
}

#[test]
fn do_nothing_leaves_a_name_of_what_is_gone() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::DoNothing);
        comments.insert("c", &on("p"), Context::new()).unwrap();
        comments.insert("never", &on("never"), Context::new()).unwrap();
        posts.delete("p", Context::new()).unwrap();
        let left = comments.current("c").unwrap().unwrap();
        assert_eq!((left.version(), left.post.as_deref()), (1, Some("p")));
        assert_eq!(referrers(&posts, "p"), ["blog/comments c post"]);
        comments.delete("c", Context::new()).unwrap();
        comments.revive("c", Context::new()).unwrap();
        assert_eq!(referrers(&posts, "never"), ["blog/comments never post"]);
    });
}

#[test]
fn a_rule_that_cannot_be_applied_is_found_when_something_is_referred_to() {
    for_each_driver(|store| {
        let posts = crate::posts(store);
        insert(&posts, &["p"]);
        let strict = Revisions::<String>::open(store, "strict").unwrap();
        strict.declare_reference("value", &posts, OnDelete::SetNull).unwrap();
        let refused = strict.insert("c", &"p".into(), Context::new()).unwrap_err();
        assert!(matches!(refused, Error::Rule { .. }), "{refused}");
        assert!(
            refused.to_string().starts_with("the deletion rule of `value` of strict does not fit"),
            "{refused}"
        );
        strict.declare_reference("value", &posts, OnDelete::Cascade).unwrap();
        let first = strict.insert("c", &"p".into(), Context::new()).unwrap();
        strict.declare_reference("value", &posts, OnDelete::SetNull).unwrap();
        insert(&posts, &["q"]);
        let refused = strict.update(&first, Context::new(), |post| *post = "q".into()).unwrap_err();
        assert!(matches!(refused, Error::Rule { .. }), "{refused}");

        let lists = |value: &[&str]| value.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let two = Revisions::<Vec<String>>::open(store, "lists").unwrap();
        two.declare_reference("value", &posts, OnDelete::SetDefault(|| vec!["p".into(), "q".into()]))
            .unwrap();
        two.insert("c", &lists(&["p"]), Context::new()).unwrap();
        let number = Revisions::<u8>::open(store, "numbers").unwrap();
        let refused = number.declare_reference("value", &posts, OnDelete::SetDefault(|| 7)).unwrap_err();
        assert!(matches!(refused, Error::Rule { .. }), "{refused}");
    });
}

#[test]
fn purging_applies_rules_as_deleting_does_and_retiring_does_not() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::Cascade);
        comments.insert("c", &on("p"), Context::new()).unwrap();
        comments.declare_reference("tags", &posts, OnDelete::Restrict).unwrap();
        posts.retire("p", Context::new()).unwrap();
        assert_eq!(names(&comments), ["c"]);

        let forget = || by("dana").reason("asked to be forgotten");
        let tagged = Comment { tags: vec!["p".into()], ..Comment::default() };
        comments.insert("d", &tagged, Context::new()).unwrap();
        let refused = posts.purge("p", forget()).unwrap_err();
        assert!(matches!(refused, Error::Restricted { .. }), "{refused}");
        assert_eq!(posts.with_deleted().current("p").unwrap().unwrap().state(), State::Retired);

        comments.delete("d", Context::new()).unwrap();
        assert_eq!(posts.purge("p", forget()).unwrap().entries, 1);
        assert_eq!(names(&comments).len(), 0);
        let c = comments.with_deleted().current("c").unwrap().unwrap();
        assert_eq!((c.post.as_deref(), c.info().consequence_of()), (Some("p"), Some("blog/posts/p")));
        let refused = comments.revive("c", Context::new()).unwrap_err();
        assert!(matches!(refused, Error::NoTarget { .. }), "{refused}");
        let refused = posts.revive_all("p", Context::new()).unwrap_err();
        assert!(matches!(refused, Error::Purged { .. }), "{refused}");
    });
}

#[test]
fn what_was_purged_refers_to_nothing() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::Restrict);
        comments.insert("c", &on("p"), Context::new()).unwrap();
        comments.purge("c", by("dana").reason("asked to be forgotten")).unwrap();
        assert_eq!(referrers(&posts, "p").len(), 0);
        posts.delete("p", Context::new()).unwrap();
    });
}

#[test]
fn a_filtered_handle_deletes_nothing_beyond_its_filter() {
    for_each_driver(|store| {
        let nodes = Revisions::<Option<String>>::open(store, "nodes").unwrap();
        nodes.declare_reference("value", &nodes, OnDelete::Cascade).unwrap();
        insert(&nodes, &["a"]);
        nodes.insert("b", &Some("a".into()), Context::new()).unwrap();
        let roots = nodes.filtered(Option::is_none);
        let refused = roots.delete("a", Context::new()).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the object `a` of nodes cannot be deleted through this handle: the object `b` of nodes would go \
             with it or change, and is beyond the filter"
        );
        assert_eq!(names(&nodes), ["a", "b"]);
        let refused = roots.plan_delete("a").unwrap_err();
        assert!(matches!(refused, Error::BeyondFilter { .. }), "{refused}");
        let both = nodes.filtered(|_| true);
        both.delete("a", Context::new()).unwrap();
        assert_eq!(names(&nodes).len(), 0);
    });
}
