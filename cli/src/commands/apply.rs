use std::cell::OnceCell;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;

use annals::codec::Registry;
use annals::{
    Action, Batch, Condition, Conflict, Durability, Error, ErrorKind, Key, Position, Receipt, Store,
};

use crate::change_line::ChangeLine;
use crate::failure::{Exit, Failure, warn};
use crate::invocation::Invocation;
use crate::output::{Cell, Column, Sheet};
use crate::progress::Progress;
use crate::receipts;

/// Append commits from a file, one a line of JSON
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  annals apply history.jsonl
  produce | annals apply -

A line is one commit: {\"time\": 1760000000.5, \"actor\": \"ann\", \"message\": \"why\", \
\"set\": {\"game/player1\": {\"score\": 10}}, \"delete\": {\"game/player1\": [\"pending\"]}}. All members are \
optional; `time` is seconds since 1970 and says when it happened, other members are kept as tags, and \
values are in their JSON form. Each line is checked before anything of it is appended; the first one \
that is wrong ends the command, names itself, and leaves the lines before it appended. One receipt a \
line; a line that changes nothing gets a warning instead.")]
pub(crate) struct Apply {
    /// The file to read, - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// The longest line that is read.
const LINE_BYTES_MAX: u64 = 256 << 20;

/// Bytes read from the input at a time, so about how much is appended in one durable write.
const BUFFER_BYTES: usize = 1 << 20;

/// How often a line is tried again whose deletes lost to another commit.
const TRIES_MAX: u32 = 50;

impl Apply {
    pub(crate) fn run(self, invocation: &Invocation) -> Result<Exit, Failure> {
        invocation.refuse_at()?;
        invocation.url()?;
        let (input, bytes) = self.input()?;
        let mut columns = vec![Column::new("line")];
        columns.extend(receipts::columns());
        let mut applier = Applier {
            invocation,
            store: OnceCell::new(),
            registry: Registry::default(),
            sheet: Sheet::stdout(&invocation.style, columns)?,
            progress: invocation.progress(bytes),
            waiting: Vec::new(),
            given: HashSet::new(),
            appended: None,
        };
        let applied = applier.apply(BufReader::with_capacity(BUFFER_BYTES, input));
        let told = applier.appended_so_far();
        drop(applier.progress);
        let finished = applier.sheet.finish();
        applied.and(finished).map_err(|failure| failure.help(told))?;
        Ok(Exit::Done)
    }

    /// Returns what to read and how many bytes that is, 0 if not known.
    fn input(&self) -> Result<(Box<dyn Read>, u64), Failure> {
        if self.file.as_os_str() == "-" {
            return Ok((Box::new(io::stdin()), 0));
        }
        let refuse = |error: io::Error| Failure::unreadable(&self.file, &error);
        let file = File::open(&self.file).map_err(refuse)?;
        let metadata = file.metadata().map_err(refuse)?;
        if metadata.is_dir() {
            return Err(refuse(io::ErrorKind::IsADirectory.into()));
        }
        Ok((Box::new(file), metadata.len()))
    }
}

/// A line that is ready to be appended.
struct Waiting {
    line: u64,
    batch: Batch,
}

/// Appends lines in groups, each group in one durable write.
///
/// Only the last batch of a group has conditions. So no other commit can make an earlier line of a
/// group fail after a later one was appended: the lines stand in the store in their order, and
/// where the command ends early, they stand up to the line that it names.
struct Applier<'a> {
    invocation: &'a Invocation,
    /// Opened, and so created, for the first line that can be appended.
    store: OnceCell<Store>,
    registry: Registry,
    sheet: Sheet,
    progress: Progress,
    waiting: Vec<Waiting>,
    /// The keys that the waiting lines set.
    given: HashSet<Key>,
    /// The last line that was appended, and its position.
    appended: Option<(u64, Position)>,
}

