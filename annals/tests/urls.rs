//! What a URL of a store says, and what is shown of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use annals::{ErrorKind, StoreUrl};

fn parsed(url: &str) -> StoreUrl {
    url.parse().unwrap()
}

#[test]
fn what_may_be_done_is_part_of_the_url() {
    for (url, created, existing, read_only) in [
        ("sqlite:a.db", "sqlite:a.db", "sqlite:a.db?mode=rw", "sqlite:a.db?mode=ro"),
        ("sqlite:a.db?mode=rw", "sqlite:a.db", "sqlite:a.db?mode=rw", "sqlite:a.db?mode=ro"),
        ("sqlite:a.db?mode=ro", "sqlite:a.db?mode=ro", "sqlite:a.db?mode=ro", "sqlite:a.db?mode=ro"),
        ("memory:", "memory:", "memory:", "memory:"),
        #[cfg(feature = "postgres")]
        ("postgres:///d", "postgres:///d?annals.mode=rwc", "postgres:///d", "postgres:///d?annals.mode=ro"),
        #[cfg(feature = "postgres")]
        (
            "postgres:///d?annals.mode=rwc",
            "postgres:///d?annals.mode=rwc",
            "postgres:///d",
            "postgres:///d?annals.mode=ro",
        ),
        #[cfg(feature = "postgres")]
        (
            "postgres:///d?annals.mode=ro",
            "postgres:///d?annals.mode=ro",
            "postgres:///d?annals.mode=ro",
            "postgres:///d?annals.mode=ro",
        ),
    ] {
        assert_eq!(parsed(url).created().to_string(), created, "{url}");
        assert_eq!(parsed(url).existing().to_string(), existing, "{url}");
        assert_eq!(parsed(url).read_only().to_string(), read_only, "{url}");
    }
}

#[test]
fn what_is_no_url_is_refused_without_showing_what_may_be_a_password() {
    for text in ["", ":", "u:hunter2@h", "host=h password=hunter2", "password=hunter2 host=::1", "hunter2"] {
        let error = text.parse::<StoreUrl>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("`sqlite:game.db`"), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}

#[test]
fn options_that_nobody_knows_are_named_without_their_values() {
    for (text, told) in [
        ("sqlite:a.db?password=hunter2", "`password` is no option of `sqlite:`; known: mode"),
        ("sqlite:a.db?hunter2", "an option of `sqlite:` has no `=`; known: mode"),
        ("sqlite:a.db?mode=hunter2", "`mode` is one of ro, rw, rwc"),
    ] {
        assert_eq!(text.parse::<StoreUrl>().unwrap_err().to_string(), told);
    }
}

#[cfg(not(feature = "postgres"))]
#[test]
fn a_driver_that_is_not_built_in_is_named() {
    for url in ["postgres://u:hunter2@h/d", "postgresql:"] {
        let error = url.parse::<StoreUrl>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("feature `postgres`"), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[cfg(feature = "postgres")]
#[test]
fn all_of_libpqs_forms_are_understood_and_no_password_is_shown() {
    for url in [
        "postgres://u:hunter2@h:7/d?annals.log=game",
        "postgresql://u:hunter2@h:7/d?annals.log=game",
        "postgres://h/d?user=u&port=7&password=hunter2&annals.log=game",
        "postgres:host=h port=7 user=u dbname=d password=hunter2 annals.log=game",
        "postgresql:host=h port=7 user=u dbname=d password='hunter2' annals.log=game",
    ] {
        assert_eq!(parsed(url).to_string(), "postgres://u@h:7/d?annals.log=game");
        assert!(!format!("{:?}", parsed(url)).contains("hunter2"));
    }
    assert_eq!(parsed("postgres:").to_string(), "postgres:///");
}

#[cfg(feature = "postgres")]
#[test]
fn a_database_is_set_up_listed_and_brought_up_to_date_by_url() {
    let Some(log) = annals_test_server::OwnLog::alone() else { return };
    let url = parsed(&log.url());
    for url in [url.clone(), url.clone().read_only()] {
        assert_eq!(url.open().err().unwrap().kind(), ErrorKind::Missing);
    }
    assert_eq!(url.logs().unwrap_err().kind(), ErrorKind::Missing);
    url.clone().created().open().unwrap();
    let store = annals::Store::open(&url.to_string()).unwrap();
    store.record("a").unwrap().set("x", &1).unwrap();

    let listed = url.logs().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].name.as_str(), listed[0].last_position.get()), ("main", 1));
    let again = annals::Store::new(listed[0].url.clone().read_only().open().unwrap());
    assert_eq!(again.record("a").unwrap().get("x").unwrap(), Some(1));
    let error = again.record("a").unwrap().set("x", &2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly);

    let upgrade = url.upgrade().unwrap();
    assert_eq!((upgrade.before, upgrade.after), (3, 3));
    assert_eq!(url.clone().read_only().upgrade().unwrap_err().kind(), ErrorKind::ReadOnly);
}

#[test]
fn one_log_is_no_list_of_logs() {
    let folder = tempfile::tempdir().unwrap();
    let file = parsed(&format!("sqlite:{}", folder.path().join("a.db").display()));
    assert_eq!(file.upgrade().unwrap_err().kind(), ErrorKind::Missing);
    file.open().unwrap();
    let upgrade = file.upgrade().unwrap();
    assert_eq!((upgrade.before, upgrade.after), (1, 1));
    for url in [file, parsed("memory:")] {
        assert_eq!(url.logs().unwrap_err().kind(), ErrorKind::Unsupported);
    }
    assert_eq!(parsed("memory:").upgrade().unwrap_err().kind(), ErrorKind::Unsupported);
}
