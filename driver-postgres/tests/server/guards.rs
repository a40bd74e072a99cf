//! What a writer or an eraser asks of the schema's functions by hand: nothing that damages the log.

use annals_core::{Driver, Order, PositionRange};
use annals_driver_postgres::PostgresDriver;
use postgres::Client;
use postgres::error::SqlState;

use crate::common::Scratch;
use crate::rights::Users;

/// One batch of one write, each part in SQL.
#[derive(Clone, Copy)]
struct Asked<'a> {
    writes: &'a str,
    conditions: &'a str,
    now: &'a str,
    occurred_at: &'a str,
    namespace: &'a str,
    field: &'a str,
    kind: &'a str,
    value: &'a str,
    key: &'a str,
}

/// What every function takes.
const FINE: Asked<'_> = Asked {
    writes: "1",
    conditions: "0",
    now: "0",
    occurred_at: "NULL",
    namespace: "a",
    field: "x",
    kind: "NULL",
    value: "'\\xc0'",
    key: "NULL",
};

impl Asked<'_> {
    /// The group as `annals_append` and `annals_erase` take it.
    fn group(&self) -> String {
        let Asked { writes, conditions, now, occurred_at, namespace, field, kind, value, .. } = self;
        format!(
            "ARRAY[md5(random()::text)::uuid], '{{f}}', ARRAY[{now}]::bigint[], '{{{occurred_at}}}', '{{NULL}}', '{{NULL}}',
            '{{NULL}}', '{{NULL}}', ARRAY[{writes}]::integer[], ARRAY[{conditions}]::integer[], '{{}}', '{{}}', '{{}}',
            '{{}}', ARRAY['{namespace}'], ARRAY['{field}'], ARRAY[{kind}]::smallint[], '{{NULL}}', '{{NULL}}',
            ARRAY[{value}]::bytea[]"
        )
    }

    fn judged(&self, log: i64) -> String {
        format!("SELECT FROM annals_append({log}, 0, true, 1000, {})", self.group())
    }

    fn one(&self, log: i64) -> String {
        let Asked { now, occurred_at, namespace, field, kind, value, .. } = self;
        format!(
            "SELECT FROM annals_append_one({log}, 0, true, 1000, md5(random()::text)::uuid, {now}, {occurred_at}, NULL,
            NULL, NULL, NULL, '{namespace}', '{field}', {kind}::smallint, NULL, NULL, {value}::bytea)"
        )
    }

    fn plain(&self, log: i64) -> String {
        let Asked { writes, now, occurred_at, namespace, field, kind, value, key, .. } = self;
        format!(
            "SELECT FROM annals_append_plain({log}, 0, true, 1000, 0, NULL, ARRAY[md5(random()::text)::uuid],
            ARRAY[{now}]::bigint[], '{{{occurred_at}}}', '{{NULL}}', '{{NULL}}', '{{NULL}}', '{{NULL}}',
            ARRAY[{writes}]::integer[], ARRAY['{namespace}'], ARRAY['{field}'], ARRAY[{key}]::integer[],
            '{{1}}', ARRAY[{kind}]::smallint[], '{{}}', '{{}}', ARRAY[{value}]::bytea[])"
        )
    }

    fn erasure(&self, log: i64) -> String {
        format!("SELECT FROM annals_erase({log}, 0, 1000, '{{1}}', {})", self.group())
    }
}

fn connected_as(scratch: &Scratch, user: &str) -> Client {
    let mut sql = scratch.sql();
    sql.batch_execute(&format!("SET ROLE {user}; SET search_path = {}", scratch.schema())).unwrap();
    sql
}

#[track_caller]
fn assert_refused(sql: &mut Client, statement: &str) {
    let error = sql.batch_execute(statement).expect_err(statement);
    let refused = [
        SqlState::from_code("AN003"),
        SqlState::from_code("AN002"),
        SqlState::CHECK_VIOLATION,
        SqlState::FEATURE_NOT_SUPPORTED,
    ];
    assert!(error.code().is_some_and(|code| refused.contains(code)), "{statement}: {error:?}");
}

