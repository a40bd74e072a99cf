use annals::ErrorKind;
use annals::revisions::State;

use super::plan::{How, Plan};
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::objects::{self, Attributes, ObjectArguments, differences};

/// Make an object what it was in an earlier version; all its history stays
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals rev rollback game/answers everything 2 --actor dana -m 'as it was before'
  annals rev rollback game/answers everything 2 --dry-run
  annals rev rollback game/answers everything 2 --retire --yes

Appends a revision that is equal to that version and names it, so that a rollback can be rolled back. \
Says first which attributes will change and asks; without a terminal it needs --yes. If the object is \
changed meanwhile, nothing is done, and the exit code is 3.")]
pub(crate) struct Rollback {
    #[command(flatten)]
    object: ObjectArguments,
    /// The version to go back to
    #[arg(value_name = "VERSION")]
    number: u64,
    /// Leave the object retired with that content
    #[arg(long)]
    retire: bool,
    #[command(flatten)]
    how: How,
}

impl Rollback {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let Rollback { object, number, retire, how } = self;
        let store = how.open(invocation)?;
        let (objects, newest) = Plan::look(&store, &object)?;
        let to = objects.version(&newest, number)?;
        let now = newest.version();
        let words = objects::words(&object.collection, &object.name);
        if to == newest && newest.state() == State::Locked && !retire {
            return Err(Failure::usage(format!(
                "{words} is at version {number}: there is nothing to go back"
            )));
        }
        let after = objects.content(&to)?.0;
        let before = match objects.content(&newest) {
            Err(error) if error.kind() == ErrorKind::Erased => {
                invocation.note(&format!(
                    "a part of version {now} was erased: all attributes of version {number} are listed, not \
                     only what changes"
                ));
                Attributes::new()
            }
            content => content?.0,
        };
        let differences = differences(&before, &after, store.registry());
        let (to_state, retired) = if retire { (State::Retired, " and retired") } else { (State::Locked, "") };
        let unchanged = if differences.is_empty() { ", which changes no attribute" } else { "" };
        let sentence =
            format!("{words} will be rolled back from version {now} to version {number}{retired}{unchanged}");
        let plan = Plan { action: "rollback", newest, to: Some(number), to_state, differences, sentence };
        plan.carry_out(objects, how, invocation, |objects| {
            let done = if retire { objects.retire_at(&to) } else { objects.rollback_to(&to) };
            done.map(drop)
        })
    }
}
