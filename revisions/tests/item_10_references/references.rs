//! What can be referred to, and who stands with it.

use std::collections::BTreeSet;

use annals_core::codec::Set;
use annals_core::{Context, ErrorKind};
use annals_revisions::{Error, OnDelete, Revisions, State};

use crate::common::{by, for_each_driver};
use crate::{Comment, blog, comments, insert, on, posts, referrers};

#[test]
fn only_what_exists_can_be_referred_to() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::Cascade);
        let refused = comments.insert("c", &on("x"), Context::new()).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the object `c` of blog/comments refers by `post` to the object `x` of blog/posts, which does not exist"
        );
        assert_eq!(refused.kind(), ErrorKind::NotFound);
        assert!(!comments.contains("c").unwrap(), "nothing was written");

        comments.insert("c", &on("p"), Context::new()).unwrap();
        let refused = comments.edit("c", Context::new(), |c| c.post = Some("x".into())).unwrap_err();
        assert!(matches!(refused, Error::NoTarget { .. }), "{refused}");
        let refused = comments.set("c", &on("x"), Context::new()).unwrap_err();
        assert!(matches!(refused, Error::NoTarget { .. }), "{refused}");
        assert_eq!(comments.current("c").unwrap().unwrap().version(), 1);

        comments.insert("none", &Comment::default(), Context::new()).unwrap();
        posts.retire("q", Context::new()).unwrap();
        comments.insert("retired", &on("q"), Context::new()).unwrap();
        assert_eq!(referrers(&posts, "q"), ["blog/comments retired post"]);
    });
}

#[test]
fn an_object_stands_with_those_that_it_refers_to_as_long_as_it_does() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::SetNull);
        let first = comments.insert("c", &on("p"), Context::new()).unwrap();
        assert_eq!(referrers(&posts, "p"), ["blog/comments c post"]);
        let second = comments.update(&first, Context::new(), |c| c.text = "hm".into()).unwrap();
        assert_eq!(referrers(&posts, "p"), ["blog/comments c post"]);
        comments.update(&second, Context::new(), |c| c.post = Some("q".into())).unwrap();
        assert_eq!((referrers(&posts, "p").len(), referrers(&posts, "q").len()), (0, 1));
        comments.retire("c", Context::new()).unwrap();
        assert_eq!(referrers(&posts, "q"), ["blog/comments c post"], "it can be revived as it is");
        comments.delete("c", Context::new()).unwrap();
        assert_eq!(referrers(&posts, "q").len(), 0);
        comments.revive("c", Context::new()).unwrap();
        assert_eq!(referrers(&posts, "q"), ["blog/comments c post"]);
        comments.rollback_to(&first, Context::new()).unwrap();
        assert_eq!((referrers(&posts, "p").len(), referrers(&posts, "q").len()), (1, 0));
        comments.edit("c", Context::new(), |c| c.post = None).unwrap();
        assert_eq!((referrers(&posts, "p").len(), referrers(&posts, "q").len()), (0, 0));
    });
}

#[test]
fn what_comes_back_must_not_refer_to_what_is_gone() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::SetNull);
        let first = comments.insert("c", &on("p"), Context::new()).unwrap();
        comments.insert("d", &on("p"), Context::new()).unwrap();
        comments.delete("d", Context::new()).unwrap();
        posts.delete("p", Context::new()).unwrap();
        assert_eq!(comments.current("c").unwrap().unwrap().post, None);

        for refused in [
            comments.rollback_to(&first, Context::new()).unwrap_err(),
            comments.retire_at(&first, Context::new()).unwrap_err(),
            comments.revive("d", Context::new()).unwrap_err(),
        ] {
            assert!(matches!(refused, Error::NoTarget { .. }), "{refused}");
        }
        posts.insert("p", &"again".into(), Context::new()).unwrap();
        assert_eq!(comments.rollback_to(&first, Context::new()).unwrap().post, Some("p".into()));
        comments.revive("d", Context::new()).unwrap();
        assert_eq!(referrers(&posts, "p"), ["blog/comments c post", "blog/comments d post"]);
    });
}

