use std::thread;

use annals_core::{Context, Error, ErrorKind, Expect, Position, Receipt, Record, Store};
use fastrand::Rng;

use super::Clock;
use super::operation::{KeyValue, Operation, Outcome, Premise, Recorded};

/// The keys of a round: two fields of a record, and one of another.
const KEYS: [(&str, &str); 3] = [("a", "x"), ("a", "y"), ("b", "x")];

/// So few that a history can be checked, so many that threads come between one another.
const OPERATIONS: usize = 12;

/// One thread that uses a store and records what it was answered.
pub(super) struct Client<'a> {
    store: &'a Store,
    /// Where the log ended before the round: its keys were never written at or before it.
    begin: u64,
    thread: usize,
    random: Rng,
    /// The greatest position that this thread has seen.
    seen: u64,
    /// The newest entry of each key that this thread has seen.
    entries: [u64; KEYS.len()],
    next_value: u32,
    is_fault: &'a (dyn Fn(&Error) -> bool + Sync),
    is_poisoned: bool,
}

impl<'a> Client<'a> {
    pub(super) fn new(
        store: &'a Store,
        begin: u64,
        (thread, seed): (usize, u64),
        is_fault: &'a (dyn Fn(&Error) -> bool + Sync),
    ) -> Client<'a> {
        let mut of_round = Rng::with_seed(seed);
        let random = (0..=thread).map(|_| of_round.fork()).last().unwrap_or_default();
        let next_value = u32::try_from(thread).unwrap() * 1000;
        let entries = [0; KEYS.len()];
        Client {
            store,
            begin,
            thread,
            random,
            seen: begin,
            entries,
            next_value,
            is_fault,
            is_poisoned: false,
        }
    }

    pub(super) fn run(mut self, clock: &Clock) -> Vec<Recorded> {
        let mut done = Vec::new();
        for _ in 0..OPERATIONS {
            let called = clock.tick();
            let answer = self.operate();
            let returned = clock.tick();
            match answer {
                Ok(operation) => {
                    let is_open = matches!(operation, Operation::Write { outcome: Outcome::Open, .. });
                    let returned = if is_open { Recorded::NEVER } else { returned };
                    done.push(Recorded { thread: self.thread, called, returned, operation });
                }
                // Nothing was written: others kept being first, or a fault prevented it.
                Err(error) => assert!(error.is_conflict() || (self.is_fault)(&error), "{error}"),
            }
        }
        done
    }

    /// Does something, and returns what it was; an error if nothing can have come of it.
    fn operate(&mut self) -> Result<Operation, Error> {
        let key = self.random.usize(..KEYS.len());
        let choices = if self.is_poisoned { 7 } else { 18 };
        match self.random.u8(..choices) {
            0..=1 => self.read(key),
            2..=3 => self.read_entry(key),
            4 => self.read_as_of(key),
            5..=6 => self.snapshot(),
            7..=8 => self.set(key),
            9..=10 => self.delete(key),
            11 => self.set_if_absent(key),
            12..=13 => self.set_if_unchanged(key),
            _ => self.transact(),
        }
    }

    fn read(&mut self, key: usize) -> Result<Operation, Error> {
        let value = self.record(key)?.get(field(key))?;
        Ok(Operation::Read((key, value)))
    }

    fn read_entry(&mut self, key: usize) -> Result<Operation, Error> {
        let newest = self.record(key)?.entry(field(key))?;
        let position = newest.as_ref().map_or(0, |newest| newest.position().get());
        self.entries[key] = position;
        self.seen = newest.as_ref().map_or(self.seen, |newest| self.seen.max(newest.commit.last.get()));
        let value = newest.map_or(Ok(None), |newest| newest.get())?;
        Ok(Operation::ReadEntry(position, (key, value)))
    }

    fn read_as_of(&mut self, key: usize) -> Result<Operation, Error> {
        let at = self.random.u64(..=self.seen);
        let value = self.record(key)?.at(position(at))?.get(field(key))?;
        Ok(Operation::ReadAsOf(at, (key, value)))
    }

    fn snapshot(&mut self) -> Result<Operation, Error> {
        let snapshot = self.store.snapshot()?;
        let value = |key| snapshot.record(&*self.namespace(key))?.get(field(key));
        let all = (0..KEYS.len()).map(|key| Ok((key, value(key)?))).collect::<Result<_, Error>>()?;
        self.seen = self.seen.max(snapshot.position().get());
        Ok(Operation::Snapshot(snapshot.position().get(), all))
    }

    fn set(&mut self, key: usize) -> Result<Operation, Error> {
        let value = self.new_value();
        let answer = self.record(key)?.set(field(key), &value).map(Some);
        self.written(Vec::new(), vec![(key, Some(value))], answer)
    }

    fn delete(&mut self, key: usize) -> Result<Operation, Error> {
        let answer = self.record(key)?.delete(field(key)).map(Some);
        self.written(vec![Premise::Present(key)], vec![(key, None)], answer)
    }

    fn set_if_absent(&mut self, key: usize) -> Result<Operation, Error> {
        let value = self.new_value();
        let answer = self.record(key)?.set_if(field(key), Expect::Absent, &value).map(Some);
        self.written(vec![Premise::Absent(key)], vec![(key, Some(value))], answer)
    }

    fn set_if_unchanged(&mut self, key: usize) -> Result<Operation, Error> {
        let (since, value) = (self.entries[key], self.new_value());
        let answer = self.record(key)?.set_if(field(key), Expect::At(position(since)), &value).map(Some);
        self.written(vec![Premise::UnchangedSince(key, since)], vec![(key, Some(value))], answer)
    }

    /// Reads some keys, sets and deletes some; what has no value is not deleted.
    fn transact(&mut self) -> Result<Operation, Error> {
        let (reads, plan, hesitates) = (self.some_keys(), self.plan(), self.random.bool());
        let (mut on, mut writes) = (Vec::new(), Vec::new());
        let answer = self.store.transaction(Context::new(), |tx| {
            (on, writes) = (Vec::new(), Vec::new());
            let mut read = |key| {
                let value = tx.record(&*self.namespace(key))?.get::<u32>(field(key))?;
                on.push(Premise::Value((key, value)));
                Ok::<_, Error>(value)
            };
            for key in &reads {
                read(*key)?;
            }
            if hesitates {
                thread::yield_now();
            }
            for (key, value) in &plan {
                let record = tx.record(&*self.namespace(*key))?;
                match value {
                    Some(value) => record.set(field(*key), value)?,
                    None if read(*key)?.is_some() => record.delete(field(*key))?,
                    None => continue,
                }
                writes.push((*key, *value));
            }
            Ok(())
        });
        self.written(on, writes, answer.map(|done| done.receipt))
    }

    /// Returns what came of a write; an error if nothing can have come of it.
    fn written(
        &mut self,
        on: Vec<Premise>,
        writes: Vec<KeyValue>,
        answer: Result<Option<Receipt>, Error>,
    ) -> Result<Operation, Error> {
        let is_conditional =
            on.iter().any(|on| matches!(on, Premise::Absent(_) | Premise::UnchangedSince(..)));
        let outcome = match answer {
            Ok(None) => Outcome::Nothing,
            Ok(Some(receipt)) => {
                self.seen = self.seen.max(receipt.position().get());
                Outcome::Appended(receipt.commit.first.get(), receipt.commit.last.get())
            }
            Err(Error::NotFound { .. }) => Outcome::NoValue,
            Err(Error::Conflict(lost)) if is_conditional => Outcome::LostTo(lost.lost_to.last.get()),
            Err(error) if error.kind() == ErrorKind::Poisoned => {
                assert!((self.is_fault)(&error), "{error}");
                self.is_poisoned = true;
                Outcome::Open
            }
            Err(error) => return Err(error),
        };
        Ok(Operation::Write { on, writes, outcome })
    }

    fn plan(&mut self) -> Vec<KeyValue> {
        let keys = self.some_keys();
        let value = |key| (key, self.random.u8(..4) > 0);
        let chosen: Vec<_> = keys.into_iter().map(value).collect();
        chosen.into_iter().map(|(key, is_set)| (key, is_set.then(|| self.new_value()))).collect()
    }

    fn some_keys(&mut self) -> Vec<usize> {
        let count = self.random.usize(..=KEYS.len());
        self.random.choose_multiple(0..KEYS.len(), count)
    }

    fn new_value(&mut self) -> u32 {
        self.next_value += 1;
        self.next_value
    }

    fn record(&self, key: usize) -> Result<Record, Error> {
        self.store.record(&*self.namespace(key))
    }

    fn namespace(&self, key: usize) -> String {
        format!("after/{}/{}", self.begin, KEYS[key].0)
    }
}

fn field(key: usize) -> &'static str {
    KEYS[key].1
}

fn position(number: u64) -> Position {
    crate::samples::position(number)
}
