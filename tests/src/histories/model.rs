use std::sync::Arc;

use todc_utils::specifications::Specification;

use super::operation::{KeyValue, Operation, Outcome, Premise};

/// A log that does one operation after the other: what a history is explained by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Model {
    begin: u64,
    commits: Vec<Commit>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Commit {
    last: u64,
    writes: Arc<[KeyValue]>,
}

/// An entry of a key: its position, the end of its commit, the value.
struct Entry {
    position: u64,
    commit: u64,
    value: Option<u32>,
}

impl Specification for Model {
    type State = Model;
    type Operation = Operation;

    fn init() -> Model {
        Model::default()
    }

    fn apply(operation: &Operation, state: &Model) -> (bool, Model) {
        let mut next = state.clone();
        if next.explains(operation) { (true, next) } else { (false, state.clone()) }
    }
}

impl Model {
    /// Does `operation` and returns whether its answer is what it was.
    fn explains(&mut self, operation: &Operation) -> bool {
        match operation {
            Operation::Begin(position) => {
                self.begin = *position;
                true
            }
            Operation::Read((key, value)) => self.value(*key) == *value,
            Operation::ReadEntry(position, (key, value)) => {
                let newest = self.newest(*key, self.last());
                newest.map_or((0, None), |newest| (newest.position, newest.value)) == (*position, *value)
            }
            Operation::ReadAsOf(at, key_value) => *at <= self.last() && self.is_as_of(*at, *key_value),
            Operation::ReadTogether(all) => all.iter().all(|(key, value)| self.value(*key) == *value),
            Operation::Snapshot(at, all) => {
                *at == self.last() && all.iter().all(|one| self.is_as_of(*at, *one))
            }
            Operation::Write { on, writes, outcome } => self.write(on, writes, outcome),
        }
    }

    fn write(&mut self, on: &[Premise], writes: &[KeyValue], outcome: &Outcome) -> bool {
        let broken = on.iter().find(|premise| !self.holds(premise));
        match outcome {
            Outcome::Appended(first, last) => broken.is_none() && self.append(writes) == (*first, *last),
            Outcome::Nothing => broken.is_none(),
            Outcome::LostTo(commit) => broken.is_some_and(|premise| self.breaker(premise) == Some(*commit)),
            Outcome::NoValue => broken.is_some(),
            Outcome::Open => {
                if broken.is_none() {
                    self.append(writes);
                }
                true
            }
        }
    }

    fn append(&mut self, writes: &[KeyValue]) -> (u64, u64) {
        let first = self.last() + 1;
        let last = self.last() + writes.len() as u64;
        self.commits.push(Commit { last, writes: writes.into() });
        (first, last)
    }

    fn holds(&self, premise: &Premise) -> bool {
        match premise {
            Premise::Value((key, value)) => self.value(*key) == *value,
            Premise::Present(key) => self.value(*key).is_some(),
            Premise::Absent(_) | Premise::UnchangedSince(..) => self.breaker(premise).is_none(),
        }
    }

    /// Returns the end of the commit that broke a condition, `None` if it holds or is none.
    fn breaker(&self, premise: &Premise) -> Option<u64> {
        let found = match premise {
            Premise::Absent(key) => self.newest(*key, self.last()).filter(|entry| entry.value.is_some()),
            Premise::UnchangedSince(key, since) => self.entries(*key).find(|entry| entry.position > *since),
            Premise::Value(_) | Premise::Present(_) => None,
        };
        found.map(|entry| entry.commit)
    }

    fn value(&self, key: usize) -> Option<u32> {
        self.newest(key, self.last())?.value
    }

    fn is_as_of(&self, at: u64, (key, value): KeyValue) -> bool {
        self.newest(key, at).and_then(|entry| entry.value) == value
    }

    /// Returns the newest entry of `key` among the commits that end at or before `at`.
    fn newest(&self, key: usize, at: u64) -> Option<Entry> {
        self.entries(key).take_while(|entry| entry.commit <= at).last()
    }

    fn entries(&self, key: usize) -> impl Iterator<Item = Entry> {
        let entries = self.commits.iter().flat_map(|commit| {
            let first = commit.last + 1 - commit.writes.len() as u64;
            (first..).zip(&*commit.writes).map(|(position, write)| (position, commit.last, *write))
        });
        entries
            .filter(move |(_, _, (written, _))| *written == key)
            .map(|(position, commit, (_, value))| Entry { position, commit, value })
    }

    fn last(&self) -> u64 {
        self.commits.last().map_or(self.begin, |commit| commit.last)
    }
}
