//! What a deletion took away comes back together.

use annals_core::{Context, Store};
use annals_revisions::{Error, OnDelete, Revisions, Revived, State};

use crate::common::{by, for_each_driver};
use crate::{Comment, comments, insert, names, on, posts, referrers};

/// A post `p`, comments `c` and `d` that go with it, `d` retired, and one tagged with it.
fn blog(store: &Store) -> (Revisions<String>, Revisions<Comment>) {
    let (posts, comments) = (posts(store), comments(store));
    comments.declare_reference("post", &posts, OnDelete::Cascade).unwrap();
    comments.declare_reference("tags", &posts, OnDelete::SetNull).unwrap();
    insert(&posts, &["p", "q"]);
    comments.insert("c", &on("p"), Context::new()).unwrap();
    comments.insert("d", &on("p"), Context::new()).unwrap();
    comments.retire("d", Context::new()).unwrap();
    let tagged = Comment { tags: vec!["q".into(), "p".into()], ..Comment::default() };
    comments.insert("tagged", &tagged, Context::new()).unwrap();
    (posts, comments)
}

fn told(revived: &Revived) -> (Vec<String>, Vec<String>) {
    let name = |info: &annals_revisions::RevisionInfo| format!("{} {}", info.namespace(), info.version());
    (revived.revisions().iter().map(name).collect(), revived.left().iter().map(name).collect())
}

fn list(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn all_that_went_comes_back_as_it_was() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store);
        posts.delete("p", by("ann")).unwrap();
        let all = comments.with_deleted();
        assert_eq!(comments.current("tagged").unwrap().unwrap().tags, ["q"]);

        // By way of any of them.
        for (round, name) in [(0, "p"), (2, "p")] {
            let revived = posts.revive_all(name, by("ben").reason("not so fast")).unwrap();
            let version = |first: u64| first + round;
            let back = [
                format!("blog/comments/c {}", version(3)),
                format!("blog/comments/d {}", version(4)),
                format!("blog/comments/tagged {}", version(3)),
                format!("blog/posts/p {}", version(3)),
            ];
            assert_eq!(told(&revived), (back.to_vec(), vec![]));
            for info in revived.revisions() {
                assert_eq!((info.creator(), info.comment()), (Some("ben"), Some("not so fast")));
                assert_eq!(info.restored_from(), Some(info.version() - 2));
                assert_eq!((info.commit(), info.consequence_of()), (revived.revisions()[0].commit(), None));
            }
            let state = |name| all.current(name).unwrap().unwrap().state();
            assert_eq!(["c", "d", "tagged"].map(state), [State::Locked, State::Retired, State::Locked]);
            assert_eq!(comments.current("tagged").unwrap().unwrap().tags, ["q", "p"]);
            assert_eq!(
                referrers(&posts, "p"),
                ["blog/comments c post", "blog/comments d post", "blog/comments tagged tags"]
            );
            posts.delete("p", by("ann")).unwrap();
        }
        let revived = comments.revive_all("c", by("ben")).unwrap();
        assert_eq!((revived.revisions().len(), revived.left().len()), (4, 0));
    });
}

#[test]
fn what_has_changed_since_is_left_and_named() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store);
        posts.delete("p", by("ann")).unwrap();
        comments.edit("tagged", by("cy"), |c| c.text = "changed".into()).unwrap();
        comments.insert("d", &Comment::default(), by("cy")).unwrap();
        let revived = posts.revive_all("p", by("ben")).unwrap();
        let (back, left) = told(&revived);
        assert_eq!(back, ["blog/comments/c 3", "blog/posts/p 3"]);
        assert_eq!(left, ["blog/comments/d 4", "blog/comments/tagged 3"]);
        assert_eq!(revived.left()[0].creator(), Some("cy"));
        assert_eq!(comments.current("tagged").unwrap().unwrap().tags, ["q"]);
        assert_eq!(referrers(&posts, "p"), ["blog/comments c post"]);
    });
}

#[test]
fn what_would_refer_to_what_is_gone_is_left() {
    for_each_driver(|store| {
        let nodes = Revisions::<Vec<String>>::open(store, "nodes").unwrap();
        nodes.declare_reference("value", &nodes, OnDelete::Cascade).unwrap();
        for (name, parents) in
            [("root", &[][..]), ("other", &[]), ("a", &["root", "other"]), ("b", &["a"]), ("c", &["root"])]
        {
            nodes.insert(name, &list(parents), Context::new()).unwrap();
        }
        nodes.delete("root", by("ann")).unwrap();
        nodes.delete("other", by("ann")).unwrap();
        let refused = nodes.revive_all("b", by("ben")).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the object `b` of nodes refers by `value` to the object `a` of nodes, which does not exist"
        );
        let (back, left) = told(&nodes.revive_all("root", by("ben")).unwrap());
        assert_eq!((back, left), (list(&["nodes/c 3", "nodes/root 3"]), list(&["nodes/a 2", "nodes/b 2"])));
        assert_eq!(names(&nodes), ["c", "root"]);
        assert!(matches!(nodes.revive_all("root", by("ben")), Err(Error::WrongState { .. })));
        assert!(matches!(nodes.revive_all("never", by("ben")), Err(Error::NoObject { .. })));
    });
}

#[test]
fn what_else_the_commit_did_stays_done() {
    for_each_driver(|store| {
        let (posts, comments) = blog(store);
        comments.insert("e", &on("q"), Context::new()).unwrap();
        let done = store.try_commit(by("ann"), |tx| {
            comments.in_transaction(tx).edit("e", |e| e.text = "edited".into())?;
            posts.in_transaction(tx).delete("p")?;
            posts.in_transaction(tx).insert("new", &"x".into()).map(drop)
        });
        done.map_err(|error: Error| error).unwrap();
        assert_eq!(posts.revive_all("p", by("ben")).unwrap().revisions().len(), 4);
        assert_eq!(comments.current("e").unwrap().unwrap().text, "edited");
        assert!(posts.contains("new").unwrap());
    });
}
