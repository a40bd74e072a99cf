//! What is stored, to the byte: `docs/format.md` tells it, and what was ever written stays readable.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use annals_core::{Action, Batch, Context, Durability, Key, Order, PositionRange, Store};
use annals_driver_memory::MemoryDriver;
use annals_revisions::{Revisions, State};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Answer {
    question: String,
    answer: Option<u32>,
}

/// Objects and what was done to them, an entry a line: its commit, its key, its bytes.
const STORED: &str = "\
@3 answers/a_20c answer c0
@3 answers/a_20c question a5776861743f
@3 answers/a_20c __meta 82a57374617465a66c6f636b6564a776657273696f6e01
@5 answers/a_20c answer 2a
@5 answers/a_20c __meta 82a57374617465a66c6f636b6564a776657273696f6e02
@6 answers/a_20c __meta 82a57374617465a764656c65746564a776657273696f6e03
@8 answers/a_20c answer c0
@8 answers/a_20c __meta 83a57374617465a66c6f636b6564a776657273696f6e04ad726573746f7265645f66726f6d01
@9 answers/a_20c __meta 82a57374617465a772657469726564a776657273696f6e05
@12 maps/_2e __a_first_20name 01
@12 maps/_2e größe 02
@12 maps/_2e __meta 82a57374617465a66c6f636b6564a776657273696f6e01
@14 numbers/7 value 07
@14 numbers/7 __meta 83a57374617465a66c6f636b6564a673696e676c65c3a776657273696f6e01
@16 numbers/8 value erased
@16 numbers/8 __meta 83a57374617465a66c6f636b6564a673696e676c65c3a776657273696f6e01
@18 numbers/8 value deleted
@18 numbers/8 __meta 84a57374617465a764656c65746564a6707572676564c3a673696e676c65c3a776657273696f6e02
@21 named/a n 01
@21 named/a __meta 83a57374617465a66c6f636b6564a776657273696f6e01ac747970655f76657273696f6ea132
";

fn answers(store: &Store) -> Revisions<Answer> {
    Revisions::open(store, "answers").unwrap()
}

fn maps(store: &Store) -> Revisions<BTreeMap<String, u32>> {
    Revisions::open(store, "maps").unwrap()
}

fn numbers(store: &Store) -> Revisions<u32> {
    Revisions::open(store, "numbers").unwrap()
}

fn named(store: &Store) -> Revisions<BTreeMap<String, u32>> {
    Revisions::builder(store, "named").version("2").open().unwrap()
}

fn question() -> Answer {
    Answer { question: "what?".into(), answer: None }
}

fn map() -> BTreeMap<String, u32> {
    BTreeMap::from([("größe".to_owned(), 2), ("first name".to_owned(), 1)])
}

fn write(store: &Store) {
    let none = Context::new;
    let first = answers(store).insert("a c", &question(), none()).unwrap();
    answers(store).update(&first, none(), |draft| draft.answer = Some(42)).unwrap();
    answers(store).delete("a c", none()).unwrap();
    answers(store).rollback_to(&first, none()).unwrap();
    answers(store).retire("a c", none()).unwrap();
    maps(store).insert(".", &map(), none()).unwrap();
    numbers(store).insert("7", &7, none()).unwrap();
    numbers(store).insert("8", &8, none()).unwrap();
    numbers(store).purge("8", Context::new().actor("dana").reason("asked")).unwrap();
    named(store).insert("a", &BTreeMap::from([("n".to_owned(), 1)]), none()).unwrap();
}

/// Returns the entries as lines, but for those that tell of erasures.
fn stored(store: &Store) -> String {
    let mut lines = String::new();
    for commit in store.commits(PositionRange::ALL, Order::OldestFirst).map(Result::unwrap) {
        for entry in commit.entries.into_iter().filter(|entry| !entry.key.namespace().is_reserved()) {
            let what = match entry.action {
                Action::Set(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
                Action::Deleted => "deleted".to_owned(),
                Action::Erased { .. } => "erased".to_owned(),
            };
            lines += &format!("{} {} {what}\n", commit.commit.last, entry.key);
        }
    }
    lines
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// Returns a store in which just that is stored, but for values that were erased.
fn store_of(lines: &str) -> Store {
    let mut batches: Vec<(&str, Batch)> = Vec::new();
    for line in lines.lines() {
        let [commit, namespace, field, what] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line} has four parts")
        };
        let key = Key::parse(namespace, field).unwrap();
        if batches.last().is_none_or(|(last, _)| *last != commit) {
            batches.push((commit, Batch::new(Context::new())));
        }
        let (_, batch) = batches.last_mut().unwrap();
        *batch = match what {
            "erased" => continue,
            "deleted" => batch.clone().delete(key),
            what => batch.clone().set(key, bytes(what)),
        };
    }
    let store = Store::new(MemoryDriver::new());
    store
        .log()
        .append_all(batches.into_iter().map(|(_, batch)| batch).collect(), Durability::Synced)
        .unwrap();
    store
}

#[test]
fn every_byte_is_as_it_is_told() {
    let store = Store::new(MemoryDriver::new());
    write(&store);
    assert_eq!(stored(&store), STORED);
}

#[test]
fn what_was_written_once_is_read() {
    let store = store_of(STORED);
    let infos = answers(&store).history("a c").unwrap().into_iter().map(Result::unwrap);
    let told: Vec<_> = infos.map(|it| (it.version(), it.state(), it.restored_from())).collect();
    use State::{Deleted, Retired};
    assert_eq!(
        told,
        [
            (1, Retired, None),
            (2, Retired, None),
            (3, Deleted, None),
            (4, Retired, Some(1)),
            (5, Retired, None)
        ]
    );
    let answered = Answer { answer: Some(42), ..question() };
    let contents = [question(), answered.clone(), answered, question(), question()];
    for (version, content) in (1..).zip(contents) {
        assert_eq!(*answers(&store).get("a c", version).unwrap().unwrap(), content);
    }
    assert_eq!(*maps(&store).current(".").unwrap().unwrap(), map());
    assert_eq!(*numbers(&store).current("7").unwrap().unwrap(), 7);
    let of_named_type = named(&store).current("a").unwrap().unwrap();
    assert_eq!((of_named_type.info().type_version(), of_named_type["n"]), (Some("2"), 1));
    assert!(
        numbers(&store).history("8").unwrap().newest_first().into_iter().next().unwrap().unwrap().is_purge()
    );
}

#[test]
fn what_later_versions_add_is_passed_over() {
    let more = "@2 numbers/7 value 07\n\
        @2 numbers/7 __meta 84a46d6f7265c0a57374617465a66c6f636b6564a673696e676c65c3a776657273696f6e01\n\
        @3 numbers/7 __more 01\n";
    let seven = numbers(&store_of(more)).current("7").unwrap().unwrap();
    assert_eq!((*seven, seven.version()), (7, 1));
}
