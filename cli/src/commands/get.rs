use annals::{Action, Change, Error, Field, Namespace};

use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::suggestion;
use crate::values::{self, Raw};

/// Print values of a record's fields
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals get game/player1 score
  annals get game/player1 name -r
  annals --at @412 -o json get game/player1 score round

Prints each value in its JSON form, a line each, in the order asked for; with -r text as it is. The \
formats json, jsonl and csv say also where the value came from. If a field has no value, nothing is \
printed and the exit code is 1.")]
pub(crate) struct Get {
    /// The record, such as game/player1
    #[arg(value_name = "NS")]
    namespace: Namespace,
    /// The fields
    #[arg(value_name = "FIELD", required = true)]
    fields: Vec<Field>,
    #[command(flatten)]
    raw: Raw,
}

impl Get {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let store = invocation.open_to_read()?;
        let record = invocation.snapshot(&store)?.record(&self.namespace)?;
        let mut found: Vec<Change> = Vec::with_capacity(self.fields.len());
        for field in &self.fields {
            let no_value = || suggestion::no_value(&record, field, invocation.present());
            match record.entry(field)? {
                Some(change) => match change.entry.action {
                    Action::Set(_) => found.push(change),
                    Action::Deleted => return Err(no_value()?),
                    Action::Erased { .. } => {
                        let (key, position) = (change.key().clone(), change.position());
                        return Err(Error::Erased { key, position }.into());
                    }
                },
                None => return Err(no_value()?),
            }
        }
        values::print(&found, self.raw, &invocation.style, store.registry())?;
        Ok(Exit::Done)
    }
}
