//! A dump is the same bytes for equal logs, says where it is damaged, and loads again and again.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::io::Cursor;

use annals_core::codec::{Timestamp, Uuid, Value};
use annals_core::{
    Batch, CommitEntries, CommitId, Context, Driver, DumpSummary, Durability, Error, ErrorKind, Key, Log,
    Order, Position, PositionRange, Write, check_dump,
};
use annals_driver_memory::MemoryDriver;

fn key(field: &str) -> Key {
    Key::parse("game/player1", field).unwrap()
}

/// Three commits that use everything a commit can carry. Ids and times are fixed.
fn sample() -> Log {
    let driver = MemoryDriver::new();
    let full = Context::new()
        .actor("alice")
        .reason("settle round 2")
        .location("src/rounds.rs:88")
        .occurred_at(Timestamp::from_micros(-1).unwrap())
        .tag("ticket", 412)
        .tag("weight", Value::Null);
    let mut first = Batch::new(full).set(key("score"), *b"\x0a").delete(key("pending"));
    first.id = CommitId::Given(Uuid::from_bytes([7; 16]));
    first.now = Timestamp::from_micros(1_795_316_452_011_075).unwrap();
    let mut second = Batch::new(Context::new()).set(key("größe"), [0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]);
    second.id = CommitId::Made(Uuid::from_bytes([8; 16]));
    second.now = Timestamp::from_micros(1_795_316_452_011_076).unwrap();
    let own = Write {
        actor: Some("bot".into()),
        reason: Some("rounding".into()),
        ..Write::set(key("x"), *b"\xc0")
    };
    second.writes.push(own);
    for answer in driver.append(&[first, second], Durability::Synced).unwrap() {
        answer.unwrap();
    }
    let audit = Key::parse("__annals/erasures", "erasure").unwrap();
    let mut erasure = Batch::new(Context::new().actor("dana").reason("asked to")).set(audit, *b"\x80");
    erasure.id = CommitId::Made(Uuid::from_bytes([9; 16]));
    erasure.now = Timestamp::from_micros(1_795_316_452_011_077).unwrap();
    let x = Position::new(4).unwrap();
    driver.abilities().erase.unwrap().erase(&[x], &erasure).unwrap().unwrap();
    Log::new(driver)
}

fn dump(log: &Log) -> Vec<u8> {
    let mut bytes = Vec::new();
    log.dump(&mut bytes, |_| {}).unwrap();
    bytes
}

fn load(bytes: &[u8]) -> (Log, Result<DumpSummary, Error>) {
    let log = Log::new(MemoryDriver::new());
    let loaded = log.load(&mut Cursor::new(bytes), |_| {});
    (log, loaded)
}

fn commits(log: &Log) -> Vec<CommitEntries> {
    log.commits(PositionRange::ALL, Order::OldestFirst).map(Result::unwrap).collect()
}

#[test]
#[ignore = "writes the golden file; a released one is never written again"]
fn write_the_golden_file() {
    std::fs::write("tests/golden/dump-1.bin", dump(&sample())).unwrap();
}

#[test]
fn the_format_is_fixed() {
    let bytes = dump(&sample());
    let golden = include_bytes!("golden/dump-1.bin");
    assert_eq!(bytes.escape_ascii().to_string(), golden.escape_ascii().to_string());
}

#[test]
fn a_load_gives_the_log_back() {
    let log = sample();
    let (copy, summary) = load(&dump(&log));
    assert_eq!(summary.unwrap(), DumpSummary { commits: 3, entries: 5, skipped: 0 });
    assert_eq!(commits(&copy), commits(&log));
    assert_eq!(dump(&copy), dump(&log));
}

#[test]
fn a_dump_that_is_cut_anywhere_is_refused_and_keeps_what_was_whole() {
    let log = sample();
    let bytes = dump(&log);
    for end in 0..bytes.len() {
        let cut = &bytes[..end];
        let checked = check_dump(&mut Cursor::new(cut)).unwrap_err();
        assert_eq!(checked.kind(), ErrorKind::Corrupt, "cut at {end}: {checked}");
        assert!(checked.to_string().ends_with("it is cut off here"), "cut at {end}: {checked}");
        let (copy, loaded) = load(cut);
        assert!(loaded.is_err());
        assert!(commits(&log).starts_with(&commits(&copy)), "cut at {end}");
    }
}

#[test]
fn a_dump_with_any_byte_changed_is_refused() {
    let log = sample();
    let bytes = dump(&log);
    for place in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[place] ^= flip;
            let (copy, loaded) = load(&damaged);
            let error = loaded.expect_err("damage is found");
            assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {place}: {error}");
            assert!(commits(&log).starts_with(&commits(&copy)), "byte {place}");
        }
    }
}

