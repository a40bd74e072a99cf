use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use crate::arguments::Arguments;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::print;

/// Print a script that makes a shell complete this command
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  annals completions bash > ~/.local/share/bash-completion/completions/annals")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, _invocation: &Invocation) -> Result<Exit, Failure> {
        // Into memory first: the generator panics where it cannot write.
        let mut script = Vec::new();
        generate(self.shell, &mut Arguments::command(), "annals", &mut script);
        print(|out| std::io::Write::write_all(out, &script))?;
        Ok(Exit::Done)
    }
}
