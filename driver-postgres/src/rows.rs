//! From rows to the types of core. Whatever stands in the database, the answer is a value or an error.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use annals_core::codec::{Timestamp, Uuid};
use annals_core::{Action, Change, Commit, CommitId, Context, Entry, Field, Key, Namespace, Position};
use postgres::Row;
use postgres::types::{FromSql, Type};

use crate::failure::Failure;

/// How `kind` is stored.
pub(crate) mod kind {
    pub(crate) const SET: Option<i16> = None;
    pub(crate) const DELETED: Option<i16> = Some(1);
    pub(crate) const ERASED: Option<i16> = Some(2);
}

/// How many columns an entry has, its key not counted.
const ENTRY: usize = 5;
/// Where the columns of a commit begin in a row of [`Page`].
const COMMIT: usize = ENTRY + 2;

/// An entry but for its key.
pub(crate) struct Keyless {
    pub(crate) position: Position,
    action: Action,
    actor: Option<String>,
    reason: Option<String>,
}

impl Keyless {
    /// Returns the entry that deletes a value.
    #[cfg(test)]
    pub(crate) fn deleted(position: Position) -> Keyless {
        Keyless { position, action: Action::Deleted, actor: None, reason: None }
    }

    pub(crate) fn of(self, key: Key) -> Entry {
        let Keyless { position, action, actor, reason } = self;
        Entry { position, key, action, actor, reason }
    }
}

/// Returns the entry of `key` whose columns come first.
pub(crate) fn entry(row: &Row, key: Key) -> Result<Entry, Failure> {
    Ok(keyless(row)?.of(key))
}

/// Returns the entry whose columns come first, and the id of its key, which comes behind them.
pub(crate) fn entry_and_key(row: &Row) -> Result<(Keyless, i32), Failure> {
    Ok((keyless(row)?, row.try_get(ENTRY)?))
}

fn keyless(row: &Row) -> Result<Keyless, Failure> {
    let position = position(row, 0)?;
    let cells = Cells { row, owner: Owner::Entry(position) };
    let action = match (cells.get::<Option<i16>>(1, "kind")?, cells.get::<Option<&[u8]>>(4, "value")?) {
        (kind::SET, Some(bytes)) => Action::Set(bytes.into()),
        (kind::DELETED, None) => Action::Deleted,
        (kind::ERASED, Some(bytes)) => Action::Erased { by: erasure(bytes, &cells)? },
        (kind::SET | kind::DELETED | kind::ERASED, _) => return Err(cells.damaged("value")),
        _ => return Err(cells.damaged("kind")),
    };
    Ok(Keyless { position, action, actor: cells.text(2, "actor")?, reason: cells.text(3, "reason")? })
}

/// Returns where the commit ends that erased an entry.
fn erasure(bytes: &[u8], cells: &Cells<'_>) -> Result<Position, Failure> {
    let number = bytes.try_into().ok().map(u64::from_be_bytes);
    number.and_then(Position::new).ok_or_else(|| cells.damaged("value"))
}

/// Returns where the log ends, and whether it has a commit that was asked for.
pub(crate) fn end_and_witness(row: &Row) -> Result<(Position, bool), Failure> {
    Ok((position_or_start(row, 0)?.unwrap_or(Position::START), row.try_get(1)?))
}

/// Returns the commit whose columns begin at column `at`.
pub(crate) fn commit(row: &Row, at: usize) -> Result<Commit, Failure> {
    let last = position(row, at)?;
    let cells = Cells { row, owner: Owner::Commit(last) };
    let length = u64::try_from(cells.get::<i64>(at + 1, "length")?).ok();
    let first =
        length.filter(|length| (1..=last.get()).contains(length)).map(|length| last.get() + 1 - length);
    let first = first.and_then(Position::new).ok_or_else(|| cells.damaged("length"))?;
    Ok(Commit {
        first,
        last,
        id: cells.id(at + 2)?,
        recorded_at: cells.time(cells.get(at + 4, "recorded_at")?, "recorded_at")?,
        context: cells.context(at + 5)?,
    })
}

