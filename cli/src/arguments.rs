//! The command line as a whole.

use clap::{Parser, ValueEnum};

use crate::commands::Command;
use crate::output::Format;

/// State that remembers: an append-only, versioned store of namespaced fields.
#[derive(Debug, Parser)]
#[command(name = "annals", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Examples:
  annals -s sqlite:game.db set game/player1 score:=10 name=Ann -m 'first round'
  annals -s sqlite:game.db get game/player1 score
  annals -s sqlite:game.db --at '2h ago' show game/player1
  annals -s sqlite:game.db history game/player1 score

Exit codes: 0 done; 1 no such value, or differences under --exit-code; 2 wrong usage or input; \
3 conflict; 4 the store cannot be used, or what was written is perhaps stored; 5 damage found; 130 interrupted; 141 nobody reads the output.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// The store: sqlite:FILE, sqlite:FILE?mode=ro, memory:, or
    /// postgres://USER@HOST/DATABASE?annals.log=NAME
    #[arg(short, long, value_name = "URL", env = "ANNALS_STORE", hide_env_values = true, global = true)]
    pub(crate) store: Option<String>,

    /// Read as of then: @412, @-3 (three commits before the last), tag:name=text (the last commit
    /// with that tag; scans from the newest), 2026-11-22T10:00:00Z, '2h ago', 'yesterday 18:00'
    #[arg(long, value_name = "WHEN", global = true)]
    pub(crate) at: Option<String>,

    /// How to write answers; a table on a terminal and tab-separated lines in a pipe unless given
    #[arg(short, long, value_enum, value_name = "FORMAT", global = true)]
    pub(crate) output: Option<OutputFormat>,

    /// The zone of times in tables and of moments that name none: local, utc, or Europe/Berlin
    #[arg(long, value_name = "ZONE", default_value = "local", global = true)]
    pub(crate) tz: String,

    /// Show no progress and no notes
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// The formats that can be asked for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OutputFormat {
    /// Aligned columns
    Table,
    /// One JSON document
    Json,
    /// One JSON object a line
    Jsonl,
    /// Comma-separated values with a header
    Csv,
}

impl From<OutputFormat> for Format {
    fn from(format: OutputFormat) -> Format {
        match format {
            OutputFormat::Table => Format::Table,
            OutputFormat::Json => Format::Json,
            OutputFormat::Jsonl => Format::Jsonl,
            OutputFormat::Csv => Format::Csv,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        let all = Arguments::command();
        for command in all.get_subcommands().flat_map(|command| command.get_subcommands().chain([command])) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let is_example = |line: &str| {
                line.starts_with("  ")
                    && line.contains("annals ")
                    && line.split(' ').any(|word| word == command.get_name())
            };
            assert!(help.lines().any(is_example), "{}", command.get_name());
        }
    }
}
