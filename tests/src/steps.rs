//! Random steps that a driver and the model take side by side.
//!
//! Keys are few, times close together and positions mostly near the end, so that conflicts, equal
//! times, overwritten and deleted keys are the rule and not the exception.

use annals_core::codec::Uuid;
use annals_core::{
    At, Batch, CommitId, Condition, Conflict, Context, Driver, Durability, Key, Namespace, Order, Position,
    PositionRange, Receipt, Scope, Write,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::contents::Contents;
use crate::samples::{key, namespace, position, time};
use crate::{Opened, Places, ScanDriver};

/// What is done next.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Append(Vec<BatchStep>, Durability),
    Commits {
        after: Where,
        through: Where,
        order: Order,
        limit: usize,
    },
    History {
        after: Where,
        through: Where,
        order: Order,
        skip: usize,
        limit: usize,
    },
    State {
        scope: Scope,
        at: Where,
        after: Option<Key>,
        limit: usize,
    },
    Namespaces {
        scope: Scope,
        after: Option<Namespace>,
        limit: usize,
    },
    BoundaryOfPosition(Where),
    BoundaryOfTime(i64),
    /// Erases at these positions.
    Erase(Vec<Where>, BatchStep),
    Scrub,
    Sync,
    Reopen,
    /// Restores everything into an empty log and goes on there.
    MoveToAnotherPlace,
}

/// One batch of an append.
#[derive(Clone, Debug)]
pub(crate) struct BatchStep {
    now: i64,
    actor: Option<String>,
    writes: Vec<(Key, WriteStep)>,
    conditions: Vec<(ConditionStep, Where)>,
    /// A few only, so that they repeat.
    given_id: Option<u8>,
}

#[derive(Clone, Debug)]
struct WriteStep {
    /// `None` deletes.
    bytes: Option<Vec<u8>>,
    reason: Option<String>,
}

#[derive(Clone, Debug)]
enum ConditionStep {
    KeyUnchanged(Key),
    KeyAbsent(Key),
    NamespaceUnchanged(Namespace),
    LogUnchanged,
}

/// A position, said without knowing how long the log is by then.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Where {
    BeforeLast(u64),
    AfterLast(u64),
    Number(u64),
    Max,
}

impl Where {
    fn resolve(self, last: Position) -> Position {
        match self {
            Where::BeforeLast(count) => position(last.get().saturating_sub(count)),
            Where::AfterLast(count) => last.plus(count),
            Where::Number(number) => position(number),
            Where::Max => Position::MAX,
        }
    }
}

/// Returns the steps of one run.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..40)
}

/// Takes `steps` with a driver and the model, and compares every answer, and everything in the end.
pub(crate) fn run(places: &Places, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut pair = Pair { log: places.open_empty(), model: ScanDriver::new(), batches: 0 };
    for (nth, step) in steps.iter().enumerate() {
        pair = pair.take(places, step).map_err(|error| at_step(nth, &error))?;
    }
    prop_assert_eq!(Contents::of(&*pair.log), Contents::of(&pair.model), "in the end");
    Ok(())
}

fn at_step(nth: usize, error: &TestCaseError) -> TestCaseError {
    TestCaseError::fail(format!("at step {}: {error}", nth + 1))
}

struct Pair {
    log: Opened,
    model: ScanDriver,
    batches: u128,
}

impl Pair {
    fn take(mut self, places: &Places, step: &Step) -> Result<Pair, TestCaseError> {
        let last = self.model.last_position()?;
        prop_assert_eq!(self.log.last_position()?, last);
        let range = |after: &Where, through: &Where| PositionRange {
            after: after.resolve(last),
            through: through.resolve(last),
        };
        match step {
            Step::Append(batches, durability) => self.append(batches, *durability)?,
            Step::Commits { after, through, order, limit } => {
                self.compare(|log| log.commits(range(after, through), *order, *limit))?;
            }
            Step::History { after, through, order, skip, limit } => {
                for key in all_keys() {
                    self.compare(|log| log.history(&key, range(after, through), *order, *skip, *limit))?;
                }
            }
            Step::State { scope, at, after, limit } => {
                let at = self.end_of_commit(at.resolve(last))?;
                self.compare(|log| log.state(scope, at, after.as_ref(), *limit))?;
            }
            Step::Namespaces { scope, after, limit } => {
                self.compare(|log| log.namespaces(scope, after.as_ref(), *limit))?;
            }
            Step::BoundaryOfPosition(at) => {
                self.compare(|log| log.boundary(At::Position(at.resolve(last))))?;
            }
            Step::BoundaryOfTime(micros) => self.compare(|log| log.boundary(At::Time(time(*micros))))?,
            Step::Erase(positions, audit) => self.erase(positions, audit, last)?,
            Step::Scrub => {
                if let Some(ability) = self.log.abilities().erase {
                    ability.scrub()?;
                }
            }
            Step::Sync => self.log.sync()?,
            Step::Reopen => self.log = self.log.reopen(),
            Step::MoveToAnotherPlace => self.log = moved(&self.log, places)?,
        }
        Ok(self)
    }