impl Applier<'_> {
    fn apply(&mut self, mut input: BufReader<impl Read>) -> Result<(), Failure> {
        let (mut number, mut bytes) = (0, 0);
        let mut line = Vec::new();
        loop {
            // The next line is not at hand and may be long in coming: nobody shall wait for it.
            if !input.buffer().contains(&b'\n') {
                self.append_waiting()?;
            }
            number += 1;
            line.clear();
            let read = input.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut line);
            let read = read.map_err(|error| Failure::usage("the input cannot be read").because(&error))?;
            if read == 0 {
                return self.append_waiting();
            }
            bytes += read as u64;
            if let Err(failure) = self.take_line(number, &line) {
                self.append_waiting()?;
                return Err(failure);
            }
            self.progress.set(bytes);
        }
    }

    fn store(&self) -> Result<&Store, Failure> {
        if self.store.get().is_none() {
            _ = self.store.set(self.invocation.open_to_write()?);
        }
        Ok(self.store.get().expect("it was set if it was not"))
    }

    fn take_line(&mut self, number: u64, line: &[u8]) -> Result<(), Failure> {
        let at_line = |failure: Failure| failure.within(&format!("line {number}"));
        let Some(change) = self.read_line(line).map_err(at_line)? else { return Ok(()) };
        if change.is_empty() {
            self.progress.aside(|| warn(&format!("line {number} changes nothing and is not appended")));
            return Ok(());
        }
        let batch = change.into_batch();
        self.store()?.log().check(&batch).map_err(|error| at_line(error.into()))?;
        if batch.writes.iter().any(|write| write.action == Action::Deleted) {
            return self.append_with_deletes(number, &batch);
        }
        self.given.extend(batch.writes.iter().map(|write| write.key.clone()));
        self.waiting.push(Waiting { line: number, batch });
        Ok(())
    }

    /// Returns what a line says, `None` if it is blank.
    fn read_line(&self, line: &[u8]) -> Result<Option<ChangeLine>, Failure> {
        if line.len() as u64 > LINE_BYTES_MAX {
            return Err(Failure::usage(format!("it is longer than {LINE_BYTES_MAX} bytes")));
        }
        let text = std::str::from_utf8(line);
        let text = text.map_err(|error| Failure::usage("this is not UTF-8").because(&error))?.trim();
        match text.is_empty() {
            true => Ok(None),
            false => ChangeLine::parse(text, &self.registry).map(Some),
        }
    }

    /// Appends a line that deletes, as the last of its group.
    fn append_with_deletes(&mut self, line: u64, batch: &Batch) -> Result<(), Failure> {
        for _ in 0..TRIES_MAX {
            let conditions = self.conditions(batch);
            let conditions = conditions.map_err(|failure| failure.within(&format!("line {line}")))?;
            self.waiting.push(Waiting { line, batch: Batch { conditions, ..batch.clone() } });
            match self.append_waiting() {
                // Another process changed what is to be deleted: look at it again.
                Err(failure) if failure.exit == Exit::Conflict => {}
                other => return other,
            }
        }
        let message = format!("line {line}: other commits keep changing what it deletes");
        Err(Failure::new(Exit::Conflict, message))
    }

    /// Returns what must hold for the deletes of `batch`, which comes after the waiting lines.
    fn conditions(&self, batch: &Batch) -> Result<Vec<Condition>, Failure> {
        let deletes = batch.writes.iter().filter(|write| write.action == Action::Deleted);
        // What a line of the same group sets is there, whoever else writes.
        let stored = deletes.map(|write| &write.key).filter(|key| !self.given.contains(*key));
        stored.map(|key| self.unchanged(key)).collect()
    }

    fn unchanged(&self, key: &Key) -> Result<Condition, Failure> {
        match self.store()?.log().newest(key, Position::MAX)? {
            Some(change) if change.entry.action != Action::Deleted => {
                Ok(Condition::KeyUnchanged { key: key.clone(), since: change.position() })
            }
            _ => Err(Failure::usage(format!("it deletes {key}, which has no value"))),
        }
    }

    fn append_waiting(&mut self) -> Result<(), Failure> {
        self.given.clear();
        let group = std::mem::take(&mut self.waiting);
        if group.is_empty() {
            return Ok(());
        }
        let batches = group.iter().map(|waiting| waiting.batch.clone()).collect();
        match self.store()?.log().append_all(batches, Durability::Synced) {
            Ok(answers) => {
                let lines = group.iter().map(|waiting| waiting.line);
                let (receipts, conflict) = appended(lines.zip(answers));
                // First, since a receipt may find no place to be written to.
                self.appended =
                    receipts.last().map(|(line, receipt)| (*line, receipt.position())).or(self.appended);
                receipts.iter().try_for_each(|(line, receipt)| self.give_receipt(*line, receipt))?;
                if let Some(conflict) = conflict {
                    return Err(Error::from(conflict).into());
                }
            }
            // What fits is appended; the first line that does not is named.
            Err(error) if error.kind() == ErrorKind::Full && group.len() > 1 => self.append_each(group)?,
            Err(error) => return Err(failed(&group, error)),
        }
        self.progress.aside(|| self.sheet.flush())
    }

    fn append_each(&mut self, group: Vec<Waiting>) -> Result<(), Failure> {
        for Waiting { line, batch } in group {
            let appended = self.store()?.log().append(batch, Durability::Synced);
            let receipt = appended.map_err(|error| Failure::from(error).within(&format!("line {line}")))?;
            self.appended = Some((line, receipt.position()));
            self.give_receipt(line, &receipt)?;
        }
        Ok(())
    }

    fn give_receipt(&mut self, line: u64, receipt: &Receipt) -> Result<(), Failure> {
        let mut cells = vec![Cell::Number(line)];
        cells.extend(receipts::cells(receipt));
        self.sheet.row(&cells)
    }

    fn appended_so_far(&self) -> String {
        match self.appended {
            None => "nothing was appended".to_owned(),
            Some((line, position)) => format!("the lines up to line {line} are appended, up to {position}"),
        }
    }
}

/// Returns the lines that were appended, up to the conflict of one that was not.
fn appended(
    answers: impl Iterator<Item = (u64, Result<Receipt, Conflict>)>,
) -> (Vec<(u64, Receipt)>, Option<Conflict>) {
    let mut receipts = Vec::new();
    for (line, answer) in answers {
        match answer {
            Ok(receipt) => receipts.push((line, receipt)),
            Err(conflict) => return (receipts, Some(conflict)),
        }
    }
    (receipts, None)
}

/// Returns the failure of a whole group, none of which was appended.
fn failed(group: &[Waiting], error: Error) -> Failure {
    let ends = group.first().zip(group.last());
    let place = ends.map(|(first, last)| match first.line == last.line {
        true => format!("line {}", first.line),
        false => format!("lines {} to {}", first.line, last.line),
    });
    Failure::from(error).within(&place.unwrap_or_default())
}
