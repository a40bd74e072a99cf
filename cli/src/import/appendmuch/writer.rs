use std::sync::Arc;

use annals::codec::Timestamp;
use annals::{Batch, Commit, CommitEntries, CommitId, Durability, Entry, Error, Log, Position};

use super::error::ImportError;
use super::mark::context;
use super::report::ImportReport;
use super::row::Row;

/// Rows that are written at a time: one durable write for so many, or for fewer large ones.
const GROUP_ROWS: usize = 1000;
const GROUP_BYTES: usize = 16 << 20;

/// Appends rows in groups, each row as one commit.
pub(super) struct Writer<'a> {
    log: &'a Log,
    progress: &'a mut dyn FnMut(u64),
    group: Vec<Row>,
    group_bytes: usize,
    /// The `seq` of the last row written.
    through: Option<i64>,
    times: Times,
    report: ImportReport,
}

/// What becomes of the original times.
#[derive(Clone, Copy)]
enum Times {
    /// The log holds nothing else: they are the times of recording, as far as they do not fall.
    Recorded { last: Position, time: Timestamp },
    /// The log has its own times.
    Occurred,
}

impl<'a> Writer<'a> {
    /// Returns a writer that goes on after the `beginning` of the same rows, if the log is that.
    pub(super) fn new(
        log: &'a Log,
        beginning: Option<(Position, Timestamp)>,
        progress: &'a mut dyn FnMut(u64),
    ) -> Writer<'a> {
        let times = beginning.map_or(Times::Occurred, |(last, time)| Times::Recorded { last, time });
        let report = ImportReport { kept_times: beginning.is_some(), ..ImportReport::default() };
        Writer { log, progress, group: Vec::new(), group_bytes: 0, through: None, times, report }
    }

    /// Counts a row that the log has already.
    pub(super) fn pass_over(&mut self) {
        self.report.skipped += 1;
    }

    pub(super) fn add(&mut self, row: Row) -> Result<(), ImportError> {
        self.group_bytes += row.size();
        self.group.push(row);
        let is_full = self.group.len() >= GROUP_ROWS || self.group_bytes >= GROUP_BYTES;
        if is_full { self.write() } else { Ok(()) }
    }

    pub(super) fn finish(mut self) -> Result<ImportReport, ImportError> {
        self.write()?;
        Ok(self.report)
    }

    fn write(&mut self) -> Result<(), ImportError> {
        let rows = std::mem::take(&mut self.group);
        self.group_bytes = 0;
        let Some(through) = rows.last().map(|row| row.seq) else { return Ok(()) };
        let marks: Vec<_> = rows.iter().map(|row| (row.is_deletion(), row.raw_type)).collect();
        let written = match self.times {
            Times::Recorded { last, time } => self.restore(rows, last, time),
            Times::Occurred => self.append(rows),
        };
        let positions = written.map_err(|source| ImportError::Write {
            rows: self.report.rows,
            through: self.through,
            source,
        })?;
        for (position, (is_deletion, raw_type)) in positions.into_iter().zip(marks) {
            self.report.add(position, is_deletion, raw_type);
        }
        self.through = Some(through);
        (self.progress)(self.report.rows);
        Ok(())
    }

    fn append(&self, rows: Vec<Row>) -> Result<Vec<Position>, Error> {
        let batches = rows.into_iter().map(|row| {
            let mut batch = Batch::new(context(row.location, row.occurred_at, row.seq));
            batch.writes.push(row.write);
            batch
        });
        let answers = self.log.append_all(batches.collect(), Durability::Synced)?;
        answers.into_iter().map(|answer| Ok(answer?.position())).collect()
    }

    fn restore(
        &mut self,
        rows: Vec<Row>,
        mut last: Position,
        mut time: Timestamp,
    ) -> Result<Vec<Position>, Error> {
        let commits = rows.into_iter().map(|row| {
            (last, time) = (last.plus(1), time.max(row.occurred_at));
            commit(row, last, time)
        });
        let commits: Vec<CommitEntries> = commits.collect();
        self.log.driver().restore(&commits)?;
        self.times = Times::Recorded { last, time };
        Ok(commits.into_iter().map(|commit| commit.commit.last).collect())
    }
}

fn commit(row: Row, position: Position, recorded_at: Timestamp) -> CommitEntries {
    let commit = Commit {
        first: position,
        last: position,
        id: CommitId::make(),
        recorded_at,
        context: context(row.location, row.occurred_at, row.seq),
    };
    let (key, action) = (row.write.key, row.write.action);
    let entry = Entry { position, key, action, actor: None, reason: None };
    CommitEntries { commit: Arc::new(commit), entries: vec![entry] }
}
