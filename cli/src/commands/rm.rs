use annals::codec::Uuid;
use annals::{Batch, Condition, Context, Durability, Error, Field, Key, Namespace, Position, Receipt, Store};

use super::set::ContextOptions;
use crate::commit_id::{self, IdOption};
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::receipts;
use crate::suggestion;

/// Delete fields of a record, in one commit; their history stays
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals rm game/player1 pending choice -m 'round is over'
  annals rm account/a pending --id 01939f3e-6d2c-7000-8000-3f1c2a4b5d6e

If one of the fields has no value, nothing is deleted and the exit code is 1, unless a commit of the
given id is there already.")]
pub(crate) struct Rm {
    /// The record, such as game/player1
    #[arg(value_name = "NS")]
    namespace: Namespace,
    /// The fields
    #[arg(value_name = "FIELD", required = true)]
    fields: Vec<Field>,
    #[command(flatten)]
    context: ContextOptions,
    #[command(flatten)]
    id: IdOption,
}

impl Rm {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let store = invocation.open_existing()?;
        let Rm { namespace, fields, context, id: option } = self;
        let id = option.given_or_made();
        let committed = store.commit(context.context("rm"), |tx| {
            tx.set_id(id);
            let record = tx.record(&namespace)?;
            fields.iter().try_for_each(|field| record.delete(field))
        });
        let failure = |error| commit_id::failure(error, id);
        let receipt = match committed {
            Err(Error::NotFound { key }) => {
                let first =
                    option.given.map(|id| first_receipt(&store, id, &key)).transpose().map_err(failure)?;
                let Some(receipt) = first.flatten() else {
                    let record = store.snapshot()?.record(&namespace)?;
                    return Err(suggestion::no_value(&record, key.field(), invocation.present())?);
                };
                receipt
            }
            committed => committed.map_err(failure)?.receipt.expect("something was written"),
        };
        receipts::print(invocation, &receipt)?;
        Ok(Exit::Done)
    }
}

/// Returns the receipt of the commit of this id, if there is one. Nothing is written.
fn first_receipt(store: &Store, id: Uuid, key: &Key) -> Result<Option<Receipt>, Error> {
    if store.log().last_position()? == Position::START {
        return Ok(None);
    }
    // A log looks for the id first, and this holds in none that has a commit.
    let never = Condition::LogUnchanged { since: Position::START };
    let batch = Batch::new(Context::new()).delete(key.clone()).with_id(id).on_condition(never);
    match store.log().append(batch, Durability::Synced) {
        Ok(receipt) => Ok(Some(receipt)),
        Err(Error::Conflict(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