#[test]
fn what_would_damage_the_log_is_refused() {
    let Some(scratch) = Scratch::alone() else { return };
    let log = scratch.options().open().unwrap();
    let users = Users::make(&scratch);
    let (mut sql, number) = (connected_as(&scratch, &users.writer), scratch.number());
    let long = "n".repeat(901);
    for asked in [
        Asked { now: "9223372036854775807", ..FINE },
        Asked { now: "253402300800000000", ..FINE },
        Asked { now: "-377705116800000001", ..FINE },
        Asked { now: "NULL", ..FINE },
        Asked { occurred_at: "9223372036854775807", ..FINE },
        Asked { occurred_at: "253402300800000000", ..FINE },
        Asked { occurred_at: "-377705116800000001", ..FINE },
        Asked { namespace: "", ..FINE },
        Asked { namespace: "b//c", ..FINE },
        Asked { namespace: "b/../c", ..FINE },
        Asked { namespace: "b c", ..FINE },
        Asked { namespace: "größe", ..FINE },
        Asked { namespace: &long, ..FINE },
        Asked { namespace: "__annals", ..FINE },
        Asked { namespace: "__annals/erasures", field: "erasure", ..FINE },
        Asked { field: "", ..FINE },
        Asked { field: "1x", ..FINE },
        Asked { field: "x y", ..FINE },
        Asked { field: "x\ny", ..FINE },
        Asked { field: &long, ..FINE },
        Asked { kind: "0", ..FINE },
        Asked { kind: "2", ..FINE },
        Asked { kind: "9", ..FINE },
        Asked { kind: "1", ..FINE },
        Asked { value: "NULL", ..FINE },
    ] {
        for statement in [asked.judged(number), asked.one(number), asked.plain(number)] {
            assert_refused(&mut sql, &statement);
        }
    }
    for writes in ["0", "-1", "2", "NULL", "1, 0", "1, 1"] {
        let asked = Asked { writes, ..FINE };
        assert_refused(&mut sql, &asked.judged(number));
        assert_refused(&mut sql, &asked.plain(number));
    }
    // Two batches: the second has no write, or ends before the first, or was recorded before it.
    for (writes, times, values) in
        [("1, 1", "0, 0", "'\\xc0'"), ("2, 1", "0, 0", "'\\xc0'"), ("1, 2", "1, 0", "'\\xc0', '\\xc0'")]
    {
        let keys = values.replace("'\\xc0'", "NULL");
        assert_refused(
            &mut sql,
            &format!(
                "SELECT FROM annals_append_plain({number}, 0, true, 1000, 0, NULL,
                ARRAY[md5(random()::text)::uuid, md5(random()::text)::uuid], ARRAY[{times}]::bigint[], '{{}}', '{{}}',
                '{{}}', '{{}}', '{{}}', ARRAY[{writes}], ARRAY['a'], ARRAY['x'], ARRAY[{keys}]::integer[], '{{1, 1}}',
                '{{}}', '{{}}', '{{}}', ARRAY[{values}]::bytea[])"
            ),
        );
    }
    // Two writes, one of which would have neither a value nor be a deletion, if arrays are counted from elsewhere
    // or are too short.
    for (kinds, values) in [
        ("'[0:1]={1,NULL}'", "'[0:1]={NULL,\\\\xc0}'"),
        ("'[0:1]={NULL,1}'", "'[0:1]={\\\\xc0,NULL}'"),
        ("'{1,NULL}'", "'[0:1]={\\\\xc0,NULL}'"),
        ("'{NULL,NULL}'", "'{\\\\xc0}'"),
        ("'{NULL,1}'", "'{\\\\xc0}'"),
        ("'{NULL,NULL,1}'", "'{\\\\xc0,NULL}'"),
        ("'{NULL,NULL,1,1}'", "'{}'"),
        ("'{{1,NULL}}'", "'{{NULL,\\\\xc0}}'"),
    ] {
        let judged = format!(
            "SELECT FROM annals_append({number}, 0, true, 1000, ARRAY[md5(random()::text)::uuid], '{{f}}', '{{0}}',
            '{{NULL}}', '{{NULL}}', '{{NULL}}', '{{NULL}}', '{{NULL}}', '{{2}}', '{{0}}', '{{}}', '{{}}', '{{}}', '{{}}',
            '{{a,a}}', '{{x,y}}', {kinds}, '{{NULL,NULL}}', '{{NULL,NULL}}', {values})"
        );
        let plain = format!(
            "SELECT FROM annals_append_plain({number}, 0, true, 1000, 0, NULL, ARRAY[md5(random()::text)::uuid],
            '{{0}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{2}}', '{{a,a}}', '{{x,y}}', '{{NULL,NULL}}', '{{1,2}}',
            {kinds}, '{{}}', '{{}}', {values})"
        );
        for statement in [judged, plain] {
            assert_refused(&mut sql, &statement);
        }
    }
    // A key that no write has.
    let named = FINE.plain(number).replace("ARRAY['a'], ARRAY['x']", "ARRAY['a', 'b'], ARRAY['x', 'y']");
    assert_refused(&mut sql, &named);
    for conditions in ["1", "-1", "NULL"] {
        assert_refused(&mut sql, &Asked { conditions, ..FINE }.judged(number));
    }
    for key in ["-2147483648", "2147483647", "0"] {
        assert_refused(&mut sql, &Asked { key, ..FINE }.plain(number));
    }
    assert_eq!(log.commits(PositionRange::ALL, Order::OldestFirst, 1).unwrap(), []);

    let most = Asked {
        now: "253402300799999999",
        occurred_at: "-377705116800000000",
        namespace: "__annals2/A.b-c",
        field: "größe_1",
        ..FINE
    };
    let deleted = Asked { kind: "1", value: "NULL", ..FINE };
    for asked in [FINE, deleted, most] {
        for statement in [asked.judged(number), asked.one(number), asked.plain(number)] {
            sql.batch_execute(&statement).expect(&statement);
        }
    }
    assert_eq!(log.commits(PositionRange::ALL, Order::OldestFirst, 10).unwrap().len(), 9);
}

