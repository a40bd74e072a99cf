//! `annals rev`: objects and their revisions, as a program has made them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};

use annals::codec::{Timestamp, Value as Dynamic};
use annals::revisions::{Error, OnDelete, Revisions};
use annals::{Clock, CommitEntries, Context, Key, Order, PositionRange, Selector, StoreUrl};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::golden::places;
use crate::place::Place;

/// The collection that the tests work on.
pub(crate) const ANSWERS: &str = "game/answers";

#[derive(Clone, Serialize, Deserialize)]
struct Answer {
    question: String,
    answer: Option<u32>,
    tags: Vec<String>,
}

fn asked(question: &str) -> Answer {
    Answer { question: question.into(), answer: None, tags: vec!["open".into()] }
}

/// Goes on by ten minutes a commit.
struct Minutes(AtomicI64);

impl Clock for Minutes {
    fn now(&self) -> Timestamp {
        let start: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
        let minutes = self.0.fetch_add(10, Ordering::Relaxed);
        Timestamp::from_micros(start.as_micros() + minutes * 60_000_000).unwrap()
    }
}

/// What a program has kept in two collections.
pub(crate) fn objects() -> Vec<CommitEntries> {
    made().unwrap()
}

fn made() -> Result<Vec<CommitEntries>, Error> {
    let memory = "memory:".parse::<StoreUrl>().unwrap().open().unwrap();
    let store = annals::Store::builder(memory).clock(Minutes(AtomicI64::new(0))).build();
    let by = |actor: &str| Context::new().actor(actor).location("src/answers.rs:7");
    let answers = Revisions::<Answer>::open(&store, ANSWERS)?;
    let first = answers.insert("everything", &asked("what is it all about?"), by("arthur"))?;
    let second = answers.update(&first, by("computer").reason("provide the answer"), |draft| {
        draft.answer = Some(42);
    })?;
    answers.insert("two words", &asked("which?"), by("arthur"))?;
    answers.update(&second, by("alice"), |draft| {
        draft.answer = Some(6);
        draft.tags.push("closed".into());
    })?;
    answers.delete("two words", by("dana").reason("by mistake"))?;
    answers.insert("a/b", &asked("where?"), by("arthur"))?;
    answers.retire("a/b", by("dana").reason("nobody asks any more"))?;
    let scores = Revisions::<u32>::builder(&store, "scores").version("2").open()?;
    scores.insert("ann", &7, Context::new())?;
    Ok(store.commits(PositionRange::ALL, Order::OldestFirst).collect::<Result<_, _>>()?)
}

/// Runs `test` on a store in a file and one in PostgreSQL, each with these objects.
fn for_each_place(test: impl Fn(&Place)) {
    places(&objects()).iter().for_each(test);
}

fn answers(place: &Place) -> Revisions<Answer> {
    Revisions::open(&annals::Store::open(&place.url()).unwrap(), ANSWERS).unwrap()
}

/// Runs a command with `--yes` and returns its answer, of one row.
#[track_caller]
fn done(place: &Place, arguments: &[&str]) -> Value {
    let answer = place.ok(&[&["rev"], arguments, &["--yes", "-o", "jsonl"]].concat());
    serde_json::from_str(&answer).unwrap()
}

fn shown(place: &Place, name: &str) -> Value {
    serde_json::from_str(&place.ok(&["rev", "show", ANSWERS, name, "-o", "json"])).unwrap()
}

/// Returns what the revisions of an object did, the newest first.
fn actions(place: &Place, name: &str) -> Vec<String> {
    let log = place.ok(&["rev", "log", ANSWERS, name]);
    log.lines().map(|line| line.split('\t').nth(6).unwrap().to_owned()).collect()
}

