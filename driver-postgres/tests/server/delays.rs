//! Commits that take their time: between the drawing of positions and the end of the transaction.

use crate::common::Scratch;

/// Lets one of five transactions that insert into `table` take up to 2 ms longer, at its end.
pub(crate) fn delay_some_commits(scratch: &Scratch, table: &str) {
    delay(scratch, table, "CASE WHEN random() < 0.2 THEN random() * 0.002 ELSE 0 END");
}

/// Lets each transaction that appends take up to 2 ms longer, at its end.
pub(crate) fn delay_appends(scratch: &Scratch) {
    delay(scratch, "annals_commit", "random() * 0.002");
}

fn delay(scratch: &Scratch, table: &str, seconds: &str) {
    let schema = scratch.schema();
    let sql = format!(
        "CREATE FUNCTION {schema}.delay() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER delay AFTER INSERT ON {schema}.{table}
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {schema}.delay()"
    );
    scratch.sql().batch_execute(&sql).unwrap();
}
