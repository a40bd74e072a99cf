//! Setting and deleting, and what their receipts say.

use serde_json::{Value, json};

use crate::place::Place;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn init_creates_a_store_once_and_leaves_it_as_it_is() {
    let place = Place::new();
    let answer = |position| json!({"v": 1, "store": place.url(), "position": position});
    assert_eq!(parsed(&place.ok(&["init", "-o", "json"])), answer(0));
    place.ok(&["set", "a", "x=1"]);
    assert_eq!(parsed(&place.ok(&["init", "-o", "json"])), answer(1));
}

#[test]
fn a_set_is_one_commit_with_its_context() {
    let place = Place::new();
    let receipt = parsed(&place.ok(&[
        "set",
        "game/player1",
        "name=Ann",
        "score:=10",
        "price:decimal=1.10",
        "-m",
        "why",
        "--actor",
        "alice",
        "--tag",
        "id=x=1",
        "--tag",
        "round=2",
        "-o",
        "jsonl",
    ]));
    assert_eq!((&receipt["v"], &receipt["position"], &receipt["entries"]), (&json!(1), &json!(3), &json!(3)));
    assert_eq!(receipt["durability"], "synced");
    let commit = parsed(&place.ok(&["log", "-p", "-o", "jsonl"]));
    assert_eq!(commit["id"], receipt["id"]);
    assert_eq!(commit["recorded_at"], receipt["recorded_at"]);
    assert_eq!(commit["actor"], "alice");
    assert_eq!(commit["reason"], "why");
    assert_eq!(commit["location"], "annals set");
    assert_eq!(commit["tags"], json!({"id": "x=1", "round": "2"}));
    let values: Vec<&Value> =
        commit["changes"].as_array().unwrap().iter().map(|change| &change["value"]).collect();
    assert_eq!(values, [&json!("Ann"), &json!(10), &json!({"$decimal": "1.10"})]);
}

#[test]
fn values_are_read_from_files_and_printed_raw() {
    let place = Place::new();
    let bytes = b"\x00\xff\n";
    std::fs::write(place.path("photo"), bytes).unwrap();
    std::fs::write(place.path("note"), "two\nlines").unwrap();
    place.ok(&["set", "a", "photo:bytes@=photo", "note@=note"]);
    assert_eq!(place.ok(&["get", "a", "note"]), "\"two\\nlines\"\n");
    assert_eq!(place.ok(&["get", "a", "note", "-r"]), "two\nlines\n");
    assert_eq!(place.command(["get", "a", "photo", "-r"]).output().unwrap().stdout, bytes);
}

#[test]
fn an_expectation_that_does_not_hold_is_a_conflict_and_writes_nothing() {
    let place = Place::new();
    place.ok(&["set", "a", "x=1", "--expect", "absent"]);
    let message = place.fails(3, &["set", "a", "y=1", "x=secret", "--expect", "absent"]);
    assert!(message.starts_with("error: conflict: `a x has no value` does not hold; @1"), "{message}");
    place.ok(&["set", "a", "x=2", "--expect", "@1"]);
    place.fails(3, &["set", "a", "x=3", "--expect", "1"]);
    assert_eq!(place.last_position(), 2);
}

#[test]
fn a_commit_of_a_given_id_is_there_once() {
    let place = Place::new();
    let id = "01939f3e-6d2c-7000-8000-3f1c2a4b5d6e";
    let set = ["set", "a", "x=1", "--expect", "absent", "--id", id, "-o", "json"];
    let first = parsed(&place.ok(&set));
    assert_eq!((&first["id"], first.get("repeated")), (&json!(id), None));
    let again = place.annals(&set);
    assert_eq!(again.code, Some(0));
    assert_eq!(again.err, "a commit of this id was there already; nothing was written\n");
    let again = parsed(&again.out);
    assert_eq!((&again["repeated"], &again["recorded_at"]), (&json!(true), &first["recorded_at"]));
    assert_eq!(place.last_position(), 1);
    place.fails(2, &["set", "a", "x=1", "--id", "4711"]);
}

