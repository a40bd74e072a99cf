//! The questions about one key or one record, each as a plain statement and as a function of the schema.
//!
//! To plan one of them takes longer than to answer it, and by way of a pooler no session can be relied on to
//! have prepared it. Of what stands in a function each session of the server keeps the plan by itself.

use std::sync::Arc;

use crate::schema_name::SchemaName;

macro_rules! questions {
    ($($(#[$doc:meta])* $name:ident($takes:literal, $gives:expr) = $sql:expr;)*) => {
        /// Every question, for one schema.
        #[derive(Debug)]
        pub(crate) struct Questions {
            $($(#[$doc])* pub(crate) $name: Arc<str>,)*
        }

        impl Questions {
            /// Returns the statements themselves.
            pub(crate) fn plain(schema: &SchemaName) -> Questions {
                Questions { $($name: schema.applied_to($sql).into(),)* }
            }

            /// Returns calls of the functions.
            pub(crate) fn calls(schema: &SchemaName) -> Questions {
                Questions { $($name: call(schema, stringify!($name), $takes),)* }
            }
        }

        /// The functions. A plan that is kept must not be that of tables that were small once: what need
        /// not be sorted came by the right index.
        pub(crate) const FUNCTIONS: &str = concat!($(
            "CREATE OR REPLACE FUNCTION \"annals\".annals_read_", stringify!($name), "(", $takes, ", ", $gives, ")
            RETURNS SETOF record
            LANGUAGE plpgsql STABLE SECURITY INVOKER
            SET plan_cache_mode = force_generic_plan
            SET enable_seqscan = off
            SET enable_hashjoin = off
            SET enable_mergejoin = off
            SET enable_bitmapscan = off
            SET enable_sort = off
            AS $$ BEGIN RETURN QUERY ", $sql, "; END $$;\n",
        )*);

        #[cfg(test)]
        pub(crate) const ALL: &[(&str, &str)] = &[$((stringify!($name), $sql)),*];
    };
}

fn call(schema: &SchemaName, name: &str, takes: &str) -> Arc<str> {
    let parameters: Vec<String> =
        (1..).zip(takes.split(',')).map(|(number, _)| format!("${number}")).collect();
    let parameters = parameters.join(", ");
    schema.applied_to(&format!("SELECT * FROM \"annals\".annals_read_{name}({parameters})")).into()
}

/// The columns of an entry `e`, as [`rows::entry`](crate::rows::entry) reads them.
macro_rules! entry_columns {
    () => {
        "e.position, e.kind, e.actor, e.reason, e.value"
    };
}

/// The columns of a commit `c`, as [`rows::commit`](crate::rows::commit) reads them.
macro_rules! commit_columns {
    () => {
        "c.last, c.length, c.id, c.given, c.recorded_at, c.occurred_at, c.actor, c.reason, c.location, c.tags"
    };
}

macro_rules! entry_types {
    () => {
        "OUT bigint, OUT smallint, OUT bytea, OUT bytea, OUT bytea"
    };
}

macro_rules! commit_types {
    () => {
        "OUT bigint, OUT bigint, OUT uuid, OUT boolean, OUT bigint, OUT bigint, OUT bytea, OUT bytea, OUT bytea, OUT bytea"
    };
}

/// Those of a page of entries and their commits.
macro_rules! page_types {
    () => {
        concat!(entry_types!(), ", OUT text, OUT text, ", commit_types!())
    };
}

/// A page of entries, and then the commits that they belong to, each once: several entries may share
/// one, and a commit may be large.
macro_rules! with_commits {
    ($page:expr) => {
        concat!(
            "WITH page AS MATERIALIZED (",
            $page,
            ")
            SELECT ",
            entry_columns!(),
            ", e.namespace, e.field, NULL::bigint, NULL::bigint, NULL::uuid, NULL::boolean, NULL::bigint,
                NULL::bigint, NULL::bytea, NULL::bytea, NULL::bytea, NULL::bytea
            FROM page AS e
            UNION ALL
            SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, ",
            commit_columns!(),
            "
            FROM (
                SELECT DISTINCT (
                    SELECT c.last FROM \"annals\".annals_commit AS c
                    WHERE c.log = $1 AND c.last >= e.position ORDER BY c.last LIMIT 1
                ) AS last FROM page AS e
            ) AS found CROSS JOIN LATERAL (
                SELECT * FROM \"annals\".annals_commit AS c
                WHERE c.log = $1 AND c.last >= found.last ORDER BY c.last LIMIT 1
            ) AS c"
        )
    };
}

pub(crate) use {commit_columns, entry_columns, with_commits};

macro_rules! history_of_key {
    ($order:literal) => {
        with_commits!(concat!(
            "SELECT ",
            entry_columns!(),
            ", $2::text AS namespace, $3::text AS field
            FROM \"annals\".annals_key AS k CROSS JOIN LATERAL (
                SELECT * FROM \"annals\".annals_entry AS e
                WHERE e.log = $1 AND (e.key, e.position) > (k.id, $4) AND (e.key, e.position) <= (k.id, $5)
                ORDER BY e.key ",
            $order,
            ", e.position ",
            $order,
            " LIMIT $6 OFFSET $7
            ) AS e
            WHERE k.log = $1 AND k.namespace = $2 AND k.field = $3"
        ))
    };
}

questions! {
    /// The newest entry of a key (`$2`, `$3`) at or before a position.
    entry("bigint, text, text, bigint", entry_types!()) = concat!(
        "SELECT ", entry_columns!(), " FROM \"annals\".annals_key AS k CROSS JOIN LATERAL (
            SELECT * FROM \"annals\".annals_entry AS e
            WHERE e.log = $1 AND (e.key, e.position) > (k.id, 0) AND (e.key, e.position) <= (k.id, $4)
            ORDER BY e.key DESC, e.position DESC LIMIT 1
        ) AS e
        WHERE k.log = $1 AND k.namespace = $2 AND k.field = $3"
    );

    /// The newest entry at or before a position (`$3`) of each key of a record (`$2`) behind a field (`$4`).
    record("bigint, text, bigint, text, bigint", page_types!()) = with_commits!(concat!(
        "SELECT ",
        entry_columns!(),
        ", k.namespace, k.field FROM \"annals\".annals_key AS k CROSS JOIN LATERAL (
            SELECT * FROM \"annals\".annals_entry AS e
            WHERE e.log = $1 AND (e.key, e.position) > (k.id, 0) AND (e.key, e.position) <= (k.id, $3)
            ORDER BY e.key DESC, e.position DESC LIMIT 1
        ) AS e
        WHERE k.log = $1 AND k.namespace = $2 AND k.field > $4 ORDER BY k.field LIMIT $5"
    ));

    history_oldest_first("bigint, text, text, bigint, bigint, bigint, bigint", page_types!()) = history_of_key!("ASC");
    history_newest_first("bigint, text, text, bigint, bigint, bigint, bigint", page_types!()) = history_of_key!("DESC");
}
