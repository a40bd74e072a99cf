//! Following a store that other processes write.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Stdio};

use serde_json::Value as Json;

use crate::place::Place;

/// A command that follows, ended with the test.
struct Following {
    child: Child,
    lines: Option<BufReader<ChildStdout>>,
}

impl Following {
    fn start(place: &Place, arguments: &[&str]) -> Following {
        let mut command = place.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Following { child, lines: Some(lines) }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.as_mut().unwrap().read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_shows_what_is_there_and_then_each_commit_as_it_comes() {
    let place = Place::new();
    for number in 1..=3 {
        place.ok(&["set", "a", &format!("x:={number}"), "--actor", "ann"]);
    }
    let mut following = Following::start(&place, &["tail", "-f", "-n", "2", "-o", "jsonl"]);
    let mut position = || {
        let object: Json = serde_json::from_str(&following.line()).unwrap();
        assert_eq!((&object["actor"], &object["changes"][0]["field"]), (&"ann".into(), &"x".into()));
        object["position"].as_u64().unwrap()
    };
    assert_eq!((position(), position()), (2, 3));
    for number in 4..=6 {
        place.ok(&["set", "a", &format!("x:={number}"), "--actor", "ann"]);
        assert_eq!(position(), number);
    }
}

#[test]
fn with_a_namespace_it_shows_only_changes_there() {
    let place = Place::new();
    place.ok(&["init"]);
    let mut following = Following::start(&place, &["tail", "-f", "a", "-o", "csv"]);
    assert!(following.line().starts_with("position,first,recorded_at"));
    place.ok(&["set", "ab", "x:=1"]);
    place.annals_reading(&["apply", "-"], br#"{"set": {"a/b": {"x": 1}, "c": {"x": 1}}}"#);
    let line = following.line();
    assert!(line.starts_with("3,2,") && line.contains("a/b") && !line.contains(r#""c""#), "{line}");
}

#[test]
fn what_should_be_a_table_is_lines() {
    let place = Place::new();
    place.ok(&["set", "a", "x:=1", "--actor", "ann"]);
    let mut following = Following::start(&place, &["tail", "-f", "-o", "table"]);
    let line = following.line();
    assert!(line.starts_with("@1\t") && line.trim_end().ends_with("\ta ~x"), "{line}");
}

#[test]
fn it_ends_quietly_when_nobody_reads_any_more() {
    let place = Place::new();
    place.ok(&["set", "a", "x:=1"]);
    let mut following = Following::start(&place, &["tail", "-f"]);
    assert!(following.line().starts_with("@1\t"));
    drop(following.lines.take());
    place.ok(&["set", "a", "x:=2"]);
    assert_eq!(following.child.wait().unwrap().code(), Some(141));
    let mut said = String::new();
    following.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "");
}
