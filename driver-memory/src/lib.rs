//! A log in memory: for tests, for trying things out, and as the driver to read first.
//!
//! # Durability
//! None: everything is lost with the process, and receipts say [`Durability::Buffered`] whatever
//! was asked for. Several stores may share one driver through an `Arc`.
//!
//! ```
//! use annals_core::{Batch, Context, Durability, Key, Log, Position};
//! use annals_driver_memory::MemoryDriver;
//!
//! let log = Log::new(MemoryDriver::new());
//! let score = Key::parse("game/player1", "score")?;
//! let batch = Batch::new(Context::new().actor("alice")).set(score.clone(), *b"\x0a");
//! let receipt = log.append(batch, Durability::Synced)?;
//! assert_eq!(receipt.durability, Durability::Buffered);
//! let newest = log.newest(&score, Position::MAX)?.unwrap();
//! assert_eq!(newest.entry.action.bytes().unwrap()[..], *b"\x0a");
//! assert_eq!(newest.actor(), Some("alice"));
//! # Ok::<(), annals_core::Error>(())
//! ```

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use annals_core::{
    Abilities, Action, At, Batch, Change, Commit, CommitEntries, CommitId, Condition, Conflict, Driver,
    Durability, Entry, Erase, Error, Key, Measure, Namespace, Order, Position, PositionRange, Receipt, Scope,
    Size,
};

/// No field sorts before this one.
const FIRST_FIELD: &str = "A";

/// A log in memory.
#[derive(Debug, Default)]
pub struct MemoryDriver {
    contents: RwLock<Contents>,
}

impl MemoryDriver {
    /// Returns an empty log.
    #[must_use]
    pub fn new() -> MemoryDriver {
        MemoryDriver::default()
    }