/// Returns the position in column `at`, which is never [`Position::START`].
fn position(row: &Row, at: usize) -> Result<Position, Failure> {
    position_or_start(row, at)?.filter(|position| *position > Position::START).ok_or_else(no_position)
}

/// Returns the position in column `at`, `None` where it is NULL.
pub(crate) fn position_or_start(row: &Row, at: usize) -> Result<Option<Position>, Failure> {
    let number: Option<i64> = row.try_get(at).map_err(|_| no_position())?;
    number.map(|number| Position::from_i64(number).ok_or_else(no_position)).transpose()
}

fn no_position() -> Failure {
    Failure::Damaged("the log is damaged: a position is not a positive number".into())
}

/// Returns the id in column `at`, as it is where it does not matter who made it.
pub(crate) fn uuid(row: &Row, at: usize) -> Result<Uuid, Failure> {
    let id: RawUuid =
        row.try_get(at).map_err(|_| Failure::Damaged("the log is damaged: an id is none".into()))?;
    Ok(Uuid::from_bytes(id.0))
}

/// Returns the time in column `at`, which is NULL where there is no commit.
pub(crate) fn time(row: &Row, at: usize) -> Result<Option<Timestamp>, Failure> {
    timestamp(row.try_get(at).map_err(|_| no_time())?)
}

/// Returns the time that is stored so.
pub(crate) fn timestamp(micros: Option<i64>) -> Result<Option<Timestamp>, Failure> {
    micros.map(|micros| Timestamp::from_micros(micros).map_err(|_| no_time())).transpose()
}

fn no_time() -> Failure {
    Failure::Damaged("the log is damaged: a time is none".into())
}

/// Returns the position in column 0, where a commit ends, and the time in column 1.
pub(crate) fn end_and_time(row: &Row) -> Result<(Position, Timestamp), Failure> {
    let damaged = || Failure::Damaged("the log is damaged: a commit has no time".into());
    Ok((position(row, 0)?, time(row, 1)?.ok_or_else(damaged)?))
}

/// Returns the namespace in column `at`.
pub(crate) fn namespace(row: &Row, at: usize) -> Result<Namespace, Failure> {
    row.try_get::<_, &str>(at)
        .ok()
        .and_then(|text| Namespace::new(text).ok())
        .ok_or_else(|| bad_name("namespace"))
}

/// Returns the key of these names.
pub(crate) fn key(namespace: &str, field: &str) -> Result<Key, Failure> {
    let namespace = Namespace::new(namespace).map_err(|_| bad_name("namespace"))?;
    key_in(namespace, field)
}

fn key_in(namespace: Namespace, field: &str) -> Result<Key, Failure> {
    let field = Field::new(field).map_err(|_| bad_name("field"))?;
    Key::new(namespace, field).map_err(|_| bad_name("field"))
}

fn bad_name(what: &str) -> Failure {
    Failure::Damaged(format!("the log is damaged: a {what} is not a valid name"))
}

/// Entries and the commits that they belong to, as they come in the rows of one answer.
#[derive(Debug, Default)]
pub(crate) struct Page {
    entries: Vec<Entry>,
    commits: BTreeMap<Position, Arc<Commit>>,
}

impl Page {
    pub(crate) fn read(rows: &[Row]) -> Result<Page, Failure> {
        let mut page = Page::default();
        let mut shared: Option<Namespace> = None;
        for row in rows {
            if position_or_start(row, 0)?.is_none() {
                let commit = commit(row, COMMIT)?;
                page.commits.insert(commit.last, Arc::new(commit));
                continue;
            }
            let text: &str = row.try_get(ENTRY).map_err(|_| bad_name("namespace"))?;
            let namespace = match shared.take().filter(|last| last.as_str() == text) {
                Some(shared) => shared,
                None => namespace(row, ENTRY)?,
            };
            let field = row.try_get(ENTRY + 1).map_err(|_| bad_name("field"))?;
            page.entries.push(entry(row, key_in(namespace.clone(), field)?)?);
            shared = Some(namespace);
        }
        Ok(page)
    }

