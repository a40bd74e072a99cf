use crate::failure::{Exit, Failure};
use crate::output::{Cell, print_answer};
use crate::session::Session;

/// Create the store, if it is not there yet
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  annals init -s sqlite:game.db

A store that is there already is left as it is.")]
pub(crate) struct Init {}

impl Init {
    pub(crate) fn run(self, session: &Session) -> Result<Exit, Failure> {
        let store = session.open_to_write()?;
        let parts = vec![
            ("store", Cell::Text(session.url()?.to_string())),
            ("position", store.log().last_position()?.into()),
        ];
        print_answer(&session.style, parts)?;
        Ok(Exit::Done)
    }
}
