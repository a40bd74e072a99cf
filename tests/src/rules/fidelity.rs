use std::collections::BTreeMap;

use annals_core::codec::{
    Complex, Date, DateTime, Duration, Integer, OffsetTimestamp, Time, Timestamp, Uuid, Value,
};
use annals_core::{
    Action, Batch, CommitId, Context, Field, KEY_BYTES_MAX, Key, Namespace, Position, Scope, Write,
};

use crate::Places;
use crate::samples::{DriverExt, batch, key, time};

/// Texts that are easily cut, escaped, folded or taken for code on their way to a disk and back.
fn awkward_texts() -> Vec<String> {
    let short = [
        "",
        " ",
        "alice",
        "NULL",
        "null",
        "0",
        "1e3",
        "it's",
        "\"quoted\"",
        "`quoted`",
        "'; DROP TABLE entries; --",
        "%s %d {} {0} $1 ?1 :name @p",
        "back\\slash \\n \\x00",
        "two\nlines\r\nand\rmore\n",
        "\ttab ",
        "\0",
        "before\0after",
        "\u{1}\u{7f}\u{85}\u{2028}",
        "\u{feff}mark",
        "👩‍👩‍👧‍👦 é e\u{301} ﷺ",
        "\u{202e}backwards",
        "\u{10ffff}\u{fffd}\u{ffff}",
    ];
    let long = ["x".repeat(70_000), "'\"\0é\n".repeat(9_000)];
    short.map(String::from).into_iter().chain(long).collect()
}

/// Appends one commit for each context and asserts that each comes back equal from every read.
#[track_caller]
fn assert_contexts_come_back(places: &Places, contexts: &[Context]) {
    let log = places.open_empty();
    let x = key("a", "x");
    for context in contexts {
        let written = Batch { context: context.clone(), ..batch().set(x.clone(), [1]) };
        assert_eq!(&log.commit(written).context, context, "in the receipt");
    }
    let log = log.reopen();
    let from_commits = log.all_commits().into_iter().map(|item| item.commit);
    let from_history = log.versions(&x).into_iter().map(|change| change.commit);
    assert_eq!(from_commits.map(|commit| commit.context.clone()).collect::<Vec<_>>(), contexts);
    assert_eq!(from_history.map(|commit| commit.context.clone()).collect::<Vec<_>>(), contexts);
    let state = log.state_at(&Scope::All, Position::MAX);
    assert_eq!(Some(&state[0].commit.context), contexts.last());
}

/// Actor, reason, location and the time in the caller's world come back as they were given,
/// whatever characters they are made of; nothing is not the same as an empty text.
pub fn contexts_come_back_as_given(places: &Places) {
    let mut contexts = vec![
        Context::new(),
        Context::new().actor("alice"),
        Context::new().reason("why"),
        Context::new().location("src/main.rs:12"),
        Context::new().occurred_at(time(0)),
        Context::new().actor("").reason("").location(""),
    ];
    for text in awkward_texts() {
        contexts.push(Context::new().actor(&*text));
        contexts.push(Context::new().reason(&*text).location(&*text).tag(&*text, &*text));
    }
    assert_contexts_come_back(places, &contexts);
}

/// Tags come back equal, with values of every kind.
pub fn tags_of_every_kind_come_back(places: &Places) {
    let mut contexts: Vec<Context> =
        values().into_iter().map(|value| Context::new().tag("tag", value)).collect();
    let all = (0..).zip(values()).map(|(nth, value)| (format!("tag {nth}"), value));
    contexts.push(Context { tags: all.collect::<BTreeMap<_, _>>(), ..Context::new() });
    assert_contexts_come_back(places, &contexts);
}

fn values() -> Vec<Value> {
    let date = Date::new(2026, 4, 8).unwrap();
    let of_day = Time::new(5, 53, 44, 123_456).unwrap();
    let list = Value::List(vec![Value::Null, Value::from(1), Value::List(vec![])]);
    vec![
        Value::Null,
        Value::Bool(true),
        Value::Bool(false),
        Value::Integer(Integer::from(0)),
        Value::Integer(Integer::from(i128::MIN)),
        Value::Integer(Integer::from(u128::MAX)),
        Value::Integer(Integer::from(i128::from(u64::MAX))),
        Value::Float(0.0),
        Value::Float(-0.0),
        Value::Float(f64::NAN),
        Value::Float(f64::NEG_INFINITY),
        Value::Float(f64::MIN_POSITIVE / 2.0),
        Value::Text(String::new()),
        Value::Text("it's \0 é 👩‍👧".into()),
        Value::Bytes(vec![]),
        Value::Bytes((0..=255).collect()),
        list.clone(),
        Value::Map(BTreeMap::new()),
        Value::Map([(Value::from(1), Value::Null), (list.clone(), Value::from("x"))].into()),
        Value::Decimal("1.10".parse().unwrap()),
        Value::Uuid(Uuid::from_bytes([0xab; 16])),
        Value::Timestamp(Timestamp::MIN.into()),
        Value::Timestamp(OffsetTimestamp::new(time(1), -12_345).unwrap()),
        Value::DateTime(DateTime::new(date, of_day)),
        Value::Date(date),
        Value::Time(of_day),
        Value::Duration(Duration::from_micros(i64::MIN)),
        Value::Complex(Complex { re: -0.0, im: f64::INFINITY }),
        Value::Set([Value::from(1), Value::from("1")].into()),
        Value::Tuple(vec![list, Value::Bool(true)]),
        Value::Custom { tag: 77, content: Box::new(Value::from("content")) },
    ]
}

