//! The format, byte by byte as far as it is ours. A file that this version wrote must open for ever.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use annals_core::codec::{Timestamp, Uuid};
use annals_core::{
    Action, Check, Commit, CommitEntries, CommitId, Context, Driver, Entry, Measure, Order, Position,
    PositionRange,
};
use annals_driver_sqlite::SqliteDriver;

use crate::common::{Scratch, append, key, set, sql};

fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "fixtures", name].iter().collect()
}

fn entry(position: u64, name: (&str, &str), action: Action) -> Entry {
    let position = Position::new(position).unwrap();
    Entry { position, key: key(name.0, name.1), action, actor: None, reason: None }
}

fn commit(entries: Vec<Entry>, id: CommitId, micros: i64, context: Context) -> CommitEntries {
    let (first, last) = (entries[0].position, entries[entries.len() - 1].position);
    let recorded_at = Timestamp::from_micros(micros).unwrap();
    CommitEntries { commit: Arc::new(Commit { first, last, id, recorded_at, context }), entries }
}

/// Returns what stands in the fixture: something of everything that the format knows.
fn contents() -> Vec<CommitEntries> {
    let bytes = |bytes: &[u8]| Action::Set(bytes.into());
    let by = Position::new(6).unwrap();
    let mut own = entry(3, ("game/player1", "größe"), bytes(b"\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00"));
    own.actor = Some("bob".into());
    own.reason = Some("measured".into());
    let occurred_at = Timestamp::from_micros(-86_400_000_001).unwrap();
    let context = Context::new().actor("alice").reason("begin").location("main.rs:7");
    vec![
        commit(
            vec![
                entry(1, ("game", "round"), bytes(b"\x01")),
                entry(2, ("game", "note"), bytes(b"\xa0")),
                own,
            ],
            CommitId::Given(Uuid::from_bytes(*b"0123456789abcdef")),
            1_763_784_000_123_456,
            context.occurred_at(occurred_at).tag("ticket", 412).tag("round", "one"),
        ),
        commit(
            vec![
                entry(4, ("game", "round"), Action::Deleted),
                entry(5, ("game", "note"), Action::Erased { by }),
            ],
            CommitId::Made(Uuid::from_bytes([0xff; 16])),
            1_763_784_000_123_456,
            Context::new(),
        ),
        commit(
            vec![entry(6, ("game.old", "blob"), bytes(&[7; 10_000]))],
            CommitId::Made(Uuid::from_bytes([0; 16])),
            1_763_784_000_123_457,
            Context::new(),
        ),
    ]
}

#[test]
#[ignore = "writes the fixture; a released one is never written again"]
fn write_the_fixture() {
    let scratch = Scratch::new();
    // In the middle of a pass: four of the six entries stand in postings.
    SqliteDriver::options().pace(2, 4, 1).open(&scratch.path).unwrap().restore(&contents()).unwrap();
    fs::copy(&scratch.path, fixture("format-1.db")).unwrap();
}

#[test]
fn a_file_of_format_1_opens() {
    let scratch = Scratch::new();
    fs::copy(fixture("format-1.db"), &scratch.path).unwrap();
    let driver = scratch.open();
    let all = |driver: &dyn Driver| driver.commits(PositionRange::ALL, Order::OldestFirst, 100).unwrap();
    assert_eq!(all(&driver), contents());
    assert_eq!(driver.check().unwrap().damages, Vec::<String>::new());
    let round = key("game", "round");
    let history = driver.history(&round, PositionRange::ALL, Order::OldestFirst, 0, 100).unwrap();
    assert_eq!(history.iter().map(|change| change.position().get()).collect::<Vec<_>>(), [1, 4]);
    assert_eq!(append(&driver, set(&round, b"\x02")).unwrap().get(), 7);
}

