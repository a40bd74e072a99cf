//! What erasing and compacting answer with.

use annals::{Context, Erasable, Erasure, Error, Position};

use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::output::{Cell, print_answer};

/// Returns how much it is, in words.
pub(crate) fn amount(Erasable { entries, bytes }: Erasable) -> String {
    let values = if entries == 1 { "value" } else { "values" };
    format!("{entries} {values} of {bytes} bytes")
}

/// Writes what would be erased.
pub(crate) fn print_plan(invocation: &Invocation, erasable: Erasable) -> Result<(), Failure> {
    let Erasable { entries, bytes } = erasable;
    print_answer(&invocation.style, vec![("entries", Cell::Number(entries)), ("bytes", Cell::Number(bytes))])
}

/// Returns whether an erasure may be made with this context; says how to give what it lacks.
pub(crate) fn check_context(context: &Context) -> Result<(), Failure> {
    Erasure::check_context(context).map_err(|error| match error {
        Error::Invalid(_) => Failure::from(error).help("give both: `--actor NAME -m TEXT`"),
        other => other.into(),
    })
}

/// Writes what was erased, and what could not be reached.
pub(crate) fn print(invocation: &Invocation, erasure: &Erasure) -> Result<(), Failure> {
    let commits: Vec<u64> = erasure.commits.iter().copied().map(Position::get).collect();
    let commits = match erasure.commits.last() {
        _ if invocation.style.is_machine() => Cell::Json(commits.into()),
        Some(last) => Cell::Position(*last),
        None => Cell::Absent,
    };
    let parts = vec![
        ("entries", Cell::Number(erasure.entries)),
        ("bytes", Cell::Number(erasure.bytes)),
        ("commits", commits),
        ("given_back", Cell::Number(erasure.given_back)),
    ];
    let told = |failure: Failure| failure.help(format!("{} values were erased", erasure.entries));
    print_answer(&invocation.style, parts).map_err(told)?;
    if erasure.entries > 0 {
        invocation.note(Erasure::OUT_OF_REACH);
    }
    Ok(())
}
