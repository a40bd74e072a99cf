use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Cell, print_answer};

/// Print the version
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  annals version -o json")]
pub(crate) struct Version {}

impl Version {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        print_answer(&invocation.style, vec![("version", Cell::Text(env!("CARGO_PKG_VERSION").to_owned()))])?;
        Ok(Exit::Done)
    }
}
