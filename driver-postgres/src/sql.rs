//! The statements, written for the schema `"annals"` and run in the one that was asked for.
//!
//! Each names its log as `$1`, and each read but a walk is one statement, so it sees one moment. No statement
//! relies on what a session knows, so that connections may be shared by way of a pooler.
//!
//! Rows are compared as `(key, position)` where the newest or oldest entry of a key is looked for:
//! with `key = … ORDER BY position` the planner may walk back the whole log instead of the index.

use std::sync::Arc;

use crate::questions::{Questions, commit_columns, entry_columns, with_commits};
use crate::schema_name::SchemaName;

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        /// Every statement, for one schema.
        #[derive(Debug)]
        pub(crate) struct Statements {
            pub(crate) questions: Questions,
            $($(#[$doc])* pub(crate) $name: Arc<str>,)*
        }

        impl Statements {
            pub(crate) fn new(schema: &SchemaName, questions: Questions) -> Statements {
                Statements { questions, $($name: schema.applied_to($sql).into(),)* }
            }
        }

        #[cfg(test)]
        const ALL: &[(&str, &str)] = &[$((stringify!($name), $sql)),*];
    };
}

/// Where the last commit of a page ends that begins behind a position and shall reach another (`$4`): the
/// first end from there on, if there is one up to a third (`$3`).
macro_rules! end_of_page {
    () => {
        "coalesce((
            SELECT c.last FROM \"annals\".annals_commit AS c
            WHERE c.log = $1 AND c.last >= $4 AND c.last <= $3 ORDER BY c.last LIMIT 1
        ), $4)"
    };
}