#[test]
fn tables_hold_what_the_format_says() {
    let scratch = Scratch::new();
    scratch.open().restore(&contents()).unwrap();
    let shell = sql(&scratch.path);
    let rows = |query: &str| -> Vec<String> {
        let mut select = shell.prepare(query).unwrap();
        let rows = select.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(
        rows("SELECT concat_ws('|', id, namespace, field) FROM annals_key"),
        ["1|game|round", "2|game|note", "3|game/player1|größe", "4|game.old|blob"]
    );
    assert_eq!(
        rows(
            "SELECT concat_ws('|', position, key, kind, quote(actor), quote(reason), substr(quote(value), 1, 9))
            FROM annals_entry"
        ),
        [
            "1|1|0|NULL|NULL|X'01'",
            "2|2|0|NULL|NULL|X'A0'",
            "3|3|0|'bob'|'measured'|X'CB3FF80",
            "4|1|1|NULL|NULL|NULL",
            "5|2|2|NULL|NULL|X'0000000",
            "6|4|0|NULL|NULL|X'0707070",
        ]
    );
    assert_eq!(
        rows(
            "SELECT concat_ws('|', last, length, quote(id), given, recorded_at, occurred_at, actor, reason,
                location, quote(tags)) FROM annals_commit"
        ),
        [
            "3|3|X'30313233343536373839616263646566'|1|1763784000123456|-86400000001|alice|begin|main.rs:7\
             |X'82A5726F756E64A36F6E65A67469636B6574CD019C'",
            "5|2|X'FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF'|0|1763784000123456|NULL",
            "6|1|X'00000000000000000000000000000000'|0|1763784000123457|NULL",
        ]
    );
}

#[test]
fn the_index_holds_what_the_format_says() {
    let scratch = Scratch::new();
    let driver = SqliteDriver::options().pace(300, 1, 1).open(&scratch.path).unwrap();
    let (one, other) = (key("a", "one"), key("a", "other"));
    let written = |number| if [1, 3, 6, 261].contains(&number) { &one } else { &other };
    for number in 1..=305 {
        append(&driver, set(written(number), b"\x01")).unwrap();
    }
    let shell = sql(&scratch.path);
    let rows = |query: &str| -> Vec<String> {
        let mut select = shell.prepare(query).unwrap();
        let rows = select.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    // The slice of the 300th entry took the four of the one key, that of the 301st all of the other.
    assert_eq!(
        rows("SELECT concat_ws('|', key, first, last, length(middle)) FROM annals_posting"),
        ["1|1|261|2", "2|2|131|126", "2|132|259|126", "2|260|300|38"]
    );
    assert_eq!(rows("SELECT quote(middle) FROM annals_posting WHERE key = 1"), ["X'0203'"]);
    assert_eq!(
        rows("SELECT concat_ws('|', indexed_until, pass_through, pass_key, pages > 1) FROM annals_index"),
        ["300|300|0|1"]
    );
}

#[test]
fn the_schema_and_the_header_are_those_of_format_1() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let shell = sql(&scratch.path);
    let mut select =
        shell.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid").unwrap();
    let statements = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let schema: String = statements.map(|statement| statement.unwrap() + ";\n").collect();
    let golden = fs::read_to_string(fixture("format-1.sql")).unwrap();
    assert!(schema == golden, "the schema changed, and with it the format:\n{schema}");

    let header = fs::read(&scratch.path).unwrap();
    assert_eq!(header[..16], *b"SQLite format 3\0");
    assert_eq!(header[16..20], [0x10, 0x00, 2, 2], "pages of 4096 bytes, write-ahead log");
    assert_eq!(header[56..64], [0, 0, 0, 1, 0, 0, 0, 1], "UTF-8, format version 1");
    assert_eq!(header[68..72], *b"ANLS");
}

#[test]
fn sizes_are_those_of_the_files() {
    let scratch = Scratch::new();
    let driver = scratch.open();
    driver.restore(&contents()).unwrap();
    let size = driver.measure().unwrap();
    assert_eq!((size.commits, size.keys), (3, 4));
    let files = fs::read_dir(scratch.folder.path()).unwrap();
    let bytes: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert_eq!(size.bytes, bytes);
    assert!(bytes > 10_000);
}
