//! The plans that the server keeps of what stands in functions.

use annals_core::{Batch, Context, Driver, Durability, Key};
use postgres::{Client, Transaction};

use crate::database::Database;
use crate::questions::{CALLS, filled};

/// Appends one batch of one write: without conditions, in both ways, and under one of each kind.
const APPENDS: [&str; 3] = [
    "annals.annals_append_one(1, 9999, true, 1000, gen_random_uuid(), 7, NULL, NULL, NULL, NULL, NULL, 'game', 'score',
    NULL, NULL, NULL, '\\xc0')",
    "annals.annals_append_plain(1, 9999, true, 1000, 0, NULL, ARRAY[gen_random_uuid()], '{7}', '{}', '{}', '{}', '{}', '{}',
    '{1}', '{game}', '{score}', '{NULL}', '{1}', '{}', '{}', '{}', ARRAY['\\xc0'::bytea])",
    "annals.annals_append(1, 9999, true, 1000, ARRAY[gen_random_uuid()], '{f}', '{7}', '{NULL}', '{NULL}', '{NULL}', '{NULL}',
    '{NULL}', '{1}', '{4}', '{0,1,2,3}', '{game,game,game,NULL}', '{score,none,NULL,NULL}', '{9999,NULL,9999,9999}',
    '{game}', '{score}', '{NULL}', '{NULL}', '{NULL}', ARRAY['\\xc0'::bytea])",
];

/// How many scans of whole tables there were, and how many rows were found by indexes.
#[derive(Debug)]
struct Looked {
    scans: i64,
    rows: i64,
}

impl Looked {
    fn so_far(transaction: &mut Transaction<'_>) -> Looked {
        let counts = "SELECT sum(seq_scan)::bigint, sum(idx_tup_fetch)::bigint
            FROM pg_stat_xact_user_tables WHERE schemaname = 'annals'";
        let row = transaction.query_one(counts, &[]).unwrap();
        Looked { scans: row.get(0), rows: row.get(1) }
    }

    /// Calls a function, and leaves nothing behind but the plans that the session keeps.
    fn by(sql: &mut Client, call: &str) -> Looked {
        let mut transaction = sql.transaction().unwrap();
        let before = Looked::so_far(&mut transaction);
        assert!(!transaction.query(&format!("SELECT FROM {call}"), &[]).unwrap().is_empty(), "{call}");
        let after = Looked::so_far(&mut transaction);
        Looked { scans: after.scans - before.scans, rows: after.rows - before.rows }
    }
}

/// A plan that is kept goes on when the log has grown: it must not look at all that came since.
#[test]
fn plans_that_are_made_for_a_small_log_are_good_for_a_large_one() {
    let Some(database) = Database::new() else { return };
    let driver = filled(&database);
    let mut sql = database.sql();
    sql.batch_execute("ANALYZE").unwrap();
    let log: i64 = sql.query_one("SELECT log FROM annals.annals_log", &[]).unwrap().get(0);
    let calls: Vec<_> =
        CALLS.iter().chain(&APPENDS).map(|call| call.replace("(1, ", &format!("({log}, "))).collect();
    // After five calls the server may keep a plan.
    let before: Vec<_> =
        calls.iter().map(|call| [(); 6].map(|()| Looked::by(&mut sql, call)).into_iter().last()).collect();

    let (records, scores) =
        ((0..2_000).map(|number| format!("game/{number}")), vec!["game".to_owned(); 2_000]);
    let batches = records
        .chain(scores)
        .map(|namespace| Batch::new(Context::new()).set(Key::parse(&namespace, "score").unwrap(), [7]));
    driver.append(&batches.collect::<Vec<_>>(), Durability::Buffered).unwrap();
    for (call, before) in calls.iter().zip(before) {
        let (before, after) = (before.unwrap(), Looked::by(&mut sql, call));
        assert_eq!((before.scans, after.scans), (0, 0), "{call}");
        assert!(after.rows < 2 * before.rows + 20, "{after:?}, {before:?} before: {call}");
    }
}