fn positions_of(log: &PostgresDriver) -> u64 {
    log.last_position().unwrap().get()
}

#[test]
fn nothing_is_erased_but_by_the_commit_that_says_so() {
    let Some(scratch) = Scratch::alone() else { return };
    let log = scratch.options().open().unwrap();
    let users = Users::make(&scratch);
    let number = scratch.number();
    let mut writer = connected_as(&scratch, &users.writer);
    writer.batch_execute(&FINE.judged(number)).unwrap();
    let before = log.commits(PositionRange::ALL, Order::OldestFirst, 10).unwrap();

    let mut eraser = connected_as(&scratch, &users.eraser);
    let fine = Asked { namespace: "__annals/erasures", field: "erasure", ..FINE };
    let none =
        ["uuid", "boolean", "bigint", "bigint", "bytea", "bytea", "bytea", "bytea", "integer", "integer"];
    let none = none.map(|name| format!("'{{}}'::{name}[]")).join(", ");
    let nothing = format!(
        "SELECT FROM annals_erase({number}, 0, 1000, '{{1}}', {none}, '{{}}', '{{}}', '{{}}', '{{}}',
        '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}')"
    );
    assert_refused(&mut eraser, &nothing);
    for asked in [
        FINE,
        Asked { namespace: "__annals/other", ..fine },
        Asked { namespace: "__annals", ..fine },
        Asked { field: "other", ..fine },
        Asked { kind: "1", value: "NULL", ..fine },
        Asked { kind: "2", ..fine },
        Asked { writes: "0", ..fine },
        Asked { writes: "NULL", ..fine },
    ] {
        assert_refused(&mut eraser, &asked.erasure(number));
    }
    assert_eq!(log.commits(PositionRange::ALL, Order::OldestFirst, 10).unwrap(), before);

    eraser.batch_execute(&fine.erasure(number)).unwrap();
    assert_eq!(positions_of(&log), 2);
    // That the key is there now helps nobody else.
    let key = format!(
        "SELECT id FROM {}.annals_key WHERE namespace = '__annals/erasures' AND log = {number}",
        scratch.schema()
    );
    let key: i32 = scratch.sql().query_one(&key, &[]).unwrap().get(0);
    let by_id = Asked { key: &key.to_string(), ..FINE }.plain(number);
    for statement in [fine.judged(number), fine.one(number), fine.plain(number), by_id] {
        assert_refused(&mut writer, &statement);
    }
    // Nor do locks that a writer may have.
    writer.batch_execute("BEGIN; LOCK TABLE annals_format IN ACCESS SHARE MODE").unwrap();
    assert_refused(&mut writer, &fine.judged(number));
    assert_eq!(positions_of(&log), 2);
}

