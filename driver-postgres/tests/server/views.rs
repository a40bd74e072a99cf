//! The views say in SQL what the library says.

use annals_core::codec::{Timestamp, Value};
use annals_core::{
    Action, Batch, CommitId, Context, Driver, Durability, Key, Log, Order, Position, PositionRange, Scope,
};

use crate::common::Scratch;

fn key(namespace: &str, field: &str) -> Key {
    Key::parse(namespace, field).unwrap()
}

fn encoded(value: impl Into<Value>) -> Vec<u8> {
    value.into().to_bytes().unwrap()
}

/// Returns the rows of a query as the server's own text, columns joined by `|`.
fn table(scratch: &Scratch, query: &str) -> Vec<String> {
    use postgres::SimpleQueryMessage::Row;
    let set = format!("SET search_path = {}; SET timezone = 'Asia/Kolkata'", scratch.schema());
    let mut shell = scratch.sql();
    shell.batch_execute(&set).unwrap();
    let answers = shell.simple_query(query).unwrap();
    let rows = answers.iter().filter_map(|answer| match answer {
        Row(row) => Some(row),
        _ => None,
    });
    rows.map(|row| (0..row.len()).map(|at| row.get(at).unwrap_or("")).collect::<Vec<_>>().join("|")).collect()
}

/// Returns what `annals_current` shows for values of one record, in the order of the values.
fn shown(scratch: &Scratch, stored: &[Vec<u8>]) -> Vec<Option<String>> {
    let driver = scratch.options().open().unwrap();
    let batch = stored.iter().zip(0..).fold(Batch::new(Context::new()), |batch, (bytes, number)| {
        batch.set(key("record", &format!("f{number:06}")), bytes.as_slice())
    });
    driver.append(&[batch], Durability::Buffered).unwrap().remove(0).unwrap();
    let query = format!(
        "SELECT value::text, bytes FROM {}.annals_current WHERE log = $1 ORDER BY field",
        scratch.schema()
    );
    let rows = scratch.sql().query(&query, &[&scratch.log()]).unwrap();
    let (values, bytes): (Vec<_>, Vec<Vec<u8>>) = rows.iter().map(|row| (row.get(0), row.get(1))).unzip();
    assert_eq!(bytes, stored);
    values
}

#[test]
fn values_at_the_edges_are_shown_exactly() {
    let Some(scratch) = Scratch::new() else { return };
    let some = |text: &str| Some(text.to_owned());
    let mut cases = vec![
        (encoded(Value::Null), some("null")),
        (encoded(false), some("false")),
        (encoded(true), some("true")),
        (encoded(Value::List(vec![1.into(), 2.into()])), None),
        (encoded("text"), some("\"text\"")),
        // Not what the codec writes, so not shown: cut off, with a rest, or of no type.
        (vec![], None),
        (vec![0xc1], None),
        (vec![0xcc], None),
        (vec![0x01, 0x02], None),
        (vec![0xcb, 0, 0, 0, 0, 0, 0, 0], None),
        (vec![0xc0, 0xc0], None),
        (encoded("a\0ä"), some("\"a␀ä\"")),
    ];
    let powers = (0..64).map(|bits| 1_u64 << bits);
    for number in powers.flat_map(|power| [power - 1, power, power + 1]).chain([u64::MAX, u64::MAX - 1]) {
        cases.push((encoded(number), Some(number.to_string())));
        cases.extend(i64::try_from(number).map(|number| (encoded(-number), Some((-number).to_string()))));
    }
    cases.push((encoded(i64::MIN), Some(i64::MIN.to_string())));
    for length in [0, 1, 31, 32, 255, 256, 65_535, 65_536, 70_000] {
        let text = "äx".chars().cycle().take(length).collect::<String>();
        cases.push((encoded(text.as_str()), Some(format!("\"{text}\""))));
    }
    cases.extend([f64::INFINITY, f64::NEG_INFINITY, f64::NAN].map(|number| (encoded(number), None)));
    let (stored, expected): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    for ((found, expected), bytes) in shown(&scratch, &stored).iter().zip(&expected).zip(&stored) {
        assert_eq!(found, expected, "the bytes {bytes:02x?}");
    }
}

#[test]
fn floats_are_shown_exactly() {
    let Some(scratch) = Scratch::new() else { return };
    let mut numbers = vec![0.0, 1.0, 0.1, f64::MAX, f64::MIN_POSITIVE, 5e-324, 2.5e-308];
    numbers.extend((0..2047).map(|exponent| f64::from_bits(exponent << 52 | 0x5_5555_5555_5555)));
    numbers.extend((0..52).map(|bit| f64::from_bits(1 << bit)));
    numbers.extend(numbers.clone().iter().map(|number| -number));
    let stored: Vec<_> = numbers.iter().copied().map(encoded).collect();
    for (found, number) in shown(&scratch, &stored).iter().zip(numbers) {
        assert_eq!(found.as_ref().unwrap().parse::<f64>().unwrap(), number);
    }
}

