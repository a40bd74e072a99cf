use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use annals_core::{Batch, Conflict, Durability, Position, Receipt};

use crate::failure::Failure;
use crate::group::Group;
use crate::options::AppendBy;
use crate::outcome::Outcome;
use crate::parameter::Parameter;
use crate::place::Place;
use crate::plain;
use crate::reads;
use crate::transaction::{Terms, Transaction};

/// What this process has seen of a log.
///
/// A commit of an append that begins now cannot be at or before a position that was seen before. So
/// only what is behind it is searched when a connection is lost while committing and the append is
/// made again: it is there, or it is appended now, and never twice.
#[derive(Debug)]
pub(crate) struct Seen {
    position: AtomicI64,
    /// When that was.
    when: Mutex<Instant>,
}

impl Seen {
    /// After so long others may have appended so much that it is cheaper to look again.
    const FRESH: Duration = Duration::from_secs(1);

    pub(crate) fn new(position: Position) -> Seen {
        Seen { position: AtomicI64::new(position.to_i64()), when: Mutex::new(Instant::now()) }
    }

    /// Notes a position, also one before the last that was noted: a crash of the server may have taken
    /// commits that did not wait for its disk. To search from further back is never wrong.
    pub(crate) fn note(&self, position: Position) {
        self.position.store(position.to_i64(), Ordering::Release);
        *self.when.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn is_fresh(&self) -> bool {
        self.when.lock().unwrap_or_else(PoisonError::into_inner).elapsed() < Self::FRESH
    }

    /// Returns a position that was seen not long ago.
    fn position(&self, place: &Place) -> Result<Position, Failure> {
        if !self.is_fresh() {
            self.note(reads::last_position(place)?);
        }
        Ok(Position::from_i64(self.position.load(Ordering::Acquire)).unwrap_or(Position::START))
    }
}

/// How commits are written.
#[derive(Debug)]
pub(crate) struct Writing {
    pub(crate) busy_timeout: Duration,
    pub(crate) by: AppendBy,
    /// Whether the schema has functions for plain batches, as they are called here.
    pub(crate) has_plain: bool,
}

impl Writing {
    /// More bytes of entries than this do not go through one call of a function: PostgreSQL takes a
    /// message of 1 GiB.
    const CALL_BYTES_MAX: u64 = 256 << 20;

    /// Returns whether so many bytes go through the function.
    pub(crate) fn by_function(&self, bytes: u64) -> bool {
        self.by == AppendBy::Function && bytes <= Self::CALL_BYTES_MAX
    }
}

/// Appends each batch whose conditions hold, all in one transaction.
pub(crate) fn append(
    place: &Place,
    seen: &Seen,
    writing: &Writing,
    batches: &[Batch],
    durability: Durability,
) -> Result<Vec<Result<Receipt, Conflict>>, Failure> {
    answered(place, seen, batches, durability, |from| match writing.by_function(payload(batches)) {
        true => by_function(place, from, writing, batches, durability),
        false => by_statements(place, from, writing, batches, durability),
    })
}

/// Returns how many bytes of values there are.
pub(crate) fn payload(batches: &[Batch]) -> u64 {
    let writes = batches.iter().flat_map(|batch| &batch.writes);
    writes.filter_map(|write| write.action.bytes()).map(|bytes| bytes.len() as u64).sum()
}

/// Returns the answers to batches that `write` appends, which is told a position that was seen before.
pub(crate) fn answered(
    place: &Place,
    seen: &Seen,
    batches: &[Batch],
    durability: Durability,
    write: impl FnOnce(Position) -> Result<Outcome, Failure>,
) -> Result<Vec<Result<Receipt, Conflict>>, Failure> {
    let answers = write(seen.position(place)?)?.answers(batches, durability)?;
    if let Some(newest) = answers.iter().flatten().map(Receipt::position).max() {
        seen.note(newest);
    }
    Ok(answers)
}

/// One round trip, but for the rare case that a plain append took for granted what does not hold.
fn by_function(
    place: &Place,
    seen: Position,
    writing: &Writing,
    batches: &[Batch],
    durability: Durability,
) -> Result<Outcome, Failure> {
    let judged = || {
        let mut parameters = place.parameters(&[
            Parameter::number(seen.to_i64()),
            Parameter::boolean(durability == Durability::Synced),
            Parameter::number(milliseconds(writing.busy_timeout)),
        ]);
        parameters.extend(Group::new(batches)?.into_parameters());
        Ok::<Vec<Parameter>, Failure>(parameters)
    };
    if !writing.has_plain || !batches.iter().all(plain::is_plain) {
        return Outcome::read(&place.pool.write(&place.sql.append, judged()?)?);
    }
    place.pool.insist_on_writing(|connection, deadline| {
        let request = plain::Request::new(place, seen, writing, batches, durability)?;
        let (sql, parameters) = request.statement(place);
        match connection.query(deadline, sql, parameters) {
            Err(failure) if failure.is_of_mistake() => {
                place.keys.forget();
                Outcome::read(&connection.query(deadline, &place.sql.append, &judged()?.into())?)
            }
            answer => request.outcome(place, batches, &answer?),
        }
    })
}

fn by_statements(
    place: &Place,
    seen: Position,
    writing: &Writing,
    batches: &[Batch],
    durability: Durability,
) -> Result<Outcome, Failure> {
    let terms = Terms::new(place, writing.busy_timeout, durability);
    let batches: Arc<[Batch]> = batches.into();
    place.pool.insist_on_writing(|connection, deadline| {
        let (terms, batches) = (terms.clone(), Arc::clone(&batches));
        connection.run(deadline, move |client| {
            let mut transaction = Transaction::begin(client, &terms)?;
            let outcome = transaction.append(&batches, seen)?;
            transaction.commit().map(|()| outcome)
        })
    })
}

/// Makes every commit of the log durable, also those of other processes: one that wrote something ends
/// with all before it on disk.
pub(crate) fn sync(place: &Place, writing: &Writing) -> Result<(), Failure> {
    if writing.by_function(0) {
        return place.pool.read(&place.sql.sync, place.parameters(&[])).map(drop);
    }
    let terms = Terms::new(place, writing.busy_timeout, Durability::Synced);
    place.pool.insist(|connection, deadline| {
        let terms = terms.clone();
        connection.run(deadline, move |client| Transaction::begin(client, &terms)?.commit())
    })
}

/// Returns a time as the server takes it: 0 would mean for ever.
pub(crate) fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX).clamp(1, i64::from(i32::MAX))
}