#[test]
fn a_text_that_is_no_utf_8_hides_nothing_but_itself() {
    let Some(scratch) = Scratch::alone() else { return };
    scratch.options().open().unwrap();
    let number = scratch.number();
    let texts: [&[u8]; 12] = [
        b"\xff",
        b"a\x80",
        b"\xc0\xaf",
        b"\xc3",
        b"\xe0\x80\xaf",
        b"\xed\xa0\x80",
        b"\xf0\x80\x80\x80",
        b"\xf4\x90\x80\x80",
        b"\0\xff",
        "größe €\u{10ffff}\0".as_bytes(),
        "\u{800}\u{d7ff}\u{e000}\u{10000}".as_bytes(),
        b"",
    ];
    let mut sql = scratch.sql();
    sql.batch_execute(&format!("SET search_path = {}", scratch.schema())).unwrap();
    for text in texts {
        let value = [&[0xd9, u8::try_from(text.len()).unwrap()], text].concat();
        let statement =
            "SELECT FROM annals_append_one($1, 0, true, 1000, md5(random()::text)::uuid, 0, NULL, $2,
            NULL, NULL, NULL, 'a', 'x', NULL, NULL, NULL, $3)";
        sql.query(statement, &[&number, &text, &value]).unwrap();
    }
    let shown = sql.query("SELECT actor, value #>> '{}' FROM annals_history ORDER BY position", &[]).unwrap();
    assert_eq!(shown.len(), texts.len());
    for (row, text) in shown.iter().zip(texts) {
        let text = std::str::from_utf8(text).ok().map(|text| text.replace('\0', "␀"));
        assert_eq!(row.get::<_, Option<String>>(0), text);
        assert_eq!(row.get::<_, Option<String>>(1), text);
    }
    for view in ["annals_current", "annals_commits"] {
        assert!(!sql.query(&format!("SELECT * FROM {view}"), &[]).unwrap().is_empty(), "{view}");
    }
}

#[test]
fn a_row_that_is_no_log_is_not_made_and_hides_no_other() {
    let Some(scratch) = Scratch::alone() else { return };
    let log = scratch.options().open().unwrap();
    let number = scratch.number();
    let mut sql = scratch.sql();
    sql.batch_execute(&format!("SET search_path = {}", scratch.schema())).unwrap();
    for (number, name) in [
        ("1".to_owned(), "other"),
        (number.to_string(), "other"),
        ("NULL".to_owned(), "other"),
        (number.to_string(), "Main"),
        // That is its number, but it is no name.
        ("5217554345945296594".to_owned(), "a b"),
    ] {
        let statement = format!("SELECT annals_create_log({number}, '{name}')");
        assert_refused(&mut sql, &statement);
    }
    let database = scratch.options().connect().unwrap();
    database.create_log("other").unwrap();
    sql.batch_execute("INSERT INTO annals_log VALUES (1, 'a b', 0), (2, 'aside', 0), (3, '', 0)").unwrap();
    let names = |logs: Vec<(String, _)>| logs.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(database.logs().unwrap()), ["main", "other"]);

    sql.batch_execute(&format!("UPDATE annals_log SET name = 'renamed' WHERE log = {number}")).unwrap();
    assert_eq!(names(database.logs().unwrap()), ["other"]);
    let error = scratch.options().open().unwrap_err().to_string();
    assert!(
        error.contains("`main`") && error.contains("`renamed`") && error.contains("cannot be renamed"),
        "{error}"
    );
    assert_eq!(positions_of(&log), 0, "who has it open goes on");
}
