use annals::ErrorKind;
use annals::revisions::{RevisionInfo, State};

use super::plan::{How, Plan};
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::objects::{self, Attributes, ObjectArguments, Objects, differences};

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
        let words = objects::words(&object.collection, &object.name);
        if to == newest && newest.state() == State::Locked && !retire {
            return Err(Failure::usage(format!(
                "{words} is at version {number}: there is nothing to go back"
            )));
        }
        let after = objects.content(&to)?.0;
        let differences = differences(&content_now(&objects, &newest)?, &after, store.registry());
        let (to_state, retired) = if retire { (State::Retired, " and retired") } else { (State::Locked, "") };
        let now = newest.version();
        let sentence = format!("{words} will be rolled back from version {now} to version {number}{retired}");
        let plan = Plan { action: "rollback", newest, to: Some(number), to_state, differences, sentence };
        plan.carry_out(objects, how, invocation, |objects| {
            let done = if retire { objects.retire_at(&to) } else { objects.rollback_to(&to) };
            done.map(drop)
        })
    }
}

/// Returns the attributes that the object has; none if they were erased.
fn content_now(objects: &Objects, newest: &RevisionInfo) -> Result<Attributes, Failure> {
    match objects.content(newest) {
        Err(error) if error.kind() == ErrorKind::Erased => Ok(Attributes::new()),
        content => Ok(content?.0),
    }
}
