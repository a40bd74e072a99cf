//! The views say in SQL what the library says.

use annals_core::codec::{Timestamp, Value, encode};
use annals_core::{Action, Batch, CommitId, Context, Driver, Position, Scope};
use annals_driver_sqlite::SqliteDriver;
use proptest::prelude::*;
use rusqlite::types::Value as Sql;

use crate::common::{Scratch, append, key, sql};

/// Returns what `annals_current` shows for values of one record, in the order of the values.
fn shown(stored: &[Vec<u8>]) -> Vec<Sql> {
    let scratch = Scratch::new();
    let driver = scratch.open();
    let batch = stored.iter().zip(0..).fold(Batch::new(Context::new()), |batch, (bytes, number)| {
        batch.set(key("record", &format!("f{number:06}")), bytes.as_slice())
    });
    append(&driver, batch).unwrap();
    let shell = sql(&scratch.path);
    let mut select = shell.prepare("SELECT value, bytes FROM annals_current ORDER BY field").unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?))).unwrap();
    let (values, bytes): (Vec<Sql>, Vec<Vec<u8>>) = rows.map(Result::unwrap).unzip();
    assert_eq!(bytes, stored);
    values
}

fn encoded<T: serde::Serialize>(value: T) -> Vec<u8> {
    encode(&value).unwrap()
}

#[track_caller]
fn assert_shown(cases: Vec<(Vec<u8>, Sql)>) {
    let (stored, expected): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    for ((found, expected), bytes) in shown(&stored).iter().zip(&expected).zip(&stored) {
        match (found, expected) {
            (Sql::Real(found), Sql::Real(expected)) if found == expected => {}
            _ => assert_eq!(found, expected, "the bytes {bytes:02x?}"),
        }
    }
}

fn float(value: f64) -> (Vec<u8>, Sql) {
    (encoded(value), if value.is_nan() { Sql::Null } else { Sql::Real(value) })
}

fn signed(value: i64) -> (Vec<u8>, Sql) {
    (encoded(value), Sql::Integer(value))
}

fn unsigned(value: u64) -> (Vec<u8>, Sql) {
    (encoded(value), i64::try_from(value).map_or(Sql::Text(value.to_string()), Sql::Integer))
}

#[test]
fn values_at_the_edges_are_shown_exactly() {
    let mut cases = vec![
        (encoded(()), Sql::Null),
        (encoded(false), Sql::Integer(0)),
        (encoded(true), Sql::Integer(1)),
        (encoded([1, 2]), Sql::Null),
        (encoded(Value::from("text")), Sql::Text("text".into())),
        // Not what the codec writes, so not shown: cut off, with a rest, or of no type.
        (vec![], Sql::Null),
        (vec![0xc1], Sql::Null),
        (vec![0xcc], Sql::Null),
        (vec![0x01, 0x02], Sql::Null),
        (vec![0xcb, 0, 0, 0, 0, 0, 0, 0], Sql::Null),
        (vec![0xc0, 0xc0], Sql::Null),
    ];
    let powers = (0..64).map(|bits| 1_u64 << bits);
    for number in powers.flat_map(|power| [power - 1, power, power + 1]).chain([u64::MAX, u64::MAX - 1]) {
        cases.push(unsigned(number));
        cases.extend(i64::try_from(number).map(|number| signed(-number)));
    }
    cases.push(signed(i64::MIN));
    for number in
        [0.0, -0.0, 1.0, 0.1, f64::MAX, f64::MIN_POSITIVE, 5e-324, f64::INFINITY, f64::NAN, 2.5e-308]
    {
        cases.extend([float(number), float(-number)]);
    }
    cases.extend((0..2047).map(|exponent| float(f64::from_bits(exponent << 52 | 0x5_5555_5555_5555))));
    cases.extend((0..52).map(|bit| float(f64::from_bits(1 << bit))));
    for length in [0, 1, 31, 32, 255, 256, 65_535, 65_536, 70_000] {
        let text = "ä\0x".chars().cycle().take(length).collect::<String>();
        cases.push((encoded(&text), Sql::Text(text)));
    }
    assert_shown(cases);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn values_are_shown_exactly(
        signed_ones in prop::collection::vec(any::<i64>(), 100),
        unsigned_ones in prop::collection::vec(any::<u64>(), 100),
        float_bits in prop::collection::vec(any::<u64>(), 100),
        texts in prop::collection::vec(any::<String>(), 100),
    ) {
        let mut cases = Vec::new();
        cases.extend(signed_ones.into_iter().map(signed));
        cases.extend(unsigned_ones.into_iter().map(unsigned));
        cases.extend(float_bits.into_iter().map(|bits| float(f64::from_bits(bits))));
        cases.extend(texts.into_iter().map(|text| (encoded(&text), Sql::Text(text))));
        assert_shown(cases);
    }
}