statements! {
    /// What there is to know before anything else: of the schema, of the server, and of the log.
    opened = "
        SELECT f.version, current_setting('server_encoding') = 'UTF8', current_setting('fsync') = 'on', EXISTS (
            SELECT FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_class AS c ON c.relnamespace = p.pronamespace
            WHERE c.oid = f.tableoid AND p.proname = 'annals_append'
        ), l.name, l.last, (
            SELECT count(*) = 4
            FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_class AS c ON c.relnamespace = p.pronamespace
            WHERE c.oid = f.tableoid AND has_function_privilege(p.oid, 'EXECUTE') AND p.proname IN ('annals_read_entry',
                'annals_read_record', 'annals_read_history_oldest_first', 'annals_read_history_newest_first')
        )
        FROM \"annals\".annals_format AS f LEFT JOIN \"annals\".annals_log AS l ON l.log = $1";

    /// Whether any table of the format is there.
    has_tables = "
        SELECT coalesce(
            to_regclass('\"annals\".annals_format'), to_regclass('\"annals\".annals_log'),
            to_regclass('\"annals\".annals_key'), to_regclass('\"annals\".annals_entry'),
            to_regclass('\"annals\".annals_commit')
        ) IS NOT NULL";

    /// A page of the logs behind a name (`$1`).
    logs = "SELECT l.name, l.last, l.log FROM \"annals\".annals_log AS l WHERE l.name > $1 ORDER BY l.name LIMIT $2";

    create_log = "SELECT \"annals\".annals_create_log($1, $2)";

    last_position = "SELECT l.last FROM \"annals\".annals_log AS l WHERE l.log = $1";

    /// The end of the last commit at or before a position.
    boundary = "SELECT max(c.last) FROM \"annals\".annals_commit AS c WHERE c.log = $1 AND c.last <= $2";

    /// The end of the last commit recorded at or before a time, by halving: times never fall.
    boundary_in_time = "
        WITH RECURSIVE search (lower, upper) AS (
            SELECT 0::bigint, l.last FROM \"annals\".annals_log AS l WHERE l.log = $1
            UNION ALL
            SELECT CASE WHEN c.recorded_at <= $2 THEN c.last ELSE s.lower END,
                CASE WHEN c.recorded_at <= $2 THEN s.upper ELSE c.last - c.length END
            FROM search AS s CROSS JOIN LATERAL (
                SELECT c.last, c.length, c.recorded_at FROM \"annals\".annals_commit AS c
                WHERE c.log = $1 AND c.last >= s.lower + (s.upper - s.lower + 1) / 2 ORDER BY c.last LIMIT 1
            ) AS c
            WHERE s.lower < s.upper
        )
        SELECT s.lower FROM search AS s WHERE s.lower >= s.upper";

    /// The newest entry at or before a position (`$2`) of each key in ranges of namespaces: from
    /// behind a key (`$3`, `$4`) up to, but not including, a namespace (`$5`).
    state = with_commits!(concat!(
        "SELECT ",
        entry_columns!(),
        ", e.namespace, e.field
        FROM unnest($3::text[], $4::text[], $5::text[]) AS s (namespace, field, upto) CROSS JOIN LATERAL (
            SELECT k.namespace, k.field, ",
        entry_columns!(),
        " FROM \"annals\".annals_key AS k CROSS JOIN LATERAL (
                SELECT * FROM \"annals\".annals_entry AS e
                WHERE e.log = $1 AND (e.key, e.position) > (k.id, 0) AND (e.key, e.position) <= (k.id, $2)
                ORDER BY e.key DESC, e.position DESC LIMIT 1
            ) AS e
            WHERE k.log = $1 AND (k.namespace, k.field) > (s.namespace, s.field) AND k.namespace < s.upto
            ORDER BY k.namespace, k.field LIMIT $6
        ) AS e
        ORDER BY e.namespace, e.field LIMIT $6"
    ));

    /// The namespaces in ranges, each found by one search of the index from the one before.
    namespaces = "
        WITH RECURSIVE found (namespace, upto, number) AS (
            SELECT x.namespace, s.upto, 1::bigint
            FROM unnest($2::text[], $3::text[]) AS s (lower, upto) CROSS JOIN LATERAL (
                SELECT k.namespace FROM \"annals\".annals_key AS k
                WHERE k.log = $1 AND k.namespace >= s.lower AND k.namespace < s.upto ORDER BY k.namespace LIMIT 1
            ) AS x
            UNION ALL
            SELECT x.namespace, f.upto, f.number + 1
            FROM found AS f CROSS JOIN LATERAL (
                SELECT k.namespace FROM \"annals\".annals_key AS k
                WHERE k.log = $1 AND k.namespace > f.namespace AND k.namespace < f.upto ORDER BY k.namespace LIMIT 1
            ) AS x
            WHERE f.number < $4
        )
        SELECT f.namespace FROM found AS f ORDER BY f.namespace LIMIT $4";

    /// Where the log ends, and whether it has the commit of this end and this id.
    end_and_witness = "
        SELECT l.last, EXISTS (
            SELECT FROM \"annals\".annals_commit AS w WHERE w.log = $1 AND w.last = $2 AND w.id = $3
        ) FROM \"annals\".annals_log AS l WHERE l.log = $1";

    /// The commits of a page behind a position (`$2`), oldest first.
    commits_oldest_first = concat!(
        "SELECT ", commit_columns!(), " FROM \"annals\".annals_commit AS c
        WHERE c.log = $1 AND c.last > $2 AND c.last <= ", end_of_page!(), " ORDER BY c.last"
    );

    /// The entries of the same page, with the ids of their keys.
    entries_oldest_first = concat!(
        "SELECT ", entry_columns!(), ", e.key FROM \"annals\".annals_entry AS e
        WHERE e.log = $1 AND e.position > $2 AND e.position <= ", end_of_page!(), " ORDER BY e.position"
    );

    /// The commits that end behind a position (`$2`) and up to another (`$3`), newest first. Positions are
    /// without a gap, so the commits with at least so many (`$4`) entries follow from where the newest ends.
    commits_newest_first = concat!(
        "SELECT ", commit_columns!(), " FROM \"annals\".annals_commit AS c
        WHERE c.log = $1 AND c.last <= $3 AND c.last > greatest($2, (
            SELECT max(c.last) FROM \"annals\".annals_commit AS c WHERE c.log = $1 AND c.last <= $3
        ) - $4) ORDER BY c.last DESC"
    );

    /// Entries behind a position and up to another, with the ids of their keys.
    entries_between = concat!(
        "SELECT ", entry_columns!(), ", e.key FROM \"annals\".annals_entry AS e
        WHERE e.log = $1 AND e.position > $2 AND e.position <= $3 ORDER BY e.position"
    );

    keys = "
        SELECT k.id, k.namespace, k.field FROM \"annals\".annals_key AS k WHERE k.log = $1 AND k.id = ANY ($2)";

    /// Where the last commit ends, and when it was recorded.
    last_commit = "
        SELECT c.last, c.recorded_at, c.id FROM \"annals\".annals_commit AS c
        WHERE c.log = $1 ORDER BY c.last DESC LIMIT 1";

    append = "
        SELECT * FROM \"annals\".annals_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
            $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)";

    append_one = "
        SELECT \"annals\".annals_append_one($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";

    append_plain = "
        SELECT \"annals\".annals_append_plain($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
            $14, $15, $16, $17, $18, $19, $20, $21, $22)";

    restore = "
        SELECT * FROM \"annals\".annals_restore($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
            $13, $14, $15, $16, $17, $18, $19)";

    erase = "
        SELECT * FROM \"annals\".annals_erase($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
            $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)";

    scrub = "SELECT \"annals\".annals_scrub($1)";

    sync = "SELECT \"annals\".annals_sync($1)";

    /// Commits, keys, and bytes. The logs of a schema share its tables, whose sizes therefore say nothing
    /// of one log: what its rows hold is added up, with what a row and its places in the indexes take
    /// besides.
    measure = "
        SELECT c.count, k.count, (c.bytes + k.bytes + e.bytes)::bigint FROM (
            SELECT count(*) AS count, coalesce(sum(150 + coalesce(octet_length(c.actor), 0)
                + coalesce(octet_length(c.reason), 0) + coalesce(octet_length(c.location), 0)
                + coalesce(octet_length(c.tags), 0)), 0) AS bytes
            FROM \"annals\".annals_commit AS c WHERE c.log = $1
        ) AS c, (
            SELECT count(*) AS count,
                coalesce(sum(150 + 2 * octet_length(k.namespace) + 2 * octet_length(k.field)), 0) AS bytes
            FROM \"annals\".annals_key AS k WHERE k.log = $1
        ) AS k, (
            SELECT coalesce(sum(130 + coalesce(octet_length(e.actor), 0) + coalesce(octet_length(e.reason), 0)
                + coalesce(octet_length(e.value), 0)), 0) AS bytes
            FROM \"annals\".annals_entry AS e WHERE e.log = $1
        ) AS e";

    commits_with_gaps = "
        SELECT x.last FROM (
            SELECT c.last, c.length, lag(c.last, 1, 0::bigint) OVER (ORDER BY c.last) AS before
            FROM \"annals\".annals_commit AS c WHERE c.log = $1
        ) AS x WHERE x.last - x.length <> x.before LIMIT 100";

    times_that_fall = "
        SELECT x.last FROM (
            SELECT c.last, c.recorded_at, lag(c.recorded_at) OVER (ORDER BY c.last) AS before
            FROM \"annals\".annals_commit AS c WHERE c.log = $1
        ) AS x WHERE x.recorded_at < x.before LIMIT 100";

    wrong_end = "
        SELECT l.last FROM \"annals\".annals_log AS l WHERE l.log = $1 AND l.last <> coalesce((
            SELECT max(c.last) FROM \"annals\".annals_commit AS c WHERE c.log = $1
        ), 0)";

    entries_beyond = "
        SELECT e.position FROM \"annals\".annals_entry AS e
        WHERE e.log = $1 AND (e.position < 1 OR e.position > (
            SELECT coalesce(max(c.last), 0) FROM \"annals\".annals_commit AS c WHERE c.log = $1
        )) LIMIT 100";

    entries_without_key = "
        SELECT e.position FROM \"annals\".annals_entry AS e
        WHERE e.log = $1 AND NOT EXISTS (
            SELECT FROM \"annals\".annals_key AS k WHERE k.log = $1 AND k.id = e.key
        ) LIMIT 100";

    keys_without_entry = "
        SELECT k.id::bigint FROM \"annals\".annals_key AS k
        WHERE k.log = $1 AND NOT EXISTS (
            SELECT FROM \"annals\".annals_entry AS e WHERE e.log = $1 AND e.key = k.id
        ) LIMIT 100";

    /// For one transaction: how long to wait for locks, whether for the disk, and how long for the next
    /// statement. A server whose own setting waits for more than its disk is left to it.
    settings = "
        SELECT set_config('lock_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $3, true), CASE
            WHEN NOT $2 THEN set_config('synchronous_commit', 'off', true)
            WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', true)
        END";

    /// Locks the log until the transaction ends.
    lock = "SELECT l.last, l.recorded_at FROM \"annals\".annals_log AS l WHERE l.log = $1 FOR UPDATE";

    /// Where the log ends, and when its newest commit was recorded.
    end = "UPDATE \"annals\".annals_log AS l SET last = $2, recorded_at = $3 WHERE l.log = $1";

    /// The commit of a given id.
    commit_of_given = concat!(
        "SELECT ", commit_columns!(), " FROM \"annals\".annals_commit AS c
        WHERE c.log = $1 AND c.id = $2 AND c.given"
    );

    /// The commit of an id that was made, behind one position and up to another.
    commit_of_made = concat!(
        "SELECT ", commit_columns!(), " FROM \"annals\".annals_commit AS c
        WHERE c.log = $1 AND c.last > $3 AND c.last <= $4 AND c.id = $2 AND NOT c.given"
    );

    /// The first entry of a key behind a position.
    first_of_key = "
        SELECT e.position FROM \"annals\".annals_key AS k CROSS JOIN LATERAL (
            SELECT e.position FROM \"annals\".annals_entry AS e
            WHERE e.log = $1 AND (e.key, e.position) > (k.id, $4) AND (e.key, e.position) <= (k.id, 9223372036854775807)
            ORDER BY e.key, e.position LIMIT 1
        ) AS e
        WHERE k.log = $1 AND k.namespace = $2 AND k.field = $3";

    /// The first entry of a record behind a position.
    first_of_record = "
        SELECT min(e.position) FROM \"annals\".annals_key AS k CROSS JOIN LATERAL (
            SELECT e.position FROM \"annals\".annals_entry AS e
            WHERE e.log = $1 AND (e.key, e.position) > (k.id, $3) AND (e.key, e.position) <= (k.id, 9223372036854775807)
            ORDER BY e.key, e.position LIMIT 1
        ) AS e
        WHERE k.log = $1 AND k.namespace = $2";

    /// The commit that an entry belongs to.
    commit_of = concat!(
        "SELECT ", commit_columns!(), " FROM \"annals\".annals_commit AS c
        WHERE c.log = $1 AND c.last >= $2 ORDER BY c.last LIMIT 1"
    );

    /// The keys of the entries behind one position up to another, in order.
    keys_between = "
        SELECT k.namespace, k.field FROM \"annals\".annals_entry AS e
        JOIN \"annals\".annals_key AS k ON k.log = $1 AND k.id = e.key
        WHERE e.log = $1 AND e.position > $2 AND e.position <= $3
            AND ($4::text IS NULL OR k.namespace = $4) AND ($5::text IS NULL OR k.field = $5)
        ORDER BY e.position LIMIT $6";

    /// Turns entries up to a position that are set into ones that the commit `$3` has erased.
    erase_entries = "
        UPDATE \"annals\".annals_entry AS e SET kind = 2, value = $3
        WHERE e.log = $1 AND e.position <= $2 AND e.position = ANY ($4) AND e.kind IS NULL";

    rewrite_entries = "CLUSTER \"annals\".annals_entry USING annals_entry_pkey";

    size_of_entries = "SELECT pg_total_relation_size('\"annals\".annals_entry')";

    insert_keys = "
        INSERT INTO \"annals\".annals_key AS k (log, id, namespace, field)
        SELECT $1, (SELECT coalesce(max(k.id)::bigint, $1 % 2147483648 - 2147483648) FROM \"annals\".annals_key AS k WHERE k.log = $1) + x.number,
            x.namespace, x.field
        FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS x (namespace, field, number)
        ON CONFLICT (log, namespace, field) DO NOTHING";

    insert_entries = "
        INSERT INTO \"annals\".annals_entry AS e (log, position, key, kind, actor, reason, value)
        SELECT $1, $2 + x.number, (
            SELECT k.id FROM \"annals\".annals_key AS k
            WHERE k.log = $1 AND k.namespace = x.namespace AND k.field = x.field
        ), x.kind, x.actor, x.reason, x.value
        FROM unnest($3::text[], $4::text[], $5::smallint[], $6::bytea[], $7::bytea[], $8::bytea[])
            WITH ORDINALITY AS x (namespace, field, kind, actor, reason, value, number)";

    insert_commits = "
        INSERT INTO \"annals\".annals_commit AS c
            (log, last, length, recorded_at, occurred_at, id, given, actor, reason, location, tags)
        SELECT $1, x.* FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::uuid[],
            $7::boolean[], $8::bytea[], $9::bytea[], $10::bytea[], $11::bytea[]) AS x";

    /// The end of the first of these commits (`$2`) whose given id (`$3`) is there already.
    given_twice = "
        SELECT min(x.last) FROM unnest($2::bigint[], $3::uuid[]) AS x (last, id)
        WHERE (
            SELECT c.last FROM \"annals\".annals_commit AS c WHERE c.log = $1 AND c.id = x.id AND c.given
        ) IS NOT NULL";

    /// The commit of an end and an id.
    witness = "SELECT c.last FROM \"annals\".annals_commit AS c WHERE c.log = $1 AND c.last = $2 AND c.id = $3";

    /// The ids of keys, in their order, NULL where there is none.
    ids_of_keys = "
        SELECT (
            SELECT k.id FROM \"annals\".annals_key AS k
            WHERE k.log = $1 AND k.namespace = x.namespace AND k.field = x.field
        ) FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS x (namespace, field, number) ORDER BY x.number";

    /// Whether the user may write the tables, and not only call the functions.
    may_write = "
        SELECT has_table_privilege('\"annals\".annals_log', 'UPDATE')
            AND has_table_privilege('\"annals\".annals_key', 'INSERT')
            AND has_table_privilege('\"annals\".annals_entry', 'INSERT')
            AND has_table_privilege('\"annals\".annals_commit', 'INSERT')";

    copy_entries = "
        COPY \"annals\".annals_entry (log, position, key, kind, actor, reason, value) FROM STDIN (FORMAT binary)";

    copy_commits = "
        COPY \"annals\".annals_commit
            (log, last, length, recorded_at, occurred_at, id, given, actor, reason, location, tags)
        FROM STDIN (FORMAT binary)";

    insert_log = "
        INSERT INTO \"annals\".annals_log AS l (log, name, last) VALUES ($1, $2, 0) ON CONFLICT (log) DO NOTHING";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::questions;

    #[test]
    fn every_statement_names_its_log() {
        // But those that are about all of them, or whose rows do.
        let of_all = [
            "has_tables",
            "logs",
            "scrub",
            "rewrite_entries",
            "size_of_entries",
            "may_write",
            "copy_entries",
            "copy_commits",
        ];
        for (name, sql) in questions::ALL.iter().chain(ALL).filter(|(name, _)| !of_all.contains(name)) {
            let tables = sql.matches("\"annals\".annals_").count() - sql.matches(".annals_format").count();
            let reads = sql.matches(".log = $1").count();
            let writes = sql.matches("SELECT $1,").count() + sql.matches("VALUES ($1,").count();
            let calls = sql.matches("($1").count() - sql.matches("VALUES ($1,").count();
            assert_eq!(reads + writes + calls, tables, "{name} does not name the log of each table");
        }
    }

    /// Reads call functions only where all of them may be called.
    #[test]
    fn all_functions_to_read_by_are_looked_for() {
        let opened = ALL.iter().find(|(name, _)| *name == "opened").map(|(_, sql)| *sql).unwrap();
        assert!(opened.contains(&format!("count(*) = {}\n", questions::ALL.len())), "{opened}");
        for (name, _) in questions::ALL {
            assert!(opened.contains(&format!("'annals_read_{name}'")), "{name}");
        }
    }

    /// The time of recording is that of the clients, and of the commit before: the server's clock may go
    /// as it likes.
    #[test]
    fn nobody_asks_what_time_the_server_has() {
        let clocks = [
            "NOW()",
            "CLOCK_TIMESTAMP",
            "STATEMENT_TIMESTAMP",
            "TRANSACTION_TIMESTAMP",
            "TIMEOFDAY",
            "CURRENT_TIME",
            "CURRENT_DATE",
            "LOCALTIME",
        ];
        let files = [include_str!("schema.sql"), include_str!("functions.sql"), include_str!("plain.sql")];
        for sql in files.into_iter().chain(questions::ALL.iter().chain(ALL).map(|(_, sql)| *sql)) {
            let sql = sql.to_uppercase();
            assert_eq!(clocks.iter().find(|clock| sql.contains(**clock)), None);
        }
    }

    #[test]
    fn nothing_is_used_that_only_some_servers_have() {
        let banned = [
            "NEXTVAL",
            "SERIAL",
            "IDENTITY",
            "ADVISORY",
            "TRIGGER",
            "FOREIGN KEY",
            "REFERENCES",
            "SAVEPOINT",
            "LOCK TABLE",
            "LISTEN",
            "NOTIFY",
            "TEMPORARY",
            "XMIN",
            "DECLARE CURSOR",
            "PREPARE",
            "DISCARD",
        ];
        let files = [include_str!("schema.sql"), include_str!("functions.sql"), include_str!("plain.sql")];
        let all = files.into_iter().chain(questions::ALL.iter().chain(ALL).map(|(_, sql)| *sql));
        for sql in all {
            let sql = sql.to_uppercase();
            for word in banned {
                assert!(!sql.contains(word), "{word}");
            }
        }
    }
}