    fn append(&mut self, steps: &[BatchStep], durability: Durability) -> Result<(), TestCaseError> {
        let last = self.model.last_position()?;
        let mut batches = Vec::new();
        for step in steps {
            self.batches += 1;
            batches.push(step.batch(self.batches, last));
        }
        let found = self.log.append(&batches, durability)?;
        let expected = self.model.append(&batches, durability)?;
        let commits = |answers: Vec<Result<Receipt, Conflict>>| {
            let commit = |receipt: Receipt| (receipt.commit, receipt.repeated);
            answers.into_iter().map(|answer| answer.map(commit)).collect::<Vec<_>>()
        };
        prop_assert_eq!(commits(found), commits(expected), "left: the driver, right: the model");
        Ok(())
    }

    /// A driver that cannot erase passes over it.
    fn erase(&mut self, positions: &[Where], audit: &BatchStep, last: Position) -> Result<(), TestCaseError> {
        let abilities = [self.log.abilities(), self.model.abilities()];
        let [Some(found), Some(expected)] = abilities.map(|abilities| abilities.erase) else { return Ok(()) };
        let mut positions: Vec<Position> = positions.iter().map(|position| position.resolve(last)).collect();
        positions.sort_unstable();
        positions.dedup();
        self.batches += 1;
        let audit = audit.batch(self.batches, last);
        let told = Write::set(key("__annals/erasures", "erasure"), *b"\x80");
        let audit = Batch { id: CommitId::Made(audit.id.uuid()), writes: vec![told], ..audit };
        let found = found.erase(&positions, &audit)?.map(|receipt| receipt.commit);
        let expected = expected.erase(&positions, &audit)?.map(|receipt| receipt.commit);
        prop_assert_eq!(found, expected, "left: the driver, right: the model");
        Ok(())
    }

    fn compare<T: PartialEq + std::fmt::Debug>(
        &self,
        read: impl Fn(&dyn Driver) -> Result<T, annals_core::Error>,
    ) -> Result<(), TestCaseError> {
        prop_assert_eq!(read(&*self.log)?, read(&self.model)?, "left: the driver, right: the model");
        Ok(())
    }

    /// What `state` may be asked for: the end of a commit, or the greatest position.
    fn end_of_commit(&self, at: Position) -> Result<Position, TestCaseError> {
        Ok(if at == Position::MAX { at } else { self.model.boundary(At::Position(at))? })
    }
}

fn moved(log: &Opened, places: &Places) -> Result<Opened, TestCaseError> {
    let to = places.open_empty();
    let mut seen = Position::START;
    loop {
        let page = log.commits(PositionRange::after(seen), Order::OldestFirst, 10)?;
        let Some(newest) = page.last() else { return Ok(to) };
        seen = newest.commit.last;
        to.restore(&page)?;
    }
}

impl BatchStep {
    fn batch(&self, number: u128, last: Position) -> Batch {
        let made = || CommitId::Made(Uuid::from_bytes(number.to_be_bytes()));
        let writes = self.writes.iter().map(|(key, step)| {
            let write = match &step.bytes {
                Some(bytes) => Write::set(key.clone(), &bytes[..]),
                None => Write::delete(key.clone()),
            };
            Write { reason: step.reason.clone(), ..write }
        });
        let conditions = self.conditions.iter().map(|(condition, since)| {
            let since = since.resolve(last);
            match condition.clone() {
                ConditionStep::KeyUnchanged(key) => Condition::KeyUnchanged { key, since },
                ConditionStep::KeyAbsent(key) => Condition::KeyAbsent { key },
                ConditionStep::NamespaceUnchanged(namespace) => {
                    Condition::NamespaceUnchanged { namespace, since }
                }
                ConditionStep::LogUnchanged => Condition::LogUnchanged { since },
            }
        });
        Batch {
            id: self.given_id.map_or_else(made, |id| CommitId::Given(Uuid::from_bytes([id; 16]))),
            now: time(self.now),
            context: Context { actor: self.actor.clone(), ..Context::new() },
            conditions: conditions.collect(),
            writes: writes.collect(),
        }
    }
}

const NAMESPACES: [&str; 6] = ["A", "a", "a-b", "a/b", "a/b/c", "ab"];