fn log_of_three_commits(scratch: &Scratch) {
    let driver = scratch.options().open().unwrap();
    let time = |micros| Timestamp::from_micros(micros).unwrap();
    let uuid = annals_core::codec::Uuid::from_bytes(*b"0123456789abcdef");
    let context = Context::new().actor("al\0ice").reason("größer").location("main.rs:7");
    let context = context.occurred_at(time(-213_639_076_800_000_000));
    let mut first =
        Batch::new(context).set(key("game", "round"), encoded(1)).set(key("game/p1", "name"), encoded("Ann"));
    first.now = time(1_763_784_000_123_456);
    first.id = CommitId::Given(uuid);
    first.writes[1].actor = Some("bob".into());
    let mut second = Batch::new(Context::new().occurred_at(time(-1))).delete(key("game", "round"));
    second.now = time(1_763_784_000_999_999);
    let mut third = Batch::new(Context::new()).set(key("game", "score"), encoded(0.5));
    third.now = time(253_402_300_799_999_999);
    for batch in [first, second, third] {
        driver.append(&[batch], Durability::Buffered).unwrap().remove(0).unwrap();
    }
}

#[test]
fn the_views_show_entries_and_commits() {
    let Some(scratch) = Scratch::alone() else { return };
    log_of_three_commits(&scratch);
    let other = scratch.options().log("another").unwrap().open().unwrap();
    let batch = Batch::new(Context::new()).set(key("game", "round"), encoded(7));
    other.append(&[batch], Durability::Buffered).unwrap().remove(0).unwrap();
    assert_eq!(
        table(&scratch, "SELECT * FROM annals_current WHERE log = 'main' ORDER BY namespace, field"),
        [
            "main|game|score|4|set|0.5|\\xcb3fe0000000000000|4|10000-01-01 05:29:59.999999+05:30\
             |253402300799999999||||",
            "main|game/p1|name|2|set|\"Ann\"|\\xa3416e6e|2|2025-11-22 09:30:00.123456+05:30|1763784000123456\
             ||-213639076800000000|bob|größer",
        ]
    );
    assert_eq!(
        table(
            &scratch,
            "SELECT position, namespace, field, kind, value, bytes, commit_position, actor
            FROM annals_history WHERE log = 'main' ORDER BY position"
        ),
        [
            "1|game|round|set|1|\\x01|2|al␀ice",
            "2|game/p1|name|set|\"Ann\"|\\xa3416e6e|2|bob",
            "3|game|round|deleted|||3|",
            "4|game|score|set|0.5|\\xcb3fe0000000000000|4|",
        ]
    );
    assert_eq!(
        table(&scratch, "SELECT * FROM annals_commits WHERE log = 'main' AND last < 4 ORDER BY last")[0],
        "main|1|2|2|30313233-3435-3637-3839-616263646566|t|2025-11-22 09:30:00.123456+05:30|1763784000123456\
         ||-213639076800000000|al␀ice|größer|main.rs:7|"
    );
    assert_eq!(
        table(
            &scratch,
            "SELECT log, first, last, entries, occurred_at FROM annals_commits ORDER BY log, last"
        ),
        ["another|1|1|1|", "main|1|2|2|", "main|3|3|1|1970-01-01 05:29:59.999999+05:30", "main|4|4|1|"]
    );
}

/// Many keys with many values, as the planner sees them after it has counted.
#[test]
fn the_views_agree_with_the_state_and_do_not_scan_the_history() {
    let Some(scratch) = Scratch::alone() else { return };
    let driver = scratch.options().open().unwrap();
    for page in 0..40_u32 {
        let batches: Vec<_> = (0..100_u32)
            .map(|number| {
                let key = key(&format!("game/p{}", number % 20), &format!("f{}", (page + number) % 3));
                let batch = Batch::new(Context::new());
                if number % 7 == page % 7 { batch.delete(key) } else { batch.set(key, encoded(number)) }
            })
            .collect();
        driver.append(&batches, Durability::Buffered).unwrap();
    }
    scratch.sql().batch_execute("ANALYZE").unwrap();
    let state = driver.state(&Scope::All, Position::MAX, None, 1000).unwrap();
    let line = |change: &annals_core::Change| {
        let (key, at) = (change.key(), change.position().get());
        format!("{}|{}|{at}", key.namespace(), key.field())
    };
    let set: Vec<_> = state.iter().filter(|c| c.entry.action != Action::Deleted).map(line).collect();
    assert!(set.len() > 30 && set.len() < state.len(), "some are set, some deleted");
    let query = "SELECT namespace, field, position FROM annals_current ORDER BY 1, 2";
    assert_eq!(table(&scratch, query), set);

    let log = Log::new(driver);
    let mut entries = Vec::new();
    for item in log.commits(PositionRange::ALL, Order::OldestFirst) {
        let item = item.unwrap();
        entries
            .extend(item.entries.iter().map(|e| format!("{}|{}", e.position.get(), item.commit.last.get())));
    }
    assert_eq!(table(&scratch, "SELECT position, commit_position FROM annals_history ORDER BY 1"), entries);

    for query in [
        "SELECT * FROM annals_current",
        "SELECT * FROM annals_current WHERE log = 'main' AND namespace = 'game/p1' AND field = 'f1'",
        "SELECT * FROM annals_history WHERE log = 'main' AND position = 3",
        "SELECT * FROM annals_history WHERE log = 'main' AND namespace = 'game/p1' AND field = 'f1'",
    ] {
        let plan = table(&scratch, &format!("EXPLAIN {query}")).join("\n");
        for scan in ["Seq Scan on annals_entry", "Seq Scan on annals_commit"] {
            assert!(!plan.contains(scan), "{query}:\n{plan}");
        }
        // All entries of the log for each key would be found by the other index.
        let is_by_key = plan.contains("annals_entry_key") || query.contains("position");
        assert!(is_by_key, "{query}:\n{plan}");
    }
}
