use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use annals_core::{
    Abilities, Action, At, Batch, Change, Commit, CommitEntries, CommitId, Condition, Conflict, Driver,
    Durability, Entry, Erase, Error, Key, Namespace, Order, Position, PositionRange, Receipt, Scope,
};

/// A log that is a list of commits; every answer is found by walking all of it.
///
/// Too simple to be wrong, too slow to be used: what other drivers are compared with.
///
/// # Durability
/// None: receipts say [`Durability::Buffered`] whatever was asked for.
#[derive(Debug, Default)]
pub struct ScanDriver {
    commits: Mutex<Vec<CommitEntries>>,
}

impl ScanDriver {
    /// Returns an empty log.
    #[must_use]
    pub fn new() -> ScanDriver {
        ScanDriver::default()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<CommitEntries>> {
        self.commits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Driver for ScanDriver {
    fn append(
        &self,
        batches: &[Batch],
        _durability: Durability,
    ) -> Result<Vec<Result<Receipt, Conflict>>, Error> {
        let mut commits = self.lock();
        Ok(batches.iter().map(|batch| append(&mut commits, batch)).collect())
    }

    fn sync(&self) -> Result<(), Error> {
        Ok(())
    }

    fn last_position(&self) -> Result<Position, Error> {
        Ok(last_position(&self.lock()))
    }

    fn boundary(&self, at: At) -> Result<Position, Error> {
        let commits = self.lock();
        let is_before = |commit: &Commit| match at {
            At::Position(position) => commit.last <= position,
            At::Time(time) => commit.recorded_at <= time,
        };
        let found = commits.iter().rev().find(|item| is_before(&item.commit));
        Ok(found.map_or(Position::START, |item| item.commit.last))
    }

    fn commits(&self, range: PositionRange, order: Order, limit: usize) -> Result<Vec<CommitEntries>, Error> {
        let commits = self.lock();
        let in_range = commits.iter().filter(|item| range.contains(item.commit.last));
        let mut page: Vec<CommitEntries> = Vec::new();
        let mut entries = 0;
        for item in in_order(in_range, order) {
            if entries >= limit {
                break;
            }
            entries += item.entries.len();
            page.push(item.clone());
        }
        Ok(page)
    }

    fn entry(&self, key: &Key, at: Position) -> Result<Option<Entry>, Error> {
        let commits = self.lock();
        let newest = changes(&commits).rev().find(|c| c.key() == key && c.position() <= at);
        Ok(newest.map(|change| change.entry))
    }

    fn history(
        &self,
        key: &Key,
        range: PositionRange,
        order: Order,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        let commits = self.lock();
        let found = changes(&commits).filter(|c| c.key() == key && range.contains(c.position()));
        Ok(in_order(found, order).skip(skip).take(limit).collect())
    }

    fn state(
        &self,
        scope: &Scope,
        at: Position,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        let commits = self.lock();
        let mut newest: Vec<Change> = Vec::new();
        for change in changes(&commits).rev().filter(|change| change.position() <= at) {
            let key = change.key();
            let is_asked_for = scope.contains(key.namespace()) && after.is_none_or(|after| key > after);
            if is_asked_for && newest.iter().all(|newer| newer.key() != key) {
                newest.push(change);
            }
        }
        newest.sort_by(|one, other| one.key().cmp(other.key()));
        newest.truncate(limit);
        Ok(newest)
    }

    fn namespaces(
        &self,
        scope: &Scope,
        after: Option<&Namespace>,
        limit: usize,
    ) -> Result<Vec<Namespace>, Error> {
        let commits = self.lock();
        let mut found: Vec<Namespace> = changes(&commits).map(|c| c.key().namespace().clone()).collect();
        found.retain(|namespace| scope.contains(namespace) && after.is_none_or(|after| namespace > after));
        found.sort();
        found.dedup();
        found.truncate(limit);
        Ok(found)
    }

    fn restore(&self, restored: &[CommitEntries]) -> Result<(), Error> {
        let mut commits = self.lock();
        let last = commits.last().map(|item| (item.commit.last, item.commit.recorded_at));
        CommitEntries::check_sequence(restored, last)?;
        if let Some(twice) = restored.iter().find(|item| given(&commits, item.commit.id).is_some()) {
            let position = twice.commit.first;
            return Err(Error::Restore { position, reason: CommitEntries::GIVEN_TWICE });
        }
        commits.extend_from_slice(restored);
        Ok(())
    }

    fn abilities(&self) -> Abilities<'_> {
        let mut abilities = Abilities::default();
        abilities.erase = Some(self);
        abilities
    }
}

impl Erase for ScanDriver {
    fn erase(&self, positions: &[Position], audit: &Batch) -> Result<Result<Receipt, Conflict>, Error> {
        let mut commits = self.lock();
        let before = commits.len();
        let answer = append(&mut commits, audit);
        if let Ok(receipt) = &answer {
            let entries = commits.iter_mut().take(before).flat_map(|item| &mut item.entries);
            let is_meant =
                |entry: &Entry| positions.contains(&entry.position) && matches!(entry.action, Action::Set(_));
            for entry in entries.filter(|entry| is_meant(entry)) {
                entry.action = Action::Erased { by: receipt.commit.last };
            }
        }
        Ok(answer)
    }

    /// Values that were erased are in no place of the log any more.
    fn scrub(&self) -> Result<u64, Error> {
        Ok(0)
    }
}

/// Answers one batch: with the commit of its given id, a conflict, or the commit that it becomes.
fn append(commits: &mut Vec<CommitEntries>, batch: &Batch) -> Result<Receipt, Conflict> {
    let receipt = |commit, repeated| Receipt { commit, durability: Durability::Buffered, repeated };
    if let Some(commit) = given(commits, batch.id) {
        return Ok(receipt(commit, true));
    }
    if let Some(conflict) = batch.conditions.iter().find_map(|condition| conflict(commits, condition)) {
        return Err(conflict);
    }
    let appended = commit_of(batch, commits);
    let commit = Arc::clone(&appended.commit);
    commits.push(appended);
    Ok(receipt(commit, false))
}

/// The commit that has this id, if it is one that was given.
fn given(commits: &[CommitEntries], id: CommitId) -> Option<Arc<Commit>> {
    let is_given = matches!(id, CommitId::Given(_));
    let found = commits.iter().find(|item| is_given && item.commit.id == id);
    found.map(|item| Arc::clone(&item.commit))
}

fn last_position(commits: &[CommitEntries]) -> Position {
    commits.last().map_or(Position::START, |item| item.commit.last)
}

/// Every change of the log, oldest first.
fn changes(commits: &[CommitEntries]) -> impl DoubleEndedIterator<Item = Change> {
    commits.iter().flat_map(|CommitEntries { commit, entries }| {
        entries.iter().map(|entry| Change { entry: entry.clone(), commit: Arc::clone(commit) })
    })
}

fn in_order<'a, T>(
    oldest_first: impl DoubleEndedIterator<Item = T> + 'a,
    order: Order,
) -> Box<dyn Iterator<Item = T> + 'a> {
    match order {
        Order::OldestFirst => Box::new(oldest_first),
        Order::NewestFirst => Box::new(oldest_first.rev()),
    }
}

