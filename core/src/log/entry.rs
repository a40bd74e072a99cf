use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use annals_codec::{Timestamp, Uuid};

use super::{Context, Key, Position};
use crate::error::Error;

/// What happened to a key.
///
/// `Debug` shows the size of a value, never the value.
#[derive(Clone, PartialEq, Eq)]
pub enum Action {
    /// The key was set to these encoded bytes.
    Set(Arc<[u8]>),
    /// The key has no value from here on.
    Deleted,
    /// The value that was set is gone; position, key, actor, reason and commit stay.
    Erased {
        /// The end of the commit that erased it, which says who, why and when. It stands in the
        /// namespace `__annals/erasures`.
        by: Position,
    },
}

impl Action {
    /// Returns the encoded bytes that were set, `None` for the other actions.
    #[must_use]
    pub fn bytes(&self) -> Option<&Arc<[u8]>> {
        match self {
            Action::Set(bytes) => Some(bytes),
            Action::Deleted | Action::Erased { .. } => None,
        }
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Set(bytes) => write!(f, "Set({} bytes)", bytes.len()),
            Action::Deleted => f.write_str("Deleted"),
            Action::Erased { by } => write!(f, "Erased by {by}"),
        }
    }
}

/// One change to one key, as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the log.
    pub position: Position,
    /// What it changed.
    pub key: Key,
    /// What happened.
    pub action: Action,
    /// Who, where that differs from the commit's actor; the empty text is nobody.
    pub actor: Option<String>,
    /// Why, where that differs from the commit's reason; the empty text is no reason.
    pub reason: Option<String>,
}

/// The name of a commit that does not depend on where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommitId {
    /// Made by the log (version 7, so roughly ordered by time).
    Made(Uuid),
    /// Given by the caller: no two commits of a log have the same.
    Given(Uuid),
}

impl CommitId {
    /// Returns a new id of version 7, which begins with the time.
    #[must_use]
    pub fn make() -> CommitId {
        // An id has no time before 1970; `now_v7` would panic.
        let uuid = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(_) => uuid::Uuid::now_v7(),
            Err(_) => uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, 0, 0)),
        };
        CommitId::Made(Uuid::from_bytes(uuid.into_bytes()))
    }

    /// Returns the id itself, whoever made it.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        match self {
            CommitId::Made(uuid) | CommitId::Given(uuid) => *uuid,
        }
    }
}

/// Entries on consecutive positions that stand or fall together, atomic and durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The position of its first entry.
    pub first: Position,
    /// The position of its last entry, which also names the commit: `@418`.
    pub last: Position,
    /// Its id.
    pub id: CommitId,
    /// When it was recorded. Never decreases along positions, whatever the clock does.
    pub recorded_at: Timestamp,
    /// Who, why, from where.
    pub context: Context,
}

impl Commit {
    /// Returns the number of its entries, at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a commit is never empty")]
    pub fn len(&self) -> u64 {
        (self.last.get() + 1).saturating_sub(self.first.get())
    }
}

/// A commit with its entries, in position order: all of them, but in a
/// [`Subscription`](crate::Subscription), which gives those that pass its filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitEntries {
    /// The commit.
    pub commit: Arc<Commit>,
    /// Its entries: positions `commit.first ..= commit.last`.
    pub entries: Vec<Entry>,
}

impl CommitEntries {
    /// Why a commit is not restored whose given id the log has already.
    pub const GIVEN_TWICE: &str = "a commit with the same given id is there already";

    /// Checks that `commits` continue a log whose last commit ends at the given position and time,
    /// and one another, and that no given id comes twice among them: what
    /// [`Driver::restore`](super::Driver::restore) asks for, but for given ids that the log has.
    ///
    /// # Errors
    /// [`Error::Restore`] at the first position that does not fit.
    pub fn check_sequence(
        commits: &[CommitEntries],
        last: Option<(Position, Timestamp)>,
    ) -> Result<(), Error> {
        let (mut position, mut time) = last.unzip();
        let mut given = HashSet::new();
        for CommitEntries { commit, entries } in commits {
            let expected = position.unwrap_or(Position::START).plus(1);
            let refuse = |reason| Err(Error::Restore { position: commit.first, reason });
            if commit.first != expected {
                return refuse("it does not continue the log at the last position plus one");
            }
            if entries.len() as u64 != commit.len() || commit.last < commit.first {
                return refuse("the commit has another number of entries than positions");
            }
            if entries.iter().zip(commit.first.get()..).any(|(entry, at)| entry.position.get() != at) {
                return refuse("the entries do not stand on consecutive positions");
            }
            let mut keys = HashSet::with_capacity(entries.len());
            if !entries.iter().all(|entry| keys.insert(&entry.key)) {
                return refuse("a key comes twice in the commit");
            }
            if time.is_some_and(|time| commit.recorded_at < time) {
                return refuse("the time of recording falls");
            }
            if matches!(commit.id, CommitId::Given(_)) && !given.insert(commit.id) {
                return refuse(CommitEntries::GIVEN_TWICE);
            }
            (position, time) = (Some(commit.last), Some(commit.recorded_at));
        }
        Ok(())
    }
}

/// An entry together with its commit: what history and state answer with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The entry.
    pub entry: Entry,
    /// The commit that it belongs to.
    pub commit: Arc<Commit>,
}

impl Change {
    /// Returns the position of the entry.
    #[must_use]
    pub fn position(&self) -> Position {
        self.entry.position
    }

    /// Returns what the entry changed.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.entry.key
    }

    /// Returns who made the change: the entry's own actor, else the commit's.
    #[must_use]
    pub fn actor(&self) -> Option<&str> {
        own_or(&self.entry.actor, &self.commit.context.actor)
    }

    /// Returns why the change was made: the entry's own reason, else the commit's.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        own_or(&self.entry.reason, &self.commit.context.reason)
    }
}

/// Returns what an entry says, else its commit; where that is empty, nothing.
fn own_or<'a>(own: &'a Option<String>, commits: &'a Option<String>) -> Option<&'a str> {
    own.as_deref().or(commits.as_deref()).filter(|text| !text.is_empty())
}
