//! From rows to the types of core. Whatever stands in the file, the answer is a value or an error.

use std::fmt;

use annals_core::codec::{Timestamp, Uuid};
use annals_core::{Action, Commit, CommitId, Context, Entry, Field, Key, Namespace, Position};
use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::failure::Failure;

/// The columns of an entry `e`, as [`entry`] reads them.
macro_rules! entry_columns {
    () => {
        "e.position, e.kind, e.actor, e.reason, e.value"
    };
}

/// The columns of a commit `c`, as [`commit`] reads them.
macro_rules! commit_columns {
    () => {
        "c.last, c.length, c.id, c.given, c.recorded_at, c.occurred_at, c.actor, c.reason, c.location, c.tags"
    };
}

/// The columns of a key `k`, as [`Keys::read`] reads them.
macro_rules! key_columns {
    () => {
        "k.namespace, k.field"
    };
}

pub(crate) use {commit_columns, entry_columns, key_columns};

/// How many columns an entry has.
pub(crate) const ENTRY: usize = 5;
/// How `kind` is stored.
pub(crate) mod kind {
    pub(crate) const SET: i64 = 0;
    pub(crate) const DELETED: i64 = 1;
    pub(crate) const ERASED: i64 = 2;
}

/// An entry but for its key.
pub(crate) struct Unnamed {
    pub(crate) position: Position,
    action: Action,
    actor: Option<String>,
    reason: Option<String>,
}

impl Unnamed {
    pub(crate) fn of(self, key: Key) -> Entry {
        let Unnamed { position, action, actor, reason } = self;
        Entry { position, key, action, actor, reason }
    }
}

/// Returns the entry of `key` whose columns begin at column `at`.
pub(crate) fn entry(row: &Row<'_>, at: usize, key: Key) -> Result<Entry, Failure> {
    Ok(unnamed(row, at)?.of(key))
}

/// Returns the entry whose columns begin at column `at`.
pub(crate) fn unnamed(row: &Row<'_>, at: usize) -> Result<Unnamed, Failure> {
    let position = position(row, at)?;
    let cells = Cells { row, owner: Owner::Entry(position) };
    let action = match (cells.integer(at + 1, "kind")?, cells.bytes(at + 4, "value")?) {
        (kind::SET, Some(bytes)) => Action::Set(bytes.into()),
        (kind::DELETED, None) => Action::Deleted,
        (kind::ERASED, Some(bytes)) => Action::Erased { by: erasure(bytes, &cells)? },
        (kind::SET | kind::DELETED | kind::ERASED, _) => return Err(cells.damaged("value")),
        _ => return Err(cells.damaged("kind")),
    };
    let actor = cells.text(at + 2, "actor")?;
    let reason = cells.text(at + 3, "reason")?;
    Ok(Unnamed { position, action, actor, reason })
}

/// Returns where the commit ends that erased an entry.
fn erasure(bytes: &[u8], cells: &Cells<'_>) -> Result<Position, Failure> {
    let number = bytes.try_into().ok().map(u64::from_be_bytes);
    number.and_then(Position::new).ok_or_else(|| cells.damaged("value"))
}

/// Returns the commit whose columns begin at column `at`.
pub(crate) fn commit(row: &Row<'_>, at: usize) -> Result<Commit, Failure> {
    let last = position(row, at)?;
    let cells = Cells { row, owner: Owner::Commit(last) };
    let length = u64::try_from(cells.integer(at + 1, "length")?).ok();
    let first =
        length.filter(|length| (1..=last.get()).contains(length)).map(|length| last.get() + 1 - length);
    let first = first.and_then(Position::new).ok_or_else(|| cells.damaged("length"))?;
    Ok(Commit {
        first,
        last,
        id: cells.id(at)?,
        recorded_at: cells.time(at + 4, "recorded_at")?,
        context: cells.context(at)?,
    })
}

/// Returns the commit whose columns begin at column `at`, or `None` where an outer join found none.
pub(crate) fn commit_if_any(row: &Row<'_>, at: usize) -> Result<Option<Commit>, Failure> {
    if row.get_ref(at)? == ValueRef::Null { Ok(None) } else { commit(row, at).map(Some) }
}

/// Returns the position in column `at`, which is never [`Position::START`].
pub(crate) fn position(row: &Row<'_>, at: usize) -> Result<Position, Failure> {
    let found = row.get_ref(at)?.as_i64().ok().and_then(Position::from_i64);
    let damaged = || Failure::Damaged("the file is damaged: a position is not a positive number".into());
    found.filter(|position| *position > Position::START).ok_or_else(damaged)
}

/// Returns the position in column `at`, [`Position::START`] where it is NULL: there is none.
pub(crate) fn position_or_start(row: &Row<'_>, at: usize) -> Result<Position, Failure> {
    if row.get_ref(at)? == ValueRef::Null { Ok(Position::START) } else { position(row, at) }
}