#[test]
fn bytes_after_the_end_are_refused() {
    let mut bytes = dump(&sample());
    let end = bytes.len();
    bytes.push(0);
    let error = check_dump(&mut Cursor::new(&bytes)).unwrap_err();
    assert_eq!(error.to_string(), format!("the dump is damaged at byte {end}: bytes follow the end"));
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let mut bytes = dump(&sample());
    bytes[7] = 2;
    let error = check_dump(&mut Cursor::new(&bytes)).unwrap_err();
    assert!(error.to_string().contains("this program reads version 1"), "{error}");
}

#[test]
fn a_length_that_lies_allocates_nothing() {
    let mut bytes = dump(&sample());
    bytes.truncate(8);
    bytes.extend(0x0400_0000_u32.to_le_bytes());
    bytes.extend([0; 5]);
    assert!(check_dump(&mut Cursor::new(&bytes)).unwrap_err().to_string().ends_with("it is cut off here"));
    bytes[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    let error = check_dump(&mut Cursor::new(&bytes)).unwrap_err();
    assert!(error.to_string().ends_with("a frame of impossible length"), "{error}");
}

#[test]
fn an_interrupted_load_is_done_again() {
    let log = sample();
    let bytes = dump(&log);
    let copy = Log::new(MemoryDriver::new());
    let cut = &bytes[..bytes.len() - 30];
    copy.load(&mut Cursor::new(cut), |_| {}).unwrap_err();
    let had = commits(&copy).len();
    let again = copy.load(&mut Cursor::new(&bytes), |_| {}).unwrap();
    assert_eq!(again.skipped, had as u64);
    assert_eq!(dump(&copy), bytes);
    let third = copy.load(&mut Cursor::new(&bytes), |_| {}).unwrap();
    assert_eq!(third, DumpSummary { commits: 3, entries: 5, skipped: 3 });
}

#[test]
fn a_log_with_other_commits_is_left_alone() {
    let copy = Log::new(MemoryDriver::new());
    let other = Batch::new(Context::new()).set(key("score"), *b"\x01");
    copy.append(other, Durability::Synced).unwrap();
    let before = commits(&copy);
    let error = copy.load(&mut Cursor::new(dump(&sample())), |_| {}).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot restore at @1: the log has another commit there, or values were erased on one side only"
    );
    assert_eq!(commits(&copy), before);
}

/// The sample's dump with `from` replaced by `to` of the same length, and the checksums made right.
fn forged(from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = dump(&sample());
    let place = bytes.windows(from.len()).position(|window| window == from).unwrap();
    bytes[place..place + to.len()].copy_from_slice(to);
    let mut frame = 8;
    while frame < bytes.len() {
        let length = u32::from_le_bytes(bytes[frame..frame + 4].try_into().unwrap()) as usize;
        let checksum = crc32fast::hash(&bytes[frame + 8..frame + 8 + length]);
        bytes[frame + 4..frame + 8].copy_from_slice(&checksum.to_le_bytes());
        frame += 8 + length;
    }
    bytes
}

#[test]
fn a_dump_of_what_a_log_never_holds_is_refused() {
    let (copy, loaded) = load(&forged(b"value\xc4\x01\x0a", b"value\xc4\x01\xc1"));
    let error = loaded.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().ends_with("a value that is not in canonical form"), "{error}");
    assert_eq!(commits(&copy), []);

    let (copy, loaded) = load(&forged(b"\xa7gr\xc3\xb6\xc3\x9fe", b"\xa7xxxxxxx"));
    assert_eq!((loaded.unwrap().entries, commits(&copy).len()), (5, 3), "another name is a name");
    let (copy, loaded) = load(&forged(b"\xa7pending", b"\xa7pend-ng"));
    assert!(loaded.unwrap_err().to_string().ends_with("an entry of an impossible key"));
    assert_eq!(commits(&copy), []);

    let (copy, loaded) = load(&forged(b"\xa2by\x05", b"\xa2by\x04"));
    assert!(loaded.unwrap_err().to_string().ends_with("an erased entry of an impossible erasure"));
    assert_eq!(commits(&copy).len(), 1, "nothing is erased by itself");
}

#[test]
fn a_key_twice_in_a_commit_is_not_restored() {
    let mut whole = commits(&sample()).remove(0);
    whole.entries[1].key = whole.entries[0].key.clone();
    let log = Log::new(MemoryDriver::new());
    let error = log.driver().restore(&[whole]).unwrap_err();
    assert_eq!(error.to_string(), "cannot restore at @1: a key comes twice in the commit");
    assert_eq!(commits(&log), []);
}

#[test]
fn a_commit_of_the_same_id_but_other_contents_is_another() {
    let (copy, loaded) = load(&dump(&sample()));
    loaded.unwrap();
    let other = forged(b"value\xc4\x01\x0a", b"value\xc4\x01\x0b");
    let error = copy.load(&mut Cursor::new(&other), |_| {}).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot restore at @1: the log has another commit there, or values were erased on one side only"
    );
}