    // A panic cannot leave the contents half changed: commits are built before they are added.
    fn read(&self) -> RwLockReadGuard<'_, Contents> {
        self.contents.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Contents> {
        self.contents.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entry at position p stands at index p − 1.
#[derive(Debug, Default)]
struct Contents {
    entries: Vec<Entry>,
    commits: Vec<Arc<Commit>>,
    /// The positions of each key's entries, ascending.
    positions: BTreeMap<Key, Vec<Position>>,
    /// The commits whose id the caller gave.
    given: HashMap<CommitId, Arc<Commit>>,
}

impl Contents {
    fn last_position(&self) -> Position {
        self.commits.last().map_or(Position::START, |commit| commit.last)
    }

    fn entry(&self, position: Position) -> &Entry {
        let index = usize::try_from(position.get() - 1).expect("a stored position is an index");
        self.entries.get(index).expect("a stored position has an entry")
    }

    fn commit_of(&self, position: Position) -> &Arc<Commit> {
        let index = self.commits.partition_point(|commit| commit.last < position);
        self.commits.get(index).expect("a stored position belongs to a commit")
    }

    fn change(&self, position: Position) -> Change {
        Change { entry: self.entry(position).clone(), commit: Arc::clone(self.commit_of(position)) }
    }

    fn with_entries(&self, commit: &Arc<Commit>) -> CommitEntries {
        let entries = (commit.first.get()..=commit.last.get()).filter_map(Position::new);
        CommitEntries {
            commit: Arc::clone(commit),
            entries: entries.map(|position| self.entry(position).clone()).collect(),
        }
    }

    /// The keys of the scope in key order, after `after`, with their positions.
    fn keys<'a>(
        &'a self,
        scope: &'a Scope,
        after: Option<&Key>,
    ) -> impl Iterator<Item = (&'a Key, &'a Vec<Position>)> {
        // What a scope holds stands together, among little else: names that begin alike.
        let beginning = match scope {
            Scope::All => None,
            Scope::Record(namespace) | Scope::Under(namespace) => Some(namespace),
        };
        let first =
            beginning.and_then(|namespace| Key::new(namespace.clone(), FIRST_FIELD.parse().ok()?).ok());
        let from = match (first, after) {
            (Some(first), Some(after)) if *after < first => Bound::Included(first),
            (_, Some(after)) => Bound::Excluded(after.clone()),
            (Some(first), None) => Bound::Included(first),
            (None, None) => Bound::Unbounded,
        };
        let begins_alike = move |key: &Key| {
            beginning.is_none_or(|beginning| key.namespace().as_str().starts_with(beginning.as_str()))
        };
        self.positions
            .range((from, Bound::Unbounded))
            .take_while(move |(key, _)| begins_alike(key))
            .filter(|(key, _)| scope.contains(key.namespace()))
    }

    fn conflict(&self, condition: &Condition) -> Option<Conflict> {
        let first = match condition {
            Condition::KeyUnchanged { key, since } => self.first_of_key_after(key, *since),
            Condition::KeyAbsent { key } => self.in_effect(key),
            Condition::NamespaceUnchanged { namespace, since } => {
                let record = Scope::Record(namespace.clone());
                self.keys(&record, None).filter_map(|(key, _)| self.first_of_key_after(key, *since)).min()
            }
            Condition::LogUnchanged { since } => (self.last_position() > *since).then(|| since.plus(1)),
        }?;
        let lost_to = self.commit_of(first);
        let keys = self.with_entries(lost_to).entries.into_iter().map(|entry| entry.key);
        let keys = keys.filter(|key| condition.concerns(key)).take(Conflict::KEYS_MAX).collect();
        Some(Conflict::new(condition.clone(), Arc::clone(lost_to), keys))
    }

    fn first_of_key_after(&self, key: &Key, since: Position) -> Option<Position> {
        let positions = self.positions.get(key)?;
        positions.get(positions.partition_point(|position| *position <= since)).copied()
    }

    fn in_effect(&self, key: &Key) -> Option<Position> {
        let newest = *self.positions.get(key)?.last()?;
        (self.entry(newest).action != Action::Deleted).then_some(newest)
    }

    /// Appends the batch unless its given id is there already or one of its conditions does not hold.
    fn judge_and_append(&mut self, batch: &Batch) -> Result<Receipt, Conflict> {
        let receipt = |commit, repeated| Receipt { commit, durability: Durability::Buffered, repeated };
        if let Some(commit) = self.given.get(&batch.id) {
            return Ok(receipt(Arc::clone(commit), true));
        }
        match batch.conditions.iter().find_map(|condition| self.conflict(condition)) {
            Some(conflict) => Err(conflict),
            None => Ok(receipt(self.append(batch), false)),
        }
    }

    fn append(&mut self, batch: &Batch) -> Arc<Commit> {
        let before = self.last_position();
        let recorded_at = self.commits.last().map_or(batch.now, |last| last.recorded_at.max(batch.now));
        let commit = Arc::new(Commit {
            first: before.plus(1),
            last: before.plus(batch.writes.len() as u64),
            id: batch.id,
            recorded_at,
            context: batch.context.clone(),
        });
        let positions = (commit.first.get()..).filter_map(Position::new);
        let entries = batch.writes.iter().zip(positions).map(|(write, position)| Entry {
            position,
            key: write.key.clone(),
            action: write.action.clone(),
            actor: write.actor.clone(),
            reason: write.reason.clone(),
        });
        self.add(Arc::clone(&commit), entries.collect());
        commit
    }

    fn add(&mut self, commit: Arc<Commit>, entries: Vec<Entry>) {
        for entry in &entries {
            self.positions.entry(entry.key.clone()).or_default().push(entry.position);
        }
        if matches!(commit.id, CommitId::Given(_)) {
            self.given.insert(commit.id, Arc::clone(&commit));
        }
        self.entries.extend(entries);
        self.commits.push(commit);
    }

    fn erase(&mut self, position: Position, by: Position) {
        let index = usize::try_from(position.get()).ok().and_then(|number| number.checked_sub(1));
        let entry = index.and_then(|index| self.entries.get_mut(index));
        if let Some(entry @ Entry { action: Action::Set(_), .. }) = entry {
            entry.action = Action::Erased { by };
        }
    }
}

impl Driver for MemoryDriver {
    fn append(
        &self,
        batches: &[Batch],
        _durability: Durability,
    ) -> Result<Vec<Result<Receipt, Conflict>>, Error> {
        let mut contents = self.write();
        Ok(batches.iter().map(|batch| contents.judge_and_append(batch)).collect())
    }

    fn sync(&self) -> Result<(), Error> {
        Ok(())
    }

    fn last_position(&self) -> Result<Position, Error> {
        Ok(self.read().last_position())
    }

    fn boundary(&self, at: At) -> Result<Position, Error> {
        let contents = self.read();
        let count = contents.commits.partition_point(|commit| match at {
            At::Position(position) => commit.last <= position,
            At::Time(time) => commit.recorded_at <= time,
        });
        let last = contents.commits.get(..count).and_then(<[_]>::last);
        Ok(last.map_or(Position::START, |commit| commit.last))
    }

