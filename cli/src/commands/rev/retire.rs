use annals::revisions::State;

use super::plan::{How, Plan};
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::objects::{self, ObjectArguments};

/// Take an object out of use; its history stays, and it can be revived
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals rev retire game/answers everything --actor dana -m 'superseded by the new rules'
  annals rev retire game/answers everything --dry-run

Appends a revision that says so, with the same attributes. Says first what it is going to do and asks; \
without a terminal it needs --yes. If the object is changed meanwhile, nothing is done, and the exit \
code is 3.")]
pub(crate) struct Retire {
    #[command(flatten)]
    object: ObjectArguments,
    #[command(flatten)]
    how: How,
}

impl Retire {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let Retire { object, how } = self;
        let store = how.open(invocation)?;
        let (objects, newest) = Plan::look(&store, &object)?;
        let words = objects::words(&object.collection, &object.name);
        if newest.state() != State::Locked {
            return Err(Failure::usage(format!("{words} is {}", objects::state(&newest))));
        }
        let sentence = format!("{words}, version {}, will be retired", newest.version());
        let plan = Plan {
            action: "retire",
            newest,
            to: None,
            to_state: State::Retired,
            differences: Vec::new(),
            sentence,
        };
        plan.carry_out(objects, how, invocation, |objects| objects.retire(&object.name))
    }
}