/// Why `condition` does not hold, `None` if it does.
fn conflict(commits: &[CommitEntries], condition: &Condition) -> Option<Conflict> {
    let mut concerned = changes(commits).filter(|change| condition.concerns(change.key()));
    let lost_to = match condition {
        Condition::KeyAbsent { .. } => {
            concerned.next_back().filter(|newest| newest.entry.action != Action::Deleted)
        }
        Condition::KeyUnchanged { since, .. }
        | Condition::NamespaceUnchanged { since, .. }
        | Condition::LogUnchanged { since } => concerned.find(|change| change.position() > *since),
    }?;
    let same_commit = changes(commits).filter(|change| change.commit == lost_to.commit);
    let keys = same_commit.map(|change| change.entry.key).filter(|key| condition.concerns(key));
    Some(Conflict::new(condition.clone(), Arc::clone(&lost_to.commit), keys.collect()))
}

/// What `batch` becomes at the end of `commits`.
fn commit_of(batch: &Batch, commits: &[CommitEntries]) -> CommitEntries {
    let before = last_position(commits);
    let last_time = commits.last().map(|item| item.commit.recorded_at);
    let commit = Commit {
        first: before.plus(1),
        last: before.plus(batch.writes.len() as u64),
        id: batch.id,
        recorded_at: last_time.map_or(batch.now, |last| last.max(batch.now)),
        context: batch.context.clone(),
    };
    let entries = batch.writes.iter().zip(1..).map(|(write, nth)| Entry {
        position: before.plus(nth),
        key: write.key.clone(),
        action: write.action.clone(),
        actor: write.actor.clone(),
        reason: write.reason.clone(),
    });
    CommitEntries { entries: entries.collect(), commit: Arc::new(commit) }
}
