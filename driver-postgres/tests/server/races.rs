//! A stale condition never wins, although the writer began before the one that it loses to had ended.

use std::thread;
use std::time::Duration;

use annals_core::{Batch, Condition, Context, Driver, Durability, Key, Position};
use annals_driver_postgres::AppendBy;

use crate::common::Scratch;

fn key() -> Key {
    Key::parse("a", "x").unwrap()
}

/// A writer that waits for another one judges its conditions by what the other has written: its reads
/// must not be those of the moment at which it began to wait.
fn loses_to_whom_it_waited_for(condition: &Condition) {
    for by in [AppendBy::Function, AppendBy::Statements] {
        let Some(scratch) = Scratch::new() else { return };
        let driver = scratch.options().append_by(by).open().unwrap();
        let write = |value: u8| Batch::new(Context::new()).set(key(), [value]);
        driver.append(&[write(1).delete(Key::parse("b", "y").unwrap())], Durability::Synced).unwrap();
        driver.append(&[Batch::new(Context::new()).delete(key())], Durability::Synced).unwrap();

        // The other writer, in the middle of its transaction.
        let mut other = scratch.sql();
        let mut begun = other.transaction().unwrap();
        let schema = scratch.schema();
        let log = scratch.number();
        begun
            .batch_execute(&format!(
                "UPDATE {schema}.annals_log SET last = 4 WHERE log = {log};
                INSERT INTO {schema}.annals_entry (log, position, key, value)
                SELECT log, 4, min(id), '\\x02' FROM {schema}.annals_key WHERE log = {log} GROUP BY log;
                INSERT INTO {schema}.annals_commit (log, last, length, recorded_at, id, given)
                SELECT log, 4, 1, recorded_at, gen_random_uuid(), false FROM {schema}.annals_commit
                WHERE log = {log} AND last = 3"
            ))
            .unwrap();
        thread::scope(|scope| {
            let attempt = write(3).on_condition(condition.clone());
            let stale = scope.spawn(|| driver.append(&[attempt], Durability::Synced).unwrap());
            while scratch.waiting() < 1 {
                thread::sleep(Duration::from_millis(5));
            }
            begun.commit().unwrap();
            let conflict = stale.join().unwrap().remove(0).expect_err("the other was first");
            assert_eq!(conflict.lost_to.last.get(), 4, "{condition} by {by:?}");
        });
        assert_eq!(driver.last_position().unwrap().get(), 4);
        assert!(driver.entry(&key(), Position::MAX).unwrap().unwrap().action.bytes().unwrap()[..] == [2]);
    }
}

#[test]
fn a_stale_key_condition_never_wins() {
    loses_to_whom_it_waited_for(&Condition::KeyUnchanged { key: key(), since: Position::new(3).unwrap() });
    loses_to_whom_it_waited_for(&Condition::KeyAbsent { key: key() });
}

#[test]
fn a_stale_condition_on_a_record_or_the_log_never_wins() {
    let since = Position::new(3).unwrap();
    let namespace = key().namespace().clone();
    loses_to_whom_it_waited_for(&Condition::NamespaceUnchanged { namespace, since });
    loses_to_whom_it_waited_for(&Condition::LogUnchanged { since });
}
