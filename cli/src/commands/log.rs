use std::io::Write as _;

use annals::{Activities, Activity, CommitEntries, Entry, Error, Field, Namespace, Scope, Snapshot, Store};
use serde_json::Value as Json;

use crate::changes;
use crate::commits::{self, Commits};
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
  annals log --activities

With NS only commits that changed that record or one below it, and of each only these changes; with \
NS FIELD only that field's. `~` is a field that was set, `-` one that was deleted, `x` one whose value \
was erased. In JSON the changes are the member `changes`; with -p each has its `value`, and `before` \
what it was until then.")]
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
    /// At most so many commits, or activities
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
    /// Show what each change made of what
    #[arg(short, long)]
    patch: bool,
    /// Show commits of one activity that follow one another as one line
    #[arg(short = 'A', long, conflicts_with = "patch")]
    activities: bool,
}

impl Log {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let store = invocation.open_to_read()?;
        let commits = self.commits(&store, &invocation.snapshot(&store)?)?;
        let wanted = commits.filter(|commit| commit.as_ref().map_or(true, |commit| self.wants(commit)));
        if self.activities {
            print_activities(wanted, self.limit(), &invocation.style)?;
        } else if self.patch && !invocation.style.is_machine() {
            print_patches(wanted.take(self.limit()), &store, &invocation.style)?;
        } else {
            self.print_rows(wanted.take(self.limit()), &store, &invocation.style)?;
        }
        Ok(Exit::Done)
    }

    fn limit(&self) -> usize {
        self.limit.unwrap_or(usize::MAX)
    }

    fn commits(&self, store: &Store, snapshot: &Snapshot) -> Result<Commits, Failure> {
        match (&self.namespace, &self.field) {
            (Some(namespace), Some(field)) => {
                Ok(commits::gathered(snapshot.record(namespace)?.history(field)?))
            }
            (Some(namespace), None) => {
                Ok(commits::newest_first(store, snapshot, &Scope::Under(namespace.clone()))?)
            }
            (None, _) => Ok(commits::newest_first(store, snapshot, &Scope::All)?),
        }
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
        let mut sheet = Sheet::stdout(style, commits::columns())?;
        for commit in commits {
            let commit = commit?;
            let changes = match self.patch {
                true => Cell::Json(patches(&commit, store)?.into()),
                false => commits::changes_cell(&commit, style),
            };
            sheet.row(&commits::cells(&commit, changes, registry))?;
        }
        sheet.finish()
    }
}

fn print_activities(
    commits: impl Iterator<Item = Result<CommitEntries, Error>>,
    limit: usize,
    style: &Style,
) -> Result<(), Failure> {
    let mut sheet = Sheet::stdout(style, activity_columns())?;
    for activity in Activities::of(commits).take(limit) {
        sheet.row(&activity_cells(&activity?))?;
    }
    sheet.finish()
}

fn activity_columns() -> Vec<Column> {
    vec![
        Column::new("position"),
        Column::new("first"),
        Column::new("commits"),
        Column::new("entries"),
        Column::for_programs("began_at"),
        Column::new("recorded_at"),
        Column::new("actor"),
        Column::new("activity"),
        Column::new("reason"),
        Column::for_programs("activity_id"),
    ]
}

/// Actor and reason are those of the last commit.
fn activity_cells(activity: &Activity) -> Vec<Cell> {
    let context = &activity.last.context;
    vec![
        activity.last.last.into(),
        activity.first.first.into(),
        Cell::Number(activity.commits),
        Cell::Number(activity.entries),
        Cell::Time(activity.first.recorded_at),
        Cell::Time(activity.last.recorded_at),
        Cell::text(context.actor.as_deref()),
        Cell::text(activity.name()),
        Cell::text(context.reason.as_deref()),
        activity.id().map_or(Cell::Absent, |id| Cell::Text(id.to_string())),
    ]
}

fn texts<'a>(
    own: &'a Option<String>,
    of_entries: impl Iterator<Item = &'a Option<String>>,
) -> impl Iterator<Item = &'a str> {
    std::iter::once(own).chain(of_entries).filter_map(|text| text.as_deref())
}

/// Returns the changes of a commit as objects that say what became what.
fn patches(commit: &CommitEntries, store: &Store) -> Result<Vec<Json>, Failure> {
    let object = |entry| {
        let mut object = changes::object(entry);
        let (before, after) = sides(entry, commit, store)?;
        object.extend(before.map(|before| ("before".to_owned(), before)));
        object.extend(after.map(|after| (changes::VALUE.to_owned(), after)));
        Ok(Json::Object(object))
    };
    commit.entries.iter().map(object).collect()
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
        let cells = commits::cells(&commit, Cell::Absent, store.registry());
        let said = commits::columns().into_iter().zip(&cells).filter(|(column, _)| column.is_to_people());
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
