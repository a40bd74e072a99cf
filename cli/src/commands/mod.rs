//! The commands, one a file.

mod along;
mod apply;
mod blame;
mod compact;
mod completions;
mod diff;
mod dump;
mod erase;
mod get;
mod history;
mod import;
mod init;
mod load;
mod log;
mod logs;
mod ls;
mod rev;
mod rm;
mod set;
mod show;
mod stat;
mod tail;
mod upgrade;
mod verify;
mod version;
mod within;

use clap::Subcommand;

use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;

macro_rules! commands {
    ($($module:ident::$name:ident),* $(,)?) => {
        /// What to do.
        #[derive(Debug, Subcommand)]
        pub(crate) enum Command {
            $($name($module::$name),)*
        }

        impl Command {
            /// Does it.
            pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
                match self {
                    $(Command::$name(command) => command.run(invocation),)*
                }
            }
        }
    };
}

commands! {
    init::Init,
    logs::Logs,
    upgrade::Upgrade,
    set::Set,
    get::Get,
    rm::Rm,
    ls::Ls,
    show::Show,
    log::Log,
    tail::Tail,
    history::History,
    diff::Diff,
    blame::Blame,
    within::Within,
    along::Along,
    rev::Rev,
    apply::Apply,
    import::Import,
    dump::Dump,
    load::Load,
    stat::Stat,
    erase::Erase,
    compact::Compact,
    verify::Verify,
    completions::Completions,
    version::Version,
}
