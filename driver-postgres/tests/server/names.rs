//! No name becomes anything else than a name: promise 17.

use std::collections::BTreeSet;

use annals_conformance::hostile_names;
use annals_core::{Batch, Context, Driver, Durability, Error, Field, Key, Namespace, Position, Scope};
use annals_driver_postgres::PostgresOptions;

use crate::database::Database;

/// How many names are tried.
const NAMES: usize = 10_000;

/// Everything that has a name in the database, and not from the beginning.
fn catalog(database: &Database) -> BTreeSet<String> {
    let sql = "
        SELECT 'relation ' || relname FROM pg_class WHERE oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace
        UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE oid >= 16384
        UNION ALL SELECT 'type ' || typname FROM pg_type WHERE oid >= 16384
        UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE oid >= 16384
        UNION ALL SELECT 'language ' || lanname FROM pg_language WHERE oid >= 16384
        UNION ALL SELECT 'extension ' || extname FROM pg_extension WHERE oid >= 16384";
    let rows = database.sql().query(sql, &[]).unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn key() -> Key {
    Key::parse("a", "x").unwrap()
}

/// Returns the text as a URL has it, each byte by its number.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[track_caller]
fn assert_told(refused: &Error) {
    let told = refused.to_string();
    assert!(matches!(refused, Error::Invalid(_) | Error::Name(_)), "{told}");
    assert!(told.len() < 1000 && !told.contains(char::is_control), "{told:?}");
}

#[test]
fn hostile_names_of_logs_are_those_of_logs_or_are_refused() {
    let Some(here) = Database::new() else { return };
    let database = here.options().connect().unwrap();
    database.init().unwrap();
    let before = catalog(&here);
    let mut named = BTreeSet::new();
    for name in hostile_names(NAMES) {
        // By a URL it is the same as by itself.
        let by_url = format!("{}&annals.log={}", here.url(), encoded(&name)).parse::<PostgresOptions>();
        match here.options().create(true).log(&name) {
            Err(refused) => {
                assert_told(&refused);
                assert_told(&by_url.unwrap_err());
            }
            Ok(options) => {
                assert_eq!(by_url.unwrap().create(true), options);
                named.insert(name);
            }
        }
    }
    assert!((3000..7000).contains(&named.len()), "{} are names", named.len());

    // Making them all takes long: every tenth one.
    let made: Vec<&String> = named.iter().step_by(10).collect();
    for name in &made {
        let batch = Batch::new(Context::new()).set(key(), name.as_bytes());
        database.create_log(name).unwrap().append(&[batch], Durability::Buffered).unwrap();
    }
    for name in &made {
        let log = database.open_log(name).unwrap();
        assert_eq!(log.last_position().unwrap().get(), 1, "{name} has the commits of another log");
        let entry = log.entry(&key(), Position::MAX).unwrap().unwrap();
        assert_eq!(entry.action.bytes().unwrap()[..], *name.as_bytes());
    }
    let listed = database.logs().unwrap();
    assert!(
        listed.iter().map(|(name, _)| name).eq(made),
        "the logs are listed by their names, in byte order"
    );
    assert_eq!(catalog(&here), before);
}

#[test]
fn hostile_names_of_schemas_are_those_of_schemas_or_are_refused() {
    let Some(here) = Database::new() else { return };
    here.options().connect().unwrap().init().unwrap();
    let before = catalog(&here);
    let mut named = BTreeSet::new();
    for name in hostile_names(NAMES) {
        let by_url = format!("{}&annals.schema={}", here.url(), encoded(&name)).parse::<PostgresOptions>();
        match here.options().create(true).schema(&name) {
            Err(refused) => {
                assert_told(&refused);
                assert_told(&by_url.unwrap_err());
            }
            Ok(options) => {
                assert_eq!(by_url.unwrap().create(true), options);
                named.insert(name);
            }
        }
    }
    assert!(named.contains("select") && named.len() > 20, "{named:?}");

    // The longest, of which a server may take the beginning only, and some others.
    named.remove("annals");
    let mut by_length: Vec<&String> = named.iter().collect();
    by_length.sort_by_key(|name| name.len());
    let made = [&by_length[..8], &by_length[by_length.len() - 12..]].concat();
    for name in &made {
        let log = here.options().create(true).schema(name).unwrap().open().unwrap();
        let batch = Batch::new(Context::new()).set(key(), name.as_bytes());
        log.append(&[batch], Durability::Buffered).unwrap();
    }
    for name in &made {
        let log = here.options().schema(name).unwrap().open().unwrap();
        assert_eq!(log.last_position().unwrap().get(), 1);
        let entry = log.entry(&key(), Position::MAX).unwrap().unwrap();
        assert_eq!(entry.action.bytes().unwrap()[..], *name.as_bytes());
    }
    let schemas: BTreeSet<String> = catalog(&here).difference(&before).cloned().collect();
    let expected = made.iter().filter(|name| **name != "public").map(|name| format!("schema {name}"));
    assert_eq!(schemas, expected.collect());
}

#[test]
fn hostile_names_of_keys_change_nothing_but_their_entries() {
    let Some(here) = Database::new() else { return };
    let log = here.options().create(true).open().unwrap();
    let before = catalog(&here);
    let mut keys = BTreeSet::new();
    for name in hostile_names(NAMES) {
        match Namespace::new(&name) {
            Ok(namespace) => keys.extend(Key::new(namespace, Field::new("x").unwrap()).ok()),
            Err(refused) => assert_told(&refused),
        }
        match Field::new(&name) {
            Ok(field) => keys.extend(Key::new(Namespace::new("a").unwrap(), field).ok()),
            Err(refused) => assert_told(&refused),
        }
    }
    keys.retain(|key: &Key| !key.namespace().is_reserved());
    assert!(keys.len() > 5000, "{} are keys", keys.len());
    let all: Vec<Key> = keys.into_iter().collect();
    for some in all.chunks(1000) {
        let set = |batch: Batch, key: &Key| batch.set(key.clone(), key.to_string().into_bytes());
        log.append(&[some.iter().fold(Batch::new(Context::new()), set)], Durability::Buffered).unwrap();
    }
    let state = log.state(&Scope::All, Position::MAX, None, usize::MAX).unwrap();
    assert!(state.iter().map(|change| &change.entry.key).eq(&all), "each is there, in byte order");
    for change in &state {
        assert_eq!(change.entry.action.bytes().unwrap()[..], *change.key().to_string().as_bytes());
    }
    assert_eq!(catalog(&here), before);
}