#[test]
fn a_rollback_appends_a_revision_and_can_be_rolled_back() {
    for_each_place(|place| {
        let who = ["--actor", "dana", "-m", "as it was", "--tag", "ticket=7"];
        let answer = done(place, &[&["rollback", ANSWERS, "everything", "2"][..], &who].concat());
        let told = |answer: &Value| {
            ["version", "restored_from", "actor", "reason", "state"].map(|name| answer[name].clone())
        };
        assert_eq!(told(&answer), [json!(4), json!(2), json!("dana"), json!("as it was"), json!("locked")]);
        let content = json!({"question": "what is it all about?", "answer": 42, "tags": ["open"]});
        assert_eq!(shown(place, "everything")["content"], content);
        let current = answers(place).current("everything").unwrap().unwrap();
        assert_eq!((current.answer, current.restored_from()), (Some(42), Some(2)));
        let context = &current.commit().context;
        assert_eq!(context.location.as_deref(), Some("annals rev rollback"));
        assert_eq!(context.tags.get("ticket").and_then(|tag| tag.as_text()), Some("7"));

        let back = done(place, &["rollback", ANSWERS, "everything", "3"]);
        assert_eq!((&back["version"], &back["restored_from"]), (&json!(5), &json!(3)));
        assert_eq!(shown(place, "everything")["content"]["answer"], 6);
        assert_eq!(shown(place, "two words")["version"], 2, "another object is left alone");
        assert_eq!(actions(place, "everything"), ["rollback", "rollback", "update", "update", "create"]);
        assert_eq!(place.annals(&["verify"]).code, Some(0));
    });
}

#[test]
fn a_rollback_can_leave_the_object_retired() {
    for_each_place(|place| {
        let answer = done(place, &["rollback", ANSWERS, "everything", "1", "--retire"]);
        assert_eq!((&answer["state"], &answer["restored_from"]), (&json!("retired"), &json!(1)));
        assert_eq!(place.ok(&["rev", "ls", ANSWERS]), "");
        assert!(answers(place).current("everything").unwrap().is_none());
        let answer = done(place, &["revive", ANSWERS, "everything"]);
        assert_eq!((&answer["state"], &answer["version"]), (&json!("locked"), &json!(5)));
        assert_eq!(answers(place).current("everything").unwrap().unwrap().answer, None);
        // The newest version itself can be left retired as well.
        let answer = done(place, &["rollback", ANSWERS, "everything", "5", "--retire"]);
        assert_eq!(answer["state"], "retired");
    });
}

#[test]
fn what_is_retired_or_deleted_is_revived_as_it_was() {
    for_each_place(|place| {
        assert_eq!(done(place, &["retire", ANSWERS, "everything"])["state"], "retired");
        let listed = place.ok(&["rev", "ls", ANSWERS, "--all", "-o", "jsonl"]);
        let states: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            states.iter().map(|row| &row["state"]).collect::<Vec<_>>(),
            ["retired", "retired", "deleted"]
        );
        for (name, version) in [("everything", 5), ("two words", 3), ("a/b", 3)] {
            let before = shown(place, name)["content"].clone();
            assert_eq!(done(place, &["revive", ANSWERS, name])["version"], version);
            assert_eq!(shown(place, name)["content"], before);
        }
        assert_eq!(place.ok(&["rev", "ls", ANSWERS]).lines().count(), 3);
        assert_eq!(actions(place, "everything")[..2], ["revive", "retire"]);
        assert_eq!(actions(place, "two words"), ["revive", "delete", "create"]);
    });
}

#[test]
fn what_was_deleted_and_is_made_anew_is_created() {
    for_each_place(|place| {
        answers(place).insert("two words", &asked("what else?"), Context::new()).unwrap();
        assert_eq!(actions(place, "two words"), ["create", "delete", "create"]);
    });
}

#[test]
fn nothing_is_done_unless_somebody_agrees() {
    let place = places(&objects()).swap_remove(0);
    for arguments in [
        &["rollback", ANSWERS, "everything", "1"][..],
        &["retire", ANSWERS, "everything"],
        &["revive", ANSWERS, "a/b"],
    ] {
        let arguments = [&["rev"], arguments].concat();
        let said = place.fails(2, &arguments);
        assert!(said.contains("standard input is no terminal"), "{said}");
        let answer = place.annals_reading(&arguments, b"y\n");
        assert_eq!(answer.code, Some(2), "a pipe is nobody who agrees");
        place.fails(2, &[&arguments[..], &["--yes", "--dry-run"]].concat());
        let read_only = format!("{}?mode=ro", place.url());
        place.ok(&[&["-s", &read_only], &arguments[..], &["--dry-run"]].concat());
        place.fails(4, &[&["-s", &read_only], &arguments[..], &["--yes"]].concat());
    }
    assert_eq!(place.last_position(), 21);
}

