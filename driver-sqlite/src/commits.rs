use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use annals_core::{Commit, Position};
use rusqlite::Connection;

use crate::failure::Failure;
use crate::reads;

/// Commits of several entries that were read already, so that their entries share them.
///
/// A commit never changes once it stands. One of a single entry is not kept: it would be asked for
/// again only where that entry is read again.
#[derive(Debug, Default)]
pub(crate) struct KnownCommits {
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    by_last: BTreeMap<Position, Arc<Commit>>,
    bytes: usize,
}

impl KnownCommits {
    /// What the commits may take in memory. When they are more, all are forgotten and read anew.
    const BYTES_MAX: usize = 8 << 20;

    /// Returns the commit that the entry at `position` belongs to.
    ///
    /// `connection` is one that only reads, so what it sees is committed.
    pub(crate) fn find(&self, connection: &Connection, position: Position) -> Result<Arc<Commit>, Failure> {
        if let Some(commit) = self.known(position) {
            return Ok(commit);
        }
        let commit = Arc::new(reads::commit_of(connection, position)?);
        if commit.len() > 1 {
            self.learn(&commit);
        }
        Ok(commit)
    }

    /// Returns the greatest end of a commit at or before `position`.
    ///
    /// `connection` is one that only reads, so what it sees is committed.
    pub(crate) fn boundary(&self, connection: &Connection, position: Position) -> Result<Position, Failure> {
        if let Some(commit) = self.known(position) {
            return Ok(boundary_in(&commit, position));
        }
        match reads::commit_around(connection, position)? {
            Some(commit) => {
                let boundary = boundary_in(&commit, position);
                if commit.len() > 1 {
                    self.learn(&Arc::new(commit));
                }
                Ok(boundary)
            }
            None => reads::boundary(connection, position),
        }
    }

    fn known(&self, position: Position) -> Option<Arc<Commit>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let (_, commit) = known.by_last.range(position..).next()?;
        (commit.first <= position).then(|| Arc::clone(commit))
    }

    fn learn(&self, commit: &Arc<Commit>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let bytes = memory(commit);
        if known.bytes + bytes > Self::BYTES_MAX {
            *known = Known::default();
        }
        if known.by_last.insert(commit.last, Arc::clone(commit)).is_none() {
            known.bytes += bytes;
        }
    }
}

/// Returns the greatest end of a commit at or before `position`, which is inside `commit`.
fn boundary_in(commit: &Commit, position: Position) -> Position {
    if position == commit.last { position } else { commit.first.before() }
}

/// Returns roughly what a commit takes in memory. Tags, once decoded, take several times their bytes.
fn memory(commit: &Commit) -> usize {
    let context = &commit.context;
    let texts = [&context.actor, &context.reason, &context.location];
    let texts: usize = texts.into_iter().flatten().map(String::len).sum();
    let tags = context.tags_to_bytes().ok().flatten().map_or(0, |tags| tags.len());
    size_of::<Commit>() + texts + 8 * tags
}

#[cfg(test)]
mod tests {
    use annals_core::codec::{Timestamp, Uuid};
    use annals_core::{CommitId, Context};

    use super::*;
    use crate::schema;

    fn commit(number: u64) -> Arc<Commit> {
        Arc::new(Commit {
            first: Position::new(10 * number + 1).unwrap(),
            last: Position::new(10 * number + 5).unwrap(),
            id: CommitId::Made(Uuid::from_bytes([0; 16])),
            recorded_at: Timestamp::MIN,
            context: Context::new().actor("alice").tag("text", "x".repeat(100).as_str()),
        })
    }

    #[test]
    fn a_position_is_known_only_inside_a_known_commit() {
        let commits = KnownCommits::default();
        commits.learn(&commit(1));
        commits.learn(&commit(3));
        let known =
            |position| commits.known(Position::new(position).unwrap()).map(|commit| commit.last.get());
        assert_eq!([10, 11, 15, 16].map(known), [None, Some(15), Some(15), None]);
        assert_eq!([30, 31, 35, 36].map(known), [None, Some(35), Some(35), None]);
    }

    #[test]
    fn boundaries_are_the_same_once_commits_are_known() {
        let connection = Connection::open_in_memory().unwrap();
        schema::create(&connection).unwrap();
        let sql = "INSERT INTO annals_commit (last, length, id, given, recorded_at)
            VALUES (3, 3, zeroblob(16), 0, 0), (4, 1, zeroblob(16), 0, 0), (9, 5, zeroblob(16), 0, 0)";
        connection.execute(sql, []).unwrap();
        let commits = KnownCommits::default();
        for _ in 0..2 {
            let boundary = |at| commits.boundary(&connection, Position::new(at).unwrap()).unwrap().get();
            let found: Vec<u64> = (0..=10).map(boundary).collect();
            assert_eq!(found, [0, 0, 0, 3, 4, 4, 4, 4, 4, 9, 9]);
        }
        assert_eq!(commits.known.read().unwrap().by_last.len(), 2, "a commit of one entry is not kept");
    }

    #[test]
    fn memory_is_bounded() {
        let commits = KnownCommits::default();
        for number in 0..50_000 {
            commits.learn(&commit(number));
            assert_eq!(commits.known(commit(number).last), Some(commit(number)));
        }
        let known = commits.known.read().unwrap();
        assert!(known.bytes <= KnownCommits::BYTES_MAX, "{}", known.bytes);
        assert!(known.by_last.len() < 10_000, "{}", known.by_last.len());
    }
}
