use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Cell, print_answer};

/// Bring the format of a store to the newest
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals upgrade -s postgres://owner@db.example/games
  annals upgrade -s sqlite:game.db -o json

Says which version of the format was there, and which is there now; a store of the newest format is left \
as it is, one of a newer program is refused. All is done, or nothing. In PostgreSQL this is the schema \
with all its logs, and needs the user whose schema it is; those who use them wait for a moment, and go \
on. Update their programs first: older ones refuse the newer format.")]
pub(crate) struct Upgrade {}

impl Upgrade {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        invocation.refuse_at()?;
        let url = invocation.url()?;
        let upgrade = url.upgrade().map_err(Failure::of_store)?;
        let parts = vec![
            ("store", Cell::Text(url.to_string())),
            ("before", Cell::Number(upgrade.before.into())),
            ("after", Cell::Number(upgrade.after.into())),
        ];
        print_answer(&invocation.style, parts)?;
        Ok(Exit::Done)
    }
}
