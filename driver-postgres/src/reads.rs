//! The questions: each is one statement, and so one round trip and one moment.

use std::cmp::Ordering;

use annals_core::codec::Timestamp;
use annals_core::{Change, Entry, Key, Namespace, Order, Position, PositionRange, Scope};

use postgres::Row;

use crate::failure::Failure;
use crate::parameter::{Column, Parameter};
use crate::place::Place;
use crate::rows::{self, Page};

/// Returns the position of the newest entry.
pub(crate) fn last_position(place: &Place) -> Result<Position, Failure> {
    let found = place.read(&place.sql.last_position, &[])?;
    let row = found.first().ok_or_else(|| place.no_log())?;
    Ok(rows::position_or_start(row, 0)?.unwrap_or(Position::START))
}

/// Returns the greatest end of a commit at or before `position`.
pub(crate) fn boundary(place: &Place, position: Position) -> Result<Position, Failure> {
    let found = place.read(&place.sql.boundary, &[Parameter::number(position.to_i64())])?;
    let end = found.first().map(|row| rows::position_or_start(row, 0)).transpose()?;
    Ok(end.flatten().unwrap_or(Position::START))
}

/// Returns the end of the last commit recorded at or before `time`.
pub(crate) fn boundary_in_time(place: &Place, time: Timestamp) -> Result<Position, Failure> {
    let found = place.read(&place.sql.boundary_in_time, &[Parameter::number(time.as_micros())])?;
    let row =
        found.first().ok_or_else(|| Failure::Damaged("the log is damaged: a commit is missing".into()))?;
    Ok(rows::position_or_start(row, 0)?.unwrap_or(Position::START))
}

/// Returns the newest entry of `key` at or before `at`.
pub(crate) fn entry(place: &Place, key: &Key, at: Position) -> Result<Option<Entry>, Failure> {
    let [namespace, field] = Parameter::names(key);
    let found =
        place.read(&place.sql.questions.entry, &[namespace, field, Parameter::number(at.to_i64())])?;
    found.first().map(|row| rows::entry(row, key.clone())).transpose()
}

/// Returns the changes of `key`.
pub(crate) fn history(
    place: &Place,
    key: &Key,
    range: PositionRange,
    order: Order,
    skip: usize,
    limit: usize,
) -> Result<Vec<Change>, Failure> {
    let sql = match order {
        Order::OldestFirst => &place.sql.questions.history_oldest_first,
        Order::NewestFirst => &place.sql.questions.history_newest_first,
    };
    let numbers = [range.after.to_i64(), range.through.to_i64(), whole(limit), whole(skip)];
    let parameters: Vec<_> =
        Parameter::names(key).into_iter().chain(numbers.map(Parameter::number)).collect();
    let page = Page::read(&place.read(sql, &parameters)?)?;
    let mut changes = page.changes(|entry| entry.position)?;
    if order == Order::NewestFirst {
        changes.reverse();
    }
    Ok(changes)
}

/// Returns the newest change at or before `at` of each key in scope.
pub(crate) fn state(
    place: &Place,
    scope: &Scope,
    at: Position,
    after: Option<&Key>,
    limit: usize,
) -> Result<Vec<Change>, Failure> {
    let page = match scope {
        Scope::Record(namespace) => record(place, namespace, at, after, limit),
        Scope::Under(_) | Scope::All => ranges(place, scope, at, after, limit),
    };
    Page::read(&page?)?.changes(|entry| entry.key.clone())
}

fn record(
    place: &Place,
    namespace: &Namespace,
    at: Position,
    after: Option<&Key>,
    limit: usize,
) -> Result<Vec<Row>, Failure> {
    // No field is empty, so all of a record comes after its empty field.
    let field = match after.map(|key| (key.namespace().cmp(namespace), key.field().as_str())) {
        Some((Ordering::Greater, _)) => return Ok(Vec::new()),
        Some((Ordering::Equal, field)) => field,
        Some((Ordering::Less, _)) | None => "",
    };
    let parameters = [
        Parameter::text(namespace.as_str()),
        Parameter::number(at.to_i64()),
        Parameter::text(field),
        Parameter::number(whole(limit)),
    ];
    place.read(&place.sql.questions.record, &parameters)
}

fn ranges(
    place: &Place,
    scope: &Scope,
    at: Position,
    after: Option<&Key>,
    limit: usize,
) -> Result<Vec<Row>, Failure> {
    let (mut namespaces, mut fields, mut ends) = (Column::texts(), Column::texts(), Column::texts());
    for range in scope.ranges() {
        // No field is empty, so all of a namespace comes after its empty field.
        let begin = after.map(|key| (key.namespace().as_str(), key.field().as_str()));
        let (namespace, field) = begin.unwrap_or_default().max((&range.start, ""));
        namespaces.push(Some(namespace));
        fields.push(Some(field));
        ends.push(Some(range.end));
    }
    let parameters = [
        Parameter::number(at.to_i64()),
        namespaces.into(),
        fields.into(),
        ends.into(),
        Parameter::number(whole(limit)),
    ];
    place.read(&place.sql.state, &parameters)
}

/// Returns the namespaces in scope.
pub(crate) fn namespaces(
    place: &Place,
    scope: &Scope,
    after: Option<&Namespace>,
    limit: usize,
) -> Result<Vec<Namespace>, Failure> {
    let next = after.map(Namespace::just_after).unwrap_or_default();
    let (mut starts, mut ends) = (Column::texts(), Column::texts());
    for range in scope.ranges() {
        starts.push(Some(range.start.max(next.clone())));
        ends.push(Some(range.end));
    }
    let parameters = [starts.into(), ends.into(), Parameter::number(whole(limit))];
    let found = place.read(&place.sql.namespaces, &parameters)?;
    found.iter().map(|row| rows::namespace(row, 0)).collect()
}

/// Returns a number of rows as the server takes it; more than there can be is as good as all.
pub(crate) fn whole(number: impl TryInto<i64>) -> i64 {
    const ALL: i64 = 1 << 62;
    number.try_into().map_or(ALL, |number| number.min(ALL))
}
