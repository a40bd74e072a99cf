//! Chores of the workspace: `cargo xtask test` runs everything that CI runs.

mod postgres;

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

const USAGE: &str = "\
usage: cargo xtask CHORE
       cargo xtask bench -- [--quick] [PART]...

chores:
  test     everything that CI runs: format, lints, tests, documentation, examples;
           starts a PostgreSQL server of its own, with a pooler before it, unless
           $ANNALS_TEST_POSTGRES (and $ANNALS_TEST_PGBOUNCER) name what is there;
           with --no-postgres, tests that need one say SKIPPED
  postgres -- COMMAND
           runs a command with the addresses of a throw-away PostgreSQL server and its
           pooler in those variables: cargo xtask postgres -- cargo test --workspace
  fix      format, and apply the lints' suggestions
  bench    the ratios against hand-written baselines, same run, as in docs/speed.md;
           parts that begin with `pg-` get a PostgreSQL server as the tests do;
           `-- PART...` runs some parts, `-- --quick` shows that they work
";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    let done = match words[..] {
        ["test"] => test(true),
        ["test", "--no-postgres"] => test(false),
        ["postgres", "--", ..] => postgres::run_with_server(arguments.get(2..).unwrap_or_default()),
        ["fix"] => fix(),
        ["bench", ..] => bench(),
        _ => {
            say(USAGE);
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            say(&format!("error: {what}"));
            ExitCode::FAILURE
        }
    }
}

fn test(with_postgres: bool) -> Result<(), String> {
    let start = Instant::now();
    let postgres = postgres::ForTests::choose(with_postgres)?;
    run(&["fmt", "--all", "--check"])?;
    run(&["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"])?;
    let workspace = ["test", "--workspace", "--locked"];
    finish(postgres.tell(&mut cargo(&workspace)), &workspace)?;
    // The conversions are off by default; the face must stand without any driver.
    run(&["test", "--package", "annals-codec", "--all-features", "--locked"])?;
    let bare = ["--package", "annals", "--no-default-features", "--locked", "--", "--deny", "warnings"];
    run(&[&["clippy"], &bare[..]].concat())?;
    traced()?;
    unprotected()?;
    schedules()?;
    documentation()?;
    for example in examples("annals")? {
        run(&["run", "--quiet", "--locked", "--package", "annals", "--example", &example])?;
    }
    say(&format!("all is well, after {} s", start.elapsed().as_secs()));
    Ok(())
}

/// The feature `tracing`, which no other chore compiles.
fn traced() -> Result<(), String> {
    let packages = ["--package", "annals-core", "--package", "annals", "--features", "annals/tracing"];
    let lint = ["--all-targets", "--locked", "--", "--deny", "warnings"];
    run(&[&["clippy"], &packages[..], &lint].concat())?;
    run(&["test", "--package", "annals", "--features", "tracing", "--test", "tracing", "--locked"])
}

/// The PostgreSQL driver without TLS, which no other chore compiles: in the workspace the command asks for it.
fn unprotected() -> Result<(), String> {
    let package = ["--package", "annals-driver-postgres", "--locked"];
    run(&[&["clippy"], &package[..], &["--all-targets", "--", "--deny", "warnings"]].concat())?;
    run(&[&["test"], &package[..], &["--lib"]].concat())
}

fn fix() -> Result<(), String> {
    run(&["fmt", "--all"])?;
    run(&["clippy", "--workspace", "--all-targets", "--fix", "--allow-dirty", "--allow-staged"])
}

fn bench() -> Result<(), String> {
    let parts: Vec<String> = env::args().skip(2).skip_while(|argument| argument == "--").collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let named: Vec<&&str> = parts.iter().filter(|part| !part.starts_with("--")).collect();
    let needs_server = named.is_empty() || named.iter().any(|part| part.starts_with("pg-"));
    let postgres = postgres::ForTests::choose(needs_server)?;
    let arguments = [&["run", "--release", "--package", "annals-bench", "--"], &parts[..]].concat();
    finish(postgres.tell(&mut cargo(&arguments)), &arguments)
}

/// Lints and runs the programs whose threads are run in very many orders. All of the crate is built anew
/// for them, so in a folder of its own, and a little optimised, which pays at once.
fn schedules() -> Result<(), String> {
    let target =
        ["--package", "annals-core", "--test", "shuttle", "--locked", "--target-dir", "target/shuttle"];
    let target = [&target[..], &["--config", "profile.dev.opt-level=1"]].concat();
    for arguments in [
        [&["clippy"], &target[..], &["--", "--deny", "warnings"]].concat(),
        [&["test"], &target[..]].concat(),
    ] {
        finish(cargo(&arguments).env("RUSTFLAGS", "--cfg shuttle"), &arguments)?;
    }
    Ok(())
}

fn documentation() -> Result<(), String> {
    let arguments = ["doc", "--workspace", "--no-deps", "--locked"];
    finish(cargo(&arguments).env("RUSTDOCFLAGS", "--deny warnings"), &arguments)
}

/// Returns the names of a package's examples, in order.
fn examples(package: &str) -> Result<Vec<String>, String> {
    let folder = root().join(package).join("examples");
    let files = folder.read_dir().map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<String> = files
        .filter_map(|file| Some(file.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

fn run(arguments: &[&str]) -> Result<(), String> {
    finish(&mut cargo(arguments), arguments)
}

fn finish(command: &mut Command, arguments: &[&str]) -> Result<(), String> {
    let shown = format!("cargo {}", arguments.join(" "));
    say(&format!("     Chore {shown}"));
    let status = command.status().map_err(|error| format!("`{shown}` cannot be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` failed")) }
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(arguments);
    command
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask stands in the workspace").to_owned()
}

fn say(text: &str) {
    eprintln!("{text}");
}