#[test]
fn a_deletion_of_a_given_id_is_there_once_although_the_field_is_gone() {
    let place = Place::new();
    place.ok(&["init"]);
    let id = "01939f3e-6d2c-7000-8000-3f1c2a4b5d6e";
    let rm = ["rm", "a", "x", "y", "--id", id, "-o", "json"];
    assert!(place.fails(1, &rm).starts_with("error: a x has no value\n"));
    place.ok(&["set", "a", "x=1"]);
    assert!(place.fails(1, &rm).starts_with("error: a y has no value\n"));
    place.ok(&["set", "a", "y=2"]);
    let first = parsed(&place.ok(&rm));
    assert_eq!((&first["position"], &first["id"], first.get("repeated")), (&json!(4), &json!(id), None));
    let is_told_once_more = || {
        let again = place.annals(&rm);
        assert_eq!(again.code, Some(0));
        assert_eq!(again.err, "a commit of this id was there already; nothing was written\n");
        let again = parsed(&again.out);
        assert_eq!((&again["position"], &again["repeated"]), (&json!(4), &json!(true)));
        assert_eq!(again["recorded_at"], first["recorded_at"]);
    };
    is_told_once_more();
    place.ok(&["set", "a", "x=3"]);
    is_told_once_more();
    place.ok(&["set", "a", "y=4"]);
    is_told_once_more();
    assert_eq!(place.last_position(), 6);
    assert!(place.fails(1, &["rm", "b", "x"]).starts_with("error: b x has no value\n"));
    let other = place.fails(1, &["rm", "b", "x", "--id", "01939f3e-6d2c-7000-8000-000000000000"]);
    assert!(other.starts_with("error: b x has no value\n"), "{other}");
    assert_eq!(place.last_position(), 6);
}

#[test]
fn a_value_that_is_too_large_is_named_with_the_limit() {
    let place = Place::new();
    std::fs::write(place.path("large"), vec![b'x'; 64 << 20]).unwrap();
    let said = place.fails(2, &["set", "a", "x@=large"]);
    let expected = "error: the value for a x of 67108869 bytes is over the limit of 67108864 bytes\n";
    assert_eq!(said, expected);
}

#[test]
fn a_number_beyond_all_values_is_out_of_range() {
    let place = Place::new();
    for number in ["1e999", &"9".repeat(60), &"9".repeat(400)] {
        let said = place.fails(2, &["set", "a", &format!("x:={number}")]);
        assert_eq!(
            said,
            "error: field `x`: this JSON is out of range\n  cause: out of range: an integer has at most 128 bits, a float 64\n"
        );
    }
}

#[test]
fn a_tag_has_a_name() {
    let said = Place::new().fails(2, &["set", "a", "x=1", "--tag", "=y"]);
    assert!(said.contains("a tag has a name before the `=`"), "{said}");
}

#[test]
fn rm_deletes_all_or_nothing() {
    let place = Place::new();
    place.ok(&["set", "a", "x=1", "y=2", "score=3"]);
    let message = place.fails(1, &["rm", "a", "x", "scor"]);
    assert_eq!(message.lines().next(), Some("error: a scor has no value"));
    assert!(message.contains("did you mean `score`? (last written @3, "), "{message}");
    assert_eq!(place.last_position(), 3);
    let receipt = parsed(&place.ok(&["rm", "a", "x", "y", "-m", "done", "-o", "json"]));
    assert_eq!(receipt["entries"], 2);
    assert_eq!(place.ok(&["ls", "a", "-o", "csv"]), "namespace,field,type\na,score,text\n");
    let message = place.fails(1, &["get", "a", "x"]);
    assert!(message.contains("it was deleted @4, now; `annals history a x` shows what it was"), "{message}");
}

#[test]
fn reading_and_deleting_create_no_store() {
    let place = Place::new();
    for arguments in
        [&["show"][..], &["get", "a", "x"], &["rm", "a", "x"], &["dump", "d"], &["verify"], &["stat"]]
    {
        let message = place.fails(4, arguments);
        assert!(message.contains("  help: `annals init` creates a store\n"), "{message}");
    }
    assert_eq!(std::fs::read_dir(place.folder()).unwrap().count(), 0);
}

