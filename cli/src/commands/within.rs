use annals::{Change, Field, Namespace, Past, Record, View};

use crate::assignments::Assignment;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::values::{self, Raw};

/// Print values of fields as they were while conditions held, in the last stretch where they did
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals within game/player1 score --where round=1
  annals within game/player1 score choice --where round=1 --where treatment=high --strict

A stretch is a run of commits after each of which all conditions hold; answered is the value after \
the last commit of the last stretch, even if it was set before; with --strict only if it was set in \
the stretch. Conditions compare exactly: 1 is neither true nor 1.0. If a field had no value, nothing \
is printed and the exit code is 1.")]
pub(crate) struct Within {
    /// The record, such as game/player1
    #[arg(value_name = "NS")]
    namespace: Namespace,
    /// The fields
    #[arg(value_name = "FIELD", required = true)]
    fields: Vec<Field>,
    #[command(flatten)]
    conditions: RequiredConditions,
    /// Count only values that were set while the conditions held
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    raw: Raw,
}

#[derive(Debug, clap::Args)]
struct RequiredConditions {
    /// A condition: K=V reads V as JSON, as text where it is none; K:=JSON, K:TYPE=TEXT as in `set`
    #[arg(long = "where", value_name = "K=V", required = true)]
    conditions: Vec<String>,
}

impl Within {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let store = invocation.open_to_read()?;
        let record = invocation.snapshot(&store)?.record(&self.namespace)?;
        let view = view(&record, &self.conditions.conditions)?;
        let view = if self.strict { view.strict() } else { view };
        let mut found: Vec<Change> = Vec::with_capacity(self.fields.len());
        for field in self.fields {
            let no_value = || {
                let message = format!("{} {field} had no value while the conditions held", self.namespace);
                Failure::new(Exit::No, message)
            };
            found.push(view.entry(&field)?.ok_or_else(no_value)?);
        }
        values::print(&found, self.raw, &invocation.style, store.registry())?;
        Ok(Exit::Done)
    }
}

/// Returns the view of `record` under conditions as the command line writes them.
pub(super) fn view(record: &Record<Past>, conditions: &[String]) -> Result<View<Past>, Failure> {
    let mut view: Option<View<Past>> = None;
    for text in conditions {
        let Assignment { field, value } = Assignment::parse_condition(text, record.store().registry())?;
        view = Some(match view {
            None => record.within(field, &value)?,
            Some(view) => view.and(field, &value)?,
        });
    }
    view.ok_or_else(|| Failure::usage("no condition is given"))
}
