//! What a declaration binds: every handle, in every process, what was there before included.

use annals_core::codec::Value;
use annals_core::{Context, Position, Store};
use annals_revisions::{Error, OnDelete, Revisions};

use crate::common::counting::Counting;
use crate::common::{by, for_each_driver, for_each_place};
use crate::{Comment, blog, comments, insert, names, namespace, on, posts, referrers};

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
            "the deletion rule of `post` of blog/comments is for references to blog/posts, which it keeps"
        );
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
    for_each_driver(|store| {
        let (posts, comments) = blog(store, OnDelete::Cascade);
        insert(&posts, &["A", "z"]);
        let many = store.try_commit(by("ann"), |tx| {
            let comments = comments.in_transaction(tx);
            (0..5_000).try_for_each(|i| comments.insert(&i.to_string(), &on("p")).map(drop))
        });
        many.map_err(|error: Error| error).unwrap();
        let (counted, counting) = Counting::over(store);
        let posts = Revisions::<String>::open(&counted, posts.namespace()).unwrap();
        counting.calls();
        assert_eq!(names(&posts), ["A", "p", "q", "z"]);
        assert!(counting.calls().state <= 4, "there are 5,000 referrers between A and p");
    });
}

#[test]
fn the_bytes_are_those_of_the_format() {
    for_each_driver(|store| {
        let (_, comments) = blog(store, OnDelete::Set("q".into()));
        comments.insert("c", &on("p"), Context::new()).unwrap();
        comments.declare_reference("tags", &comments, OnDelete::DoNothing).unwrap();
        let referrer = Value::map([
            ("collection", "blog/comments".into()),
            ("name", "c".into()),
            ("attribute", "post".into()),
        ]);
        let record = store.record("blog/posts/__referrers/p").unwrap();
        assert_eq!(record.get("r83e9a83615f34e0eb37fcc7e4af2a476").unwrap(), Some(referrer));
        let declared =
            |to: &str, rule: Value| Value::map([("to", to.into()), ("rule", rule), ("indexed", true.into())]);
        let declared = Value::map([
            ("post", declared("blog/posts", Value::map([("set", "q".into())]))),
            ("tags", declared("blog/comments", "do_nothing".into())),
        ]);
        assert_eq!(
            store.record(namespace("blog/comments")).unwrap().get("__references").unwrap(),
            Some(declared)
        );
    });
}