fn all_keys() -> Vec<Key> {
    let keys = NAMESPACES.iter().flat_map(|namespace| [key(namespace, "x"), key(namespace, "é")]);
    keys.chain([key("a", "b"), key("a", "X")]).collect()
}

fn a_key() -> impl Strategy<Value = Key> + Clone {
    select(all_keys())
}

fn a_namespace() -> impl Strategy<Value = Namespace> + Clone {
    select(NAMESPACES.map(namespace).to_vec())
}

fn a_scope() -> impl Strategy<Value = Scope> {
    prop_oneof![Just(Scope::All), a_namespace().prop_map(Scope::Record), a_namespace().prop_map(Scope::Under),]
}

fn a_position() -> impl Strategy<Value = Where> + Clone {
    prop_oneof![
        4 => (0..6_u64).prop_map(Where::BeforeLast),
        1 => (1..3_u64).prop_map(Where::AfterLast),
        2 => (0..40_u64).prop_map(Where::Number),
        1 => Just(Where::Max),
    ]
}

/// Where a range begins and ends: mostly not empty.
fn a_range() -> impl Strategy<Value = (Where, Where)> {
    let after = prop_oneof![
        2 => Just(Where::Number(0)),
        4 => (0..12_u64).prop_map(Where::BeforeLast),
        2 => (0..40_u64).prop_map(Where::Number),
    ];
    let through = prop_oneof![3 => Just(Where::Max), 3 => a_position()];
    (after, through)
}

fn an_order() -> impl Strategy<Value = Order> + Clone {
    select(vec![Order::OldestFirst, Order::NewestFirst])
}

fn a_limit() -> impl Strategy<Value = usize> + Clone {
    prop_oneof![6 => 1..8_usize, 1 => Just(1000), 1 => Just(usize::MAX)]
}

fn a_text() -> impl Strategy<Value = Option<String>> {
    proptest::option::weighted(0.3, select(vec!["alice".into(), String::new(), "it's\0".into()]))
}

fn a_write() -> impl Strategy<Value = WriteStep> {
    (proptest::option::weighted(0.7, vec(any::<u8>(), 0..4)), a_text())
        .prop_map(|(bytes, reason)| WriteStep { bytes, reason })
}

fn a_condition() -> impl Strategy<Value = ConditionStep> {
    prop_oneof![
        a_key().prop_map(ConditionStep::KeyUnchanged),
        a_key().prop_map(ConditionStep::KeyAbsent),
        a_namespace().prop_map(ConditionStep::NamespaceUnchanged),
        Just(ConditionStep::LogUnchanged),
    ]
}

fn a_batch() -> impl Strategy<Value = BatchStep> {
    let writes = subsequence(all_keys(), 1..5).prop_shuffle();
    let writes =
        (writes, vec(a_write(), 4)).prop_map(|(keys, writes)| keys.into_iter().zip(writes).collect());
    let conditions = prop_oneof![2 => Just(Vec::new()), 3 => vec((a_condition(), a_position()), 1..3)];
    let given_id = proptest::option::weighted(0.4, 0..12_u8);
    (0..12_i64, a_text(), writes, conditions, given_id).prop_map(
        |(now, actor, writes, conditions, given_id)| BatchStep { now, actor, writes, conditions, given_id },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let durability = select(vec![Durability::Buffered, Durability::Buffered, Durability::Synced]);
    prop_oneof![
        10 => (vec(a_batch(), 1..4), durability).prop_map(|(batches, level)| Step::Append(batches, level)),
        4 => (a_range(), an_order(), a_limit())
            .prop_map(|((after, through), order, limit)| Step::Commits { after, through, order, limit }),
        3 => (a_range(), an_order(), 0..4_usize, a_limit()).prop_map(
            |((after, through), order, skip, limit)| Step::History { after, through, order, skip, limit }
        ),
        3 => (a_scope(), a_position(), proptest::option::of(a_key()), a_limit())
            .prop_map(|(scope, at, after, limit)| Step::State { scope, at, after, limit }),
        2 => (a_scope(), proptest::option::of(a_namespace()), a_limit())
            .prop_map(|(scope, after, limit)| Step::Namespaces { scope, after, limit }),
        1 => a_position().prop_map(Step::BoundaryOfPosition),
        1 => (-1..14_i64).prop_map(Step::BoundaryOfTime),
        2 => (vec(a_position(), 0..6), a_batch()).prop_map(|(at, audit)| Step::Erase(at, audit)),
        1 => Just(Step::Scrub),
        1 => Just(Step::Sync),
        2 => Just(Step::Reopen),
        1 => Just(Step::MoveToAnotherPlace),
    ]
}
