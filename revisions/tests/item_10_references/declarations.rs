//! What a declaration binds: every handle, in every process, what was there before included.

use annals_core::codec::Value;
use annals_core::{Context, Position, Store};
use annals_revisions::{Error, OnDelete, Revisions};

use crate::common::{by, for_each_driver, for_each_place};
use crate::{Comment, blog, comments, insert, names, on, posts, referrers};

fn end(store: &Store) -> Position {
    store.snapshot().unwrap().position()
}

#[test]
fn handles_that_know_of_no_declaration_keep_to_it() {
    for_each_place(|place| {
        let (_, declared) = blog(&place.open(), OnDelete::Cascade);
        let store = place.open();
        let (posts, comments) = (posts(&store), comments(&store));
        assert!(matches!(comments.insert("c", &on("x"), Context::new()), Err(Error::NoTarget { .. })));
        comments.insert("c", &on("p"), Context::new()).unwrap();
        // By a program that knows the type of neither.
        let any = Revisions::<Value>::open(&store, "blog/posts").unwrap();
        any.delete("p", Context::new()).unwrap();
        assert_eq!(names(&declared).len(), 0);
        assert_eq!(referrers(&posts, "p").len(), 0);
    });
}

#[test]
fn declaring_the_same_again_writes_nothing() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::SetDefault(Comment::default));
        comments.insert("c", &on("p"), Context::new()).unwrap();
        let before = end(store);
        comments.declare_reference("post", &posts, OnDelete::SetDefault(Comment::default)).unwrap();
        assert_eq!(end(store), before);
    });
}

#[test]
fn another_rule_holds_for_all_references_from_then_on() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::Restrict);
        comments.insert("c", &on("p"), Context::new()).unwrap();
        assert!(matches!(posts.delete("p", Context::new()), Err(Error::Restricted { .. })));
        comments.declare_reference("post", &posts, OnDelete::SetNull).unwrap();
        posts.delete("p", Context::new()).unwrap();
        assert_eq!(comments.current("c").unwrap().unwrap().post, None);
    });
}

#[test]
fn what_was_there_before_is_gathered() {
    for_each_driver(|store| {
        let (posts, comments) = (posts(store), comments(store));
        insert(&posts, &["p", "q"]);
        let many = store.try_commit(Context::new(), |tx| {
            let comments = comments.in_transaction(tx);
            (0..600).try_for_each(|i| comments.insert(&format!("c{i}"), &on("p")).map(drop))
        });
        many.map_err(|error: Error| error).unwrap();
        comments.retire("c1", Context::new()).unwrap();
        comments.delete("c2", Context::new()).unwrap();
        Context::new().actor("dana").in_scope(|| {
            comments.declare_reference("post", &posts, OnDelete::Cascade).unwrap();
        });
        assert_eq!(posts.referrers("p").unwrap().len(), 599);
        let record = store.record("blog/comments").unwrap();
        let declared: Vec<_> =
            record.history("__references").unwrap().into_iter().map(Result::unwrap).collect();
        assert_eq!(declared.len(), 2, "declared, and then gathered");
        assert_eq!(declared[0].actor(), Some("dana"));
        posts.delete("p", Context::new()).unwrap();
        assert_eq!(comments.len().unwrap(), 0);
    });
}

#[test]
fn what_names_nothing_that_exists_is_told_when_it_is_declared() {
    for_each_driver(|store| {
        let (posts, comments) = (posts(store), comments(store));
        insert(&posts, &["p"]);
        comments.insert("a", &on("p"), Context::new()).unwrap();
        comments.insert("b", &on("x"), Context::new()).unwrap();
        let dangling = comments.declare_reference("post", &posts, OnDelete::Restrict).unwrap_err();
        assert!(matches!(dangling, Error::NoTarget { .. }), "{dangling}");
        assert!(dangling.to_string().contains("`b` of blog/comments refers by `post` to the object `x`"));
        assert_eq!(referrers(&posts, "p").len(), 0, "it is not declared");
        comments.insert("c", &on("x"), Context::new()).unwrap();
        comments.delete("c", Context::new()).unwrap();

        comments.edit("b", Context::new(), |b| b.post = None).unwrap();
        comments.declare_reference("post", &posts, OnDelete::Restrict).unwrap();
        assert!(matches!(posts.delete("p", Context::new()), Err(Error::Restricted { .. })));
    });
}

#[test]
fn what_was_never_checked_is_checked_when_the_rule_asks_for_it() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::DoNothing);
        comments.insert("c", &on("x"), Context::new()).unwrap();
        let dangling = comments.declare_reference("post", &posts, OnDelete::SetNull).unwrap_err();
        assert!(matches!(dangling, Error::NoTarget { .. }), "{dangling}");
        comments.edit("c", Context::new(), |c| c.post = Some("y".into())).unwrap();
        comments.edit("c", Context::new(), |c| c.post = Some("x".into())).unwrap();
        insert(&posts, &["x"]);
        comments.declare_reference("post", &posts, OnDelete::SetNull).unwrap();
        posts.delete("x", Context::new()).unwrap();
        assert_eq!(comments.current("c").unwrap().unwrap().post, None);
    });
}

#[test]
fn an_attribute_keeps_to_one_collection() {
    for_each_driver(|store| {
        let (_, comments) = blog(store, OnDelete::Cascade);
        let refused = comments.declare_reference("post", &comments, OnDelete::Cascade).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the deletion rule of `post` of blog/comments is for references to blog/posts, until it is withdrawn"
        );
    });
}

