use std::borrow::Cow;
use std::sync::LazyLock;

use annals_core::Position;
use rusqlite::{CachedStatement, Connection};

use crate::failure::Failure;
use crate::positions::KeyId;

/// A row of the table of entries.
pub(crate) struct EntryRow<'e> {
    pub(crate) position: Position,
    pub(crate) key: KeyId,
    pub(crate) kind: i64,
    pub(crate) actor: Option<&'e str>,
    pub(crate) reason: Option<&'e str>,
    pub(crate) value: Option<Cow<'e, [u8]>>,
}

/// Adds rows to the table of entries, many by one statement: to begin and end a statement costs more
/// than a row does.
pub(crate) struct EntryInserts<'c> {
    connection: &'c Connection,
    one: Option<CachedStatement<'c>>,
    many: Option<CachedStatement<'c>>,
}

impl<'c> EntryInserts<'c> {
    /// How many rows one statement adds.
    pub(crate) const ROWS: usize = 50;
    /// A statement holds copies of all values that it is given, so longer ones go one by one.
    const BYTES_MAX: usize = 64 << 10;

    pub(crate) fn new(connection: &'c Connection) -> EntryInserts<'c> {
        EntryInserts { connection, one: None, many: None }
    }

    /// Adds rows, best as many at a time as [`EntryInserts::ROWS`].
    pub(crate) fn insert(&mut self, rows: &[EntryRow<'_>]) -> Result<(), Failure> {
        let bytes: usize = rows.iter().filter_map(|row| row.value.as_ref()).map(|value| value.len()).sum();
        if rows.len() == Self::ROWS && bytes <= Self::BYTES_MAX {
            return execute(prepared(&mut self.many, self.connection, &MANY)?, rows);
        }
        let one = prepared(&mut self.one, self.connection, &ONE)?;
        rows.chunks(1).try_for_each(|row| execute(one, row))
    }
}

static ONE: LazyLock<String> = LazyLock::new(|| sql(1));
static MANY: LazyLock<String> = LazyLock::new(|| sql(EntryInserts::ROWS));

/// After a failure the whole transaction is rolled back: `OR FAIL` spares SQLite to copy pages so that
/// it could undo a statement by itself.
fn sql(rows: usize) -> String {
    let rows = vec!["(?, ?, ?, ?, ?, ?)"; rows].join(", ");
    format!("INSERT OR FAIL INTO annals_entry (position, key, kind, actor, reason, value) VALUES {rows}")
}

fn prepared<'s, 'c>(
    statement: &'s mut Option<CachedStatement<'c>>,
    connection: &'c Connection,
    sql: &str,
) -> Result<&'s mut CachedStatement<'c>, Failure> {
    Ok(match statement {
        Some(prepared) => prepared,
        None => statement.insert(connection.prepare_cached(sql)?),
    })
}

fn execute(statement: &mut CachedStatement<'_>, rows: &[EntryRow<'_>]) -> Result<(), Failure> {
    for (row, at) in rows.iter().zip((1..).step_by(6)) {
        statement.raw_bind_parameter(at, row.position.to_i64())?;
        statement.raw_bind_parameter(at + 1, row.key)?;
        statement.raw_bind_parameter(at + 2, row.kind)?;
        statement.raw_bind_parameter(at + 3, row.actor)?;
        statement.raw_bind_parameter(at + 4, row.reason)?;
        statement.raw_bind_parameter(at + 5, row.value.as_deref())?;
    }
    statement.raw_execute()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    /// Adds rows with values of these lengths, and checks that they stand there as they are.
    fn round_trip(lengths: &[usize]) {
        let connection = Connection::open_in_memory().unwrap();
        schema::create(&connection).unwrap();
        let rows = || {
            lengths.iter().zip(1..).map(|(length, number)| EntryRow {
                position: Position::from_i64(number).unwrap(),
                key: number % 7,
                kind: i64::from(number % 3 == 0),
                actor: (number % 2 == 0).then_some("Ada"),
                reason: (number % 5 == 0).then_some("why"),
                value: (number % 3 != 0).then(|| Cow::Owned(vec![7; *length])),
            })
        };
        let mut inserts = EntryInserts::new(&connection);
        for chunk in rows().collect::<Vec<_>>().chunks(EntryInserts::ROWS) {
            inserts.insert(chunk).unwrap();
        }
        let sql = "SELECT position, key, kind, actor, reason, value FROM annals_entry ORDER BY position";
        let mut select = connection.prepare(sql).unwrap();
        let mut found = select.query([]).unwrap();
        for expected in rows() {
            let row = found.next().unwrap().unwrap();
            let [position, key, kind] = [0, 1, 2].map(|at| row.get::<_, i64>(at).unwrap());
            assert_eq!([position, key, kind], [expected.position.to_i64(), expected.key, expected.kind]);
            let [actor, reason] = [3, 4].map(|at| row.get::<_, Option<String>>(at).unwrap());
            assert_eq!([actor.as_deref(), reason.as_deref()], [expected.actor, expected.reason]);
            assert_eq!(row.get::<_, Option<Vec<u8>>>(5).unwrap().as_deref(), expected.value.as_deref());
        }
        assert!(found.next().unwrap().is_none());
    }

    #[test]
    fn rows_stand_as_they_are_however_many_and_however_long() {
        round_trip(&[3]);
        round_trip(&[3; EntryInserts::ROWS]);
        round_trip(&[3; 2 * EntryInserts::ROWS + 1]);
        round_trip(&[EntryInserts::BYTES_MAX; EntryInserts::ROWS + 1]);
    }
}
