//! Asking before something is done that cannot be undone.

use std::io::{self, BufRead, IsTerminal, Read as _};

use crate::escape::escape;
use crate::failure::{Exit, Failure};

/// Whether a command asks, acts, or only says what it would do.
#[derive(Debug, clap::Args)]
pub(crate) struct Consent {
    /// Do it without asking
    #[arg(short, long, conflicts_with = "dry_run")]
    yes: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// More than anybody types to agree.
const ANSWER_BYTES_MAX: u64 = 4096;

impl Consent {
    /// Returns once the user has agreed: beforehand, or by typing one of the `agreeing` words.
    pub(crate) fn obtain(&self, plan: &str, question: &str, agreeing: &[&str]) -> Result<(), Failure> {
        self.obtain_knowing(plan, &[], question, agreeing)
    }

    /// As [`Consent::obtain`], where who is asked sees `details` of the plan as well, a line each.
    pub(crate) fn obtain_knowing(
        &self,
        plan: &str,
        details: &[String],
        question: &str,
        agreeing: &[&str],
    ) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        let input = io::stdin();
        if !input.is_terminal() {
            let failure =
                Failure::usage(format!("{plan}; standard input is no terminal, so nobody can agree"));
            return Err(failure.help("`--dry-run` says what would be done, `--yes` does it"));
        }
        anstream::eprintln!("{}", escape(plan));
        for line in details {
            anstream::eprintln!("{}", escape(line));
        }
        anstream::eprint!("{} ", escape(question));
        if agrees(&mut input.lock(), agreeing)? {
            return Ok(());
        }
        Err(Failure::new(Exit::No, "nothing was done"))
    }
}

fn agrees(input: &mut impl BufRead, agreeing: &[&str]) -> Result<bool, Failure> {
    let mut answer = String::new();
    let read = input.take(ANSWER_BYTES_MAX).read_line(&mut answer);
    read.map_err(|error| Failure::usage("the answer cannot be read").because(&error))?;
    Ok(agreeing.contains(&answer.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_words_themselves_agree() {
        let agrees = |mut answer: &[u8]| agrees(&mut answer, &["y", "yes"]).unwrap();
        assert!(agrees(b"y\n") && agrees(b" yes \n") && agrees(b"yes"));
        assert!(!agrees(b"") && !agrees(b"\n") && !agrees(b"no\ny\n") && !agrees(b"yess\n"));
    }

    #[test]
    fn who_agreed_beforehand_is_not_asked() {
        assert!(Consent { yes: true, dry_run: false }.obtain("plan", "question", &[]).is_ok());
    }
}
