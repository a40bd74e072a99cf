use std::cell::{Cell, RefCell};

use postgres::binary_copy::BinaryCopyInWriter;
use postgres::types::{ToSql, Type};
use postgres::{Client, NoTls, Statement};
use uuid::Uuid;

use super::{Tables, now};
use crate::workload::{ACTOR, ID, LOCATION, REASON, Write};

/// The tables and queries that one would write by hand for this data alone on PostgreSQL: keys are
/// numbers that the program knows, there is one log, and no read tells who, when or why.
///
/// One row an entry with an index by key, one row a commit with what Annals stores in its own, and one
/// row that says where the log ends, which is locked while commits are added: that is their order. A
/// write is one statement that does all of it, so it is one round trip. As in Annals the session keeps nothing,
/// so that a pooler may stand between, unless it is told to.
pub struct PostgresByHand {
    client: RefCell<Client>,
    is_prepared: Cell<bool>,
    append_one: Asked,
    append: Asked,
    append_each: Asked,
    latest: Asked,
    as_of: Asked,
    history: Asked,
    record: Asked,
    commits: Asked,
    entries: Asked,
    last_position: Asked,
}

/// A statement: its text, and what a session keeps of it.
struct Asked {
    sql: &'static str,
    kept: Statement,
}

/// A commit as a walk gives it: where it ends, its length, its time, and its context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitByHand {
    /// The position of its last entry.
    pub last: u64,
    /// How many entries it has.
    pub length: u64,
    /// Its id.
    pub id: Uuid,
    /// When it was recorded, in microseconds since 1970.
    pub time: i64,
    /// Who.
    pub actor: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// From where.
    pub location: Option<String>,
}

/// An entry as a walk gives it: position, key, value.
pub type EntryByHand = (u64, i32, Vec<u8>);

impl PostgresByHand {
    /// How many entries a page of [`PostgresByHand::replay`] has, as in the walk of Annals.
    const PAGE: i64 = 2_000;

    /// Makes new tables in a schema.
    ///
    /// # Panics
    /// If that cannot be done.
    #[must_use]
    pub fn open(url: &str, schema: &str) -> PostgresByHand {
        let mut client = Client::connect(url, NoTls).expect("the server answers");
        let set_up = format!("CREATE SCHEMA {schema}; SET search_path = {schema}; {SCHEMA}");
        client.batch_execute(&set_up).expect("the tables are new");
        let mut prepare = |sql| Asked { sql, kept: client.prepare(sql).expect("the statement is right") };
        PostgresByHand {
            append_one: prepare(APPEND_ONE),
            append: prepare(APPEND),
            append_each: prepare(APPEND_EACH),
            latest: prepare("SELECT value FROM entries WHERE key = $1 ORDER BY seq DESC LIMIT 1"),
            as_of: prepare(
                "SELECT value FROM entries WHERE key = $1 AND seq <= $2 ORDER BY seq DESC LIMIT 1",
            ),
            history: prepare("SELECT seq, value FROM entries WHERE key = $1 ORDER BY seq"),
            record: prepare(RECORD),
            commits: prepare(
                "SELECT last, length, id, time, actor, reason, location FROM commits
                WHERE last > $1 AND last <= $2 ORDER BY last",
            ),
            entries: prepare("SELECT seq, key, value FROM entries WHERE seq > $1 ORDER BY seq LIMIT $2"),
            last_position: prepare("SELECT last FROM head"),
            client: RefCell::new(client),
            is_prepared: Cell::new(false),
        }
    }

    /// Sets whether the statements are those that the session has prepared once for all.
    pub fn set_prepared(&self, is_prepared: bool) {
        self.is_prepared.set(is_prepared);
    }

