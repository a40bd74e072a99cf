//! A real repository's history, applied and read back as of its commits through the command.

use std::path::Path;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::place::Place;

#[test]
fn the_tree_of_every_expected_commit_is_read_back() {
    expected_trees_are_read_back(&Place::new());
}

#[test]
fn the_tree_of_every_expected_commit_is_read_back_from_postgresql() {
    let Some(place) = Place::in_postgres() else { return };
    place.ok(&["init"]);
    expected_trees_are_read_back(&place);
}

fn expected_trees_are_read_back(place: &Place) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../annals/tests/fixtures/git");
    let receipts = place.ok(&["apply", fixtures.join("history.jsonl").to_str().unwrap(), "-o", "jsonl"]);
    assert_eq!(receipts.lines().count(), 705);

    let expected = std::fs::read(fixtures.join("history.expected.json")).unwrap();
    let expected: Vec<Value> = serde_json::from_slice(&expected).unwrap();
    assert_eq!(expected.len(), 37);
    for commit in expected {
        let when = format!("tag:id={}", commit["id"].as_str().unwrap());
        let shown = place.ok(&["--at", &when, "-o", "jsonl", "show", "-R", "--field", "blob"]);
        let mut lines: Vec<String> = shown.lines().map(tree_line).collect();
        lines.sort();
        assert_eq!(lines.len() as u64, commit["files"].as_u64().unwrap(), "{when}");
        let digest = Sha256::digest(lines.concat());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, commit["sha256"].as_str().unwrap(), "{when}");
    }
}

fn tree_line(row: &str) -> String {
    let row: Value = serde_json::from_str(row).unwrap();
    format!("{} {}\n", row["namespace"].as_str().unwrap(), row["value"].as_str().unwrap())
}
