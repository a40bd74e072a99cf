use crate::failure::{Exit, Failure};
use crate::invocation::Invocation;
use crate::output::{Cell, Column, Sheet};

/// List the logs of a PostgreSQL database
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals -s postgres://alice@db.example/games logs
  annals -s 'postgres://alice@db.example/games?annals.schema=theirs' logs -o jsonl

Each is a store of its own, chosen by annals.log in the URL (main unless given): programs get the URL of \
each as well, without a password. `annals init` with a new name there makes another. In memory and in \
SQLite there is one log, without a name, and this is an error.")]
pub(crate) struct Logs {}

impl Logs {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        invocation.refuse_at()?;
        let logs = invocation.url()?.logs().map_err(Failure::of_store)?;
        let columns = vec![Column::new("log"), Column::new("last_position"), Column::for_programs("store")];
        let mut sheet = Sheet::stdout(&invocation.style, columns)?;
        for log in logs {
            let store = Cell::Text(log.url.to_string());
            sheet.row(&[Cell::Text(log.name), log.last_position.into(), store])?;
        }
        sheet.finish()?;
        Ok(Exit::Done)
    }
}