#[test]
fn what_is_withdrawn_binds_nobody() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::Restrict);
        comments.declare_reference("tags", &posts, OnDelete::Restrict).unwrap();
        let tagged = Comment { tags: vec!["q".into()], ..on("p") };
        comments.insert("c", &tagged, Context::new()).unwrap();
        comments.withdraw_reference("post").unwrap();
        assert_eq!((referrers(&posts, "p").len(), referrers(&posts, "q").len()), (0, 1));
        posts.delete("p", Context::new()).unwrap();
        comments.insert("d", &on("anything"), Context::new()).unwrap();
        assert!(
            matches!(posts.delete("q", Context::new()), Err(Error::Restricted { .. })),
            "by the other one"
        );
        let before = end(store);
        comments.withdraw_reference("post").unwrap();
        assert_eq!(end(store), before, "it was withdrawn before");

        // To another collection now, of which what is there is gathered anew.
        let others = Revisions::<String>::open(store, "others").unwrap();
        insert(&others, &["p", "anything"]);
        comments.declare_reference("post", &others, OnDelete::SetNull).unwrap();
        assert_eq!(referrers(&others, "p"), ["blog/comments c post"]);
    });
}

#[test]
fn referrers_that_a_withdrawal_left_are_nobody() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::Restrict);
        comments.insert("c", &on("p"), Context::new()).unwrap();
        // As if it had been interrupted.
        let record = store.record("blog/comments").unwrap();
        record.set("__references", &Value::Map(Default::default())).unwrap();
        posts.delete("p", Context::new()).unwrap();
        comments.edit("c", Context::new(), |c| c.post = Some("q".into())).unwrap();
        posts.insert("p", &"again".into(), Context::new()).unwrap();
        comments.declare_reference("post", &posts, OnDelete::Restrict).unwrap();
        assert_eq!((referrers(&posts, "p").len(), referrers(&posts, "q").len()), (0, 1));
    });
}

#[test]
fn a_function_has_to_be_known_to_those_who_delete() {
    for_each_place(|place| {
        let (_, declared) = blog(&place.open(), OnDelete::set_with(|_| Some("q".into())));
        declared.insert("c", &on("p"), Context::new()).unwrap();
        let store = place.open();
        let (posts, comments) = (posts(&store), comments(&store));
        let refused = posts.delete("p", Context::new()).unwrap_err();
        assert!(
            refused.to_string().contains("is a function that this program has not declared"),
            "{refused}"
        );
        comments.declare_reference("post", &posts, OnDelete::set_with(|_| None)).unwrap();
        // Any handle of that store.
        crate::posts(&store).delete("p", Context::new()).unwrap();
        assert_eq!(comments.current("c").unwrap().unwrap().post, None);
    });
}

#[test]
fn walking_over_objects_does_not_read_who_refers_to_them() {
    for_each_place(|place| {
        let store = place.open();
        let (posts, comments) = blog(&store, OnDelete::Cascade);
        insert(&posts, &["A", "z"]);
        let many = store.try_commit(by("ann"), |tx| {
            let comments = comments.in_transaction(tx);
            (0..5_000).try_for_each(|i| comments.insert(&i.to_string(), &on("p")).map(drop))
        });
        many.map_err(|error: Error| error).unwrap();
        let (counted, calls) = place.counted();
        let posts = Revisions::<String>::open(&counted, posts.namespace()).unwrap();
        calls.take();
        assert_eq!(names(&posts), ["A", "p", "q", "z"]);
        assert!(calls.take()["state"] <= 4, "there are 5,000 referrers between A and p");
    });
}

#[test]
fn the_bytes_are_those_of_the_format() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::Set("q".into()));
        comments.insert("c", &on("p"), Context::new()).unwrap();
        comments.declare_reference("tags", &comments, OnDelete::DoNothing).unwrap();
        comments.edit("c", Context::new(), |c| c.text = "q".into()).unwrap();
        let default = || Comment { text: "q".into(), ..Comment::default() };
        comments.declare_reference("text", &posts, OnDelete::SetDefault(default)).unwrap();
        let read = |namespace: &str, field: &str| {
            store.record(namespace).unwrap().get::<Value>(field).unwrap().unwrap_or_default()
        };
        let referrer = [("collection", "blog/comments"), ("name", "c"), ("attribute", "post")];
        assert_eq!(
            read("blog/posts/__referrers/p", "r83e9a83615f34e0eb37fcc7e4af2a476"),
            Value::map(referrer.map(|(member, text)| (member, Value::from(text))))
        );
        let declared =
            |to: &str, rule: Value| Value::map([("to", to.into()), ("rule", rule), ("indexed", true.into())]);
        let default = Value::map([("set_default", Value::List(vec!["q".into()]))]);
        assert_eq!(
            read("blog/comments", "__references"),
            Value::map([
                ("post", declared("blog/posts", Value::map([("set", "q".into())]))),
                ("tags", declared("blog/comments", "do_nothing".into())),
                ("text", declared("blog/posts", default)),
            ])
        );

        for (rule, stored) in [
            (OnDelete::SetNull, "set_null"),
            (OnDelete::set_with(|_| None), "set_with"),
            (OnDelete::Restrict, "restrict"),
            (OnDelete::Cascade, "cascade"),
        ] {
            comments.declare_reference("post", &posts, rule).unwrap();
            let references = read("blog/comments", "__references");
            assert_eq!(references.get("post"), Some(&declared("blog/posts", stored.into())));
        }
    });
}

#[test]
fn a_consequence_names_the_deletion_in_its_meta() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::Cascade);
        comments.insert("c", &on("p"), Context::new()).unwrap();
        posts.delete("p", Context::new()).unwrap();
        let meta = store.record("blog/comments/c").unwrap().get::<Value>("__meta").unwrap();
        let members =
            [("version", 2.into()), ("state", "deleted".into()), ("consequence_of", "blog/posts/p".into())];
        assert_eq!(meta, Some(Value::map(members)));
    });
}