    /// Returns the newest value of each of these keys at or before a position.
    #[must_use]
    pub fn record(&self, keys: &[i32], position: u64) -> Vec<(i32, Vec<u8>)> {
        let rows = self.query(&self.record, &[&keys, &position.cast_signed()]);
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// Returns all values of a key with their positions.
    #[must_use]
    pub fn history(&self, key: usize) -> Vec<(u64, Vec<u8>)> {
        let rows = self.query(&self.history, &[&number(key)]);
        rows.iter().map(|row| (row.get::<_, i64>(0).cast_unsigned(), row.get(1))).collect()
    }

    /// Calls `visit` with every commit in order and its entries; all of it is owned. A page of entries is
    /// one query, and their commits are another.
    pub fn replay(&self, mut visit: impl FnMut(CommitByHand, Vec<EntryByHand>)) {
        let mut after = 0;
        loop {
            let found = self.query(&self.entries, &[&after, &Self::PAGE]);
            let Some(last) = found.last() else { return };
            let through: i64 = last.get(0);
            let commits = self.query(&self.commits, &[&after, &through]);
            let mut entries = found.iter().map(|row| {
                let position: i64 = row.get(0);
                (position.cast_unsigned(), row.get(1), row.get(2))
            });
            for row in &commits {
                let length: i64 = row.get(1);
                let commit = CommitByHand {
                    last: row.get::<_, i64>(0).cast_unsigned(),
                    length: length.cast_unsigned(),
                    id: row.get(2),
                    time: row.get(3),
                    actor: row.get(4),
                    reason: row.get(5),
                    location: row.get(6),
                };
                let own = (0..length).map(|_| entries.next().expect("a commit has its entries")).collect();
                visit(commit, own);
            }
            assert!(entries.next().is_none(), "pages end where commits do");
            after = through;
        }
    }

    /// Appends commits in one transaction, their entries and then themselves by COPY.
    ///
    /// # Panics
    /// If that cannot be done.
    pub fn restore(&self, commits: &[Vec<Write>]) {
        let mut client = self.client.borrow_mut();
        let mut transaction = client.transaction().expect("the server answers");
        let added: i64 = commits.iter().map(|writes| length(writes)).sum();
        let lengthen = "UPDATE head SET last = last + $1 RETURNING last - $1";
        let before: i64 = transaction.query_one(lengthen, &[&added]).expect("there is a head").get(0);

        let copy = "COPY entries FROM STDIN BINARY";
        let copy = transaction.copy_in(copy).expect("the statement is right");
        let mut rows = BinaryCopyInWriter::new(copy, &[Type::INT8, Type::INT4, Type::BYTEA]);
        for (position, (key, value)) in (before + 1..).zip(commits.iter().flatten()) {
            rows.write(&[&position, &number(*key), &value.as_slice()]).expect("there is room");
        }
        rows.finish().expect("there is room");

        let copy = "COPY commits FROM STDIN BINARY";
        let copy = transaction.copy_in(copy).expect("the statement is right");
        let types = [Type::INT8, Type::INT8, Type::UUID, Type::INT8, Type::TEXT, Type::TEXT, Type::TEXT];
        let mut rows = BinaryCopyInWriter::new(copy, &types);
        let mut last = before;
        for length in commits.iter().map(|writes| length(writes)) {
            last += length;
            let row: &[&(dyn ToSql + Sync)] = &[&last, &length, &id(), &now(), &ACTOR, &REASON, &LOCATION];
            rows.write(row).expect("there is room");
        }
        rows.finish().expect("there is room");
        transaction.commit().expect("there is room");
    }

    fn query(&self, asked: &Asked, parameters: &[&(dyn ToSql + Sync)]) -> Vec<postgres::Row> {
        let client = &mut self.client.borrow_mut();
        let found = if self.is_prepared.get() {
            client.query(&asked.kept, parameters)
        } else {
            let types = asked.kept.params().iter().cloned();
            let typed: Vec<_> = parameters.iter().copied().zip(types).collect();
            client.query_typed(asked.sql, &typed)
        };
        found.expect("the server does it")
    }
}

impl Tables for PostgresByHand {
    fn append(&self, writes: &[Write]) {
        let (keys, values) = columns(writes);
        self.query(&self.append, &[&keys, &values, &id(), &now(), &ACTOR, &REASON, &LOCATION]);
    }

    fn append_one(&self, (key, value): &Write) {
        let (key, value) = (number(*key), value.as_slice());
        let parameters: &[&(dyn ToSql + Sync)] = &[&key, &value, &id(), &now(), &ACTOR, &REASON, &LOCATION];
        self.query(&self.append_one, parameters);
    }

