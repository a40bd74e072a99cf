use std::collections::BTreeSet;

use annals::{Action, Change, Namespace, Scope};

use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Cell, Column, Sheet};

/// List the fields of a record and the namespaces below it
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals ls
  annals ls game/player1
  annals ls -R -o jsonl

A row with a field is a field that has a value, with the type of its value; a row without one is a \
namespace one level down that has values in it or below it. With -R the fields of everything below.")]
pub(crate) struct Ls {
    /// The record; the top if not given
    #[arg(value_name = "NS")]
    namespace: Option<Namespace>,
    /// List the fields of every record below as well
    #[arg(short = 'R', long)]
    recursive: bool,
}

impl Ls {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        let store = invocation.open_to_read()?;
        let snapshot = invocation.snapshot(&store)?;
        let scope = self.namespace.clone().map_or(Scope::All, Scope::Under);
        let columns = vec![Column::new("namespace"), Column::new("field"), Column::new("type")];
        let mut sheet = Sheet::stdout(&invocation.style, columns)?;
        let mut below = BTreeSet::new();
        for change in snapshot.entries(&scope) {
            let change = change?;
            if change.entry.action == Action::Deleted {
                continue;
            }
            match self.child(change.key().namespace()) {
                Some(child) if !self.recursive => _ = below.insert(child),
                _ => sheet.row(&field_row(&change)?)?,
            }
        }
        for child in below {
            sheet.row(&[Cell::Text(child), Cell::Absent, Cell::Absent])?;
        }
        sheet.finish()?;
        Ok(Exit::Done)
    }

    /// Returns the namespace one level below ours that `namespace` is or lies in, `None` if it is
    /// ours itself.
    fn child(&self, namespace: &Namespace) -> Option<String> {
        let level = self.namespace.as_ref().map_or(0, |own| own.tokens().count());
        let mut tokens = namespace.tokens();
        tokens.nth(level)?;
        let above: Vec<&str> = namespace.tokens().take(level + 1).collect();
        Some(above.join("/"))
    }
}

fn field_row(change: &Change) -> Result<[Cell; 3], Failure> {
    let kind = match change.entry.action {
        Action::Set(_) => change.value()?.map_or(Cell::Absent, |value| Cell::Text(value.kind().to_string())),
        Action::Deleted => Cell::Remark("deleted"),
        Action::Erased { .. } => Cell::Remark("erased"),
    };
    let key = change.key();
    Ok([Cell::Text(key.namespace().to_string()), Cell::Text(key.field().to_string()), kind])
}
