//! Taking values out of entries.

use std::slice;
use std::sync::Arc;

use annals_core::{Batch, Conflict, Durability, Position, Receipt};

use crate::append::{Seen, Writing, answered, milliseconds, payload};
use crate::failure::Failure;
use crate::group::Group;
use crate::outcome::{self, Outcome};
use crate::parameter::{Column, Parameter};
use crate::place::Place;
use crate::transaction::{Terms, Transaction};

/// Appends `audit`, and turns the entries at `positions` that are set into ones that it has erased: all
/// in one transaction, which is made again, and looks for its own id first, if the connection is lost.
pub(crate) fn erase(
    place: &Place,
    seen: &Seen,
    writing: &Writing,
    positions: &[Position],
    audit: &Batch,
) -> Result<Result<Receipt, Conflict>, Failure> {
    let group = slice::from_ref(audit);
    let answers =
        answered(place, seen, group, Durability::Synced, |from| match writing.by_function(payload(group)) {
            true => by_function(place, from, writing, positions, group),
            false => by_statements(place, from, writing, positions, group),
        })?;
    answers.into_iter().next().ok_or_else(outcome::no_answer)
}

/// One round trip.
fn by_function(
    place: &Place,
    seen: Position,
    writing: &Writing,
    positions: &[Position],
    group: &[Batch],
) -> Result<Outcome, Failure> {
    let mut parameters = place.parameters(&[
        Parameter::number(seen.to_i64()),
        Parameter::number(milliseconds(writing.busy_timeout)),
        column(positions),
    ]);
    parameters.extend(Group::new(group)?.into_parameters());
    Outcome::read(&place.pool.write(&place.sql.erase, parameters)?)
}

fn by_statements(
    place: &Place,
    seen: Position,
    writing: &Writing,
    positions: &[Position],
    group: &[Batch],
) -> Result<Outcome, Failure> {
    let terms = Terms::new(place, writing.busy_timeout, Durability::Synced);
    let (positions, group): (_, Arc<[Batch]>) = (column(positions), group.into());
    place.pool.insist_on_writing(|connection, deadline| {
        let (terms, positions, group) = (terms.clone(), positions.clone(), Arc::clone(&group));
        connection.run(deadline, move |client| {
            let mut transaction = Transaction::begin(client, &terms)?;
            let outcome = transaction.append(&group, seen)?;
            if outcome.others.is_empty() {
                transaction.erase(positions)?;
            }
            transaction.commit().map(|()| outcome)
        })
    })
}

fn column(positions: &[Position]) -> Parameter {
    let mut column = Column::numbers();
    positions.iter().for_each(|position| column.push_number(position.to_i64()));
    column.into()
}
