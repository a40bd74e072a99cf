//! Commits that take their time: between the drawing of positions and the end of the transaction.

use crate::common::Scratch;

/// Lets each transaction that inserts into `table` take up to `seconds` longer, at its end.
pub(crate) fn delay_commits(scratch: &Scratch, table: &str, seconds: f64) {
    let schema = scratch.schema();
    let sql = format!(
        "CREATE OR REPLACE FUNCTION {schema}.delay() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_sleep(random() * {seconds}); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER delay AFTER INSERT ON {schema}.{table}
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {schema}.delay()"
    );
    scratch.sql().batch_execute(&sql).unwrap();
}
