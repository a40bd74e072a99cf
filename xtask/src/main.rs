//! Chores of the workspace: `cargo xtask test` runs everything that CI runs.

mod postgres;

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

const USAGE: &str = "\
usage: cargo xtask CHORE

chores:
  test     everything that CI runs: format, lints, tests, documentation, examples;
           starts a PostgreSQL server of its own unless $ANNALS_TEST_POSTGRES names one;
           with --no-postgres, tests that need one say SKIPPED
  postgres -- COMMAND
           runs a command with the address of a throw-away PostgreSQL server in
           $ANNALS_TEST_POSTGRES: cargo xtask postgres -- cargo test --workspace
  fix      format, and apply the lints' suggestions
  bench    the ratios against hand-written baselines, same run, as in docs/speed.md
";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let words: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let done = match words[..] {
        ["test"] => test(true),
        ["test", "--no-postgres"] => test(false),
        ["postgres", "--", ..] => postgres::run_with_server(arguments.get(2..).unwrap_or_default()),
        ["fix"] => fix(),
        ["bench"] => run(&["bench", "--package", "annals-bench", "--", "--ratios"]),
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
    let postgres = Postgres::choose(with_postgres)?;
    run(&["fmt", "--all", "--check"])?;
    run(&["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"])?;
    let workspace = ["test", "--workspace", "--locked"];
    postgres.finish(cargo(&workspace), &workspace)?;
    // The conversions are off by default; the face must stand without any driver.
    run(&["test", "--package", "annals-codec", "--all-features", "--locked"])?;
    let bare = ["--package", "annals", "--no-default-features", "--locked", "--", "--deny", "warnings"];
    run(&[&["clippy"], &bare[..]].concat())?;
    documentation()?;
    for example in examples("annals")? {
        run(&["run", "--quiet", "--locked", "--package", "annals", "--example", &example])?;
    }
    say(&format!("all is well, after {} s", start.elapsed().as_secs()));
    Ok(())
}

/// Where the tests of the PostgreSQL driver find a server.
enum Postgres {
    /// The environment says.
    Given,
    Own(postgres::Server),
    /// Nowhere: they are to say that they were skipped.
    None,
}

impl Postgres {
    fn choose(wanted: bool) -> Result<Postgres, String> {
        match wanted {
            false => Ok(Postgres::None),
            true if env::var_os(postgres::URL).is_some() => Ok(Postgres::Given),
            true => postgres::Server::start().map(Postgres::Own),
        }
    }

    fn finish(&self, mut command: Command, arguments: &[&str]) -> Result<(), String> {
        match self {
            Postgres::Given => {}
            Postgres::Own(server) => drop(command.env(postgres::URL, server.url())),
            Postgres::None => drop(command.env("ANNALS_NO_POSTGRES", "1")),
        }
        finish(&mut command, arguments)
    }
}

fn fix() -> Result<(), String> {
    run(&["fmt", "--all"])?;
    run(&["clippy", "--workspace", "--all-targets", "--fix", "--allow-dirty", "--allow-staged"])
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
