//! The `annals` command as a library: [`run`] does what the program does.
//!
//! # Exit codes
//!
//! | code | means |
//! |---|---|
//! | 0 | done |
//! | 1 | there is no such value or object; with `diff --exit-code`: there are differences |
//! | 2 | the command line or an input file is wrong: names, JSON, moments, files that cannot be read |
//! | 3 | conflict: another commit was first |
//! | 4 | the store cannot be used: missing, locked, full, read-only, of a newer format, not one of ours; or the output cannot be written. What was to be written was perhaps stored, where the message says so |
//! | 5 | damage: `verify` found some, a stored value cannot be read, a dump is damaged or cut off |
//! | 130 | interrupted |
//! | 141 | nobody reads the output any more |
//!
//! # Output
//!
//! A terminal gets tables, a pipe plain lines with cells separated by tabs; `-o json`, `-o jsonl` and
//! `-o csv` are for programs. Every JSON object has a member `"v": 1`; members that have nothing to say
//! are left out, and new ones may come without a new version. Positions are numbers, times RFC 3339 in
//! UTC, values in their lossless JSON form.

mod arguments;
mod assignments;
mod change_line;
mod changes;
mod commands;
mod commit_id;
mod commits;
mod consent;
mod erasures;
mod escape;
mod failure;
pub mod import;
mod invocation;
mod json;
mod objects;
mod output;
mod progress;
mod receipts;
mod shares;
mod sort;
mod suggestion;
mod times;
mod told;
mod values;
mod when;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::Arguments;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;

/// Runs the command that `arguments` say, the program's name first, and returns its exit code.
///
/// Answers go to standard output, everything else to standard error.
///
/// ```
/// use std::process::ExitCode;
///
/// let code = annals_cli::run(["annals", "get", "not//a/namespace", "score"]);
/// assert_eq!(code, ExitCode::from(2));
/// ```
pub fn run<A: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = A>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return explain(&error).into(),
    };
    match Invocation::new(&arguments.globals).and_then(|invocation| arguments.command.run(&invocation)) {
        Ok(exit) => exit.into(),
        Err(failure) => failure.tell().into(),
    }
}

/// Prints what clap has to say: what is wrong with the arguments, or the help that was asked for.
fn explain(error: &clap::Error) -> Exit {
    match error.print() {
        Ok(()) if error.use_stderr() => Exit::Usage,
        Ok(()) => Exit::Done,
        Err(error) => Failure::output(&error).exit,
    }
}
