use annals_core::{Context, Error, ErrorKind, Expect, Position, Receipt, Record, Store};
use fastrand::Rng;

use super::Clock;
use super::body::Body;
use super::keys::{KEYS, Keys, RECORD, field};
use super::operation::{KeyValue, Operation, Outcome, Premise, Recorded};

/// So few that a history can be checked, so many that threads come between one another.
const OPERATIONS: usize = 12;

/// One thread that uses a store and records what it was answered.
pub(super) struct Client<'a> {
    store: &'a Store,
    keys: Keys,
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
            keys: Keys { begin },
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
        let choices = if self.is_poisoned { 8 } else { 20 };
        match self.random.u8(..choices) {
            0..=1 => self.read(key),
            2..=3 => self.read_entry(key),
            4 => self.read_as_of(key),
            5 => self.read_record(),
            6..=7 => self.snapshot(),
            8..=9 => self.set(key),
            10..=11 => self.delete(key),
            12 => self.set_if(key, Expect::Absent),
            13..=14 => self.set_if(key, Expect::At(position(self.entries[key]))),
            15 => self.edit(key),
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

    fn read_record(&mut self) -> Result<Operation, Error> {
        let mut all = RECORD.map(|key| (key, None));
        for change in self.record(RECORD[0])?.entries()? {
            let found = all.iter_mut().find(|(key, _)| change.key().field().as_str() == field(*key));
            found.expect("a field of the round").1 = change.get()?;
        }
        Ok(Operation::ReadTogether(all.into()))
    }

    fn snapshot(&mut self) -> Result<Operation, Error> {
        let snapshot = self.store.snapshot()?;
        let value = |key| snapshot.record(&*self.keys.namespace(key))?.get(field(key));
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

    fn set_if(&mut self, key: usize, expect: Expect) -> Result<Operation, Error> {
        let value = self.new_value();
        let on = vec![match expect {
            Expect::Absent => Premise::Absent(key),
            Expect::At(since) => Premise::UnchangedSince(key, since.get()),
        }];
        let writes = vec![(key, Some(value))];
        match self.record(key)?.set_if(field(key), expect, &value) {
            Err(Error::Conflict(lost)) => {
                let outcome = Outcome::LostTo(lost.lost_to.last.get());
                Ok(Operation::Write { on, writes, outcome })
            }
            answer => self.written(on, writes, answer.map(Some)),
        }
    }

    fn edit(&mut self, key: usize) -> Result<Operation, Error> {
        let value = self.new_value();
        let mut on = vec![Premise::Present(key)];
        let answer = self.record(key)?.edit(field(key), |draft: &mut u32| {
            on = vec![Premise::Value((key, Some(*draft)))];
            *draft = value;
        });
        let on = if matches!(answer, Err(Error::NotFound { .. })) { vec![Premise::Present(key)] } else { on };
        self.written(on, vec![(key, Some(value))], answer.map(|done| done.receipt))
    }

    fn transact(&mut self) -> Result<Operation, Error> {
        let body = self.body();
        let (mut on, mut writes) = (Vec::new(), Vec::new());
        let answer = self.store.transaction(Context::new(), |tx| {
            (on, writes) = body.run(tx)?;
            Ok(())
        });
        self.written(on, writes, answer.map(|done| done.receipt))
    }

    fn body(&mut self) -> Body {
        let (reads, written) = (self.some_keys(), self.some_keys());
        let writes = written.into_iter().map(|key| (key, self.value_or_none())).collect();
        let (lists, hesitates) = (self.random.u8(..4) == 0, self.random.bool());
        Body { keys: self.keys, lists, reads, hesitates, writes }
    }

    /// Returns what to set a key to; one time in four it is to be deleted.
    fn value_or_none(&mut self) -> Option<u32> {
        (self.random.u8(..4) > 0).then(|| self.new_value())
    }

    /// Returns what came of a write; an error if nothing can have come of it.
    fn written(
        &mut self,
        on: Vec<Premise>,
        writes: Vec<KeyValue>,
        answer: Result<Option<Receipt>, Error>,
    ) -> Result<Operation, Error> {
        let outcome = match answer {
            Ok(None) => Outcome::Nothing,
            Ok(Some(receipt)) => {
                self.seen = self.seen.max(receipt.position().get());
                Outcome::Appended(receipt.commit.first.get(), receipt.commit.last.get())
            }
            Err(Error::NotFound { .. }) => Outcome::NoValue,
            Err(error) if error.kind() == ErrorKind::Poisoned => {
                assert!((self.is_fault)(&error), "{error}");
                self.is_poisoned = true;
                Outcome::Open
            }
            Err(error) => return Err(error),
        };
        Ok(Operation::Write { on, writes, outcome })
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
        self.store.record(&*self.keys.namespace(key))
    }
}

fn position(number: u64) -> Position {
    crate::samples::position(number)
}
