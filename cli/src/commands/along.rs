use annals::codec::Registry;
use annals::{Change, Field, Namespace, Past, View};
use serde_json::{Map, Value as Json};

use super::within::view;
use crate::changes::{self, ACTOR, POSITION, RECORDED_AT, VALUE};
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Cell, Column, Sheet};

/// Walk along the values of a field, each with other fields as they were while it had that value
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals along game/player1 round --show score,choice
  annals along game/player1 round --where treatment=high --show score

One row a value, oldest first; with --where only those set while the conditions held. A value that \
was set several times comes several times, each with the fields of the last stretch with it. In \
JSON the fields are members of `shown`; a field that had no value is left out.")]
pub(crate) struct Along {
    /// The record, such as game/player1
    #[arg(value_name = "NS")]
    namespace: Namespace,
    /// The field to walk along
    #[arg(value_name = "FIELD")]
    field: Field,
    /// A condition: K=V reads V as JSON, as text where it is none; K:=JSON, K:TYPE=TEXT as in `set`
    #[arg(long = "where", value_name = "K=V")]
    conditions: Vec<String>,
    /// Fields to show beside each value
    #[arg(long, value_name = "F,..", value_delimiter = ',')]
    show: Vec<Field>,
}

type Walk = Box<dyn Iterator<Item = Result<(Change, View<Past>), annals::Error>>>;

impl Along {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let store = invocation.open_to_read()?;
        let registry = store.registry();
        let record = invocation.snapshot(&store)?.record(&self.namespace)?;
        let walk: Walk = match self.conditions.is_empty() {
            true => Box::new(record.along(&self.field)?),
            false => Box::new(view(&record, &self.conditions)?.along(&self.field)?),
        };
        let mut columns = changes::columns(&[VALUE, POSITION, RECORDED_AT, ACTOR]);
        columns.push(Column::for_programs("shown"));
        columns.extend(self.show.iter().map(|field| Column::for_people(field.to_string())));
        let mut sheet = Sheet::stdout(&invocation.style, columns)?;
        for step in walk {
            let (change, view) = step?;
            let mut cells = changes::cells(&change, registry)?;
            let shown = shown(&view, &self.show, registry)?;
            let of_field =
                |field: &Field| shown.get(field.as_str()).cloned().map_or(Cell::Absent, Cell::Json);
            let for_people: Vec<Cell> = self.show.iter().map(of_field).collect();
            cells.push(if self.show.is_empty() { Cell::Absent } else { Cell::Json(shown.into()) });
            cells.extend(for_people);
            sheet.row(&cells)?;
        }
        sheet.finish()?;
        Ok(Exit::Done)
    }
}

/// Returns the values of `fields` in a view, without those that have none.
fn shown(view: &View<Past>, fields: &[Field], registry: &Registry) -> Result<Map<String, Json>, Failure> {
    let mut shown = Map::new();
    for field in fields {
        if let Some(change) = view.entry(field)? {
            let json = changes::json(&change.entry, registry)?;
            shown.extend(json.map(|json| (field.to_string(), json)));
        }
    }
    Ok(shown)
}
