use annals::{CommitEntries, Order, PositionRange, Store};

use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Cell, print_answer};

/// Show how large the store is
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  annals stat -o json")]
pub(crate) struct Stat {}

impl Stat {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        invocation.refuse_at()?;
        let store = invocation.open_to_read()?;
        let time = |order| {
            end(&store, order).map(|end| end.map_or(Cell::Absent, |end| Cell::Time(end.commit.recorded_at)))
        };
        let mut parts = vec![
            ("store", Cell::Text(invocation.url()?.to_string())),
            ("last_position", store.log().last_position()?.into()),
            ("first_recorded_at", time(Order::OldestFirst)?),
            ("last_recorded_at", time(Order::NewestFirst)?),
        ];
        if let Some(measure) = store.log().driver().abilities().measure {
            let size = measure.measure()?;
            parts.extend([
                ("commits", Cell::Number(size.commits)),
                ("keys", Cell::Number(size.keys)),
                ("bytes", Cell::Number(size.bytes)),
            ]);
        }
        print_answer(&invocation.style, parts)?;
        Ok(Exit::Done)
    }
}

/// Returns the commit at one end of the log.
fn end(store: &Store, order: Order) -> Result<Option<CommitEntries>, Failure> {
    Ok(store.commits(PositionRange::ALL, order).next().transpose()?)
}
