//! Rules of the house that no compiler checks.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The workspace's packages as `cargo metadata` tells them.
fn packages() -> Vec<Value> {
    let arguments = ["metadata", "--no-deps", "--format-version", "1", "--offline", "--locked"];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn name(package: &Value) -> &str {
    package["name"].as_str().unwrap()
}

/// What a package is built from; what only its tests need does not count.
fn dependencies(package: &Value) -> Vec<&str> {
    let all = package["dependencies"].as_array().unwrap().iter();
    all.filter(|dependency| dependency["kind"] != "dev").map(name).collect()
}

#[test]
fn imports_run_one_way() {
    let allowed = |package: &str| -> &[&str] {
        match package {
            "annals-codec" => &[],
            "annals-core" => &["annals-codec"],
            "annals-driver-memory"
            | "annals-driver-postgres"
            | "annals-driver-sqlite"
            | "annals-conformance" => &["annals-core"],
            "annals-revisions" => &["annals-core"],
            "annals" => &[
                "annals-core",
                "annals-driver-memory",
                "annals-driver-postgres",
                "annals-driver-sqlite",
                "annals-revisions",
            ],
            "annals-cli" => &["annals"],
            "annals-bench" => &[
                "annals",
                "annals-core",
                "annals-driver-memory",
                "annals-driver-postgres",
                "annals-driver-sqlite",
            ],
            "annals-test-server" => &[],
            "xtask" => &["annals-test-server"],
            other => panic!("{other} has no place in the house yet: add it here and to ARCHITECTURE.md"),
        }
    };
    for package in packages() {
        let own = dependencies(&package).into_iter().filter(|dependency| dependency.starts_with("annals"));
        for dependency in own {
            let place = name(&package);
            assert!(allowed(place).contains(&dependency), "{place} must not know {dependency}");
        }
    }
}

#[test]
fn only_those_who_need_a_database_know_it() {
    for package in packages() {
        if dependencies(&package).contains(&"rusqlite") {
            let place = name(&package);
            let may = ["annals-driver-sqlite", "annals-cli", "annals-bench"];
            assert!(may.contains(&place), "{place} must not know rusqlite");
        }
    }
}

#[test]
fn the_map_shows_every_crate() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for package in packages() {
        let folder = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned();
        let folder = folder.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(map.contains(&format!("`{folder}/`")), "ARCHITECTURE.md does not name `{folder}/`");
    }
}

#[test]
fn every_crate_inherits_the_lints_and_the_licence() {
    for package in packages() {
        let manifest = fs::read_to_string(package["manifest_path"].as_str().unwrap()).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{} has lints of its own", name(&package));
        assert_eq!(package["license"], "MIT OR Apache-2.0", "{}", name(&package));
        assert_eq!(package["rust_version"], "1.89", "{}", name(&package));
    }
}

#[test]
fn the_page_of_formats_shows_the_schemas_as_they_are() {
    let page = fs::read_to_string(root().join("docs/format.md")).unwrap();
    for file in
        ["driver-sqlite/src/schema.sql", "driver-postgres/src/schema.sql", "driver-postgres/src/views.sql"]
    {
        let schema = fs::read_to_string(root().join(file)).unwrap();
        assert!(page.contains(schema.trim_end()), "docs/format.md shows something else than {file}");
    }
}
