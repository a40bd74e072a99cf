use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Cell, print_answer};

/// Create the store, if it is not there yet
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  annals init -s sqlite:game.db

A store that is there already is left as it is.")]
pub(crate) struct Init {}

impl Init {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let store = invocation.open_to_write()?;
        let parts = vec![
            ("store", Cell::Text(invocation.url()?.to_string())),
            ("position", store.log().last_position()?.into()),
        ];
        print_answer(&invocation.style, parts)?;
        Ok(Exit::Done)
    }
}