    /// Returns the entries, each with its commit, sorted by what `order` says of them.
    pub(crate) fn changes<O: Ord>(mut self, order: impl Fn(&Entry) -> O) -> Result<Vec<Change>, Failure> {
        self.entries.sort_by_key(order);
        let commits = self.commits;
        let with_commit = |entry: Entry| {
            let commit = commits.range(entry.position..).next().map(|(_, commit)| Arc::clone(commit));
            let commit = commit.filter(|commit| commit.first <= entry.position);
            let commit = commit.ok_or_else(|| no_commit(entry.position))?;
            Ok(Change { entry, commit })
        };
        self.entries.into_iter().map(with_commit).collect()
    }
}

/// Returns the error of an entry that no commit covers.
pub(crate) fn no_commit(position: Position) -> Failure {
    Failure::Damaged(format!("the log is damaged: the entry at {position} has no commit"))
}

/// Returns the error of an entry whose key is not there.
pub(crate) fn no_key(position: Position) -> Failure {
    Failure::Damaged(format!("the log is damaged: the entry at {position} has no key"))
}

/// Returns the id in column 0 and the key of the names in columns 1 and 2.
pub(crate) fn id_and_key(row: &Row) -> Result<(i32, Key), Failure> {
    let namespace = row.try_get(1).map_err(|_| bad_name("namespace"))?;
    let field = row.try_get(2).map_err(|_| bad_name("field"))?;
    Ok((row.try_get(0)?, key(namespace, field)?))
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
    row: &'a Row,
    owner: Owner,
}

impl<'a> Cells<'a> {
    fn damaged(&self, column: &str) -> Failure {
        Failure::Damaged(format!("the log is damaged: {} has a wrong `{column}`", self.owner))
    }

    fn get<T: FromSql<'a>>(&self, at: usize, column: &str) -> Result<T, Failure> {
        self.row.try_get(at).map_err(|_| self.damaged(column))
    }

    fn text(&self, at: usize, column: &str) -> Result<Option<String>, Failure> {
        let Some(bytes) = self.get::<Option<&[u8]>>(at, column)? else { return Ok(None) };
        let text = std::str::from_utf8(bytes).map_err(|_| self.damaged(column))?;
        Ok(Some(text.to_owned()))
    }

    fn time(&self, micros: i64, column: &str) -> Result<Timestamp, Failure> {
        Timestamp::from_micros(micros).map_err(|_| self.damaged(column))
    }

    fn id(&self, at: usize) -> Result<CommitId, Failure> {
        let uuid = Uuid::from_bytes(self.get::<RawUuid>(at, "id")?.0);
        Ok(if self.get(at + 1, "given")? { CommitId::Given(uuid) } else { CommitId::Made(uuid) })
    }

    fn context(&self, at: usize) -> Result<Context, Failure> {
        let mut context = Context::new();
        let occurred_at: Option<i64> = self.get(at, "occurred_at")?;
        context.occurred_at = occurred_at.map(|micros| self.time(micros, "occurred_at")).transpose()?;
        context.actor = self.text(at + 1, "actor")?;
        context.reason = self.text(at + 2, "reason")?;
        context.location = self.text(at + 3, "location")?;
        if let Some(bytes) = self.get::<Option<&[u8]>>(at + 4, "tags")? {
            context.tags = Context::tags_from_bytes(bytes).map_err(|_| self.damaged("tags"))?;
        }
        Ok(context)
    }
}

/// The bytes of a UUID.
struct RawUuid([u8; 16]);

impl<'a> FromSql<'a> for RawUuid {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<RawUuid, Box<dyn StdError + Sync + Send>> {
        Ok(RawUuid(raw.try_into()?))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::UUID
    }
}
