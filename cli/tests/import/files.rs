//! Makes files as the package does.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::Serialize;
use serde_bytes::ByteBuf;

/// A row as the package writes it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) seq: i64,
    pub(crate) namespace: String,
    pub(crate) field: String,
    pub(crate) value: Option<ByteBuf>,
    pub(crate) created_at: f64,
    pub(crate) context: String,
}

impl Row {
    /// A row that sets `a x`, one second after the one before.
    pub(crate) fn set(seq: i32, value: &[u8]) -> Row {
        Row {
            seq: seq.into(),
            namespace: "a".into(),
            field: "x".into(),
            value: Some(ByteBuf::from(value)),
            created_at: 1e9 + f64::from(seq),
            context: format!("game.play:{seq}"),
        }
    }

    pub(crate) fn delete(seq: i32) -> Row {
        Row { value: None, ..Row::set(seq, b"") }
    }
}

pub(crate) fn dump_of(rows: &[impl Serialize]) -> Vec<u8> {
    rows.iter().flat_map(|row| rmp_serde::to_vec_named(row).unwrap()).collect()
}

pub(crate) fn write_dump(folder: &Path, rows: &[impl Serialize]) -> PathBuf {
    let file = folder.join("rows.msgpack");
    std::fs::write(&file, dump_of(rows)).unwrap();
    file
}

pub(crate) const TABLE: &str = "appendmuch_values";

pub(crate) fn create_table(connection: &Connection, table: &str) {
    let create = format!(
        "CREATE TABLE {table} (id INTEGER PRIMARY KEY AUTOINCREMENT, seq INTEGER NOT NULL UNIQUE, \
         namespace TEXT NOT NULL, field TEXT NOT NULL, value BLOB, created_at REAL NOT NULL, \
         context TEXT NOT NULL)"
    );
    connection.execute_batch(&create).unwrap();
}

pub(crate) fn insert(connection: &Connection, table: &str, rows: &[Row]) {
    let insert = format!(
        "INSERT INTO {table} (seq, namespace, field, value, created_at, context) VALUES (?, ?, ?, ?, ?, ?)"
    );
    let transaction = connection.unchecked_transaction().unwrap();
    for row in rows {
        let value = row.value.as_ref().map(|bytes| bytes.as_slice());
        let columns = (row.seq, &row.namespace, &row.field, value, row.created_at, &row.context);
        transaction.execute(&insert, columns).unwrap();
    }
    transaction.commit().unwrap();
}

pub(crate) fn write_table(folder: &Path, rows: &[Row]) -> PathBuf {
    let file = folder.join("rows.sqlite3");
    let connection = Connection::open(&file).unwrap();
    create_table(&connection, TABLE);
    insert(&connection, TABLE, rows);
    file
}
