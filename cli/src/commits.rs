//! Commits as rows: the same members in every command that answers with commits.

use std::iter::Peekable;

use annals::codec::Registry;
use annals::{Change, CommitEntries, Entry, Error, Namespace, Order, PositionRange, Scope, Snapshot, Store};
use serde_json::{Map, Value as Json};

use crate::changes;
use crate::output::{Cell, Column, Style};

/// Commits as they come.
pub(crate) type Commits = Box<dyn Iterator<Item = Result<CommitEntries, Error>>>;

/// Returns the commits up to `snapshot` that changed something in `scope`, newest first, each with
/// these changes only.
pub(crate) fn newest_first(store: &Store, snapshot: &Snapshot, scope: &Scope) -> Result<Commits, Error> {
    if *scope == Scope::All {
        let range = PositionRange::through(snapshot.position());
        return Ok(Box::new(store.commits(range, Order::NewestFirst)));
    }
    Ok(gathered(snapshot.history(scope)?))
}

/// Returns the changes of `history`, newest first, as commits.
pub(crate) fn gathered(history: annals::History) -> Commits {
    Box::new(ByCommit { changes: history.newest_first().into_iter().peekable() })
}

/// Returns the columns of a commit.
pub(crate) fn columns() -> Vec<Column> {
    vec![
        Column::new("position"),
        Column::for_programs("first"),
        Column::new("recorded_at"),
        Column::for_programs("occurred_at"),
        Column::new("actor"),
        Column::new("reason"),
        Column::new("location"),
        Column::for_programs("id"),
        Column::for_programs("tags"),
        Column::new("changes"),
    ]
}

/// Returns the cells of a commit, one a column of [`columns`].
pub(crate) fn cells(
    CommitEntries { commit, .. }: &CommitEntries,
    changes: Cell,
    registry: &Registry,
) -> Vec<Cell> {
    let context = &commit.context;
    let tags: Map<String, Json> =
        context.tags.iter().map(|(name, value)| (name.clone(), value.to_json(registry))).collect();
    vec![
        commit.last.into(),
        commit.first.into(),
        Cell::Time(commit.recorded_at),
        context.occurred_at.map_or(Cell::Absent, Cell::Time),
        Cell::text(context.actor.as_deref()),
        Cell::text(context.reason.as_deref()),
        Cell::text(context.location.as_deref()),
        Cell::Text(commit.id.uuid().to_string()),
        if tags.is_empty() { Cell::Absent } else { Cell::Json(tags.into()) },
        changes,
    ]
}

/// Returns the changes of a commit, for people in a phrase.
pub(crate) fn changes_cell(commit: &CommitEntries, style: &Style) -> Cell {
    if style.is_machine() {
        let objects = commit.entries.iter().map(|entry| Json::Object(changes::object(entry)));
        return Cell::Json(objects.collect());
    }
    Cell::Text(summary(&commit.entries))
}

/// Returns the changes in a phrase: `game/player1 ~score -pending`.
fn summary(entries: &[Entry]) -> String {
    let mut summary = String::new();
    let mut before: Option<&Namespace> = None;
    for entry in entries {
        let namespace = entry.key.namespace();
        if before != Some(namespace) {
            summary.push_str(if before.is_some() { "; " } else { "" });
            summary.push_str(namespace.as_str());
            before = Some(namespace);
        }
        summary.extend([' ', changes::sign(entry)]);
        summary.push_str(entry.key.field().as_str());
    }
    summary
}

/// Gathers changes, newest first, into their commits.
struct ByCommit<I: Iterator> {
    changes: Peekable<I>,
}

impl<I: Iterator<Item = Result<Change, Error>>> Iterator for ByCommit<I> {
    type Item = Result<CommitEntries, Error>;

    fn next(&mut self) -> Option<Result<CommitEntries, Error>> {
        let newest = match self.changes.next()? {
            Ok(change) => change,
            Err(error) => return Some(Err(error)),
        };
        let commit = newest.commit;
        let mut entries = vec![newest.entry];
        let same = |change: &Result<Change, Error>| {
            change.as_ref().is_ok_and(|change| change.commit.last == commit.last)
        };
        while let Some(Ok(change)) = self.changes.next_if(same) {
            entries.push(change.entry);
        }
        entries.reverse();
        Some(Ok(CommitEntries { commit, entries }))
    }
}
