use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Row, params};

use super::{Tables, now};
use crate::workload::{ACTOR, ID, LOCATION, REASON, Write};

/// The tables and queries that one would write by hand for this data alone: keys are numbers that
/// the program knows, and no answer tells who, when or why.
///
/// One row an entry with an index on the key, one row a commit with what Annals stores in its own.
#[derive(Debug)]
pub struct ByHand {
    connection: Connection,
}

impl ByHand {
    /// The pages in memory, in KiB; Annals is opened with the same.
    pub const CACHE_KIB: u32 = 64 * 1024;

    /// Opens a new file with the settings of the driver.
    #[must_use]
    pub fn open(path: &Path) -> ByHand {
        let connection = Connection::open(path).expect("the file opens");
        connection
            .execute_batch(&format!(
                "PRAGMA journal_mode = WAL;
                PRAGMA synchronous = FULL;
                PRAGMA cache_size = -{};
                CREATE TABLE entries (seq INTEGER PRIMARY KEY, key INTEGER NOT NULL, value BLOB) STRICT;
                CREATE INDEX entries_key ON entries (key);
                CREATE TABLE commits (
                    last INTEGER PRIMARY KEY, length INTEGER NOT NULL, id BLOB NOT NULL, time INTEGER NOT NULL,
                    actor TEXT, reason TEXT, location TEXT
                ) STRICT;",
                Self::CACHE_KIB
            ))
            .expect("the tables are new");
        let qpsg = DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG;
        assert!(connection.set_db_config(qpsg, true).expect("the setting exists"));
        connection.set_prepared_statement_cache_capacity(64);
        ByHand { connection }
    }

    fn transaction(&self, body: impl FnOnce()) {
        self.run("BEGIN IMMEDIATE");
        body();
        self.run("COMMIT");
    }

    fn run(&self, sql: &str) {
        self.connection
            .prepare_cached(sql)
            .expect("the statement is right")
            .execute([])
            .expect("it can be done");
    }

    fn insert(&self, writes: &[Write]) {
        let sql = "INSERT INTO entries (key, value) VALUES (?1, ?2)";
        let mut insert = self.connection.prepare_cached(sql).expect("the statement is right");
        for (key, value) in writes {
            insert.execute(params![key_id(*key), value]).expect("there is room");
        }
        let sql = "INSERT INTO commits VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let mut insert = self.connection.prepare_cached(sql).expect("the statement is right");
        let (last, length) = (self.connection.last_insert_rowid(), key_id(writes.len()));
        insert.execute(params![last, length, ID, now(), ACTOR, REASON, LOCATION]).expect("there is room");
    }

    /// Returns the value of a key after the last commit at or before a position.
    #[must_use]
    pub fn as_of_commit(&self, key: usize, position: u64) -> Option<Vec<u8>> {
        let sql = "SELECT value FROM entries
            WHERE key = ?1 AND seq <= (SELECT last FROM commits WHERE last <= ?2 ORDER BY last DESC LIMIT 1)
            ORDER BY seq DESC LIMIT 1";
        let mut select = self.connection.prepare_cached(sql).expect("the statement is right");
        let mut found = select.query(params![key_id(key), position.cast_signed()]).expect("it can be read");
        found.next().expect("it can be read").map(|row| row.get(0).expect("a value is bytes"))
    }

    /// Returns the value of a key at the end of the last run of commits after which `condition` had
    /// the value `held`.
    #[must_use]
    pub fn within(&self, condition: usize, held: &[u8], key: usize) -> Option<Vec<u8>> {
        let mut select = self.connection.prepare_cached(WITHIN).expect("the statement is right");
        let parameters = params![key_id(condition), held, key_id(key)];
        let mut found = select.query(parameters).expect("it can be read");
        found.next().expect("it can be read").map(|row| row.get(0).expect("a value is bytes"))
    }