#[test]
fn a_name_may_be_any_text() {
    for_each_place(|place| {
        let collection = answers(place);
        let names = ["-x", "__meta", "a/b/c", "\u{1b}[2J", "ä ö", "it's", "1..2"];
        for name in names {
            collection.insert(name, &asked(name), Context::new()).unwrap();
        }
        for name in names {
            let ok = |arguments: &[&str]| place.ok(&[&["rev"], arguments, &["--", ANSWERS, name]].concat());
            let shown: Value = serde_json::from_str(&ok(&["show", "-o", "json"])).unwrap();
            assert_eq!((&shown["object"], &shown["content"]["question"]), (&json!(name), &json!(name)));
            let retired: Value = serde_json::from_str(&ok(&["retire", "--yes", "-o", "jsonl"])).unwrap();
            assert_eq!((&retired["object"], &retired["version"]), (&json!(name), &json!(2)));
            assert!(!ok(&["log", "-o", "table"]).contains('\u{1b}'));
            let said = place.fails(2, &["rev", "retire", "--", ANSWERS, name]);
            assert!(said.ends_with(" of game/answers is retired\n") && !said.contains('\u{1b}'), "{said}");
        }
        let long = "x".repeat(201);
        let said = place.fails(2, &["rev", "show", ANSWERS, &long]);
        assert!(said.contains("it is longer than 200 bytes"), "{said}");
    });
}

#[test]
fn what_was_purged_is_gone_and_says_so() {
    for_each_place(|place| {
        let asked_to = Context::new().actor("dana").reason("asked to");
        answers(place).purge("everything", asked_to).unwrap();
        assert_eq!(place.ok(&["rev", "ls", ANSWERS]), "");
        let log = place.ok(&["rev", "log", ANSWERS, "everything", "-p", "-o", "table"]);
        assert!(log.contains("version 4  purged  dana  asked to\n") && !log.contains("> 42"), "{log}");
        for arguments in [
            &["show", ANSWERS, "everything"][..],
            &["show", ANSWERS, "everything", "1"],
            &["diff", ANSWERS, "everything"],
            &["rollback", ANSWERS, "everything", "1", "--yes"],
            &["revive", ANSWERS, "everything", "--dry-run"],
        ] {
            let said = place.fails(1, &[&["rev"], arguments].concat());
            assert!(said.contains("was erased") || said.contains("was purged"), "{arguments:?}: {said}");
        }
    });
}

#[test]
fn an_object_of_which_a_part_was_erased_can_be_rolled_back() {
    for_each_place(|place| {
        let store = annals::Store::open(&place.url()).unwrap();
        let notes = Revisions::untyped(&store, "notes").unwrap();
        let note = |members: &[(&str, i32)]| {
            Dynamic::map(members.iter().map(|(name, number)| (*name, Dynamic::from(*number))))
        };
        notes.insert("n", &note(&[("a", 1)]), Context::new()).unwrap();
        notes.set("n", &note(&[("a", 1), ("b", 2)]), Context::new()).unwrap();
        let field = Selector::key(Key::parse("notes/n", "b").unwrap());
        store.erase(&field, Context::new().actor("dana").reason("asked to")).unwrap();
        let said = place.fails(1, &["rev", "show", "notes", "n"]);
        assert!(said.contains("notes/n b: the value set at @"), "{said}");

        let plan = place.annals(&["rev", "rollback", "notes", "n", "1", "--dry-run"]);
        assert!(plan.out.ends_with(" from version 2 to version 1\n  + a  1\n"), "{}", plan.out);
        assert_eq!(
            plan.err,
            "a part of version 2 was erased: all attributes of version 1 are listed, not only what changes\n"
        );
        let answer = place.annals(&["rev", "rollback", "notes", "n", "1", "--yes", "-q", "-o", "jsonl"]);
        let answer: Value = serde_json::from_str(&answer.out).unwrap();
        assert_eq!((&answer["version"], &answer["restored_from"]), (&json!(3), &json!(1)));
        assert_eq!(place.ok(&["rev", "show", "notes", "n"]), "a\t1\n");
    });
}