/// An entry keeps an actor and a reason of its own, apart from those of its commit.
pub fn entries_keep_their_own_actor_and_reason(places: &Places) {
    let log = places.open_empty();
    let mut written = batch();
    written.context = Context::new().actor("alice").reason("for all");
    for (nth, text) in awkward_texts().into_iter().enumerate() {
        for (part, actor, reason) in
            [("a", Some(text.clone()), None), ("r", None, Some(text.clone())), ("n", None, None)]
        {
            let key = key("a", &format!("{part}{nth}"));
            written.writes.push(Write { actor, reason, ..Write::set(key.clone(), [1]) });
        }
    }
    written.writes.push(Write { actor: Some("bob".into()), ..Write::delete(key("a", "deleted")) });
    log.commit(written.clone());

    let log = log.reopen();
    let commits = log.all_commits();
    let own = |entry: &annals_core::Entry| (entry.actor.clone(), entry.reason.clone());
    let found: Vec<_> = commits[0].entries.iter().map(own).collect();
    let given: Vec<_> =
        written.writes.iter().map(|write| (write.actor.clone(), write.reason.clone())).collect();
    assert_eq!(found, given);
    let of_reason = log.newest(&key("a", "r2")).unwrap();
    assert_eq!((of_reason.actor(), of_reason.reason()), (Some("alice"), Some("alice")));
    assert_eq!(log.newest(&key("a", "deleted")).unwrap().actor(), Some("bob"));
}

/// The id of a commit comes back, and with it who made it: the log or the caller.
pub fn ids_come_back_as_given(places: &Places) {
    let log = places.open_empty();
    let uuid = |byte: u8| Uuid::from_bytes([byte; 16]);
    let ids = [
        CommitId::make(),
        CommitId::Given(uuid(0)),
        CommitId::Given(uuid(0xff)),
        CommitId::Made(uuid(0x80)),
        CommitId::Given(uuid(7)),
        CommitId::make(),
    ];
    for id in ids {
        let receipt = log.commit(Batch { id, ..batch().set(key("a", "x"), [1]) });
        assert_eq!(receipt.id, id, "in the receipt");
    }
    let log = log.reopen();
    let found: Vec<CommitId> = log.all_commits().iter().map(|item| item.commit.id).collect();
    assert_eq!(found, ids);
}

/// Times of recording and of the caller's world come back to the microsecond, from the first to
/// the last instant there is.
pub fn times_of_every_age_come_back(places: &Places) {
    let log = places.open_empty();
    let micros = [-62_135_596_800_000_001, -1, 0, 1, 999_999, 1_775_627_624_123_456];
    let times = [Timestamp::MIN].into_iter().chain(micros.map(time)).chain([Timestamp::MAX]);
    let times: Vec<Timestamp> = times.collect();
    for (now, occurred_at) in times.iter().zip(times.iter().rev()) {
        let context = Context::new().occurred_at(*occurred_at);
        log.commit(Batch { now: *now, context, ..batch().set(key("a", "x"), [1]) });
    }
    let log = log.reopen();
    let commits = log.all_commits();
    assert_eq!(commits.iter().map(|item| item.commit.recorded_at).collect::<Vec<_>>(), times);
    let occurred = commits.iter().filter_map(|item| item.commit.context.occurred_at);
    assert_eq!(occurred.collect::<Vec<_>>(), times.into_iter().rev().collect::<Vec<_>>());
}

/// The bytes of a value come back as they were, whatever they are: none, each single byte, a
/// mebibyte, bytes that are no text and no encoded value.
pub fn values_of_every_size_come_back(places: &Places) {
    let log = places.open_empty();
    let mut values: Vec<Vec<u8>> = vec![vec![], vec![0; 3], (0..=255).rev().collect(), b"'\"\\\0".to_vec()];
    values.extend((0..=255).map(|byte| vec![byte]));
    values.extend([100, 1_000, 4_096, 65_537, 1 << 20].map(pattern));
    let fields = (0..values.len()).map(|nth| key("a", &format!("f{nth}")));
    let written: Vec<(Key, Vec<u8>)> = fields.zip(values).collect();
    log.commit(written.iter().fold(batch(), |all, (key, bytes)| all.set(key.clone(), &bytes[..])));
    log.commit(batch().set(key("b", "x"), [1]));

    let log = log.reopen();
    let commits = log.all_commits();
    for ((key, bytes), entry) in written.iter().zip(&commits[0].entries) {
        let is_same = |action: &Action| action.bytes().is_some_and(|stored| stored[..] == bytes[..]);
        assert!(is_same(&entry.action), "{key} in commits");
        assert!(is_same(&log.newest(key).unwrap().entry.action), "{key} in history");
    }
    for change in log.state_at(&Scope::Record(Namespace::new("a").unwrap()), Position::MAX) {
        let (_, bytes) = &written[usize::try_from(change.position().get()).unwrap() - 1];
        assert!(change.entry.action.bytes().is_some_and(|stored| stored[..] == bytes[..]), "in state");
    }
}

