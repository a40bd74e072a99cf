use super::erase::eraser;
use super::handle::{NO_ANSWER, unknown_outcome};
use super::line::{Outcome, Request};
use super::observer::Appended;
use super::{Batch, Conflict, Driver, Durability, Position, Receipt};
use crate::error::{Error, ErrorKind};

/// The requests that are handed to the driver in one call.
pub(super) struct Group {
    /// The batches of all requests, in order.
    batches: Vec<Batch>,
    requests: Vec<Part>,
    /// What the only request erases, where it does.
    erases: Option<Vec<Position>>,
}

/// What a request has in a group.
struct Part {
    batches: usize,
    durability: Durability,
}

impl Group {
    pub(super) fn of(mut requests: Vec<Request>) -> Group {
        let erases = requests.first_mut().and_then(|request| request.erases.take());
        let part = |Request { batches, durability, .. }: &Request| Part {
            batches: batches.len(),
            durability: *durability,
        };
        let parts = requests.iter().map(part).collect();
        let joined = requests.into_iter().map(|request| request.batches).reduce(|mut all, more| {
            all.extend(more);
            all
        });
        Group { batches: joined.unwrap_or_default(), requests: parts, erases }
    }

    /// Appends all of it in one write, as durable as the most that was asked for. Where that fails
    /// and less might not, each request is tried by itself.
    pub(super) fn append(&self, driver: &dyn Driver) -> Vec<Outcome> {
        if let Some(positions) = &self.erases {
            return vec![erase(driver, positions, &self.batches)];
        }
        let durability = self.requests.iter().map(|request| request.durability).max().unwrap_or_default();
        match append(driver, &self.batches, durability) {
            Ok(answers) => self.divide(answers),
            Err(error) if self.requests.len() > 1 && less_may_fit(&error) => self.append_apart(driver),
            Err(error) => vec![Err(error); self.requests.len()],
        }
    }

    fn divide(&self, answers: Vec<Result<Receipt, Conflict>>) -> Vec<Outcome> {
        if self.requests.len() == 1 {
            return vec![Ok(answers)];
        }
        let mut answers = answers.into_iter();
        let own = |request: &Part| Ok(answers.by_ref().take(request.batches).collect());
        self.requests.iter().map(own).collect()
    }

    fn append_apart(&self, driver: &dyn Driver) -> Vec<Outcome> {
        let mut hopeless = None;
        let append = |(request, batches): (&Part, &[Batch])| {
            if let Some(error) = &hopeless {
                return Err(Error::clone(error));
            }
            let outcome = append(driver, batches, request.durability);
            hopeless = outcome.as_ref().err().filter(|error| !less_may_fit(error)).cloned();
            outcome
        };
        self.apart().map(append).collect()
    }

    /// Returns each request with its batches.
    fn apart(&self) -> impl Iterator<Item = (&Part, &[Batch])> {
        let mut rest = &self.batches[..];
        self.requests.iter().map(move |request| {
            let (own, later) = rest.split_at(request.batches);
            rest = later;
            (request, own)
        })
    }

    /// Returns the commits that came of it, in the order of their positions.
    pub(super) fn appended<'a>(&'a self, outcomes: &'a [Outcome]) -> Vec<Appended<'a>> {
        let answered = self.apart().zip(outcomes);
        let answered = answered.filter_map(|((_, batches), outcome)| Some((batches, outcome.as_ref().ok()?)));
        let answered = answered.flat_map(|(batches, answers)| batches.iter().zip(answers));
        let receipts = answered.filter_map(|(batch, answer)| Some((&batch.writes, answer.as_ref().ok()?)));
        let written = receipts.filter(|(_, receipt)| !receipt.repeated);
        written.map(|(writes, receipt)| Appended { receipt, writes }).collect()
    }
}

fn append(driver: &dyn Driver, batches: &[Batch], durability: Durability) -> Outcome {
    let answers = driver.append(batches, durability)?;
    if answers.len() == batches.len() { Ok(answers) } else { Err(unknown_outcome(NO_ANSWER)) }
}

fn erase(driver: &dyn Driver, positions: &[Position], audits: &[Batch]) -> Outcome {
    let eraser = eraser(driver)?;
    audits.iter().map(|audit| eraser.erase(positions, audit)).collect()
}

/// Returns whether nothing was appended, and a part of it might yet be: not where the outcome is
/// unknown, nor where the next try would only wait for, or run into, the same again.
fn less_may_fit(error: &Error) -> bool {
    !matches!(
        error.kind(),
        ErrorKind::Poisoned
            | ErrorKind::Unknown
            | ErrorKind::Busy
            | ErrorKind::Unavailable
            | ErrorKind::ReadOnly
            | ErrorKind::Corrupt
            | ErrorKind::NewerFormat
    )
}
