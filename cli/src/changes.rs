//! Changes as rows: the same members in every command that answers with changes.

use annals::codec::{Registry, Value};
use annals::{Action, Change, Entry};
use serde_json::{Value as Json, json};

use crate::failure::Failure;
use crate::output::Sheet;
use crate::output::{Cell, Column, Style};

/// The columns that people see; programs get all of them.
pub(crate) const NAMESPACE: &str = "namespace";
pub(crate) const FIELD: &str = "field";
pub(crate) const VALUE: &str = "value";
pub(crate) const POSITION: &str = "position";
pub(crate) const RECORDED_AT: &str = "recorded_at";
pub(crate) const ACTOR: &str = "actor";
pub(crate) const REASON: &str = "reason";
pub(crate) const LOCATION: &str = "location";

const COLUMNS: [&str; 11] = [
    NAMESPACE,
    FIELD,
    "action",
    VALUE,
    POSITION,
    "commit",
    RECORDED_AT,
    "occurred_at",
    ACTOR,
    REASON,
    LOCATION,
];

/// Returns the columns of a change, those named by `to_people` visible in tables.
pub(crate) fn columns(to_people: &[&str]) -> Vec<Column> {
    let column =
        |name| if to_people.contains(&name) { Column::new(name) } else { Column::for_programs(name) };
    COLUMNS.into_iter().map(column).collect()
}

/// Returns the cells of a change, one a column of [`columns`].
pub(crate) fn cells(change: &Change, registry: &Registry) -> Result<Vec<Cell>, Failure> {
    let commit = &change.commit;
    Ok(vec![
        Cell::Text(change.key().namespace().to_string()),
        Cell::Text(change.key().field().to_string()),
        Cell::Text(action(&change.entry).to_owned()),
        value(&change.entry, registry)?,
        change.position().into(),
        commit.last.into(),
        Cell::Time(commit.recorded_at),
        commit.context.occurred_at.map_or(Cell::Absent, Cell::Time),
        Cell::text(change.actor()),
        Cell::text(change.reason()),
        Cell::text(commit.context.location.as_deref()),
    ])
}

/// Writes `changes` to standard output.
pub(crate) fn print(
    changes: impl IntoIterator<Item = Result<Change, annals::Error>>,
    to_people: &[&str],
    style: &Style,
    registry: &Registry,
) -> Result<(), Failure> {
    let mut sheet = Sheet::stdout(style, columns(to_people))?;
    for change in changes {
        sheet.row(&cells(&change?, registry)?)?;
    }
    sheet.finish()
}

/// Returns what an entry did, in a word.
pub(crate) fn action(entry: &Entry) -> &'static str {
    match entry.action {
        Action::Set(_) => "set",
        Action::Deleted => "deleted",
        Action::Erased { .. } => "erased",
    }
}

/// Returns the sign of what an entry did, for people.
pub(crate) fn sign(entry: &Entry) -> char {
    match entry.action {
        Action::Set(_) => '~',
        Action::Deleted => '-',
        Action::Erased { .. } => 'x',
    }
}

/// Returns the value that an entry set, or why there is none.
pub(crate) fn value(entry: &Entry, registry: &Registry) -> Result<Cell, Failure> {
    match entry.action {
        Action::Set(_) => Ok(json(entry, registry)?.map_or(Cell::Absent, Cell::Json)),
        Action::Deleted => Ok(Cell::Remark("deleted")),
        Action::Erased { .. } => Ok(Cell::Remark("erased")),
    }
}

/// Returns the JSON form of the value that an entry set, `None` if it set none.
pub(crate) fn json(entry: &Entry, registry: &Registry) -> Result<Option<Json>, Failure> {
    match entry.action {
        Action::Set(_) => Ok(entry.value()?.map(|value: Value| value.to_json(registry))),
        Action::Deleted | Action::Erased { .. } => Ok(None),
    }
}

/// Returns an entry inside a commit as an object, without what the commit says already.
pub(crate) fn object(entry: &Entry) -> serde_json::Map<String, Json> {
    let mut object = serde_json::Map::new();
    object.insert(NAMESPACE.into(), json!(entry.key.namespace().as_str()));
    object.insert(FIELD.into(), json!(entry.key.field().as_str()));
    object.insert("action".into(), json!(action(entry)));
    for (name, text) in [(ACTOR, &entry.actor), (REASON, &entry.reason)] {
        if let Some(text) = text {
            object.insert(name.into(), json!(text));
        }
    }
    object
}
