//! Everything that can be wrong is one clear error with its exit code, and nothing is lost.

use std::fs;
use std::io::Write as _;

use rusqlite::Connection;

use crate::place::Place;

/// Runs a command line that must be refused as wrong usage, and returns the first line it says.
#[track_caller]
fn refused(place: &Place, arguments: &[&str]) -> String {
    let message = place.fails(2, arguments);
    message.lines().next().unwrap_or_default().to_owned()
}

fn filled() -> Place {
    let place = Place::new();
    place.ok(&["set", "game/player1", "score:=10", "name=Ann"]);
    place
}

#[test]
fn names_that_are_not_valid() {
    let place = filled();
    for namespace in ["", "a//b", "../a", "a b", "a/", "größe"] {
        assert!(refused(&place, &["get", namespace, "x"]).contains("namespace"), "{namespace}");
        refused(&place, &["set", namespace, "x=1"]);
    }
    for field in ["", "a-b", "1a", "a.b", "a b"] {
        assert!(refused(&place, &["get", "a", field]).contains("field"), "{field}");
        refused(&place, &["set", "a", &format!("{field}=1")]);
    }
    assert_eq!(place.last_position(), 2);
}

#[test]
fn fields_without_a_value() {
    let place = filled();
    assert!(place.fails(1, &["get", "game/player1", "scor"]).contains("did you mean `score`?"));
    assert!(
        place.fails(1, &["get", "game/player1", "score", "zzz"]).contains("`annals ls game/player1` lists")
    );
    let nothing = |arguments: &[&str]| place.fails(1, arguments);
    assert!(nothing(&["get", "game/player9", "score"]).contains("the record has no fields as of @2"));
    let before = nothing(&["--at", "@0", "get", "game/player1", "score"]);
    assert!(before.contains("the record has no fields as of @0"), "{before}");
    place.fails(1, &["history", "game/player1", "zzz"]);
    place.fails(1, &["within", "game/player1", "score", "--where", "round=1"]);
}

#[test]
fn values_that_cannot_be_read() {
    let place = filled();
    for assignment in [
        "score",
        "score:=ten",
        "score:=",
        "a:odd=1",
        "a:date=today",
        "a:=340282366920938463463374607431768211456",
        "a@=none",
    ] {
        refused(&place, &["set", "game/player1", assignment]);
    }
    refused(&place, &["set", "game/player1", "a=1", "a=2"]);
    refused(&place, &["within", "game/player1", "score", "--where", "round:=one"]);
    assert_eq!(place.last_position(), 2);
}

#[test]
fn moments_that_are_not_there() {
    let place = filled();
    let beyond = place.fails(2, &["--at", "@3", "show"]);
    assert_eq!(beyond.lines().next(), Some("error: the log ends at @2; @3 is beyond it"));
    assert!(refused(&place, &["--at", "@-2", "show"]).contains("there is 1 commit"));
    for moment in ["soon", "412", "@x", "2h"] {
        refused(&place, &["--at", moment, "show"]);
    }
    place.fails(1, &["--at", "tag:id=none", "show"]);
    refused(&place, &["diff", "@1..soon"]);
    refused(&place, &["diff", ".."]);
    refused(&place, &["--tz", "Mars/Olympus", "show"]);
    refused(&place, &["--at", "@1", "set", "a", "x=1"]);
}

#[test]
fn command_lines_that_are_not_complete() {
    let place = filled();
    refused(&place, &["get", "a"]);
    refused(&place, &["set", "a"]);
    refused(&place, &["nonsense"]);
    refused(&place, &["-s", "redis:x", "show"]);
    refused(&place, &["-o", "xml", "show"]);
    refused(&place, &["apply", "none.jsonl"]);
    refused(&place, &["apply", "."]);
    refused(&place, &["load", "none.dump"]);
    let output = place.command(["show"]).env_remove("ANNALS_STORE").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("$ANNALS_STORE"));
}

