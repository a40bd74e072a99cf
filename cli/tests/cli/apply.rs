//! `annals apply`: one commit a line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::place::{Answer, Place};

fn receipts(answer: &Answer) -> Vec<(u64, u64)> {
    let receipt = |line: &str| {
        let receipt: Value = serde_json::from_str(line).unwrap();
        (receipt["line"].as_u64().unwrap(), receipt["position"].as_u64().unwrap())
    };
    answer.out.lines().map(receipt).collect()
}

fn apply(place: &Place, lines: &[&str]) -> Answer {
    place.annals_reading(&["apply", "-", "-o", "jsonl"], lines.join("\n").as_bytes())
}

#[test]
fn a_line_is_a_commit_with_a_receipt() {
    let place = Place::new();
    let answer = apply(
        &place,
        &[
            r#"{"time": 1700000000.5, "actor": "ann", "message": "why", "id": 7, "set": {"a": {"x": 1, "y": 2}}}"#,
            "",
            r#"{"set": {"b/c": {"z": {"$decimal": "1.10"}}}, "delete": {"a": ["x"]}}"#,
        ],
    );
    assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""));
    assert_eq!(receipts(&answer), [(1, 2), (3, 4)]);
    let log = place.ok(&["log", "-p", "-o", "jsonl"]);
    let first: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!((&first["actor"], &first["reason"]), (&json!("ann"), &json!("why")));
    assert_eq!(first["occurred_at"], "2023-11-14T22:13:20.500000Z");
    assert_eq!(first["tags"], json!({"id": 7}));
    assert_eq!(first.get("location"), None);
    assert_eq!(place.ok(&["ls", "-R", "-o", "csv"]), "namespace,field,type\na,y,integer\nb/c,z,decimal\n");
}

#[test]
fn a_line_that_changes_nothing_is_said_and_passed_over() {
    let place = Place::new();
    let answer = apply(
        &place,
        &[r#"{"id": "x"}"#, r#"{"set": {"a": {}}, "delete": {}}"#, r#"{"set": {"a": {"x": 1}}}"#],
    );
    assert_eq!(answer.code, Some(0));
    assert_eq!(
        answer.err,
        "warning: line 1 changes nothing and is not appended\nwarning: line 2 changes nothing and is not appended\n"
    );
    assert_eq!(receipts(&answer), [(3, 1)]);
}

#[test]
fn a_wrong_line_is_named_and_the_lines_before_it_stand() {
    let good = r#"{"set": {"a": {"x": 1, "y": 2}}}"#;
    let wrong = [
        r#"{"set": {"a": {"x": 2, "y": "#,
        "not json",
        "[1]",
        r#"{"set": {"a": {"x": 2}, "a": {"y": 2}}}"#,
        r#"{"set": {"a": {"x": 2, "b-c": 1}}}"#,
        r#"{"set": {"a": {"x": 2}, "a//b": {"x": 1}}}"#,
        r#"{"set": {"a": {"x": 2, "y": {"$odd": 1}}}}"#,
        r#"{"set": {"a": {"x": 2}}, "delete": {"a": ["x"]}}"#,
        r#"{"set": {"a": {"x": 2}}, "delete": {"a": ["z"]}}"#,
        r#"{"set": {"a": {"x": 2}}, "time": "noon"}"#,
        r#"{"set": {"a": {"x": 2}}, "actor": 1}"#,
        r#"{"delete": {"a": "x"}}"#,
    ];
    for line in wrong {
        let place = Place::new();
        let answer = apply(&place, &[good, good, line, good]);
        assert_eq!(answer.code, Some(2), "{line}: {}", answer.err);
        assert_eq!(receipts(&answer), [(1, 2), (2, 4)], "{line}");
        assert!(answer.err.starts_with("error: line 3: "), "{}", answer.err);
        assert!(
            answer.err.ends_with("  help: the lines up to line 2 are appended, up to @4\n"),
            "{}",
            answer.err
        );
        assert_eq!(place.last_position(), 4, "{line}");
    }
    let place = Place::new();
    let answer = apply(&place, &["nonsense", good]);
    assert!(answer.err.contains("error: line 1: "), "{}", answer.err);
    assert!(answer.err.ends_with("help: nothing was appended\n"), "{}", answer.err);
}

#[test]
fn bytes_that_are_not_utf8_are_refused_by_line() {
    let place = Place::new();
    let answer = place.annals_reading(&["apply", "-"], b"{\"set\": {\"a\": {\"x\": \"\xff\"}}}\n");
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.starts_with("error: line 1: this is not UTF-8\n"), "{}", answer.err);
}

#[test]
fn deletes_see_what_the_lines_before_them_did() {
    let place = Place::new();
    let set = r#"{"set": {"a": {"x": 1}}}"#;
    let delete = r#"{"delete": {"a": ["x"]}}"#;
    let answer = apply(&place, &[set, delete, set, set, delete, delete]);
    assert_eq!(receipts(&answer), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]);
    assert!(answer.err.starts_with("error: line 6: it deletes a x, which has no value\n"), "{}", answer.err);
}

#[test]
fn a_value_over_the_limit_is_refused_by_line_and_disturbs_no_other() {
    let place = Place::new();
    let long = format!(r#"{{"set": {{"a": {{"x": "{}"}}}}}}"#, "x".repeat((64 << 20) + 1));
    let answer = apply(&place, &[r#"{"set": {"a": {"y": 1}}}"#, &long]);
    assert_eq!((answer.code, receipts(&answer)), (Some(2), vec![(1, 1)]));
    assert!(answer.err.starts_with("error: line 2: the value for a x of "), "{}", answer.err);
}

#[test]
fn whoever_sends_a_line_gets_its_receipt_before_the_next() {
    let place = Place::new();
    let mut command = place.command(["apply", "-", "-o", "jsonl"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (sender, receipts) = mpsc::channel();
    let reader = thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            sender.send(line.unwrap()).unwrap();
        }
    });
    for number in 1..=3 {
        writeln!(input, "{{\"set\": {{\"a\": {{\"x\": {number}}}}}}}").unwrap();
        let receipt = receipts.recv_timeout(Duration::from_secs(20)).expect("a receipt before the next line");
        let receipt: Value = serde_json::from_str(&receipt).unwrap();
        assert_eq!((&receipt["line"], &receipt["position"]), (&json!(number), &json!(number)));
    }
    drop(input);
    reader.join().unwrap();
    assert!(child.wait().unwrap().success());
}
