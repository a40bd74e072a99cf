use annals::{CommitEntries, Namespace, Order, PositionRange, Scope, Store};

use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Cell, Column, Sheet, print_answer};
use crate::shares::{By, Largest, Share};

/// Show how large the store is, or what takes the room
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals stat -o json
  annals stat --by namespace
  annals stat game --by field --top 5

With a namespace or --by, a row for each record (or field) with the most bytes of values: how many \
fields it ever had, how many entries, how many of those were erased, and the bytes that the others hold. \
This reads everything that is counted.")]
pub(crate) struct Stat {
    /// Count only what is in this record and below it
    #[arg(value_name = "NS")]
    namespace: Option<Namespace>,
    /// Count for each record, or for each field of each record
    #[arg(long, value_enum, value_name = "WHAT")]
    by: Option<By>,
    /// Show this many rows
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
}

impl Stat {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        invocation.refuse_at()?;
        let store = invocation.open_to_read()?;
        match (self.by, self.namespace) {
            (None, None) => whole(&store, invocation)?,
            (by, namespace) => {
                let scope = namespace.map_or(Scope::All, Scope::Under);
                shares(&store, invocation, &scope, by.unwrap_or(By::Namespace), self.top)?;
            }
        }
        Ok(Exit::Done)
    }
}

fn whole(store: &Store, invocation: &Invocation) -> Result<(), Failure> {
    let time = |order| {
        end(store, order).map(|end| end.map_or(Cell::Absent, |end| Cell::Time(end.commit.recorded_at)))
    };
    let last_position = store.log().last_position()?;
    let mut parts = vec![
        ("store", Cell::Text(invocation.url()?.to_string())),
        ("last_position", last_position.into()),
        ("first_recorded_at", time(Order::OldestFirst)?),
        ("last_recorded_at", time(Order::NewestFirst)?),
        ("entries", Cell::Number(last_position.get())),
    ];
    if let Some(measure) = store.log().driver().abilities().measure {
        let size = measure.measure()?;
        parts.extend([
            ("commits", Cell::Number(size.commits)),
            ("keys", Cell::Number(size.keys)),
            ("bytes", Cell::Number(size.bytes)),
        ]);
    }
    print_answer(&invocation.style, parts)
}

/// Returns the commit at one end of the log.
fn end(store: &Store, order: Order) -> Result<Option<CommitEntries>, Failure> {
    Ok(store.commits(PositionRange::ALL, order).next().transpose()?)
}

fn shares(store: &Store, invocation: &Invocation, scope: &Scope, by: By, top: usize) -> Result<(), Failure> {
    let through = store.log().last_position()?;
    let progress = invocation.progress(0);
    let mut largest = Largest::new(top);
    let mut looked_at = 0;
    // In key order, so that what belongs to one row comes together.
    let mut share: Option<Share> = None;
    for newest in store.log().state(scope, through) {
        let key = newest?.entry.key;
        if let Some(done) = share.take_if(|share| !share.holds(&key)) {
            largest.add(done);
        }
        let share = share.get_or_insert_with(|| Share::of(&key, by));
        share.keys += 1;
        for change in store.log().history(&key, PositionRange::through(through), Order::OldestFirst) {
            share.count(&change?.entry);
            looked_at += 1;
        }
        progress.set(looked_at);
    }
    share.into_iter().for_each(|last| largest.add(last));
    drop(progress);
    print_shares(invocation, by, largest)
}

fn print_shares(invocation: &Invocation, by: By, largest: Largest) -> Result<(), Failure> {
    let names: &[&str] = match by {
        By::Namespace => &["namespace", "keys", "entries", "erased", "bytes"],
        By::Field => &["namespace", "field", "entries", "erased", "bytes"],
    };
    let columns = names.iter().copied().map(Column::new).collect();
    let mut sheet = Sheet::stdout(&invocation.style, columns)?;
    for share in largest.into_sorted() {
        let second =
            share.field.as_ref().map_or(Cell::Number(share.keys), |field| Cell::Text(field.to_string()));
        let numbers = [share.entries, share.erased, share.bytes].map(Cell::Number);
        let first = [Cell::Text(share.namespace.to_string()), second];
        sheet.row(&[&first[..], &numbers].concat())?;
    }
    sheet.finish()
}
