use std::collections::{BTreeMap, HashMap};

use annals_codec::Timestamp;

use super::handle::Log;
use super::{Action, CommitEntries, ERASURES, Entry, Key, Order, Position, PositionRange, Scope};
use crate::error::Error;

/// The most damages that are listed; all are counted.
const LISTED_MAX: usize = 1000;

/// What a verification looked at, and what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// What was checked, a phrase each.
    pub checked: Vec<String>,
    /// The commits read.
    pub commits: u64,
    /// The entries read.
    pub entries: u64,
    /// The keys read.
    pub keys: u64,
    /// How many damages were found.
    pub damage_count: u64,
    /// The first thousand of them.
    pub damages: Vec<Damage>,
}

/// A place where a promise of the log is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The entry or the end of the commit, [`Position::START`] for the log as a whole.
    pub position: Position,
    /// The key, where it is about one.
    pub key: Option<Key>,
    /// What is wrong, without values.
    pub what: String,
}

impl Log {
    /// Reads everything and checks what the log promises.
    ///
    /// Positions are dense, commits whole, times do not fall, no key twice in a commit, every value
    /// in canonical form, the state agrees with the entries; then the driver's own check, if it has
    /// one. `progress` is called with each commit's position. Holds a key and a position for every
    /// key in memory.
    ///
    /// # Errors
    /// If the log cannot be read at all. Damage is not an error but an answer.
    pub fn verify(&self, mut progress: impl FnMut(Position)) -> Result<Verification, Error> {
        let mut verifier = Verifier::default();
        let through = self.last_position()?;
        for commit in self.commits(PositionRange::through(through), Order::OldestFirst) {
            match commit {
                Ok(commit) => {
                    verifier.commit(&commit);
                    progress(commit.commit.last);
                }
                Err(error) => {
                    verifier.damage(verifier.last, None, format!("cannot be read on from here: {error}"));
                    return Ok(verifier.report);
                }
            }
        }
        if verifier.last != through {
            verifier.damage(verifier.last, None, format!("the log ends at {through}, its commits do not"));
        }
        verifier.checked("positions, commits, times, keys and the canonical form of every value");
        verifier.state(self, through)?;
        verifier.erasures(self)?;
        verifier.storage(self)?;
        Ok(verifier.report)
    }
}

#[derive(Default)]
struct Verifier {
    report: Verification,
    last: Position,
    time: Option<Timestamp>,
    newest: HashMap<Key, Position>,
    /// Where each erasure ends, with the last entry that it erased.
    erasures: BTreeMap<Position, (Position, Key)>,
}

impl Verifier {
    fn checked(&mut self, what: &str) {
        self.report.checked.push(what.to_owned());
    }

    fn damage(&mut self, position: Position, key: Option<&Key>, what: impl Into<String>) {
        self.report.damage_count += 1;
        if self.report.damages.len() < LISTED_MAX {
            self.report.damages.push(Damage { position, key: key.cloned(), what: what.into() });
        }
    }

    fn commit(&mut self, CommitEntries { commit, entries }: &CommitEntries) {
        let place = commit.last;
        if commit.first != self.last.plus(1) {
            self.damage(place, None, format!("does not continue at {}", self.last.plus(1)));
        }
        if self.time.is_some_and(|time| commit.recorded_at < time) {
            self.damage(place, None, "was recorded before the commit before it");
        }
        if entries.len() as u64 != commit.len() {
            self.damage(place, None, format!("has {} entries, not {}", entries.len(), commit.len()));
        }
        for (entry, expected) in entries.iter().zip(commit.first.get()..) {
            self.entry(entry, expected, commit.first);
        }
        self.last = commit.last;
        self.time = Some(commit.recorded_at);
        self.report.commits += 1;
    }

    fn entry(&mut self, entry: &Entry, expected: u64, commit_first: Position) {
        let place = entry.position;
        if place.get() != expected {
            self.damage(place, Some(&entry.key), format!("stands where @{expected} should"));
        }
        if let Action::Set(bytes) = &entry.action
            && let Err(error) = annals_codec::check(bytes)
        {
            self.damage(place, Some(&entry.key), error.to_string());
        }
        if let Action::Erased { by } = entry.action {
            self.erasures.insert(by, (place, entry.key.clone()));
        }
        let before = self.newest.insert(entry.key.clone(), place);
        if before.is_some_and(|before| before >= commit_first) {
            self.damage(place, Some(&entry.key), "is the second entry of its key in one commit");
        }
        self.report.entries += 1;
    }

    /// The newest entry of every key, as the driver finds it, is the one that replay found.
    fn state(&mut self, log: &Log, through: Position) -> Result<(), Error> {
        self.report.keys = self.newest.len() as u64;
        for change in log.state(&Scope::All, through) {
            let change = change?;
            if self.newest.remove(change.key()) != Some(change.position()) {
                self.damage(change.position(), Some(change.key()), "is not the newest entry of its key");
            }
        }
        for (key, position) in std::mem::take(&mut self.newest) {
            self.damage(position, Some(&key), "is missing from the state");
        }
        self.checked("the newest entry of every key against a replay");
        Ok(())
    }

    /// What erased an entry is a later commit, in the record of erasures.
    fn erasures(&mut self, log: &Log) -> Result<(), Error> {
        for (by, (place, key)) in std::mem::take(&mut self.erasures) {
            let tells = |item: &CommitEntries| {
                item.commit.last == by
                    && item.entries.iter().all(|entry| entry.key.namespace().as_str() == ERASURES)
            };
            if by <= place || !log.commit_at(by)?.is_some_and(|item| tells(&item)) {
                self.damage(place, Some(&key), format!("was erased by {by}, which is no later erasure"));
            }
        }
        self.checked("the erasure of every erased entry");
        Ok(())
    }

    fn storage(&mut self, log: &Log) -> Result<(), Error> {
        let Some(check) = log.driver().abilities().check else { return Ok(()) };
        let found = check.check()?;
        self.report.checked.extend(found.checked);
        for what in found.damages {
            self.damage(Position::START, None, what);
        }
        Ok(())
    }
}
