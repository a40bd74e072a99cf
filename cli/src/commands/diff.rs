use std::io::Write as _;

use annals::codec::Registry;
use annals::{Change, Difference, Differences, Namespace, Position, Scope, Store};

use crate::changes;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Cell, Column, Format, Sheet, Style, print};
use crate::sort::Sort;
use crate::when::When;

/// Show which values differ between two moments
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals diff
  annals diff @398..@418 game/player1
  annals diff 'yesterday..' game --exit-code

A..B compares the state at A with the state at B; A alone or `A..` with the newest state, or the one \
at --at; `..B` starts at the beginning. Without a range: what the last commit changed. With NS only \
that record and those below it. A field that was set again to an equal value does not differ.

A first argument that contains `..` or can be read as a moment is no record; `diff @-1.. today` compares a record `today`.")]
pub(crate) struct Diff {
    /// The moments A..B, or the record if it is none
    #[arg(value_name = "A[..B]")]
    first: Option<String>,
    /// Only this record and those below it
    #[arg(value_name = "NS")]
    second: Option<Namespace>,
    /// Exit with 1 if there are differences
    #[arg(long)]
    exit_code: bool,
}

impl Diff {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let (range, namespace) = self.range_and_namespace(invocation)?;
        let store = invocation.open_to_read()?;
        let scope = namespace.map_or(Scope::All, Scope::Under);
        let differences = differences(&store, &range, &scope, invocation)?;
        let count = match invocation.style.format {
            Format::Table => print_grouped(differences, &store, &invocation.style)?,
            _ => print_rows(differences, &store, &invocation.style)?,
        };
        Ok(if self.exit_code && count > 0 { Exit::No } else { Exit::Done })
    }

    /// Tells the two optional arguments apart.
    fn range_and_namespace(&self, invocation: &Invocation) -> Result<(Range, Option<Namespace>), Failure> {
        let Some(first) = &self.first else { return Ok((Range::default(), None)) };
        let range = When::parse_range(first, invocation.present());
        match (range, &self.second) {
            (Ok((None, None)), _) => Err(Failure::usage("a range names at least one moment")),
            (Ok((from, to)), second) => {
                let from = from.or(Some(When::Position(Position::START)));
                Ok((Range { from, to }, second.clone()))
            }
            (Err(_), None) if !first.contains(['@', ':', ' ']) && !first.contains("..") => {
                Ok((Range::default(), Some(Namespace::new(first)?)))
            }
            (Err(failure), _) => Err(failure),
        }
    }
}

/// Two moments. If the first is not given it is the one before the last commit of the second; if
/// the second is not given it is the newest, or the one at `--at`.
#[derive(Default)]
struct Range {
    from: Option<When>,
    to: Option<When>,
}

fn differences(
    store: &Store,
    range: &Range,
    scope: &Scope,
    invocation: &Invocation,
) -> Result<Differences, Failure> {
    let later = match &range.to {
        None => invocation.snapshot(store)?,
        Some(to) => store.at(to.resolve(store)?)?,
    };
    let from = match &range.from {
        None => store
            .log()
            .commit_at(later.position())?
            .map_or(Position::START, |last| last.commit.first.before()),
        Some(from) => from.resolve(store)?,
    };
    Ok(store.at(from)?.diff(&later, scope))
}

const COLUMNS: [Column; 7] = [
    Column::new("change"),
    Column::new("namespace"),
    Column::new("field"),
    Column::new("before"),
    Column::new("after"),
    Column::for_programs("before_position"),
    Column::for_programs("after_position"),
];

fn print_rows(differences: Differences, store: &Store, style: &Style) -> Result<u64, Failure> {
    let mut sheet = Sheet::stdout(style, COLUMNS.to_vec())?;
    let mut count = 0;
    for difference in differences {
        let difference = difference?;
        let key = &difference.key;
        let position =
            |side: &Option<Change>| side.as_ref().map_or(Cell::Absent, |change| change.position().into());
        sheet.row(&[
            Cell::Text(sort(&difference).word().to_owned()),
            Cell::Text(key.namespace().to_string()),
            Cell::Text(key.field().to_string()),
            side(difference.before.as_ref(), store.registry())?,
            side(difference.after.as_ref(), store.registry())?,
            position(&difference.before),
            position(&difference.after),
        ])?;
        count += 1;
    }
    sheet.finish()?;
    Ok(count)
}

fn sort(difference: &Difference) -> Sort {
    Sort::between(difference.before.as_ref(), difference.after.as_ref())
}

fn side(change: Option<&Change>, registry: &Registry) -> Result<Cell, Failure> {
    change.map_or(Ok(Cell::Absent), |change| changes::value(&change.entry, registry))
}

#[derive(Default)]
struct Counts {
    namespaces: u64,
    added: u64,
    changed: u64,
    removed: u64,
}

impl Counts {
    fn fields(&self) -> u64 {
        self.added + self.changed + self.removed
    }

    fn summary(&self) -> String {
        let plural = |count, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
        let Counts { namespaces, added, changed, removed } = self;
        let (namespaces, fields) = (plural(*namespaces, "namespace"), plural(self.fields(), "field"));
        format!("{namespaces}, {fields} changed (+{added} ~{changed} -{removed})")
    }
}

/// Prints the fields under a line for each namespace, and a summary.
fn print_grouped(differences: Differences, store: &Store, style: &Style) -> Result<u64, Failure> {
    let mut counts = Counts::default();
    let mut before: Option<Namespace> = None;
    for difference in differences {
        let difference = difference?;
        let namespace = difference.key.namespace();
        if before.as_ref() != Some(namespace) {
            print(|out| writeln!(out, "{namespace}"))?;
            before = Some(namespace.clone());
            counts.namespaces += 1;
        }
        let line = grouped_line(&difference, &mut counts, store.registry(), style)?;
        print(|out| writeln!(out, "{line}"))?;
    }
    print(|out| writeln!(out, "{}", counts.summary()))?;
    Ok(counts.fields())
}

fn grouped_line(
    difference: &Difference,
    counts: &mut Counts,
    registry: &Registry,
    style: &Style,
) -> Result<String, Failure> {
    let sort = sort(difference);
    match sort {
        Sort::Added => counts.added += 1,
        Sort::Changed => counts.changed += 1,
        Sort::Removed => counts.removed += 1,
    }
    let before = style.text(&side(difference.before.as_ref(), registry)?);
    let after = style.text(&side(difference.after.as_ref(), registry)?);
    Ok(sort.line(difference.key.field().as_str(), &before, &after))
}