/// Returns the rows of a query as SQLite's own text, columns joined by `|`.
fn table(shell: &rusqlite::Connection, query: &str) -> Vec<String> {
    let mut select = shell.prepare(query).unwrap();
    let columns = select.column_count();
    let row_text = |row: &rusqlite::Row<'_>| {
        let cell = |column| match row.get_unwrap(column) {
            Sql::Null => String::new(),
            Sql::Integer(number) => number.to_string(),
            Sql::Real(number) => number.to_string(),
            Sql::Text(text) => text,
            Sql::Blob(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        Ok((0..columns).map(cell).collect::<Vec<_>>().join("|"))
    };
    select.query_map([], row_text).unwrap().map(Result::unwrap).collect()
}

fn log_of_three_commits(scratch: &Scratch) {
    let driver = scratch.open();
    let time = |micros| Timestamp::from_micros(micros).unwrap();
    let uuid = annals_core::codec::Uuid::from_bytes(*b"0123456789abcdef");
    let context = Context::new().actor("alice").reason("begin").location("main.rs:7").occurred_at(time(-1));
    let mut first =
        Batch::new(context).set(key("game", "round"), encoded(1)).set(key("game/p1", "name"), encoded("Ann"));
    first.now = time(1_763_784_000_123_456);
    first.id = CommitId::Given(uuid);
    first.writes[1].actor = Some("bob".into());
    let mut second = Batch::new(Context::new()).delete(key("game", "round"));
    second.now = time(1_763_784_000_999_999);
    let mut third = Batch::new(Context::new()).set(key("game", "score"), encoded(0.5));
    third.now = time(253_402_300_799_999_999);
    for batch in [first, second, third] {
        append(&driver, batch).unwrap();
    }
}

#[test]
fn the_views_show_entries_and_commits() {
    let scratch = Scratch::new();
    log_of_three_commits(&scratch);
    let shell = sql(&scratch.path);
    assert_eq!(
        table(&shell, "SELECT * FROM annals_current ORDER BY namespace, field"),
        [
            "game|score|4|set|0.5|cb3fe0000000000000|4|9999-12-31T23:59:59.999999Z|253402300799999999||||",
            "game/p1|name|2|set|Ann|a3416e6e|2|2025-11-22T04:00:00.123456Z|1763784000123456\
             |1969-12-31T23:59:59.999999Z|-1|bob|begin",
        ]
    );
    assert_eq!(
        table(
            &shell,
            "SELECT position, namespace, field, kind, value, commit_position, actor
            FROM annals_history ORDER BY position"
        ),
        [
            "1|game|round|set|1|2|alice",
            "2|game/p1|name|set|Ann|2|bob",
            "3|game|round|deleted||3|",
            "4|game|score|set|0.5|4|",
        ]
    );
    assert_eq!(
        table(&shell, "SELECT * FROM annals_commits WHERE last < 4 AND given"),
        ["1|2|2|30313233-3435-3637-3839-616263646566|1|2025-11-22T04:00:00.123456Z|1763784000123456\
          |1969-12-31T23:59:59.999999Z|-1|alice|begin|main.rs:7|"]
    );
    assert_eq!(table(&shell, "SELECT first, last, entries FROM annals_commits"), ["1|2|2", "3|3|1", "4|4|1"]);
}

#[test]
fn the_views_read_without_scanning_the_history() {
    let scratch = Scratch::new();
    log_of_three_commits(&scratch);
    let shell = sql(&scratch.path);
    for query in [
        "SELECT * FROM annals_current",
        "SELECT * FROM annals_current WHERE namespace = 'game' AND field = 'score'",
        "SELECT * FROM annals_history WHERE position = 3",
    ] {
        let mut plan = shell.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
        let steps = plan.query_map([], |row| row.get::<_, String>(3)).unwrap();
        for step in steps.map(Result::unwrap) {
            // The tail is grouped by its keys, which takes a tree of them.
            let whole = ["SCAN e", "SCAN annals_entry", "SCAN annals_commit", "TEMP B-TREE FOR ORDER BY"];
            assert!(!whole.iter().any(|scan| step.contains(scan)), "{query}: {step}");
        }
    }
}

#[test]
fn the_views_agree_with_the_state_at_every_moment_of_a_pass() {
    let scratch = Scratch::new();
    let driver = SqliteDriver::options().pace(8, 1, 2).open(&scratch.path).unwrap();
    let shell = sql(&scratch.path);
    for number in 0..60_u32 {
        let key = key("game", &format!("f{}", number * 7 % 13));
        let batch = Batch::new(Context::new());
        let batch = if number % 5 == 0 { batch.delete(key) } else { batch.set(key, encoded(number)) };
        append(&driver, batch).unwrap();
        let state = driver.state(&Scope::All, Position::MAX, None, 100).unwrap();
        let set = state.iter().filter(|change| change.entry.action != Action::Deleted);
        let expected: Vec<String> = set
            .map(|change| {
                format!("{}|{}|{}", change.key().namespace(), change.key().field(), change.position().get())
            })
            .collect();
        let query = "SELECT namespace, field, position FROM annals_current ORDER BY 1, 2";
        assert_eq!(table(&shell, query), expected, "after {number}");
    }
    assert!(table(&shell, "SELECT indexed_until FROM annals_index") != ["0"], "there was no pass");
}

/// The shell of the operating system may be much older than the bundled library.
#[test]
fn the_views_read_in_the_shell_of_this_machine() {
    let scratch = Scratch::new();
    log_of_three_commits(&scratch);
    let query = "SELECT position, value FROM annals_history ORDER BY position";
    let Ok(shell) = std::process::Command::new("sqlite3").arg(&scratch.path).arg(query).output() else {
        crate::common::skipped("there is no sqlite3 shell here");
        return;
    };
    assert_eq!(String::from_utf8(shell.stdout).unwrap(), "1|1\n2|Ann\n3|\n4|0.5\n");
}