/// Returns so many bytes without a short period.
fn pattern(size: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..size).map(|_| next()).collect()
}

/// Every name that is allowed can be written, read, listed and told from every other: SQL words,
/// one letter, only underscores, letters of all scripts, keys of the greatest length.
pub fn names_of_every_form_come_back(places: &Places) {
    let log = places.open_empty();
    let keys = names_of_every_form();
    let value = |nth: usize| u32::try_from(nth).unwrap().to_be_bytes();
    for (nth, key) in keys.iter().enumerate() {
        log.commit(batch().set(key.clone(), value(nth)));
    }
    let log = log.reopen();
    for (nth, key) in keys.iter().enumerate() {
        let versions = log.versions(key);
        assert_eq!(versions.len(), 1, "{key}");
        assert_eq!(versions[0].key(), key);
        assert_eq!(versions[0].entry.action, Action::Set(value(nth).into()), "{key}");
        let under = log.state(&Scope::Under(key.namespace().clone()), Position::MAX, None, 200).unwrap();
        assert!(under.iter().any(|change| change.key() == key), "{key} under its namespace");
    }
    let mut sorted = keys;
    sorted.sort();
    let state = log.state_at(&Scope::All, Position::MAX);
    assert_eq!(state.into_iter().map(|change| change.entry.key).collect::<Vec<_>>(), sorted);
}

fn names_of_every_form() -> Vec<Key> {
    let long = |token: &str, count: usize| vec![token; count].join("/");
    let namespaces = [
        "a".into(),
        "_".into(),
        "__".into(),
        "-".into(),
        "--".into(),
        "...".into(),
        ".gitignore".into(),
        "Cargo.toml".into(),
        "select".into(),
        "SELECT".into(),
        "drop/table/where".into(),
        "null".into(),
        "0".into(),
        "00".into(),
        "1e5".into(),
        "sqlite_master".into(),
        "annals_entries".into(),
        "-1".into(),
        "a_b".into(),
        "aXb".into(),
        "con/aux/nul".into(),
        long("x", 449),
        "y".repeat(899),
        long("deep", 100),
    ];
    let fields = ["_", "x", "X", "order", "ORDER", "rowid", "oid", "value", "ſ", "größe", "名前", "ﬀ", "𝐱1"];
    let mut keys = Vec::new();
    for namespace in namespaces.map(|text: String| Namespace::new(&text).unwrap()) {
        let room = KEY_BYTES_MAX - namespace.as_str().len();
        for field in fields.iter().filter(|field| field.len() <= room) {
            keys.push(Key::new(namespace.clone(), Field::new(field).unwrap()).unwrap());
        }
    }
    keys.push(key("a", &"f".repeat(KEY_BYTES_MAX - 1)));
    keys.push(key("a", &format!("{}é", "f".repeat(KEY_BYTES_MAX - 3))));
    keys
}

/// A commit of thousands of entries is one commit like any other, and a call of hundreds of
/// batches too.
pub fn commits_of_many_entries_come_back(places: &Places) {
    let log = places.open_empty();
    let nth_key = |nth: usize| key(&format!("r{}", nth % 50), &format!("f{nth}"));
    let large = (0..5_000).fold(batch(), |all, nth| all.set(nth_key(nth), [1]));
    assert_eq!(log.commit(large.clone()).last.get(), 5_000);
    let small: Vec<Batch> = (0..500).map(|nth| batch().set(nth_key(nth), [2])).collect();
    for (answer, expected) in log.answers(&small).into_iter().zip(5_001..) {
        assert_eq!(answer.unwrap().commit.last.get(), expected);
    }

    let log = log.reopen();
    let commits = log.all_commits();
    assert_eq!(commits.len(), 501);
    let keys = commits[0].entries.iter().map(|entry| &entry.key);
    assert!(keys.eq(large.writes.iter().map(|write| &write.key)), "the order of the writes");
    let state = log.state_at(&Scope::All, Position::MAX);
    assert_eq!(state.len(), 5_000);
    let newest = |nth: usize| if nth < 500 { 5_001 + nth as u64 } else { nth as u64 + 1 };
    for nth in [0, 1, 499, 500, 4_999] {
        assert_eq!(log.newest(&nth_key(nth)).unwrap().position().get(), newest(nth));
    }
}
