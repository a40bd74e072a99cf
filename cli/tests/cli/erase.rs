//! Erasing, compacting, and what takes the room.

use serde_json::{Value, json};

use crate::place::Place;

const WHY: [&str; 4] = ["--actor", "dana", "-m", "asked to"];

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn filled() -> Place {
    let place = Place::new();
    for (namespace, value) in
        [("person/7", "first"), ("person/7", "second"), ("person/7/home", "at home"), ("person/70", "x")]
    {
        place.ok(&["set", namespace, &format!("note={value}"), "age:=7"]);
    }
    place
}

/// Runs a command with `--yes`, and returns its answer.
#[track_caller]
fn done(place: &Place, arguments: &[&str]) -> Value {
    let all = [arguments, &WHY, &["--yes", "-q", "-o", "json"]].concat();
    parsed(&place.ok(&all))
}

#[test]
fn a_record_is_erased_with_what_is_under_it() {
    let place = filled();
    let answer = done(&place, &["erase", "person/7"]);
    assert_eq!((&answer["v"], &answer["entries"], &answer["commits"]), (&json!(1), &json!(6), &json!([9])));
    let said = place.fails(1, &["get", "person/7", "note"]);
    assert_eq!(
        said,
        concat!(
            "error: person/7 note: the value set at @3 was erased\n",
            "  help: `annals log __annals/erasures` says who did it, and why\n"
        )
    );
    place.fails(1, &["get", "person/7/home", "age"]);
    assert_eq!(place.ok(&["get", "person/70", "note"]), "\"x\"\n");

    let audit = parsed(&place.ok(&["log", "-n", "1", "-p", "-o", "json"]));
    let commit = &audit[0];
    assert_eq!((&commit["actor"], &commit["reason"]), (&json!("dana"), &json!("asked to")));
    assert_eq!(commit["location"], "annals erase");
    assert_eq!(
        commit["changes"][0]["value"],
        json!({"what": "everything under person/7 through @8", "entries": 6, "bytes": answer["bytes"]})
    );
    assert_eq!(place.annals(&["verify"]).code, Some(0));
    assert_eq!(done(&place, &["erase", "person/7"])["commits"], json!([]), "there is no more");
}

#[test]
fn a_field_is_erased_up_to_a_moment() {
    let place = filled();
    assert_eq!(done(&place, &["erase", "person/7", "note", "--through", "@2"])["entries"], 1);
    assert_eq!(place.ok(&["get", "person/7", "note"]), "\"second\"\n");
    place.fails(1, &["--at", "@2", "get", "person/7", "note"]);
    assert_eq!(place.ok(&["--at", "@2", "get", "person/7", "age"]), "7\n");
    let said = place.fails(2, &[&["erase", "person/7", "--through", "@99", "--yes"][..], &WHY].concat());
    assert!(said.starts_with("error: the log ends at @9; @99 is beyond it\n"), "{said}");
}

#[test]
fn the_bytes_are_gone_from_the_file() {
    let place = Place::new();
    place.ok(&["set", "a", "secret=hidden-marker-4711"]);
    let holds = || {
        let bytes = std::fs::read(place.path("store.db")).unwrap();
        bytes.windows(18).any(|window| window == b"hidden-marker-4711")
    };
    assert!(holds());
    done(&place, &["erase", "a"]);
    assert!(!holds());
}