#[test]
fn one_value_is_one_attribute_whatever_it_looks_like() {
    #[derive(Clone, Serialize, Deserialize)]
    enum Shape {
        Box { width: u8 },
    }
    for_each_place(|place| {
        let store = annals::Store::open(&place.url()).unwrap();
        let shapes = Revisions::<Shape>::open(&store, "shapes").unwrap();
        shapes.insert("a", &Shape::Box { width: 3 }, Context::new()).unwrap();
        assert_eq!(place.ok(&["rev", "show", "shapes", "a"]), "value\t{\"Box\":{\"width\":3}}\n");
    });
}

#[test]
fn what_refers_to_something_that_was_deleted_is_not_brought_back() {
    for_each_place(|place| {
        let store = annals::Store::open(&place.url()).unwrap();
        let posts = Revisions::<String>::open(&store, "posts").unwrap();
        let comments = Revisions::<BTreeMap<String, String>>::open(&store, "comments").unwrap();
        comments.declare_reference("post", &posts, OnDelete::Cascade).unwrap();
        posts.insert("p", &"a post".into(), Context::new()).unwrap();
        let comment = BTreeMap::from([("post".to_owned(), "p".to_owned())]);
        comments.insert("c", &comment, Context::new()).unwrap();
        posts.delete("p", Context::new()).unwrap();
        let end = place.last_position();

        let said = place.fails(1, &["rev", "revive", "comments", "c", "--yes"]);
        assert!(
            said.contains("the object `c` of comments") && said.contains("the object `p` of posts"),
            "{said}"
        );
        place.fails(1, &["rev", "rollback", "comments", "c", "1", "--yes"]);
        assert_eq!(place.last_position(), end);
        done(place, &["revive", "posts", "p"]);
        done(place, &["revive", "comments", "c"]);
        assert_eq!(comments.referrers("c").unwrap().len(), 0);
        assert_eq!(posts.referrers("p").unwrap().len(), 1);
    });
}

#[test]
fn an_object_keeps_the_type_version_that_it_was_made_of() {
    for_each_place(|place| {
        let scores = || {
            let store = annals::Store::open(&place.url()).unwrap();
            Revisions::<u32>::builder(&store, "scores").version("2").open().unwrap()
        };
        scores().edit("ann", Context::new(), |score| *score = 8).unwrap();
        let answer = done(place, &["rollback", "scores", "ann", "1"]);
        assert_eq!((&answer["version"], &answer["type_version"]), (&json!(3), &json!("2")));
        assert_eq!(*scores().current("ann").unwrap().unwrap(), 7);
    });
}

#[test]
fn objects_that_cannot_be_read_hide_no_others() {
    for_each_place(|place| {
        place.ok(&["set", "game/answers/everything", "__meta:=7"]);
        for (command, rows) in [("ls --all", 2), ("log", 7)] {
            let command: Vec<&str> = command.split(' ').collect();
            let answer = place.annals(&[&["rev"], &command[..], &[ANSWERS, "-o", "jsonl"]].concat());
            assert_eq!(answer.code, Some(5), "{answer:?}");
            assert!(answer.err.starts_with("error: game/answers/everything __meta at @22: "), "{answer:?}");
            assert_eq!((answer.err.lines().count(), answer.out.lines().count()), (1, rows), "{answer:?}");
        }
    });
}

#[test]
fn a_store_that_is_missing_is_not_created() {
    let place = Place::new();
    for arguments in [&["ls", "a"][..], &["log", "a"], &["retire", "a", "b", "--yes"]] {
        place.fails(4, &[&["rev"], arguments].concat());
    }
    assert!(!place.path("store.db").exists());
}
