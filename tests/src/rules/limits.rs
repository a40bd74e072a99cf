use annals_core::codec::{Timestamp, Value};
use annals_core::{
    At, Batch, CONTEXT_BYTES_MAX, Condition, Context, Durability, Error, KEY_BYTES_MAX, Key, Log, Order,
    Position, PositionRange, Scope, VALUE_BYTES_MAX,
};

use crate::samples::{DriverExt, batch, key};
use crate::{Opened, Places};

/// A commit with the longest keys, the largest value and the largest context that a log lets
/// through comes back whole from every read, also after reopening, and so does a conflict that
/// names it; one byte more never reaches the driver.
pub fn the_largest_batches_come_back(places: &Places) {
    let log = places.open_empty();
    let largest = largest_batch();
    assert_too_large(&log, Batch { context: context_of(CONTEXT_BYTES_MAX + 1), ..largest.clone() });
    assert_too_large(&log, batch().set(key("a", "x"), value_of(VALUE_BYTES_MAX + 1)));
    assert_eq!(log.last_position().unwrap(), Position::START);

    let receipt = Log::new(log.driver()).append(largest.clone(), Durability::Buffered).unwrap();
    assert_eq!(receipt.commit.context, largest.context);
    assert_comes_back(&log, &largest);
    let log = log.reopen();
    assert_comes_back(&log, &largest);
    let absent = Condition::KeyAbsent { key: largest.writes[0].key.clone() };
    assert_eq!(log.refusal(batch().on_condition(absent).set(key("a", "x"), [1])).lost_to, receipt.commit);
}

#[track_caller]
fn assert_too_large(log: &Opened, batch: Batch) {
    let error = Log::new(log.driver()).append(batch, Durability::Buffered).unwrap_err();
    assert!(matches!(error, Error::TooLarge { size, limit, .. } if size == limit + 1), "{error}");
}

fn assert_comes_back(log: &Opened, largest: &Batch) {
    let [item] = <[_; 1]>::try_from(log.all_commits()).unwrap();
    assert_eq!(item.commit.context, largest.context);
    let written = || largest.writes.iter().map(|write| (&write.key, &write.action));
    assert!(item.entries.iter().map(|entry| (&entry.key, &entry.action)).eq(written()), "in commits");
    for (key, action) in written() {
        let entry = log.entry(key, Position::MAX).unwrap().unwrap();
        assert!(&entry.action == action, "{key} as an entry");
        assert!(&log.newest(key).unwrap().entry.action == action, "{key} in history");
        let scope = Scope::Under(key.namespace().clone());
        let state = log.state(&scope, Position::MAX, None, usize::MAX).unwrap();
        assert!(
            state.iter().any(|change| change.key() == key && &change.entry.action == action),
            "{key} in state"
        );
        let after = log.state(&scope, Position::MAX, Some(key), usize::MAX).unwrap();
        assert!(after.iter().all(|change| change.key() > key), "{key} after itself");
        assert_eq!(log.namespaces(&scope, Some(key.namespace()), usize::MAX).unwrap(), []);
    }
}

/// A thousand conditions, keys of the greatest length, a value and a context of the greatest size.
fn largest_batch() -> Batch {
    let [long_namespace, long_field] = longest_keys();
    let mut largest = batch()
        .set(long_namespace.clone(), value_of(VALUE_BYTES_MAX))
        .set(long_field.clone(), [1])
        .delete(key("a", "d"));
    largest.context = context_of(CONTEXT_BYTES_MAX);
    for nth in 0..1_000 {
        largest.conditions.push(Condition::KeyAbsent { key: key("a", &format!("f{nth}")) });
    }
    for key in [long_namespace, long_field] {
        let namespace = key.namespace().clone();
        largest.conditions.push(Condition::NamespaceUnchanged { namespace, since: Position::START });
        largest.conditions.push(Condition::KeyUnchanged { key, since: Position::START });
    }
    largest
}

fn longest_keys() -> [Key; 2] {
    let namespace = format!("{}y", "x/".repeat(KEY_BYTES_MAX / 2 - 2));
    let field = "f".repeat(KEY_BYTES_MAX - namespace.len());
    [key(&namespace, &field), key("a", &format!("f{}", "é".repeat(KEY_BYTES_MAX / 2 - 1)))]
}

/// Returns a value of so many encoded bytes.
fn value_of(size: u64) -> Vec<u8> {
    const HEADER: u64 = 5;
    let value = Value::Bytes(vec![0xff; usize::try_from(size - HEADER).unwrap()]);
    let bytes = value.to_bytes().unwrap();
    assert_eq!(bytes.len() as u64, size);
    bytes
}

/// Returns a context of so many bytes, 64 KiB of them in tags.
fn context_of(size: u64) -> Context {
    const TAGS: usize = 64;
    let context = Context::new().actor("\0".repeat(1 << 10)).location("'".repeat(1 << 10));
    let context = (0..TAGS).fold(context, |all, nth| all.tag(format!("tag {nth}"), "é".repeat(512)));
    let tags = context.tags_to_bytes().unwrap().unwrap().len() as u64;
    assert!(tags > 64 << 10, "the tags have {tags} bytes");
    context.reason("x".repeat(usize::try_from(size - tags - (2 << 10)).unwrap()))
}

/// Questions with the longest names and the greatest numbers find nothing where nothing is, in an
/// empty log and in one that has something else.
pub fn questions_at_the_limits_are_answered(places: &Places) {
    let (empty, other) = (places.open_empty(), places.open_empty());
    other.commit(batch().set(key("other", "x"), [1]));
    for log in [empty, other] {
        for key in longest_keys() {
            let scope = Scope::Under(key.namespace().clone());
            assert_eq!(log.entry(&key, Position::MAX).unwrap(), None);
            assert_eq!(log.state(&scope, Position::MAX, Some(&key), usize::MAX).unwrap(), []);
            assert_eq!(log.namespaces(&scope, Some(key.namespace()), usize::MAX).unwrap(), []);
            for order in [Order::OldestFirst, Order::NewestFirst] {
                let history = log.history(&key, PositionRange::ALL, order, usize::MAX, usize::MAX);
                assert_eq!(history.unwrap(), []);
                let beyond = PositionRange::after(Position::MAX);
                assert_eq!(log.commits(beyond, order, usize::MAX).unwrap(), []);
            }
        }
        assert_eq!(log.boundary(At::Position(Position::MAX)).unwrap(), log.last_position().unwrap());
        assert_eq!(log.boundary(At::Time(Timestamp::MIN)).unwrap(), Position::START);
    }
}
