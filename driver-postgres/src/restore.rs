use annals_core::{CommitEntries, Durability, Error, Position};

use crate::append::{Writing, milliseconds};
use crate::columns::{CommitColumns, EntryColumns};
use crate::failure::Failure;
use crate::key_ids::KeyIds;
use crate::options::AppendBy;
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
    let restored = match way(place, writing, commits)? {
        Way::Copy => by_copy(place, before, writing, commits)?,
        Way::Function => by_function(place, before, writing, commits)?,
        Way::Statements => by_statements(place, before, writing, commits)?,
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

/// How commits are restored.
enum Way {
    /// By COPY, where the user may write the tables: the fastest, and of any size.
    Copy,
    Function,
    Statements,
}

fn way(place: &Place, writing: &Writing, commits: &[CommitEntries]) -> Result<Way, Failure> {
    if writing.by == AppendBy::Statements {
        return Ok(Way::Statements);
    }
    let found = place.pool.read(&place.sql.may_write, Vec::new())?;
    if found.first().map(|row| row.try_get(0)).transpose()?.unwrap_or(false) {
        return Ok(Way::Copy);
    }
    let bytes = commits.iter().flat_map(|item| &item.entries).filter_map(|entry| entry.action.bytes());
    let bytes = bytes.map(|bytes| bytes.len() as u64).sum();
    Ok(if writing.by_function(bytes) { Way::Function } else { Way::Statements })
}

/// What came of it.
enum Restored {
    Done,
    /// Nothing: the given id of the commit that ends here is there already.
    Twice(Position),
    /// Nothing: the log ends elsewhere by now.
    NotTheEnd,
}

fn by_copy(
    place: &Place,
    before: Position,
    writing: &Writing,
    commits: &[CommitEntries],
) -> Result<Restored, Failure> {
    in_transaction(place, before, writing, commits, |mut transaction| {
        let keys = KeyIds::find(place, &mut transaction, commits)?;
        transaction.copy(commits, &keys)?;
        transaction.commit()?;
        if let Some(newest) = commits.last() {
            keys.keep(place, newest);
        }
        Ok(())
    })
}

fn by_statements(
    place: &Place,
    before: Position,
    writing: &Writing,
    commits: &[CommitEntries],
) -> Result<Restored, Failure> {
    in_transaction(place, before, writing, commits, |mut transaction| {
        transaction.restore(commits)?;
        transaction.commit()
    })
}

/// Lets `store` append commits that may be appended, and end the transaction.
fn in_transaction(
    place: &Place,
    before: Position,
    writing: &Writing,
    commits: &[CommitEntries],
    store: impl Fn(Transaction<'_>) -> Result<(), Failure> + Sync,
) -> Result<Restored, Failure> {
    let terms = Terms::new(place, writing.busy_timeout, Durability::Synced);
    place.pool.insist_on_writing(|connection, deadline| {
        connection.run(deadline, |client| {
            let mut transaction = Transaction::begin(client, &terms)?;
            if transaction.start != before {
                return Ok(Restored::NotTheEnd);
            }
            if let Some(last) = transaction.given_twice(commits)? {
                return Ok(Restored::Twice(last));
            }
            store(transaction).map(|()| Restored::Done)
        })
    })
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

/// Returns whether the log ends with this commit.
fn is_there(place: &Place, commit: &CommitEntries) -> Result<bool, Failure> {
    let found = place.read(&place.sql.last_commit, &[])?;
    let Some(row) = found.first() else { return Ok(false) };
    let (last, _) = rows::end_and_time(row)?;
    Ok(last == commit.commit.last && rows::uuid(row, 2)? == commit.commit.id.uuid())
}
