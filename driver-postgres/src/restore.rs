use std::sync::Arc;

use annals_core::{CommitEntries, Durability, Error, Position};

use crate::append::{Writing, milliseconds};
use crate::columns::{CommitColumns, EntryColumns};
use crate::failure::Failure;
use crate::parameter::Parameter;
use crate::place::Place;
use crate::rows;
use crate::transaction::{Terms, Transaction};

/// Appends commits as they stand, all in one transaction.
pub(crate) fn restore(place: &Place, writing: &Writing, commits: &[CommitEntries]) -> Result<(), Failure> {
    let found = place.read(&place.sql.last_commit, &[])?;
    let last = found.first().map(rows::end_and_time).transpose()?;
    CommitEntries::check_sequence(commits, last)?;
    let Some(newest) = commits.last() else { return Ok(()) };
    let before = last.map_or(Position::START, |(position, _)| position);
    let bytes = commits.iter().flat_map(|item| &item.entries).filter_map(|entry| entry.action.bytes());
    let restored = match writing.by_function(bytes.map(|bytes| bytes.len() as u64).sum()) {
        true => by_function(place, before, writing, commits)?,
        false => by_statements(place, before, writing, commits)?,
    };
    match restored {
        Restored::Done => Ok(()),
        Restored::Twice(last) => {
            let commit = commits.iter().find(|item| item.commit.last == last);
            let position = commit.map_or(last, |item| item.commit.first);
            Err(Error::Restore { position, reason: CommitEntries::GIVEN_TWICE }.into())
        }
        // An attempt before, whose answer was lost, may have done it.
        Restored::NotTheEnd if is_there(place, newest)? => Ok(()),
        Restored::NotTheEnd => {
            let reason = "others have written to the log meanwhile";
            Err(Error::Restore { position: before.plus(1), reason }.into())
        }
    }
}

/// What came of it.
enum Restored {
    Done,
    /// Nothing: the given id of the commit that ends here is there already.
    Twice(Position),
    /// Nothing: the log ends elsewhere by now.
    NotTheEnd,
}

fn by_function(
    place: &Place,
    before: Position,
    writing: &Writing,
    commits: &[CommitEntries],
) -> Result<Restored, Failure> {
    let (mut commit_columns, mut entries) = (CommitColumns::new(), EntryColumns::new());
    for item in commits {
        commit_columns.push(&item.commit)?;
        for entry in &item.entries {
            entries.push(&entry.key, &entry.action, entry.actor.as_deref(), entry.reason.as_deref());
        }
    }
    let mut parameters = place.parameters(&[
        Parameter::number(before.to_i64()),
        Parameter::number(milliseconds(writing.busy_timeout)),
    ]);
    parameters.extend(commit_columns.into_parameters());
    parameters.extend(entries.into_parameters());
    let found = place.pool.write(&place.sql.restore, parameters)?;
    let row = found.first().ok_or_else(Failure::no_log)?;
    let (end, twice) = (rows::position_or_start(row, 0)?, rows::position_or_start(row, 1)?);
    Ok(match twice {
        Some(last) => Restored::Twice(last),
        None if end == Some(before) => Restored::Done,
        None => Restored::NotTheEnd,
    })
}

fn by_statements(
    place: &Place,
    before: Position,
    writing: &Writing,
    commits: &[CommitEntries],
) -> Result<Restored, Failure> {
    let terms = Terms::new(place, writing.busy_timeout, Durability::Synced);
    let commits: Arc<[CommitEntries]> = commits.into();
    place.pool.insist_on_writing(|connection, deadline| {
        let (terms, commits) = (terms.clone(), Arc::clone(&commits));
        connection.run(deadline, move |client| {
            let mut transaction = Transaction::begin(client, &terms)?;
            if transaction.start != before {
                return Ok(Restored::NotTheEnd);
            }
            match transaction.restore(&commits)? {
                Some(twice) => Ok(Restored::Twice(twice)),
                None => transaction.commit().map(|()| Restored::Done),
            }
        })
    })
}

/// Returns whether the log ends with this commit.
fn is_there(place: &Place, commit: &CommitEntries) -> Result<bool, Failure> {
    let found = place.read(&place.sql.last_commit, &[])?;
    let Some(row) = found.first() else { return Ok(false) };
    let (last, _) = rows::end_and_time(row)?;
    Ok(last == commit.commit.last && rows::uuid(row, 2)? == commit.commit.id.uuid())
}
