use std::fmt;
use std::sync::Arc;

use annals_codec::{Timestamp, Uuid};

use super::{Action, Commit, CommitId, Context, Durability, Key, Namespace, Position};

/// One change that is to be appended: an entry that has no position yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// What to change.
    pub key: Key,
    /// [`Action::Set`] or [`Action::Deleted`].
    pub action: Action,
    /// Who, where that differs from the commit's actor; the empty text is nobody.
    pub actor: Option<String>,
    /// Why, where that differs from the commit's reason; the empty text is no reason.
    pub reason: Option<String>,
}

impl Write {
    /// Returns a write of encoded bytes to `key`.
    #[must_use]
    pub fn set(key: Key, bytes: impl Into<Arc<[u8]>>) -> Write {
        Write { key, action: Action::Set(bytes.into()), actor: None, reason: None }
    }

    /// Returns a deletion of `key`.
    #[must_use]
    pub fn delete(key: Key) -> Write {
        Write { key, action: Action::Deleted, actor: None, reason: None }
    }
}

/// What is to become one commit: writes that stand or fall together, and what must hold for that.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The id of the commit-to-be.
    pub id: CommitId,
    /// The clock's time; the commit gets this or the last commit's time, whichever is greater.
    pub now: Timestamp,
    /// Who, why, from where.
    pub context: Context,
    /// What must hold; all of them are checked inside the appending transaction.
    pub conditions: Vec<Condition>,
    /// The changes, at most one a key, in the order of their positions-to-be.
    pub writes: Vec<Write>,
}

impl Batch {
    /// Returns an empty batch with a new id.
    #[must_use]
    pub fn new(context: Context) -> Batch {
        let now = Timestamp::now();
        Batch { id: CommitId::make(), now, context, conditions: Vec::new(), writes: Vec::new() }
    }

    /// Gives the commit-to-be an id: however often it is appended under that id, it is there once.
    ///
    /// See [`Log::append`](super::Log::append).
    #[must_use]
    pub fn with_id(mut self, id: Uuid) -> Batch {
        self.id = CommitId::Given(id);
        self
    }

    /// Adds a write of encoded bytes.
    #[must_use]
    pub fn set(mut self, key: Key, bytes: impl Into<Arc<[u8]>>) -> Batch {
        self.writes.push(Write::set(key, bytes));
        self
    }

    /// Adds a deletion.
    #[must_use]
    pub fn delete(mut self, key: Key) -> Batch {
        self.writes.push(Write::delete(key));
        self
    }

    /// Adds a condition.
    #[must_use]
    pub fn on_condition(mut self, condition: Condition) -> Batch {
        self.conditions.push(condition);
        self
    }
}

/// What must hold for a batch to be appended. Complete: a driver judges every one of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// No entry of this key is newer than `since`.
    KeyUnchanged {
        /// The key.
        key: Key,
        /// The position that the caller has seen.
        since: Position,
    },
    /// This key has no value in effect: never set, or deleted. (An erased value still counts as one.)
    KeyAbsent {
        /// The key.
        key: Key,
    },
    /// No entry of this record (new fields included, sub-namespaces not) is newer than `since`.
    NamespaceUnchanged {
        /// The record.
        namespace: Namespace,
        /// The position that the caller has seen.
        since: Position,
    },
    /// The log has no entry newer than `since`.
    LogUnchanged {
        /// The position that the caller has seen.
        since: Position,
    },
}

impl Condition {
    /// Returns the position that the caller has seen, `None` for a condition without one.
    #[must_use]
    pub fn since(&self) -> Option<Position> {
        match self {
            Condition::KeyUnchanged { since, .. }
            | Condition::NamespaceUnchanged { since, .. }
            | Condition::LogUnchanged { since } => Some(*since),
            Condition::KeyAbsent { .. } => None,
        }
    }

    /// Returns whether an entry of `key` could break this condition.
    #[must_use]
    pub fn concerns(&self, key: &Key) -> bool {
        match self {
            Condition::KeyUnchanged { key: own, .. } | Condition::KeyAbsent { key: own } => key == own,
            Condition::NamespaceUnchanged { namespace, .. } => key.namespace() == namespace,
            Condition::LogUnchanged { .. } => true,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::KeyUnchanged { key, since } => write!(f, "{key} unchanged since {since}"),
            Condition::KeyAbsent { key } => write!(f, "{key} has no value"),
            Condition::NamespaceUnchanged { namespace, since } => {
                write!(f, "{namespace} unchanged since {since}")
            }
            Condition::LogUnchanged { since } => write!(f, "the log ends at {since}"),
        }
    }
}

/// Why a batch was not appended: a condition did not hold, since another commit was first.
///
/// Nothing of the batch was written. It carries names and positions, never a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("conflict: `{condition}` does not hold; {} was first; read again and decide anew", Winner(.lost_to))]
#[non_exhaustive]
pub struct Conflict {
    /// The first of the batch's conditions that did not hold.
    pub condition: Condition,
    /// The commit that was first: the earliest one after the position of the condition, or for
    /// [`Condition::KeyAbsent`] the one that set the value in effect.
    pub lost_to: Arc<Commit>,
    /// All keys of that commit that the condition [concerns](Condition::concerns), in position order;
    /// at most [`Conflict::KEYS_MAX`].
    pub keys: Vec<Key>,
}

impl Conflict {
    /// The most keys that a conflict lists.
    pub const KEYS_MAX: usize = 100;

    /// Returns a conflict; `keys` beyond [`Conflict::KEYS_MAX`] are dropped.
    #[must_use]
    pub fn new(condition: Condition, lost_to: Arc<Commit>, mut keys: Vec<Key>) -> Conflict {
        keys.truncate(Self::KEYS_MAX);
        Conflict { condition, lost_to, keys }
    }
}

struct Winner<'a>(&'a Commit);

impl fmt::Display for Winner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.last)?;
        if let Some(actor) = &self.0.context.actor {
            write!(f, " by {actor}")?;
        }
        write!(f, " ({})", self.0.recorded_at)
    }
}

/// What an append answers with: the commit, and how durable it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The commit as it stands in the log.
    pub commit: Arc<Commit>,
    /// The durability reached: as asked for, or what the driver's documentation says instead.
    pub durability: Durability,
    /// Whether the log had a commit of the batch's [given](CommitId::Given) id already. Then that is
    /// the `commit`, nothing was written, and no condition was judged.
    pub repeated: bool,
}

impl Receipt {
    /// Returns the position of the commit's last entry, which names the commit.
    #[must_use]
    pub fn position(&self) -> Position {
        self.commit.last
    }
}
