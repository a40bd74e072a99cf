use annals::Retention;

use super::erase::open_to_look;
use super::set::ContextOptions;
use crate::consent::Consent;
use crate::erasures;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;

/// Erase values that are not the latest any more, and give back the room
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals compact --keep-latest 'sensor/**' --actor cron -m nightly --yes
  annals compact --keep-latest 'player/* position' --keep-all player/1 --dry-run

A rule is a pattern of namespaces, and a field if it is about that field only: * stands for any one \
token, ** as the last one for one or more. What no rule names keeps all its values, and so does what \
--keep-all names. The newest entry of a field is never touched. Works in steps; if it is interrupted, \
run it again.")]
pub(crate) struct Compact {
    /// Keep only the latest value of what this rule names; can be given several times
    #[arg(long, value_name = "RULE", required = true)]
    keep_latest: Vec<String>,
    /// Keep all values of what this rule names; can be given several times
    #[arg(long, value_name = "RULE")]
    keep_all: Vec<String>,
    #[command(flatten)]
    context: ContextOptions,
    #[command(flatten)]
    consent: Consent,
}

impl Compact {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let rules = self.keep_all.iter().try_fold(Retention::keep_all(), |rules, rule| rules.all(rule))?;
        let rules = self.keep_latest.iter().try_fold(rules, |rules, rule| rules.latest(rule))?;
        let store =
            if self.consent.dry_run { open_to_look(invocation)? } else { invocation.open_existing()? };
        let erasable = store.log().compactable(&rules)?;
        if self.consent.dry_run {
            erasures::print_plan(invocation, erasable)?;
            return Ok(Exit::Done);
        }
        let context = self.context.context("compact");
        erasures::check_context(&context)?;
        let plan = format!("{} will be erased for good: {rules}", erasures::amount(erasable));
        self.consent.obtain(&plan, "Go on? [y/N]", &["y", "yes", "Y", "Yes"])?;
        let progress = invocation.progress(erasable.entries);
        let erasure = store.log().compact(&rules, &context, |so_far| progress.set(so_far.entries))?;
        drop(progress);
        erasures::print(invocation, &erasure)?;
        Ok(Exit::Done)
    }
}
