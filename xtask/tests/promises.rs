//! The table of promises names what there is, leaves nothing out, and agrees with the architecture.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const TABLE: &str = "tests/src/rules/promises.md";
const PROMISES: usize = 18;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Where one promise is shown.
struct Row {
    rules: BTreeSet<String>,
    files: BTreeSet<String>,
}

/// Returns the rows of the table, by promise from 1 on.
fn rows() -> Vec<Row> {
    let table = read(TABLE);
    let numbered = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| |"));
    let row = |(number, line): (usize, &str)| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, own, _, rules, files, _] = cells[..] else { panic!("{line}: not four cells") };
        assert_eq!(own, number.to_string(), "{TABLE} leaves a promise out or has one twice");
        Row { rules: quoted(rules), files: quoted(files) }
    };
    (1..).zip(numbered).map(row).collect()
}

/// Returns what stands between backquotes.
fn quoted(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns the rules of the suite, as the source has them.
fn rules() -> BTreeSet<String> {
    let folder = root().join("tests/src/rules");
    let sources = folder.read_dir().unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let named = |source: String| {
        let functions = source.lines().filter_map(|line| line.strip_prefix("pub fn "));
        functions.map(|line| line.split('(').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    sources.flat_map(named).collect()
}

#[test]
fn every_promise_is_shown_somewhere() {
    let rows = rows();
    assert_eq!(rows.len(), PROMISES);
    for (number, row) in (1..).zip(&rows) {
        assert!(!row.rules.is_empty() || !row.files.is_empty(), "promise {number} is shown nowhere");
    }
}

#[test]
fn every_rule_of_the_suite_is_in_the_table_and_the_other_way_round() {
    let there = rules();
    assert!(there.len() > 50, "the rules were looked for in the wrong place");
    let (table, rest) = {
        let page = read(TABLE);
        let (table, rest) = page.split_once("The other rules").unwrap();
        (quoted(table), quoted(rest))
    };
    let named: BTreeSet<String> = rows().into_iter().flat_map(|row| row.rules).chain(rest.clone()).collect();
    let only_one: Vec<&String> = named.symmetric_difference(&there).collect();
    assert!(only_one.is_empty(), "not both in {TABLE} and in the suite: {only_one:?}");
    assert!(table.is_disjoint(&rest), "a rule that shows a promise is no other rule");
}

#[test]
fn every_file_that_shows_a_promise_exists_and_tests() {
    for file in rows().into_iter().flat_map(|row| row.files) {
        let tests = read(&file);
        let tests_something = ["#[test]", "on_every_driver!", "proptest!"];
        assert!(tests_something.iter().any(|mark| tests.contains(mark)), "{file} tests nothing");
    }
}

/// Returns what the architecture says of each promise, from 1 on.
fn architecture() -> Vec<String> {
    let page = read("ARCHITECTURE.md");
    let (_, list) = page.split_once("\n## What always holds\n").unwrap();
    let (list, _) = list.split_once("\n## ").unwrap();
    let lines = list.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_digit()));
    let text = |(number, line): (usize, &str)| {
        let start = format!("{number}. ");
        line.strip_prefix(&start).unwrap_or_else(|| panic!("{line}: not promise {number}")).to_owned()
    };
    (1..).zip(lines).map(text).collect()
}

#[test]
fn the_architecture_names_the_same_places() {
    let promises = architecture();
    assert_eq!(promises.len(), PROMISES);
    for ((number, said), row) in (1..).zip(&promises).zip(rows()) {
        assert_eq!(said.contains("suite"), !row.rules.is_empty(), "promise {number}: the suite");
        let places: BTreeSet<String> =
            quoted(said).into_iter().filter(|word| root().join(word).exists()).collect();
        let is_at = |file: &String, place: &String| file == place || file.starts_with(&format!("{place}/"));
        for place in &places {
            let is_shown = row.files.iter().any(|file| is_at(file, place));
            assert!(is_shown, "promise {number}: {TABLE} has no file of {place}");
        }
        for file in &row.files {
            let is_named = places.iter().any(|place| is_at(file, place));
            assert!(is_named, "promise {number}: ARCHITECTURE.md does not name {file}");
        }
    }
}