    /// Calls `visit` with every commit in order: its actor, and the position, key and value of each of
    /// its entries.
    pub fn replay(&self, mut visit: impl FnMut(String, Vec<(u64, i64, Vec<u8>)>)) {
        let prepare = |sql| self.connection.prepare_cached(sql).expect("the statement is right");
        let mut commits =
            prepare("SELECT last, length, id, time, actor, reason, location FROM commits ORDER BY last");
        let mut entries = prepare("SELECT seq, key, value FROM entries ORDER BY seq");
        let mut commits = commits.query([]).expect("it can be read");
        let mut entries = entries.query([]).expect("it can be read");
        while let Some(commit) = commits.next().expect("it can be read") {
            let length: i64 = commit.get(1).expect("a length is a number");
            let of_commit = (0..length).map(|_| {
                let entry = entries.next().expect("it can be read").expect("a commit has its entries");
                let position: i64 = entry.get(0).expect("a position is a number");
                let key = entry.get(1).expect("a key is a number");
                (position.cast_unsigned(), key, entry.get(2).expect("a value is bytes"))
            });
            visit(commit.get(4).expect("an actor is text"), of_commit.collect());
        }
    }

    /// Returns a number that changes when another connection has written.
    #[must_use]
    pub fn data_version(&self) -> i64 {
        let mut pragma = self.connection.prepare_cached("PRAGMA data_version").expect("the pragma is known");
        pragma.query_row([], |row| row.get(0)).expect("it can be read")
    }

    /// Returns all values of a key with their positions.
    #[must_use]
    pub fn history(&self, key: usize) -> Vec<(u64, Vec<u8>)> {
        let sql = "SELECT seq, value FROM entries WHERE key = ?1 ORDER BY seq";
        let mut select = self.connection.prepare_cached(sql).expect("the statement is right");
        let version = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?));
        let rows = select.query_map([key_id(key)], version).expect("it can be read");
        rows.map(|row| row.expect("it can be read")).collect()
    }
}

impl Tables for ByHand {
    fn set_durable(&self, durable: bool) {
        let level = if durable { "FULL" } else { "NORMAL" };
        self.connection.pragma_update(None, "synchronous", level).expect("the level exists");
    }

    fn append(&self, writes: &[Write]) {
        self.transaction(|| self.insert(writes));
    }

    fn append_each(&self, writes: &[Write]) {
        self.transaction(|| writes.chunks(1).for_each(|write| self.insert(write)));
    }

    fn latest(&self, key: usize) -> Vec<u8> {
        let sql = "SELECT value FROM entries WHERE key = ?1 ORDER BY seq DESC LIMIT 1";
        let mut select = self.connection.prepare_cached(sql).expect("the statement is right");
        select.query_row([key_id(key)], |row| row.get(0)).expect("every key has a value")
    }

    fn as_of(&self, key: usize, position: u64) -> Option<Vec<u8>> {
        let sql = "SELECT value FROM entries WHERE key = ?1 AND seq <= ?2 ORDER BY seq DESC LIMIT 1";
        let mut select = self.connection.prepare_cached(sql).expect("the statement is right");
        let mut found = select.query(params![key_id(key), position.cast_signed()]).expect("it can be read");
        found.next().expect("it can be read").map(|row| row.get(0).expect("a value is bytes"))
    }

    fn last_position(&self) -> u64 {
        let sql = "SELECT coalesce(max(seq), 0) FROM entries";
        let mut select = self.connection.prepare_cached(sql).expect("the statement is right");
        let last: i64 = select.query_row([], |row| row.get(0)).expect("it can be read");
        last.cast_unsigned()
    }
}

/// Finds where the condition held last (walking back over its changes), then the change that ended
/// that, then the commit before, then the value there.
const WITHIN: &str = "
    SELECT value FROM entries
    WHERE key = ?3 AND seq <= (
        SELECT coalesce(
            (
                SELECT last - length FROM commits
                WHERE last >= (SELECT seq FROM entries WHERE key = ?1 AND seq > held.seq ORDER BY seq LIMIT 1)
                ORDER BY last LIMIT 1
            ),
            held.end_of_time
        )
        FROM (
            SELECT seq, 9223372036854775807 AS end_of_time FROM entries
            WHERE key = ?1 AND value = ?2 ORDER BY seq DESC LIMIT 1
        ) AS held
    )
    ORDER BY seq DESC LIMIT 1";

fn key_id(number: usize) -> i64 {
    i64::try_from(number).expect("numbers are small")
}
