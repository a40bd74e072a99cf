use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Cell, print_answer};

/// Create the store, if it is not there yet
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals init -s sqlite:game.db
  annals init -s 'postgres://owner@db.example/games?annals.log=chess'

A store that is there already is left as it is. In a PostgreSQL database this makes the schema with its \
tables, and the log; no other command does.")]
pub(crate) struct Init {}

impl Init {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let store = invocation.create()?;
        let parts = vec![
            ("store", Cell::Text(invocation.url()?.to_string())),
            ("position", store.log().last_position()?.into()),
        ];
        print_answer(&invocation.style, parts)?;
        Ok(Exit::Done)
    }
}
