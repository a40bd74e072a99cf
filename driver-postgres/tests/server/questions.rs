//! What is asked about one key is asked by functions of the schema, whose plans are kept, and by plain
//! statements where those are missing or not for everybody.

use annals_core::{
    Batch, Change, Context, Driver, Durability, Entry, Error, Key, Order, PositionRange, Scope,
};
use annals_driver_postgres::PostgresDriver;
use postgres::error::SqlState;

use crate::database::Database;

const FUNCTIONS: &str = "annals.annals_read_entry, annals.annals_read_record, annals.annals_read_history_oldest_first, \
    annals.annals_read_history_newest_first";

fn key() -> Key {
    Key::parse("game", "score").unwrap()
}

type Answers = (Result<Option<Entry>, Error>, [Result<Vec<Change>, Error>; 3]);

/// Asks each question.
fn ask(driver: &PostgresDriver) -> Answers {
    let last = driver.last_position().unwrap();
    let history = |order| driver.history(&key(), PositionRange::ALL, order, 0, 10);
    let record = driver.state(&Scope::Record(key().namespace().clone()), last, None, 10);
    (driver.entry(&key(), last), [history(Order::OldestFirst), history(Order::NewestFirst), record])
}

#[track_caller]
fn assert_answered(driver: &PostgresDriver) {
    let (entry, changes) = ask(driver);
    assert_eq!(entry.unwrap().unwrap().position.get(), 2);
    let positions = |changes: Result<Vec<Change>, Error>| -> Vec<u64> {
        changes.unwrap().iter().map(|change| change.entry.position.get()).collect()
    };
    assert_eq!(changes.map(positions), [vec![1, 2], vec![2, 1], vec![2]]);
}

/// A log with two changes to one key.
pub(crate) fn filled(database: &Database) -> PostgresDriver {
    let driver = database.options().create(true).open().unwrap();
    let batch = || Batch::new(Context::new()).set(key(), [7]);
    for answer in driver.append(&[batch(), batch()], Durability::Synced).unwrap() {
        answer.unwrap();
    }
    driver
}

#[test]
fn a_schema_that_loses_its_functions_is_read_by_statements() {
    let Some(database) = Database::new() else { return };
    let driver = filled(&database);
    assert_answered(&driver);
    database.sql().batch_execute(&format!("DROP FUNCTION {FUNCTIONS}")).unwrap();
    let (entry, changes) = ask(&driver);
    entry.unwrap_err();
    for answer in changes {
        answer.unwrap_err();
    }
    assert_answered(&database.options().open().unwrap());
}

#[test]
fn who_may_not_call_all_of_the_functions_reads_by_statements() {
    let Some(database) = Database::new() else { return };
    filled(&database);
    let role = database.name();
    let grants = format!(
        "CREATE ROLE {role}; GRANT USAGE ON SCHEMA annals TO {role};
        GRANT SELECT ON ALL TABLES IN SCHEMA annals TO {role}"
    );
    database.sql().batch_execute(&grants).unwrap();
    let url = format!("{}&options=-c%20role%3D{role}", database.url());
    for function in FUNCTIONS.split(", ").map(str::trim) {
        database.sql().batch_execute(&format!("REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")).unwrap();
        assert_answered(&PostgresDriver::open(&url).unwrap());
        database.sql().batch_execute(&format!("GRANT EXECUTE ON FUNCTION {function} TO PUBLIC")).unwrap();
    }
    database.sql().batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).unwrap();
}

/// Who may call the functions may read no more than it could without.
#[test]
fn the_functions_let_nobody_read_who_may_not() {
    let Some(database) = Database::new() else { return };
    filled(&database);
    let role = database.name();
    let mut sql = database.sql();
    sql.batch_execute(&format!(
        "CREATE ROLE {role}; GRANT USAGE ON SCHEMA annals TO {role}; SET ROLE {role}"
    ))
    .unwrap();
    for call in CALLS {
        let error = sql.batch_execute(&format!("SELECT FROM {call}")).unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{call}: {error}");
    }
    sql.batch_execute(&format!("RESET ROLE; DROP OWNED BY {role}; DROP ROLE {role}")).unwrap();
}

/// A call of each function.
pub(crate) const CALLS: [&str; 4] = [
    "annals.annals_read_entry(1, 'game', 'score', 9)",
    "annals.annals_read_record(1, 'game', 9, '', 10)",
    "annals.annals_read_history_oldest_first(1, 'game', 'score', 0, 9, 10, 0)",
    "annals.annals_read_history_newest_first(1, 'game', 'score', 0, 9, 10, 0)",
];
