use annals::{Action, Namespace};

use crate::changes::{self, ACTOR, FIELD, LOCATION, POSITION, REASON, RECORDED_AT};
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;

/// Show who set each field of a record, when, why and from where
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  annals blame game/player1

One row a field that has a value.")]
pub(crate) struct Blame {
    /// The record, such as game/player1
    #[arg(value_name = "NS")]
    namespace: Namespace,
}

impl Blame {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let store = invocation.open_to_read()?;
        let mut entries = invocation.snapshot(&store)?.record(&self.namespace)?.entries()?;
        entries.retain(|change| change.entry.action != Action::Deleted);
        let to_people = [FIELD, POSITION, RECORDED_AT, ACTOR, REASON, LOCATION];
        changes::print(entries.into_iter().map(Ok), &to_people, &invocation.style, store.registry())?;
        Ok(Exit::Done)
    }
}
