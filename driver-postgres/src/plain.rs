//! Appending batches that nothing has to be judged of, by the functions of the schema that are made for it.

use std::collections::HashMap;
use std::sync::Arc;

use annals_core::{Batch, CommitId, Durability, Key, Position};
use postgres::Row;

use crate::append::{Writing, milliseconds};
use crate::columns::{ContentColumns, ContextColumns, stored};
use crate::failure::Failure;
use crate::known_keys::{Known, Witness};
use crate::outcome::{Outcome, no_answer};
use crate::parameter::{Column, Parameter};
use crate::place::Place;
use crate::rows;

/// Returns whether a batch is appended whatever the log is like.
pub(crate) fn is_plain(batch: &Batch) -> bool {
    batch.conditions.is_empty() && matches!(batch.id, CommitId::Made(_))
}

/// The request of a group of plain batches.
pub(crate) enum Request {
    /// One batch of one write.
    One(Arc<[Parameter]>),
    Several(Arc<[Parameter]>, Names),
}

/// How the keys of a request are named.
pub(crate) struct Names {
    /// What has to be there for the ids to be those of the keys.
    witness: Option<Witness>,
    /// The keys that are named in full.
    in_full: Vec<Key>,
}

impl Request {
    pub(crate) fn new(
        place: &Place,
        seen: Position,
        writing: &Writing,
        batches: &[Batch],
        durability: Durability,
    ) -> Result<Request, Failure> {
        let parameters = place.parameters(&[
            Parameter::number(seen.to_i64()),
            Parameter::boolean(durability == Durability::Synced),
            Parameter::number(milliseconds(writing.busy_timeout)),
        ]);
        match batches {
            [batch] if batch.writes.len() == 1 => one(parameters, batch),
            _ => several(parameters, batches, &place.keys.read()),
        }
    }

    /// Returns the statement and its parameters.
    pub(crate) fn statement<'a>(&'a self, place: &'a Place) -> (&'a Arc<str>, &'a Arc<[Parameter]>) {
        match self {
            Request::One(parameters) => (&place.sql.append_one, parameters),
            Request::Several(parameters, _) => (&place.sql.append_plain, parameters),
        }
    }

    /// Reads what the server answers, and learns from it.
    pub(crate) fn outcome(self, place: &Place, batches: &[Batch], found: &[Row]) -> Result<Outcome, Failure> {
        let row = found.first().ok_or_else(no_answer)?;
        let numbers: Vec<Option<i64>> = row.try_get(0).map_err(|_| no_answer())?;
        let [Some(position), time, ids @ ..] = numbers.as_slice() else { return Err(no_answer()) };
        let position = Position::from_i64(*position).ok_or_else(no_answer)?;
        let recorded_at = rows::timestamp(*time)?;
        let outcome = |last| Outcome { last, recorded_at, others: Vec::new() };
        let Request::Several(_, Names { witness, in_full }) = self else {
            return Ok(outcome(position.before()));
        };
        if ids.len() != in_full.len() {
            return Err(no_answer());
        }
        let writes: usize = batches.iter().map(|batch| batch.writes.len()).sum();
        if let Some(newest) = batches.last() {
            let after = Witness { last: position.plus(writes as u64), id: newest.id.uuid() };
            let found =
                in_full.into_iter().zip(ids).filter_map(|(key, id)| Some((key, i32::try_from((*id)?).ok()?)));
            place.keys.learn(witness, after, found);
        }
        Ok(outcome(position))
    }
}

fn one(mut parameters: Vec<Parameter>, batch: &Batch) -> Result<Request, Failure> {
    let context = &batch.context;
    parameters.extend([
        Parameter::id(&batch.id.uuid()),
        Parameter::number(batch.now.as_micros()),
        Parameter::time_or_null(context.occurred_at),
        Parameter::bytes_or_null(context.actor.as_ref()),
        Parameter::bytes_or_null(context.reason.as_ref()),
        Parameter::bytes_or_null(context.location.as_ref()),
        Parameter::bytes_or_null(context.tags_to_bytes()?),
    ]);
    for write in &batch.writes {
        let (kind, value) = stored(&write.action);
        parameters.extend(Parameter::names(&write.key));
        parameters.extend([
            Parameter::kind(kind),
            Parameter::bytes_or_null(write.actor.as_ref()),
            Parameter::bytes_or_null(write.reason.as_ref()),
            Parameter::bytes_or_null(value),
        ]);
    }
    Ok(Request::One(parameters.into()))
}

fn several(mut parameters: Vec<Parameter>, batches: &[Batch], known: &Known) -> Result<Request, Failure> {
    let (mut ids, mut times, mut ends) = (Column::ids(), Column::numbers(), Column::counts());
    let (mut latest, mut end) = (i64::MIN, 0);
    let (mut context, mut contents) = (ContextColumns::new(), ContentColumns::new());
    let (mut keys, mut others) = (Column::keys(), Column::keys());
    let mut in_full = InFull::new();
    for batch in batches {
        latest = latest.max(batch.now.as_micros());
        end += batch.writes.len();
        ids.push(Some(batch.id.uuid().as_bytes()));
        times.push_number(latest);
        ends.push_count(end);
        context.push(&batch.context)?;
        for write in &batch.writes {
            let id = known.id(&write.key);
            keys.push_key(id);
            others.push_key(id.is_none().then(|| in_full.number(&write.key)));
            contents.push(&write.action, write.actor.as_deref(), write.reason.as_deref());
        }
    }
    let ContextColumns { occurred_at, actor, reason, location, tags } = context;
    let witness = known.witness();
    parameters.extend(Witness::parameters(witness));
    let context = [occurred_at, actor, reason, location, tags].map(Column::or_empty);
    parameters.extend([ids, times].into_iter().chain(context).chain([ends]).map(Parameter::from));
    let InFull { namespaces, fields, keys: in_full, .. } = in_full;
    parameters.extend([namespaces, fields, keys, others.or_empty()].map(Parameter::from));
    parameters.extend(contents.into_parameters_or_empty());
    Ok(Request::Several(parameters.into(), Names { witness, in_full }))
}

/// The keys that are named in full, each once.
struct InFull<'a> {
    namespaces: Column,
    fields: Column,
    keys: Vec<Key>,
    numbers: HashMap<&'a Key, i32>,
}

impl<'a> InFull<'a> {
    fn new() -> InFull<'a> {
        let (namespaces, fields) = (Column::texts(), Column::texts());
        InFull { namespaces, fields, keys: Vec::new(), numbers: HashMap::new() }
    }

    /// Returns the number of a key among these, counted from 1.
    fn number(&mut self, key: &'a Key) -> i32 {
        let next = i32::try_from(self.keys.len()).unwrap_or(i32::MAX).saturating_add(1);
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            self.namespaces.push(Some(key.namespace().as_str()));
            self.fields.push(Some(key.field().as_str()));
            self.keys.push(key.clone());
        }
        number
    }
}
