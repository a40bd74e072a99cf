use annals::{CommitEntries, Error, Namespace, Scope, Store};

use crate::commits;
use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Format, Sheet, Style};

/// Show the last commits, oldest first, and with -f those to come
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals tail
  annals tail -f game/player1
  annals tail -f -n 0 -o jsonl

The rows are those of `annals log`. With -f the command goes on until it is interrupted, or until a row \
cannot be written since nobody reads any more; what should be a table is then written as lines, and \
`-o json`, which needs an end, is refused. Commits of all processes are shown, each as it comes.")]
pub(crate) struct Tail {
    /// Only changes of this record and of those below it
    #[arg(value_name = "NS")]
    namespace: Option<Namespace>,
    /// Show so many commits that are there already
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    limit: usize,
    /// Go on with the commits to come
    #[arg(short, long)]
    follow: bool,
}

impl Tail {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let style = self.style(invocation)?;
        let store = invocation.open_to_read()?;
        let snapshot = invocation.snapshot(&store)?;
        let scope = self.namespace.map_or(Scope::All, Scope::Under);
        let last = commits::newest_first(&store, &snapshot, &scope)?.take(self.limit);
        let last: Vec<CommitEntries> = last.collect::<Result<_, Error>>()?;

        let mut sheet = Sheet::stdout(&style, commits::columns())?;
        for commit in last.iter().rev() {
            row(&mut sheet, commit, &store, &style)?;
        }
        if !self.follow {
            sheet.finish()?;
            return Ok(Exit::Done);
        }
        sheet.flush()?;
        for commit in store.subscribe(snapshot.position(), scope)? {
            row(&mut sheet, &commit?, &store, &style)?;
            sheet.flush()?;
        }
        Ok(Exit::Done)
    }

    /// Returns the style of the invocation, if rows can be shown in it as they come.
    fn style(&self, invocation: &Invocation) -> Result<Style, Failure> {
        let style = invocation.style.clone();
        if !self.follow {
            return Ok(style);
        }
        invocation.refuse_at()?;
        match style.format {
            Format::Json => Err(Failure::usage("`-o json` needs an end, and `-f` has none")
                .help("write `-o jsonl`: one object a line")),
            Format::Table => Ok(Style { format: Format::Plain, ..style }),
            Format::Plain | Format::Jsonl | Format::Csv => Ok(style),
        }
    }
}

fn row(sheet: &mut Sheet, commit: &CommitEntries, store: &Store, style: &Style) -> Result<(), Failure> {
    sheet.row(&commits::cells(commit, commits::changes_cell(commit, style), store.registry()))
}
