use annals::Namespace;
use annals::revisions::State;

use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::objects::{self, ACTOR, OBJECT, Objects, POSITION, REASON, RECORDED_AT, STATE, VERSION};
use crate::output::Sheet;
use crate::told::Told;

/// List the objects of a collection, each with its newest revision
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals rev ls game/answers
  annals rev ls game/answers --all -o jsonl
  annals --at yesterday rev ls game/answers

One row an object: its name, the version, state, position and time of its newest revision, and who \
made it, and why. Costs a look at every attribute of the collection, but not at their versions. \
Objects that cannot be read are told on standard error, and the exit code is 5.")]
pub(crate) struct Ls {
    /// The collection, such as game/answers
    #[arg(value_name = "COLL")]
    collection: Namespace,
    /// List those that are retired, deleted or purged as well
    #[arg(short, long)]
    all: bool,
}

impl Ls {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let store = invocation.open_to_read()?;
        let at = invocation.snapshot(&store)?.position();
        let objects = Objects::new(&store, &self.collection, at)?;
        let columns = objects::columns(&[OBJECT, VERSION, STATE, POSITION, RECORDED_AT, ACTOR, REASON]);
        let mut sheet = Sheet::stdout(&invocation.style, columns)?;
        let told = Told::default();
        for info in told.of(objects.collection.infos_at(at)?) {
            if self.all || info.state() == State::Locked {
                sheet.row(&objects::cells(&info))?;
            }
        }
        sheet.finish()?;
        Ok(told.exit())
    }
}
