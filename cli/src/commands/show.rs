use annals::{Action, Field, Namespace, Scope};

use crate::changes::{self, ACTOR, FIELD, NAMESPACE, POSITION, RECORDED_AT, VALUE};
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;

/// Show the fields of a record, or of many, with their values
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals show game/player1
  annals --at 'yesterday 18:00' show game -R
  annals --at tag:id=4d1f -o jsonl show -R --field blob

One row a field that has a value, in the order of the names: the value, and the position, time and \
actor that set it. Everything is read at one moment, at a cost of the fields there, not of their \
versions.")]
pub(crate) struct Show {
    /// The record; all records if not given
    #[arg(value_name = "NS")]
    namespace: Option<Namespace>,
    /// Show every record below as well
    #[arg(short = 'R', long)]
    recursive: bool,
    /// Show only fields of this name; can be given several times
    #[arg(long = "field", value_name = "F")]
    fields: Vec<Field>,
}

impl Show {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let Show { namespace, recursive, fields } = self;
        let (scope, to_people): (Scope, &[&str]) = match namespace {
            Some(namespace) if !recursive => {
                (Scope::Record(namespace), &[FIELD, VALUE, POSITION, RECORDED_AT, ACTOR])
            }
            Some(namespace) => {
                (Scope::Under(namespace), &[NAMESPACE, FIELD, VALUE, POSITION, RECORDED_AT, ACTOR])
            }
            None => (Scope::All, &[NAMESPACE, FIELD, VALUE, POSITION, RECORDED_AT, ACTOR]),
        };
        let store = invocation.open_to_read()?;
        let entries = invocation.snapshot(&store)?.entries(&scope).filter(|change| {
            change.as_ref().map_or(true, |change| {
                change.entry.action != Action::Deleted
                    && (fields.is_empty() || fields.contains(change.key().field()))
            })
        });
        changes::print(entries, to_people, &invocation.style, store.registry())?;
        Ok(Exit::Done)
    }
}
