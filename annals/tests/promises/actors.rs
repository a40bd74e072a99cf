use annals::{Context, Error, Expect, Namespace, Scope, Store};

/// A store in which `accounts` and below, and the record `vault`, need an actor; on every driver.
fn careful_stores() -> impl Iterator<Item = (Store, Option<tempfile::TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}", folder.path().join("actors.db").display());
    let memory = ("memory:".to_owned(), None);
    [memory, (sqlite, Some(folder))].into_iter().map(|(url, folder)| (careful(&url), folder))
}

fn careful(url: &str) -> Store {
    let namespace = |name| Namespace::new(name).unwrap();
    let builder = Store::builder_at(url).unwrap();
    let builder = builder.require_actor(Scope::Under(namespace("accounts")));
    builder.require_actor(Scope::Record(namespace("vault"))).build().into()
}

fn dana() -> Context {
    Context::new().actor("dana")
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(answer: Result<T, Error>, key: &str) {
    let error = answer.unwrap_err();
    let text =
        format!("{key}: this store takes no change there without an actor; say who, with `Context::actor`");
    assert!(matches!(&error, Error::Invalid(said) if *said == text), "{error}");
}

#[test]
fn every_way_to_write_without_an_actor_is_refused() {
    for (store, _folder) in careful_stores() {
        let ann = store.record("accounts/ann").unwrap();
        ann.with_context(dana()).set("limit", &1).unwrap();
        let limit = "accounts/ann limit";
        assert_refused(ann.set("limit", &2), limit);
        assert_refused(ann.set_if("x", Expect::Absent, &2), "accounts/ann x");
        assert_refused(ann.delete("limit"), limit);
        assert_refused(ann.edit("limit", |limit: &mut i64| *limit += 1), limit);
        for nobody in ["", " "] {
            assert_refused(ann.with_context(Context::new().actor(nobody)).set("limit", &2), limit);
        }
        assert_refused(store.commit(Context::new(), |tx| tx.record("accounts")?.set("n", &1)), "accounts n");
        assert_refused(store.transaction(Context::new(), |tx| tx.record("vault")?.set("n", &1)), "vault n");
        assert_eq!(store.log().last_position().unwrap().get(), 1, "nothing was written");
        assert_eq!(ann.get("limit").unwrap(), Some(1));
    }
}

#[test]
fn a_commit_is_refused_as_a_whole() {
    for (store, _folder) in careful_stores() {
        let mixed = store.commit(Context::new(), |tx| {
            tx.record("visits")?.set("n", &1)?;
            tx.record("accounts/ann")?.actor("dana").set("limit", &1)?;
            tx.record("accounts/ben")?.set("limit", &1)
        });
        assert_refused(mixed, "accounts/ben limit");
        let silenced = store.commit(dana(), |tx| tx.record("vault")?.actor("").set("n", &1));
        assert_refused(silenced, "vault n");
        assert_eq!(store.log().last_position().unwrap().get(), 0);
    }
}

#[test]
fn an_actor_from_anywhere_will_do() {
    for (store, _folder) in careful_stores() {
        let vault = store.record("vault").unwrap();
        vault.with_context(dana()).set("a", &1).unwrap();
        store.with_context(dana()).record("vault").unwrap().set("b", &1).unwrap();
        dana().in_scope(|| vault.set("c", &1)).unwrap();
        let own = store.commit(Context::new(), |tx| tx.record("vault")?.actor("dana").set("d", &1));
        let _ = own.unwrap();
        let _ = store.transaction(dana(), |tx| tx.record("vault")?.set("e", &1)).unwrap();
        let newest = store.snapshot().unwrap();
        let actors = newest.entries(&Scope::All).map(|change| change.unwrap().actor().unwrap().to_owned());
        assert_eq!(actors.collect::<Vec<_>>(), ["dana"; 5]);
    }
}

#[test]
fn elsewhere_nobody_is_asked() {
    for (store, _folder) in careful_stores() {
        store.record("visits").unwrap().set("n", &1).unwrap();
        store.record("vault/below").unwrap().set("n", &1).unwrap();
        store.record("accounts2").unwrap().set("n", &1).unwrap();
        assert_eq!(store.log().last_position().unwrap().get(), 3);
    }
}