/// Fails unless column `at`, the key of the entry found at `position`, is the key that the index said.
pub(crate) fn check_key(row: &Row<'_>, at: usize, key: i64, position: Position) -> Result<(), Failure> {
    if row.get_ref(at)? == ValueRef::Integer(key) { Ok(()) } else { Err(wrong_index(position)) }
}

/// Returns the error of an entry that is not what the index says.
pub(crate) fn wrong_index(position: Position) -> Failure {
    Failure::Damaged(format!("the file is damaged: the index is wrong about the entry at {position}"))
}

/// Returns the position in column 0, where a commit ends, and the time in column 1.
pub(crate) fn end_and_time(row: &Row<'_>) -> Result<(Position, Timestamp), Failure> {
    let last = position(row, 0)?;
    Ok((last, Cells { row, owner: Owner::Commit(last) }.time(1, "recorded_at")?))
}

/// Returns the namespace in column `at`.
pub(crate) fn namespace(row: &Row<'_>, at: usize) -> Result<Namespace, Failure> {
    let text = row.get_ref(at)?.as_str().ok().and_then(|text| Namespace::new(text).ok());
    text.ok_or_else(|| Failure::Damaged("the file is damaged: a namespace is not a valid name".into()))
}

/// Reads keys, sharing the namespace of neighbours.
#[derive(Default)]
pub(crate) struct Keys {
    namespace: Option<Namespace>,
}

impl Keys {
    /// Returns the key whose columns begin at column `at`.
    pub(crate) fn read(&mut self, row: &Row<'_>, at: usize) -> Result<Key, Failure> {
        let shared = self
            .namespace
            .take()
            .filter(|last| row.get_ref(at).is_ok_and(|cell| cell.as_str() == Ok(last.as_str())));
        let namespace = match shared {
            Some(shared) => shared,
            None => namespace(row, at)?,
        };
        self.namespace = Some(namespace.clone());
        let field = row.get_ref(at + 1)?.as_str().ok().and_then(|text| Field::new(text).ok());
        let key = field.and_then(|field| Key::new(namespace, field).ok());
        key.ok_or_else(|| Failure::Damaged("the file is damaged: a field is not a valid name".into()))
    }
}

/// Returns the error of an entry that no commit covers.
pub(crate) fn no_commit(position: Position) -> Failure {
    Failure::Damaged(format!("the file is damaged: the entry at {position} has no commit"))
}

/// Whose column is damaged.
enum Owner {
    Entry(Position),
    Commit(Position),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Entry(position) => write!(f, "the entry at {position}"),
            Owner::Commit(position) => write!(f, "the commit at {position}"),
        }
    }
}

struct Cells<'a> {
    row: &'a Row<'a>,
    owner: Owner,
}

impl Cells<'_> {
    fn damaged(&self, column: &str) -> Failure {
        Failure::Damaged(format!("the file is damaged: {} has a wrong `{column}`", self.owner))
    }

    fn integer(&self, at: usize, column: &str) -> Result<i64, Failure> {
        self.row.get_ref(at)?.as_i64().map_err(|_| self.damaged(column))
    }

    fn bytes(&self, at: usize, column: &str) -> Result<Option<&[u8]>, Failure> {
        self.row.get_ref(at)?.as_blob_or_null().map_err(|_| self.damaged(column))
    }

    fn text(&self, at: usize, column: &str) -> Result<Option<String>, Failure> {
        let text = self.row.get_ref(at)?.as_str_or_null().map_err(|_| self.damaged(column))?;
        Ok(text.map(str::to_owned))
    }

    fn time(&self, at: usize, column: &str) -> Result<Timestamp, Failure> {
        Timestamp::from_micros(self.integer(at, column)?).map_err(|_| self.damaged(column))
    }

    fn id(&self, at: usize) -> Result<CommitId, Failure> {
        let bytes = self.bytes(at + 2, "id")?.and_then(|bytes| bytes.try_into().ok());
        let uuid = Uuid::from_bytes(bytes.ok_or_else(|| self.damaged("id"))?);
        match self.integer(at + 3, "given")? {
            0 => Ok(CommitId::Made(uuid)),
            1 => Ok(CommitId::Given(uuid)),
            _ => Err(self.damaged("given")),
        }
    }

    fn context(&self, at: usize) -> Result<Context, Failure> {
        let mut context = Context::new();
        if self.row.get_ref(at + 5)? != ValueRef::Null {
            context.occurred_at = Some(self.time(at + 5, "occurred_at")?);
        }
        context.actor = self.text(at + 6, "actor")?;
        context.reason = self.text(at + 7, "reason")?;
        context.location = self.text(at + 8, "location")?;
        if let Some(bytes) = self.bytes(at + 9, "tags")? {
            context.tags = Context::tags_from_bytes(bytes).map_err(|_| self.damaged("tags"))?;
        }
        Ok(context)
    }
}