#[test]
fn an_attribute_may_hold_several_names_in_a_list_or_a_set() {
    for_each_driver(|store| {
        let (posts, comments) = (posts(store), comments(store));
        comments.declare_reference("tags", &posts, OnDelete::SetNull).unwrap();
        insert(&posts, &["a", "b", "c"]);
        let tagged = |tags: &[&str]| Comment {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..Comment::default()
        };
        comments.insert("list", &tagged(&["c", "a", "b", "a"]), Context::new()).unwrap();
        assert_eq!(referrers(&posts, "a"), ["blog/comments list tags"]);
        let refused = comments.insert("x", &tagged(&["a", "x"]), Context::new()).unwrap_err();
        assert!(matches!(refused, Error::NoTarget { .. }), "{refused}");

        let sets = Revisions::<Set<BTreeSet<String>>>::open(store, "blog/sets").unwrap();
        sets.declare_reference("value", &posts, OnDelete::SetNull).unwrap();
        let set = |names: &[&str]| Set(names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
        sets.insert("set", &set(&["a", "b"]), Context::new()).unwrap();
        assert_eq!(referrers(&posts, "a"), ["blog/comments list tags", "blog/sets set value"]);

        posts.delete("a", Context::new()).unwrap();
        assert_eq!(comments.current("list").unwrap().unwrap().tags, ["c", "b"]);
        assert_eq!(sets.current("set").unwrap().unwrap().0, set(&["b"]).0);
    });
}

#[test]
fn what_is_no_name_is_refused() {
    for_each_driver(|store| {
        let (posts, comments) = (posts(store), comments(store));
        let numbers = Revisions::<u32>::open(store, "blog/numbers").unwrap();
        numbers.declare_reference("value", &posts, OnDelete::Cascade).unwrap();
        let refused = numbers.insert("n", &7, Context::new()).unwrap_err();
        assert!(matches!(refused, Error::NoReference { .. }), "{refused}");
        assert!(refused.to_string().contains("`value`"), "{refused}");

        comments.declare_reference("post", &posts, OnDelete::Cascade).unwrap();
        for name in ["", &"x".repeat(201)] {
            let refused = comments.insert("c", &on(name), Context::new()).unwrap_err();
            assert!(matches!(refused, Error::Name { .. }), "{refused}");
        }
    });
}

#[test]
fn names_of_any_length_refer_and_are_referred_to() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::Cascade);
        let long = "名".repeat(66);
        posts.insert(&long, &"x".into(), Context::new()).unwrap();
        comments.insert(&long, &on(&long), Context::new()).unwrap();
        assert_eq!(posts.referrers(&long).unwrap()[0].name(), long);
        posts.delete(&long, Context::new()).unwrap();
        assert!(!comments.contains(&long).unwrap());
    });
}

#[test]
fn several_objects_that_refer_to_one_another_are_written_in_one_commit() {
    for_each_driver(|store| {
        let nodes = Revisions::<Option<String>>::open(store, "nodes").unwrap();
        nodes.declare_reference("value", &nodes, OnDelete::Cascade).unwrap();
        store
            .try_commit(by("ann"), |tx| {
                let nodes = nodes.in_transaction(tx);
                nodes.insert("a", &None)?;
                nodes.insert("b", &Some("a".into()))?;
                nodes.edit("a", |a| *a = Some("b".into()))?;
                nodes.insert("me", &Some("me".into())).map(drop)
            })
            .map_err(|error: Error| error)
            .unwrap();
        assert_eq!(referrers(&nodes, "a"), ["nodes b value"]);
        assert_eq!(referrers(&nodes, "b"), ["nodes a value"]);
        assert_eq!(referrers(&nodes, "me"), ["nodes me value"]);

        // Deleted, and inserted again, with others that come and go: what counts is the end.
        store
            .try_commit(by("ann"), |tx| {
                let nodes = nodes.in_transaction(tx);
                nodes.insert("c", &Some("me".into()))?;
                nodes.delete("a")?;
                assert!(nodes.current("b")?.is_none());
                let refused = nodes.insert("d", &Some("b".into())).unwrap_err();
                assert!(matches!(refused, Error::NoTarget { .. }), "{refused}");
                nodes.insert("b", &Some("c".into())).map(drop)
            })
            .map_err(|error: Error| error)
            .unwrap();
        let (a, b) =
            (nodes.with_deleted().current("a").unwrap().unwrap(), nodes.current("b").unwrap().unwrap());
        assert_eq!((a.state(), a.version(), b.version()), (State::Deleted, 2, 2));
        assert_eq!((referrers(&nodes, "a").len(), referrers(&nodes, "b").len()), (0, 0));
        assert_eq!(referrers(&nodes, "c"), ["nodes b value"]);
    });
}