    fn commits(&self, range: PositionRange, order: Order, limit: usize) -> Result<Vec<CommitEntries>, Error> {
        let contents = self.read();
        let from = contents.commits.partition_point(|commit| commit.last <= range.after);
        let to = contents.commits.partition_point(|commit| commit.last <= range.through);
        let commits = contents.commits.get(from..to).unwrap_or_default();
        let mut room = limit as u64;
        let page = in_order(commits, order).take_while(|commit| {
            let fits = room > 0;
            room = room.saturating_sub(commit.len());
            fits
        });
        Ok(page.map(|commit| contents.with_entries(commit)).collect())
    }

    fn entry(&self, key: &Key, at: Position) -> Result<Option<Entry>, Error> {
        let contents = self.read();
        let newest = contents.positions.get(key).and_then(|positions| newest_at(positions, at));
        Ok(newest.map(|position| contents.entry(position).clone()))
    }

    fn history(
        &self,
        key: &Key,
        range: PositionRange,
        order: Order,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        let contents = self.read();
        let positions = contents.positions.get(key).map_or(&[][..], Vec::as_slice);
        let from = positions.partition_point(|position| *position <= range.after);
        let to = positions.partition_point(|position| *position <= range.through);
        let page = in_order(positions.get(from..to).unwrap_or_default(), order).skip(skip).take(limit);
        Ok(page.map(|position| contents.change(*position)).collect())
    }

    fn state(
        &self,
        scope: &Scope,
        at: Position,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        let contents = self.read();
        let newest = contents.keys(scope, after).filter_map(|(_, positions)| newest_at(positions, at));
        Ok(newest.take(limit).map(|position| contents.change(position)).collect())
    }

    fn namespaces(
        &self,
        scope: &Scope,
        after: Option<&Namespace>,
        limit: usize,
    ) -> Result<Vec<Namespace>, Error> {
        let contents = self.read();
        let mut found: Vec<Namespace> = Vec::new();
        for (key, _) in contents.keys(scope, None) {
            let namespace = key.namespace();
            if after.is_none_or(|after| namespace > after) && found.last() != Some(namespace) {
                if found.len() == limit {
                    break;
                }
                found.push(namespace.clone());
            }
        }
        Ok(found)
    }

    fn restore(&self, commits: &[CommitEntries]) -> Result<(), Error> {
        let mut contents = self.write();
        let last = contents.commits.last();
        CommitEntries::check_sequence(commits, last.map(|commit| (commit.last, commit.recorded_at)))?;
        if let Some(twice) = commits.iter().find(|item| contents.given.contains_key(&item.commit.id)) {
            let position = twice.commit.first;
            return Err(Error::Restore { position, reason: CommitEntries::GIVEN_TWICE });
        }
        for CommitEntries { commit, entries } in commits {
            contents.add(Arc::clone(commit), entries.clone());
        }
        Ok(())
    }

    fn abilities(&self) -> Abilities<'_> {
        let mut abilities = Abilities::default();
        abilities.measure = Some(self);
        abilities.erase = Some(self);
        abilities
    }
}

impl Erase for MemoryDriver {
    fn erase(&self, positions: &[Position], audit: &Batch) -> Result<Result<Receipt, Conflict>, Error> {
        let mut contents = self.write();
        let answer = contents.judge_and_append(audit);
        if let Ok(receipt) = &answer {
            for position in positions.iter().filter(|position| **position < receipt.commit.first) {
                contents.erase(*position, receipt.commit.last);
            }
        }
        Ok(answer)
    }

    /// Nothing is left to do: the bytes went with the last reader who holds them. What the process
    /// gave back to its allocator is not overwritten.
    fn scrub(&self) -> Result<u64, Error> {
        Ok(0)
    }
}

impl Measure for MemoryDriver {
    /// Counts the bytes of names, values and the fixed parts; contexts are left out.
    fn measure(&self) -> Result<Size, Error> {
        let contents = self.read();
        let payload = |entry: &Entry| entry.action.bytes().map_or(0, |bytes| bytes.len());
        let entries: usize = contents.entries.iter().map(|e| size_of::<Entry>() + payload(e)).sum();
        let commits = contents.commits.len() * size_of::<Commit>();
        Ok(Size {
            commits: contents.commits.len() as u64,
            keys: contents.positions.len() as u64,
            bytes: (entries + commits) as u64,
        })
    }
}

/// Returns the greatest of the ascending positions at or before `at`.
fn newest_at(positions: &[Position], at: Position) -> Option<Position> {
    let count = positions.partition_point(|position| *position <= at);
    positions.get(..count)?.last().copied()
}

fn in_order<T>(items: &[T], order: Order) -> Box<dyn Iterator<Item = &T> + '_> {
    match order {
        Order::OldestFirst => Box::new(items.iter()),
        Order::NewestFirst => Box::new(items.iter().rev()),
    }
}
