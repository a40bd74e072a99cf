//! A real repository's history as data: every file is a record, every commit a commit.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use annals::{Action, Context, Log, Scope, Store};
use serde::Deserialize;
use sha2::{Digest, Sha256};

const HISTORY: &str = include_str!("fixtures/git/history.jsonl");
const EXPECTED: &str = include_str!("fixtures/git/history.expected.json");

#[derive(Deserialize)]
struct GitCommit {
    id: String,
    actor: String,
    message: String,
    set: BTreeMap<String, GitFile>,
    delete: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct GitFile {
    blob: String,
    mode: String,
    size: u64,
}

#[derive(Deserialize)]
struct GitTree {
    id: String,
    files: usize,
    sha256: String,
}

fn apply(store: &Store, git: &GitCommit) -> annals::Result<annals::Position> {
    let context = Context::new().actor(&*git.actor).reason(&*git.message).tag("id", &*git.id);
    let done = store.commit(context, |tx| {
        for (path, file) in &git.set {
            let record = tx.record(path.as_str())?;
            record.set("blob", &file.blob)?;
            record.set("mode", &file.mode)?;
            record.set("size", &file.size)?;
        }
        for (path, fields) in &git.delete {
            let record = tx.record(path.as_str())?;
            fields.iter().try_for_each(|field| record.delete(field.as_str()))?;
        }
        Ok(())
    })?;
    Ok(done.receipt.expect("every commit of the history changes something").position())
}

/// The lines `path blob` of the tree as of a position, in one read.
fn tree(store: &Store, at: annals::Position) -> Vec<String> {
    let mut lines = Vec::new();
    for change in store.at(at).unwrap().entries(&Scope::All) {
        let change = change.unwrap();
        if change.key().field().as_str() == "blob" && change.entry.action != Action::Deleted {
            let blob: String = change.get().unwrap().unwrap();
            lines.push(format!("{} {blob}\n", change.key().namespace()));
        }
    }
    lines.sort();
    lines
}

fn dump(log: &Log) -> Vec<u8> {
    let mut bytes = Vec::new();
    log.dump(&mut bytes, |_| {}).unwrap();
    bytes
}

fn as_of_each_commit_the_tree_is_gits(store: &Store, other: &Store) {
    let mut positions = BTreeMap::new();
    for line in HISTORY.lines() {
        let git: GitCommit = serde_json::from_str(line).unwrap();
        positions.insert(git.id.clone(), apply(store, &git).unwrap());
    }
    assert_eq!(positions.len(), 705);

    let expected: Vec<GitTree> = serde_json::from_str(EXPECTED).unwrap();
    assert_eq!(expected.len(), 37);
    for git in expected {
        let lines = tree(store, positions[&git.id]);
        assert_eq!(lines.len(), git.files, "files as of {}", git.id);
        let digest = Sha256::digest(lines.concat());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, git.sha256, "tree as of {}", git.id);
    }

    let dumped = dump(store.log());
    let loaded = other.log().load(&mut &dumped[..], |_| {}).unwrap();
    assert_eq!(loaded.commits, 705);
    assert!(dump(other.log()) == dumped, "a dump that went through another driver differs");

    for log in [store.log(), other.log()] {
        let found = log.verify(|_| {}).unwrap();
        assert_eq!(found.damages, []);
        assert_eq!((found.commits, found.entries), (705, loaded.entries));
    }
}

#[test]
fn as_of_each_commit_the_tree_is_gits_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    as_of_each_commit_the_tree_is_gits(&memory(), &sqlite(&folder));
}

#[test]
fn as_of_each_commit_the_tree_is_gits_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    as_of_each_commit_the_tree_is_gits(&sqlite(&folder), &memory());
}

#[cfg(feature = "postgres")]
#[test]
fn as_of_each_commit_the_tree_is_gits_in_postgresql() {
    let Some(log) = annals_test_server::OwnLog::new() else { return };
    as_of_each_commit_the_tree_is_gits(&Store::open(&log.url_to_create()).unwrap(), &memory());
}

/// Each log is loaded from the dump of the one before.
#[cfg(feature = "postgres")]
#[test]
fn a_dump_moves_through_all_drivers_and_stays_the_same() {
    let Some(log) = annals_test_server::OwnLog::new() else { return };
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let first = memory();
    for line in HISTORY.lines() {
        apply(&first, &serde_json::from_str(line).unwrap()).unwrap();
    }
    let dumped = dump(first.log());
    let mut last = dumped.clone();
    for store in [sqlite(&folders[0]), Store::open(&log.url_to_create()).unwrap(), sqlite(&folders[1])] {
        assert_eq!(store.log().load(&mut &last[..], |_| {}).unwrap().commits, 705);
        last = dump(store.log());
        assert!(last == dumped, "{:?} gives another dump", store.log().driver().abilities());
    }
}

fn memory() -> Store {
    Store::open("memory:").unwrap()
}

fn sqlite(folder: &tempfile::TempDir) -> Store {
    Store::open(&format!("sqlite:{}", folder.path().join("git.db").display())).unwrap()
}
