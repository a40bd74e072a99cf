//! A server that has lost its newest commits, as after a failover to a standby that lacked them.

use annals_core::{Batch, Context, Driver, Durability, Key, Order, PositionRange};
use annals_driver_postgres::PostgresDriver;

use crate::common::Scratch;

fn append<const N: usize>(driver: &PostgresDriver, namespaces: [&str; N]) {
    let set = |batch: Batch, namespace: &&str| batch.set(Key::parse(namespace, "x").unwrap(), [1]);
    let batch = namespaces.iter().fold(Batch::new(Context::new()), set);
    driver.append(&[batch], Durability::Synced).unwrap().remove(0).unwrap();
}

/// Returns the namespaces of all entries.
fn namespaces(driver: &PostgresDriver) -> Vec<String> {
    let commits = driver.commits(PositionRange::ALL, Order::OldestFirst, usize::MAX).unwrap();
    let entries = commits.iter().flat_map(|whole| &whole.entries);
    entries.map(|entry| entry.key.namespace().to_string()).collect()
}

fn lose_all(scratch: &Scratch) {
    let (schema, log) = (scratch.schema(), scratch.number());
    let lose = ["entry", "commit", "key"]
        .map(|table| format!("DELETE FROM {schema}.annals_{table} WHERE log = {log}"));
    let end = format!("UPDATE {schema}.annals_log SET last = 0, recorded_at = NULL WHERE log = {log}");
    scratch.sql().batch_execute(&[&lose.join("; "), "; ", &end].concat()).unwrap();
}

#[test]
fn who_knew_keys_that_are_lost_does_not_take_others_for_them() {
    let Some(scratch) = Scratch::new() else { return };
    let open = || scratch.options().open().unwrap();
    let (writer, reader, other) = (open(), open(), open());
    append(&writer, ["a", "b"]);
    append(&writer, ["b", "a"]);
    assert_eq!(namespaces(&writer), ["a", "b", "b", "a"]);
    assert_eq!(namespaces(&reader), ["a", "b", "b", "a"]);

    lose_all(&scratch);
    append(&other, ["c", "d"]);
    append(&writer, ["a", "b"]);
    assert_eq!(namespaces(&open()), ["c", "d", "a", "b"]);
    assert_eq!(namespaces(&reader), ["c", "d", "a", "b"]);
    assert_eq!(namespaces(&writer), ["c", "d", "a", "b"]);
    append(&writer, ["d", "b", "e", "e"]);
    assert_eq!(namespaces(&reader), ["c", "d", "a", "b", "d", "b", "e", "e"]);
}

#[test]
fn who_restored_keys_that_are_lost_does_not_take_others_for_them() {
    let Some(scratch) = Scratch::new() else { return };
    let Some(source) = Scratch::new() else { return };
    let open = |scratch: &Scratch| scratch.options().open().unwrap();
    let (driver, other, source) = (open(&scratch), open(&scratch), open(&source));
    append(&source, ["a", "b"]);
    append(&source, ["c", "b"]);
    let commits = || source.commits(PositionRange::ALL, Order::OldestFirst, usize::MAX).unwrap();
    commits().chunks(1).for_each(|page| driver.restore(page).unwrap());
    assert_eq!(namespaces(&open(&scratch)), ["a", "b", "c", "b"]);

    lose_all(&scratch);
    append(&other, ["c"]);
    append(&other, ["d"]);
    append(&other, ["e", "f"]);
    append(&source, ["b", "a", "d"]);
    driver.restore(&commits()[2..]).unwrap();
    assert_eq!(namespaces(&open(&scratch)), ["c", "d", "e", "f", "b", "a", "d"]);
    append(&driver, ["b", "c"]);
    assert_eq!(namespaces(&open(&scratch))[7..], ["b", "c"]);
}
