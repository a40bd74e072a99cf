use annals::revisions::State;

use super::plan::{How, Plan};
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::objects::{self, ObjectArguments};

/// Bring back an object that was retired or deleted
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals rev revive game/answers everything --actor dana -m 'deleted by mistake'
  annals rev revive game/answers everything --dry-run

Appends a revision with the attributes that it had. Says first what it is going to do and asks; without \
a terminal it needs --yes. If the object is changed meanwhile, nothing is done, and the exit code is 3. \
What was purged is gone for good.")]
pub(crate) struct Revive {
    #[command(flatten)]
    object: ObjectArguments,
    #[command(flatten)]
    how: How,
}

impl Revive {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let Revive { object, how } = self;
        let store = how.open(invocation)?;
        let (objects, newest) = Plan::look(&store, &object)?;
        let words = objects::words(&object.collection, &object.name);
        let state = objects::state(&newest);
        if newest.state() == State::Locked {
            return Err(Failure::usage(format!("{words} is in use: there is nothing to revive")));
        }
        // Whether it can be read is found out before anybody is asked.
        objects.content(&newest)?;
        let sentence = format!("{words}, version {}, which is {state}, will be revived", newest.version());
        let plan = Plan {
            action: "revive",
            newest,
            to: None,
            to_state: State::Locked,
            differences: Vec::new(),
            sentence,
        };
        plan.carry_out(objects, how, invocation, |objects| objects.revive(&object.name).map(drop))
    }
}
