use annals::{Field, Namespace};

use super::set::ContextOptions;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::receipts;
use crate::suggestion;

/// Delete fields of a record, in one commit; their history stays
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  annals rm game/player1 pending choice -m 'round is over'

If one of the fields has no value, nothing is deleted and the exit code is 1.")]
pub(crate) struct Rm {
    /// The record, such as game/player1
    #[arg(value_name = "NS")]
    namespace: Namespace,
    /// The fields
    #[arg(value_name = "FIELD", required = true)]
    fields: Vec<Field>,
    #[command(flatten)]
    context: ContextOptions,
}

impl Rm {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let store = invocation.open_existing()?;
        let Rm { namespace, fields, context } = self;
        let committed = store.commit(context.context("rm"), |tx| {
            let record = tx.record(&namespace)?;
            fields.iter().try_for_each(|field| record.delete(field))
        });
        let committed = match committed {
            Err(annals::Error::NotFound { key }) => {
                let record = store.snapshot()?.record(&namespace)?;
                return Err(suggestion::no_value(&record, key.field(), invocation.present())?);
            }
            other => other?,
        };
        let receipt = committed.receipt.expect("something was written");
        receipts::print(invocation, &receipt)?;
        Ok(Exit::Done)
    }
}
