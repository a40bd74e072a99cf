use std::io::Write as _;
use std::iter::Peekable;

use annals::codec::Registry;
use annals::{
    Change, CommitEntries, Entry, Error, Field, Namespace, Order, PositionRange, Scope, Snapshot, Store,
};
use serde_json::{Map, Value as Json};

use crate::changes;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Cell, Column, Sheet, Style, print};

/// Show commits, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals log -n 3
  annals log game --actor alice --grep settle
  annals log game/player1 score -p
  annals log -o jsonl

With NS only commits that changed that record or one below it, and of each only these changes; with
NS FIELD only that field's. `~` is a field that was set, `-` one that was deleted. In JSON the
changes are the member `changes`; with -p each has its `value`, and `before` what it was until then.")]
pub(crate) struct Log {
    /// Only changes of this record and of those below it
    #[arg(value_name = "NS")]
    namespace: Option<Namespace>,
    /// Only changes of this field
    #[arg(value_name = "FIELD")]
    field: Option<Field>,
    /// Only commits by this actor
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only commits whose reason contains this text
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,
    /// At most so many commits
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
    /// Show what each change made of what
    #[arg(short, long)]
    patch: bool,
}

type Commits = Box<dyn Iterator<Item = Result<CommitEntries, Error>>>;

impl Log {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let store = invocation.open_to_read()?;
        let commits = self.commits(&store, &invocation.snapshot(&store)?)?;
        let wanted = commits.filter(|commit| commit.as_ref().map_or(true, |commit| self.wants(commit)));
        let wanted = wanted.take(self.limit.unwrap_or(usize::MAX));
        if self.patch && !invocation.style.is_machine() {
            print_patches(wanted, &store, &invocation.style)?;
        } else {
            self.print_rows(wanted, &store, &invocation.style)?;
        }
        Ok(Exit::Done)
    }

    fn commits(&self, store: &Store, snapshot: &Snapshot) -> Result<Commits, Failure> {
        let changes = match (&self.namespace, &self.field) {
            (None, _) => {
                let range = PositionRange::through(snapshot.position());
                return Ok(Box::new(store.commits(range, Order::NewestFirst)));
            }
            (Some(namespace), None) => snapshot.history(&Scope::Under(namespace.clone()))?,
            (Some(namespace), Some(field)) => snapshot.record(namespace)?.history(field)?,
        };
        Ok(Box::new(ByCommit { changes: changes.newest_first().into_iter().peekable() }))
    }

    fn wants(&self, commit: &CommitEntries) -> bool {
        let context = &commit.commit.context;
        let actors = || texts(&context.actor, commit.entries.iter().map(|entry| &entry.actor));
        let reasons = || texts(&context.reason, commit.entries.iter().map(|entry| &entry.reason));
        self.actor.as_deref().is_none_or(|wanted| actors().any(|actor| actor == wanted))
            && self.grep.as_deref().is_none_or(|wanted| reasons().any(|reason| reason.contains(wanted)))
    }

    fn print_rows(
        &self,
        commits: impl Iterator<Item = Result<CommitEntries, Error>>,
        store: &Store,
        style: &Style,
    ) -> Result<(), Failure> {
        let registry = store.registry();
        let mut sheet = Sheet::stdout(style, columns())?;
        for commit in commits {
            let commit = commit?;
            let changes = match style.is_machine() {
                true => Cell::Json(self.objects(&commit, store)?.into()),
                false => Cell::Text(summary(&commit.entries)),
            };
            sheet.row(&cells(&commit, changes, registry))?;
        }
        sheet.finish()
    }

    fn objects(&self, commit: &CommitEntries, store: &Store) -> Result<Vec<Json>, Failure> {
        let object = |entry| {
            let mut object = changes::object(entry);
            if self.patch {
                let (before, after) = sides(entry, commit, store)?;
                object.extend(before.map(|before| ("before".to_owned(), before)));
                object.extend(after.map(|after| (changes::VALUE.to_owned(), after)));
            }
            Ok(Json::Object(object))
        };
        commit.entries.iter().map(object).collect()
    }
}

fn texts<'a>(
    own: &'a Option<String>,
    of_entries: impl Iterator<Item = &'a Option<String>>,
) -> impl Iterator<Item = &'a str> {
    std::iter::once(own).chain(of_entries).filter_map(|text| text.as_deref())
}

fn columns() -> Vec<Column> {
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

fn cells(CommitEntries { commit, .. }: &CommitEntries, changes: Cell, registry: &Registry) -> Vec<Cell> {
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

/// Returns the value that an entry replaced and the one that it set.
fn sides(
    entry: &Entry,
    commit: &CommitEntries,
    store: &Store,
) -> Result<(Option<Json>, Option<Json>), Failure> {
    let registry = store.registry();
    let before = store.log().newest(&entry.key, commit.commit.first.before())?;
    let before = before.map(|change| changes::json(&change.entry, registry)).transpose()?.flatten();
    Ok((before, changes::json(entry, registry)?))
}

fn print_patches(
    commits: impl Iterator<Item = Result<CommitEntries, Error>>,
    store: &Store,
    style: &Style,
) -> Result<(), Failure> {
    for commit in commits {
        let commit = commit?;
        let cells = cells(&commit, Cell::Absent, store.registry());
        let said = columns().into_iter().zip(&cells).filter(|(column, _)| column.is_to_people());
        let said = said.map(|(_, cell)| style.text(cell)).filter(|text| !text.is_empty());
        let head = said.collect::<Vec<_>>().join("  ");
        let mut lines = Vec::with_capacity(commit.entries.len());
        for entry in &commit.entries {
            lines.push(patch_line(entry, sides(entry, &commit, store)?, style));
        }
        print(|out| {
            writeln!(out, "{head}")?;
            lines.iter().try_for_each(|line| writeln!(out, "{line}"))
        })?;
    }
    Ok(())
}

fn patch_line(entry: &Entry, (before, after): (Option<Json>, Option<Json>), style: &Style) -> String {
    let (sign, key) = (changes::sign(entry), &entry.key);
    let text = |json: Json| style.text(&Cell::Json(json));
    match (before.map(text), after.map(text)) {
        (None, Some(after)) => format!("  + {key}  {after}"),
        (Some(before), Some(after)) => format!("  {sign} {key}  {before} -> {after}"),
        (Some(before), None) => format!("  {sign} {key}  {before}"),
        (None, None) => format!("  {sign} {key}"),
    }
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
