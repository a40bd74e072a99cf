use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, params};

use crate::workload::{ACTOR, ID, LOCATION, REASON};

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

    /// Sets whether a commit waits for the disk.
    pub fn set_durable(&self, durable: bool) {
        let level = if durable { "FULL" } else { "NORMAL" };
        self.connection.pragma_update(None, "synchronous", level).expect("the level exists");
    }

    /// Appends writes as one commit.
    pub fn append(&self, writes: &[(usize, Vec<u8>)]) {
        self.transaction(|| self.insert(writes));
    }

    /// Appends each write as a commit of its own, in one transaction.
    pub fn append_each(&self, writes: &[(usize, Vec<u8>)]) {
        self.transaction(|| writes.chunks(1).for_each(|write| self.insert(write)));
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

    fn insert(&self, writes: &[(usize, Vec<u8>)]) {
        let sql = "INSERT INTO entries (key, value) VALUES (?1, ?2)";
        let mut insert = self.connection.prepare_cached(sql).expect("the statement is right");
        for (key, value) in writes {
            insert.execute(params![key_id(*key), value]).expect("there is room");
        }
        let time = std::time::UNIX_EPOCH.elapsed().expect("the clock is right").as_micros();
        let sql = "INSERT INTO commits VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let mut insert = self.connection.prepare_cached(sql).expect("the statement is right");
        let (last, length) = (self.connection.last_insert_rowid(), key_id(writes.len()));
        let time = i64::try_from(time).expect("the clock is right");
        insert.execute(params![last, length, ID, time, ACTOR, REASON, LOCATION]).expect("there is room");
    }

    /// Returns the newest value of a key.
    #[must_use]
    pub fn latest(&self, key: usize) -> Vec<u8> {
        let sql = "SELECT value FROM entries WHERE key = ?1 ORDER BY seq DESC LIMIT 1";
        let mut select = self.connection.prepare_cached(sql).expect("the statement is right");
        select.query_row([key_id(key)], |row| row.get(0)).expect("every key has a value")
    }

    /// Returns the value of a key as of a position.
    #[must_use]
    pub fn as_of(&self, key: usize, position: u64) -> Option<Vec<u8>> {
        let sql = "SELECT value FROM entries WHERE key = ?1 AND seq <= ?2 ORDER BY seq DESC LIMIT 1";
        let mut select = self.connection.prepare_cached(sql).expect("the statement is right");
        let mut found = select.query(params![key_id(key), position.cast_signed()]).expect("it can be read");
        found.next().expect("it can be read").map(|row| row.get(0).expect("a value is bytes"))
    }

    /// Returns all values of a key with their positions.
    #[must_use]
    pub fn history(&self, key: usize) -> Vec<(i64, Vec<u8>)> {
        let sql = "SELECT seq, value FROM entries WHERE key = ?1 ORDER BY seq";
        let mut select = self.connection.prepare_cached(sql).expect("the statement is right");
        let rows =
            select.query_map([key_id(key)], |row| Ok((row.get(0)?, row.get(1)?))).expect("it can be read");
        rows.map(|row| row.expect("it can be read")).collect()
    }
}

fn key_id(number: usize) -> i64 {
    i64::try_from(number).expect("numbers are small")
}