#[test]
fn files_that_are_no_store_of_ours_are_left_as_they_are() {
    let place = Place::new();
    let garbage = place.path("store.db");
    fs::write(&garbage, "these are not the bytes of a database".repeat(100)).unwrap();
    let before = fs::read(&garbage).unwrap();
    assert!(place.fails(4, &["show"]).contains("not a SQLite database"));
    place.fails(4, &["set", "a", "x=1"]);
    assert_eq!(fs::read(&garbage).unwrap(), before);

    fs::remove_file(&garbage).unwrap();
    Connection::open(&garbage).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = fs::read(&garbage).unwrap();
    place.fails(4, &["show"]);
    place.fails(4, &["set", "a", "x=1"]);
    assert_eq!(fs::read(&garbage).unwrap(), before);
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let place = filled();
    Connection::open(place.path("store.db")).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    for arguments in [&["show"][..], &["set", "a", "x=1"]] {
        let message = place.fails(4, arguments);
        assert!(message.contains("99"), "{message}");
    }
}

#[test]
fn a_busy_store_can_be_read_and_refuses_writes_in_the_end() {
    let place = filled();
    let other = Connection::open(place.path("store.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(place.ok(&["get", "game/player1", "score"]), "10\n");
    place.fails(4, &["set", "game/player1", "score:=11"]);
    other.execute_batch("ROLLBACK").unwrap();
    place.ok(&["set", "game/player1", "score:=11"]);
}

#[test]
fn a_damaged_store_is_told_from_one_that_cannot_be_used() {
    let place = filled();
    let store = Connection::open(place.path("store.db")).unwrap();
    store.execute_batch("UPDATE annals_entry SET value = x'c1' WHERE position = 1").unwrap();
    drop(store);
    let answer = place.annals(&["verify", "-o", "json"]);
    assert_eq!(answer.code, Some(5), "{}", answer.err);
    let report: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!(report["damage_count"], 1);
    assert_eq!(
        (&report["damages"][0]["position"], &report["damages"][0]["field"]),
        (&1.into(), &"score".into())
    );
    let said = place.annals(&["verify"]);
    assert!(said.out.contains("damage\t@1 game/player1 score: "), "{}", said.out);
    place.fails(5, &["get", "game/player1", "score"]);
    assert_eq!(place.ok(&["get", "game/player1", "name"]), "\"Ann\"\n");
}

#[test]
fn an_output_that_cannot_be_written() {
    let place = filled();
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let Ok(full) = full else { return };
    let output = place.command(["show"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .starts_with("error: the output cannot be written\n  cause: ")
    );
    place.fails(4, &["dump", "no/such/folder/dump"]);
    place.fails(4, &["dump", "."]);
}

#[test]
fn no_error_says_a_stored_value() {
    let place = Place::new();
    place.ok(&["set", "a", "x=hunter2", "y:=\"hunter2\""]);
    for arguments in [
        &["get", "a", "z"][..],
        &["set", "a", "x=hunter2", "--expect", "absent"],
        &["within", "a", "x", "--where", "y=hunter3"],
        &["rm", "a", "z"],
    ] {
        let answer = place.annals(arguments);
        assert_ne!(answer.code, Some(0));
        assert!(!answer.err.contains("hunter2"), "{}", answer.err);
    }
    let mut line = Vec::new();
    writeln!(line, "{{\"set\": {{\"a\": {{\"x\": {{\"$decimal\": \"hunter2\"}}}}}}}}").unwrap();
    writeln!(line, "{{\"set\": {{\"a\": {{\"x\": {{\"$hunter2\": 1}}}}}}}}").unwrap();
    writeln!(line, "{{\"set\": {{\"a\": {{\"x\": {{\"$custom\": [\"hunter2\", 1]}}}}}}}}").unwrap();
    for line in line.split_inclusive(|byte| *byte == b'\n') {
        let answer = place.annals_reading(&["apply", "-"], line);
        assert_eq!(answer.code, Some(2));
        assert!(!answer.err.contains("hunter2"), "{}", answer.err);
    }
}

#[test]
fn what_looks_like_a_range_and_is_none_is_not_taken_for_a_record() {
    let place = filled();
    for range in ["1..3", "2026-13-01..2026-13-02", "...", "a..b", "1.."] {
        assert!(refused(&place, &["diff", range]).contains("names no moment"), "{range}");
    }
    assert_eq!(place.ok(&["diff", "@0..", "a..b"]), "");
}

#[test]
fn a_file_over_the_limit_is_read_no_further() {
    let place = filled();
    if fs::exists("/dev/zero").unwrap() {
        refused(&place, &["set", "game/player1", "a:bytes@=/dev/zero"]);
    }
    fs::File::create(place.path("long")).unwrap().set_len((64 << 20) + 1).unwrap();
    for assignment in ["a@=long", "a:bytes@=long", "a:@=long"] {
        let message = refused(&place, &["set", "game/player1", assignment]);
        assert_eq!(message, "error: field `a`: `long` is longer than 67108864 bytes");
    }
    assert_eq!(place.last_position(), 2);
}

#[test]
fn what_cannot_be_written_leaves_no_store_behind() {
    let place = Place::new();
    for assignment in ["a:=bad", "a", "a-b=1", "a@=none"] {
        refused(&place, &["set", "n", assignment]);
    }
    let nothing = ["", "\n\n", "{\"id\": 1}\n", "no json", "{\"set\": {\"a\": {\"b-c\": 1}}}"];
    for input in nothing {
        place.annals_reading(&["apply", "-"], input.as_bytes());
    }
    fs::write(place.path("empty"), "").unwrap();
    assert_eq!(place.ok(&["apply", "empty", "-o", "json"]), "[]\n");
    assert!(!place.path("store.db").exists());
}

#[test]
fn a_receipt_that_cannot_be_written_is_told_with_the_error() {
    let place = Place::new();
    let full = || fs::OpenOptions::new().write(true).open("/dev/full");
    if full().is_err() {
        return;
    }
    let said = |arguments: &[&str]| {
        let output = place.command(arguments).stdout(full().unwrap()).output().unwrap();
        assert_eq!(output.status.code(), Some(4), "{arguments:?}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.starts_with("error: the output cannot be written\n"), "{message}");
        message.lines().last().unwrap().trim_start().to_owned()
    };
    assert_eq!(said(&["set", "a", "x=1", "y=2"]), "help: the commit was made, up to @2");
    assert_eq!(said(&["rm", "a", "x"]), "help: the commit was made, up to @3");
    fs::write(place.path("lines"), "{\"set\": {\"a\": {\"x\": 1}}}\n".repeat(3)).unwrap();
    for format in ["json", "jsonl", "csv", "table"] {
        let before = place.last_position();
        let message = said(&["apply", "lines", "-o", format]);
        let after = place.last_position();
        assert_eq!(after, before + 3, "{format}");
        assert_eq!(message, format!("help: the lines up to line 3 are appended, up to @{after}"), "{format}");
    }
}

/// Positions of entries are shown everywhere, but only the end of a commit is a moment.
#[test]
fn a_position_inside_a_commit() {
    let place = Place::new();
    place.ok(&["set", "a", "x:=1"]);
    place.ok(&["set", "a", "x:=2", "y:=3"]);
    let inside = place.annals(&["--at", "@2", "get", "a", "x"]);
    assert_eq!((inside.code, inside.out.as_str()), (Some(0), "1\n"));
    assert_eq!(inside.err, "@2 lies inside a commit; reading as of @1\n");
    let end = place.annals(&["--at", "@3", "get", "a", "x"]);
    assert_eq!((end.code, end.out.as_str(), end.err.as_str()), (Some(0), "2\n", ""));
}
