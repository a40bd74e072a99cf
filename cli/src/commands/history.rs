use annals::{Field, Namespace};

use crate::changes::{self, ACTOR, LOCATION, POSITION, REASON, RECORDED_AT, VALUE};
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::suggestion;

/// Show every value that a field ever had, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals history game/player1 score
  annals history game/player1 score -n 5 -o jsonl

A deletion is a row without a value. If the field was never set, the exit code is 1.")]
pub(crate) struct History {
    /// The record, such as game/player1
    #[arg(value_name = "NS")]
    namespace: Namespace,
    /// The field
    #[arg(value_name = "FIELD")]
    field: Field,
    /// At most so many, the newest
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
}

impl History {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let store = invocation.open_to_read()?;
        let record = invocation.snapshot(&store)?.record(&self.namespace)?;
        let mut history = record.history(&self.field)?.newest_first().into_iter().peekable();
        if history.peek().is_none() {
            return Err(suggestion::no_value(&record, &self.field, invocation.present())?);
        }
        let history = history.take(self.limit.unwrap_or(usize::MAX));
        let to_people = [POSITION, RECORDED_AT, ACTOR, VALUE, REASON, LOCATION];
        changes::print(history, &to_people, &invocation.style, store.registry())?;
        Ok(Exit::Done)
    }
}
