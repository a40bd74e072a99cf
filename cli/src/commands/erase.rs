use annals::{Field, Key, Namespace, Selector, Store};

use super::set::ContextOptions;
use crate::consent::Consent;
use crate::erasures;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::when::When;

/// Erase values for good; that they were there stays known
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals erase person/7 --actor dana -m 'asked to be forgotten'
  annals erase person/7 email --through @418 --actor dana -m 'typed into the wrong field'

Without a field everything under the namespace goes. Positions, names, commits, actors and reasons \
stay, and who reads one of these values is told that it was erased. Says first how much it is, and asks \
you to type the namespace. Backups, dumps and copies are not reached.")]
pub(crate) struct Erase {
    /// The record, such as person/7; with all that is under it unless a field is given
    #[arg(value_name = "NS")]
    namespace: Namespace,
    /// The field
    #[arg(value_name = "FIELD")]
    field: Option<Field>,
    /// Erase only what was set by then: @412, 2026-11-22T10:00:00Z, '2h ago'
    #[arg(long, value_name = "WHEN")]
    through: Option<String>,
    #[command(flatten)]
    context: ContextOptions,
    #[command(flatten)]
    consent: Consent,
}

impl Erase {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let through =
            self.through.as_deref().map(|when| When::parse(when, invocation.present())).transpose()?;
        let store =
            if self.consent.dry_run { open_to_look(invocation)? } else { invocation.open_existing()? };
        // Fixed before the question, so that what is set meanwhile is not erased with it.
        let through = match through {
            Some(when) => when.resolve(&store)?,
            None => store.log().last_position()?,
        };
        let target = match self.field {
            Some(field) => Selector::key(Key::new(self.namespace.clone(), field)?),
            None => Selector::under(self.namespace.clone()),
        };
        let selector = target.through(through);
        let erasable = store.log().erasable(&selector)?;
        if self.consent.dry_run {
            erasures::print_plan(invocation, erasable)?;
            return Ok(Exit::Done);
        }
        let context = self.context.context("erase");
        erasures::check_context(&context)?;
        let plan = format!("{} will be erased for good: {selector}", erasures::amount(erasable));
        let question = format!("Type the namespace ({}) to erase:", self.namespace);
        self.consent.obtain(&plan, &question, &[self.namespace.as_str()])?;
        let erasure = store.erase(&selector, context)?;
        erasures::print(invocation, &erasure)?;
        Ok(Exit::Done)
    }
}

pub(crate) fn open_to_look(invocation: &Invocation) -> Result<Store, Failure> {
    invocation.refuse_at()?;
    invocation.open_to_read()
}