    fn append_each(&self, writes: &[Write]) {
        let (keys, values) = columns(writes);
        let count = writes.len();
        let (ids, times) = (vec![id(); count], vec![now(); count]);
        let [actors, reasons, locations] = [ACTOR, REASON, LOCATION].map(|text| vec![text; count]);
        let parameters: &[&(dyn ToSql + Sync)] =
            &[&keys, &values, &ids, &times, &actors, &reasons, &locations];
        self.query(&self.append_each, parameters);
    }

    fn set_durable(&self, durable: bool) {
        let level = if durable { "on" } else { "off" };
        let set = format!("SET synchronous_commit = {level}");
        self.client.borrow_mut().batch_execute(&set).expect("the level exists");
    }

    fn latest(&self, key: usize) -> Vec<u8> {
        self.query(&self.latest, &[&number(key)]).first().expect("every key has a value").get(0)
    }

    fn as_of(&self, key: usize, position: u64) -> Option<Vec<u8>> {
        self.query(&self.as_of, &[&number(key), &position.cast_signed()]).first().map(|row| row.get(0))
    }

    fn last_position(&self) -> u64 {
        let last: i64 = self.query(&self.last_position, &[]).first().expect("there is a head").get(0);
        last.cast_unsigned()
    }
}

impl std::fmt::Debug for PostgresByHand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresByHand").finish_non_exhaustive()
    }
}

const SCHEMA: &str = "
    CREATE TABLE head (last bigint NOT NULL) WITH (fillfactor = 20);
    INSERT INTO head VALUES (0);
    CREATE TABLE entries (seq bigint PRIMARY KEY, key integer NOT NULL, value bytea);
    CREATE INDEX entries_key ON entries (key, seq);
    CREATE TABLE commits (
        last bigint PRIMARY KEY, length bigint NOT NULL, id uuid NOT NULL, time bigint NOT NULL,
        actor text, reason text, location text
    );";

const APPEND_ONE: &str = "
    WITH h AS (UPDATE head SET last = last + 1 RETURNING last),
    e AS (INSERT INTO entries SELECT h.last, $1::integer, $2::bytea FROM h)
    INSERT INTO commits SELECT h.last, 1, $3::uuid, $4::bigint, $5::text, $6::text, $7::text FROM h";

const APPEND: &str = "
    WITH h AS (
        UPDATE head SET last = last + cardinality($1::integer[])
        RETURNING last, cardinality($1::integer[]) AS length
    ),
    e AS (
        INSERT INTO entries SELECT h.last - h.length + x.number, x.key, x.value
        FROM h, unnest($1::integer[], $2::bytea[]) WITH ORDINALITY AS x (key, value, number)
    )
    INSERT INTO commits SELECT h.last, h.length, $3::uuid, $4::bigint, $5::text, $6::text, $7::text FROM h";

const APPEND_EACH: &str = "
    WITH h AS (
        UPDATE head SET last = last + cardinality($1::integer[])
        RETURNING last - cardinality($1::integer[]) AS before
    ),
    e AS (
        INSERT INTO entries SELECT h.before + x.number, x.key, x.value
        FROM h, unnest($1::integer[], $2::bytea[]) WITH ORDINALITY AS x (key, value, number)
    )
    INSERT INTO commits SELECT h.before + x.number, 1, x.id, x.time, x.actor, x.reason, x.location
    FROM h, unnest($3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[])
        WITH ORDINALITY AS x (id, time, actor, reason, location, number)";

const RECORD: &str = "
    SELECT k.key, e.value FROM unnest($1::integer[]) AS k (key) CROSS JOIN LATERAL (
        SELECT e.value FROM entries AS e WHERE e.key = k.key AND e.seq <= $2 ORDER BY e.seq DESC LIMIT 1
    ) AS e";

fn columns(writes: &[Write]) -> (Vec<i32>, Vec<&[u8]>) {
    writes.iter().map(|(key, value)| (number(*key), value.as_slice())).unzip()
}

fn number(key: usize) -> i32 {
    i32::try_from(key).expect("numbers are small")
}

fn length(writes: &[Write]) -> i64 {
    i64::try_from(writes.len()).expect("numbers are small")
}

fn id() -> Uuid {
    Uuid::from_bytes(ID)
}