#[test]
fn reading_needs_no_permission_to_write() {
    let place = Place::new();
    place.ok(&["set", "a", "x=1"]);
    let url = format!("{}?mode=ro", place.url());
    assert_eq!(place.ok(&["-s", &url, "get", "a", "x"]), "\"1\"\n");
    let message = place.fails(4, &["-s", &url, "set", "a", "x=2"]);
    assert!(message.contains("reading only"), "{message}");
}

#[test]
fn what_a_terminal_would_obey_is_spelled_out() {
    let place = Place::new();
    place.ok(&["set", "a", "x=\u{1b}[2J\u{9b}\n", "--actor", "m\u{1b}]0;x\u{7}", "-m", "one\ntwo\t\u{202e}"]);
    for format in [&[][..], &["-o", "table"]] {
        for command in
            [&["show"][..], &["log"], &["log", "-p"], &["history", "a", "x"], &["blame", "a"], &["diff"]]
        {
            let out = place.ok(&[command, format].concat());
            let obeyed = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
            assert!(!out.contains(obeyed), "{out:?}");
            assert_eq!(out.lines().filter(|line| line.contains("two")).count(), out.matches("two").count());
        }
    }
    assert_eq!(place.ok(&["get", "a", "x"]), "\"\\u001b[2J\\u009b\\n\"\n");
    let row = parsed(&place.ok(&["show", "-o", "jsonl"]));
    assert_eq!((&row["value"], &row["actor"]), (&json!("\u{1b}[2J\u{9b}\n"), &json!("m\u{1b}]0;x\u{7}")));
    let conflict = place.fails(3, &["set", "a", "x=1", "--expect", "absent"]);
    assert!(conflict.contains("@1 by m\\u001b]0;x\\u0007 ("), "{conflict}");
}

#[test]
fn json_numbers_and_depth_are_what_the_library_reads() {
    let place = Place::new();
    let deep = format!("{}0{}", "[".repeat(128), "]".repeat(128));
    place.ok(&["set", "a", "zero:=-0", "wide:=99999999999999999999", &format!("deep:={deep}")]);
    let line = format!("{{\"set\": {{\"b\": {{\"zero\": -0, \"deep\": {deep}}}}}, \"id\": -0}}");
    assert_eq!(place.annals_reading(&["apply", "-"], line.as_bytes()).code, Some(0));
    assert_eq!(place.ok(&["get", "a", "zero", "wide"]), "0\n{\"$int\":\"99999999999999999999\"}\n");
    assert_eq!(place.ok(&["get", "b", "zero", "deep"]), format!("0\n{deep}\n"));
    assert_eq!(place.ok(&["--at", "tag:id=0", "get", "b", "zero"]), "0\n");
    for levels in [129, 50_000] {
        let deeper = format!("x:={}0{}", "[".repeat(levels), "]".repeat(levels));
        let message = place.fails(2, &["set", "a", &deeper]);
        assert!(message.contains("nested deeper than 128 levels"), "{message}");
    }
}

#[test]
fn programs_get_what_a_terminal_would_obey_spelled_out_and_unchanged_in_meaning() {
    let place = Place::new();
    let text = "\u{1b}[2J\u{9b}\u{7f}\u{202e}\u{feff}\u{e0001}";
    place.ok(&["set", "a", &format!("x={text}"), "--actor", text, "--tag", &format!("{text}={text}")]);
    for command in [&["show"][..], &["get", "a", "x"], &["log", "-p"], &["history", "a", "x"], &["stat"]] {
        for format in ["json", "jsonl"] {
            let out = place.ok(&[command, &["-o", format]].concat());
            let obeyed = |c: char| (c.is_control() && c != '\n') || text.contains(c) && !c.is_ascii();
            assert!(!out.contains(obeyed), "{out:?}");
        }
    }
    assert_eq!(parsed(&place.ok(&["show", "-o", "jsonl"]))["value"], text);
    assert_eq!(parsed(&place.ok(&["log", "-o", "jsonl"]))["tags"], json!({text: text}));
    assert!(place.ok(&["show", "-o", "csv"]).contains(text));
}
