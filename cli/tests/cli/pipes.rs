//! Readers that go away early.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use crate::place::Place;

#[test]
fn a_reader_that_has_seen_enough_ends_the_command_quietly() {
    let place = Place::new();
    let lines: String = (0..3000)
        .map(|n| format!("{{\"set\": {{\"a/n{n}\": {{\"x\": \"{}\"}}}}}}\n", "x".repeat(100)))
        .collect();
    assert_eq!(place.annals_reading(&["apply", "-"], lines.as_bytes()).code, Some(0));
    for arguments in [
        &["show"][..],
        &["show", "-o", "jsonl"],
        &["show", "-o", "json"],
        &["show", "-o", "csv"],
        &["show", "-o", "table"],
        &["log"],
        &["log", "-p"],
        &["log", "-A"],
        &["tail", "-n", "3000"],
        &["diff", "@0.."],
        &["diff", "@0..", "-o", "table"],
        &["dump"],
    ] {
        let mut command = place.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::with_capacity(16, child.stdout.take().unwrap());
        output.fill_buf().unwrap();
        drop(output);
        let ended = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(ended.stderr).unwrap(), "", "{arguments:?}");
        assert_eq!(ended.status.code(), Some(141), "{arguments:?}");
    }
}

#[test]
fn help_and_completions_for_nobody_do_not_panic() {
    let place = Place::new();
    for arguments in [&["--help"][..], &["completions", "bash"], &["version"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = place.command(arguments).stdout(writer).output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{arguments:?}");
        assert_ne!(output.status.code(), Some(101), "{arguments:?}");
    }
}

#[test]
fn an_apply_that_nobody_listens_to_stops_between_commits() {
    let place = Place::new();
    let mut command = place.command(["apply", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{{\"set\": {{\"a\": {{\"x\": 1, \"y\": 2}}}}}}").unwrap();
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(141));
    assert_eq!(place.last_position(), 2);
}