#[test]
fn nothing_is_erased_unless_somebody_agrees_and_says_who_and_why() {
    let place = filled();
    let arguments = [&["erase", "person/7"][..], &WHY].concat();
    let said = place.fails(2, &arguments);
    assert!(said.contains("6 values of"), "{said}");
    assert!(said.contains("standard input is no terminal"), "{said}");
    let answer = place.annals_reading(&arguments, b"person/7\n");
    assert_eq!(answer.code, Some(2), "a pipe is nobody who agrees");
    for agreed in [&["--yes"][..], &[]] {
        let said = place.fails(2, &[&["erase", "person/7", "-m", "why"], agreed].concat());
        assert_eq!(
            said,
            "error: nothing is erased without an actor: say who does it\n  help: give both: `--actor NAME -m TEXT`\n"
        );
        let said = place.fails(2, &[&["compact", "--keep-latest", "**", "--actor", "dana"], agreed].concat());
        assert_eq!(
            said,
            "error: nothing is erased without a reason: say why\n  help: give both: `--actor NAME -m TEXT`\n"
        );
    }
    place.fails(2, &["erase", "__annals", "--yes", "--actor", "dana", "-m", "why"]);
    place.fails(2, &[&["erase", "person/7", "--yes", "--dry-run"][..], &WHY].concat());
    assert_eq!(place.last_position(), 8);

    let plan = parsed(&place.ok(&["erase", "person/7", "note", "--dry-run", "-o", "json"]));
    assert_eq!((&plan["v"], &plan["entries"]), (&json!(1), &json!(2)));
    assert_eq!(place.ok(&["get", "person/7", "note"]), "\"second\"\n");
}

#[test]
fn what_is_out_of_reach_is_said() {
    let place = filled();
    let said = place.annals(&[&["erase", "person/7", "--yes"][..], &WHY].concat()).err;
    assert!(said.starts_with("Erased from the live log only. Backups, dumps,"), "{said}");
}

#[test]
fn compacting_keeps_the_latest_and_what_is_to_be_kept() {
    let place = Place::new();
    for celsius in ["19", "20", "21"] {
        for sensor in ["sensor/roof", "sensor/cellar/1"] {
            place.ok(&["set", sensor, &format!("celsius:={celsius}"), "name=s"]);
        }
    }
    let rules =
        ["--keep-latest", "sensor/** celsius", "--keep-latest", "other/*", "--keep-all", "sensor/roof"];
    let plan = [&["compact"][..], &rules, &["--dry-run", "-o", "json"]].concat();
    assert_eq!(parsed(&place.ok(&plan))["entries"], 2);
    let answer = done(&place, &[&["compact"][..], &rules].concat());
    assert_eq!((&answer["entries"], &answer["commits"]), (&json!(2), &json!([13])));
    assert_eq!(place.ok(&["get", "sensor/cellar/1", "celsius", "name"]), "21\n\"s\"\n");
    let history = place.ok(&["history", "sensor/cellar/1", "celsius", "-o", "jsonl"]);
    assert_eq!(
        history.lines().map(|line| parsed(line)["action"].clone()).collect::<Vec<_>>(),
        ["set", "erased", "erased"]
    );
    assert_eq!(done(&place, &[&["compact"][..], &rules].concat())["entries"], 0);

    let said = place.fails(2, &["compact", "--keep-latest", "a/**/b", "--dry-run"]);
    assert!(said.contains("`**` comes last"), "{said}");
    place.fails(2, &["compact", "--dry-run"]);
}

#[test]
fn stat_shows_what_takes_the_room() {
    let place = filled();
    let rows = |arguments: &[&str]| -> Vec<Value> {
        place.ok(&[&["stat", "-o", "jsonl"], arguments].concat()).lines().map(parsed).collect()
    };
    let by_namespace = rows(&["--by", "namespace"]);
    let expected = [("person/7", 2, 4, 15), ("person/7/home", 2, 2, 9), ("person/70", 2, 2, 3)];
    let row = |(namespace, keys, entries, bytes)| json!({"v": 1, "namespace": namespace, "keys": keys, "entries": entries, "erased": 0, "bytes": bytes});
    assert_eq!(by_namespace, expected.map(row));
    assert_eq!(rows(&["person/7"]), expected[..2].iter().copied().map(row).collect::<Vec<_>>());

    done(&place, &["erase", "person/7", "note"]);
    let by_field = rows(&["person/7", "--by", "field", "--top", "2"]);
    let row = |namespace, field, entries, erased, bytes| json!({"v": 1, "namespace": namespace, "field": field, "entries": entries, "erased": erased, "bytes": bytes});
    assert_eq!(by_field, [row("person/7/home", "note", 1, 0, 8), row("person/7", "age", 2, 0, 2)]);
    let whole = parsed(&place.ok(&["stat", "-o", "json"]));
    assert_eq!((&whole["entries"], &whole["commits"]), (&json!(9), &json!(5)));
}
