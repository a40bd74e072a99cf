//! Values on their own, as `get` and `within` print them.

use std::io::Write;

use annals::Change;
use annals::codec::{Registry, Value};

use crate::changes::{self, FIELD, POSITION, VALUE};
use crate::failure::Failure;
use crate::output::{Style, print as print_to_stdout};

/// How people get values.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Raw {
    /// Print text as it is instead of as JSON, and bytes as they are
    #[arg(short, long)]
    raw: bool,
}

/// Prints the values that `found` set: alone for people, with everything around them for programs.
pub(crate) fn print(found: &[Change], raw: Raw, style: &Style, registry: &Registry) -> Result<(), Failure> {
    if style.is_machine() {
        let rows = found.iter().cloned().map(Ok);
        return changes::print(rows, &[FIELD, VALUE, POSITION], style, registry);
    }
    let mut lines = Vec::with_capacity(found.len());
    for change in found {
        lines.extend(change.value()?.map(|value| line(value, raw, registry)));
    }
    print_to_stdout(|out| lines.iter().try_for_each(|line| out.write_all(line)))
}

fn line(value: Value, Raw { raw }: Raw, registry: &Registry) -> Vec<u8> {
    let mut line = match value {
        Value::Text(text) if raw => text.into_bytes(),
        Value::Bytes(bytes) if raw => return bytes,
        other => crate::escape::escape(&other.to_json(registry).to_string()).into_owned().into_bytes(),
    };
    line.push(b'\n');
    line
}
