//! The commands for objects of which every revision is kept.

mod diff;
mod log;
mod ls;
mod plan;
mod retire;
mod revive;
mod rollback;
mod show;

use clap::Subcommand;

use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;

/// Show objects and their revisions; roll back, retire, revive
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals rev ls game/answers
  annals rev log game/answers everything
  annals rev rollback game/answers everything 2 --actor dana -m 'as it was before'

An object is a record below its collection, kept by the crate annals-revisions: every change of it is \
a revision, and its attributes are fields. Collection and name are always two arguments, since a name \
may be any text, one with slashes as well; one that begins with - stands behind --. Objects are created \
and changed by the programs that know their types.")]
pub(crate) struct Rev {
    #[command(subcommand)]
    command: RevCommand,
}

#[derive(Debug, Subcommand)]
enum RevCommand {
    Ls(ls::Ls),
    Show(show::Show),
    Log(log::Log),
    Diff(diff::Diff),
    Rollback(rollback::Rollback),
    Retire(retire::Retire),
    Revive(revive::Revive),
}

impl Rev {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        match self.command {
            RevCommand::Ls(command) => command.run(invocation),
            RevCommand::Show(command) => command.run(invocation),
            RevCommand::Log(command) => command.run(invocation),
            RevCommand::Diff(command) => command.run(invocation),
            RevCommand::Rollback(command) => command.run(invocation),
            RevCommand::Retire(command) => command.run(invocation),
            RevCommand::Revive(command) => command.run(invocation),
        }
    }
}
