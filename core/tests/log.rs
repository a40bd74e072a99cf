//! What the log refuses before any driver sees it, and how it pages.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use annals_core::codec::encode;
use annals_core::{
    Abilities, Batch, CONTEXT_BYTES_MAX, Change, CommitEntries, Condition, Context, Driver, Durability,
    Error, ErrorKind, Key, Log, Namespace, Order, Pages, Position, PositionRange, Scope, Selector, Write,
    forward_driver,
};
use annals_driver_memory::MemoryDriver;

fn log() -> Log {
    Log::new(MemoryDriver::new())
}

fn key(field: &str) -> Key {
    Key::parse("game/player1", field).unwrap()
}

fn append(log: &Log, batch: Batch) -> Result<Position, Error> {
    log.append(batch, Durability::Synced).map(|receipt| receipt.position())
}

#[test]
fn a_batch_needs_a_write() {
    let log = log();
    let error = append(&log, Batch::new(Context::new())).unwrap_err();
    assert_eq!(error.to_string(), "a batch without writes cannot be appended");
    assert_eq!(log.last_position().unwrap(), Position::START);
}

#[test]
fn a_key_is_written_once_in_a_commit() {
    let log = log();
    let twice = Batch::new(Context::new()).set(key("score"), *b"\x01").delete(key("score"));
    let error = append(&log, twice).unwrap_err();
    assert_eq!(error.to_string(), "game/player1 score is written twice in one commit");
    assert_eq!(log.last_position().unwrap(), Position::START);
}

#[test]
fn what_the_log_keeps_for_itself_is_not_written() {
    let log = log();
    for namespace in ["__annals", "__annals/erasures", "__annals/later/on"] {
        let own = Key::parse(namespace, "a").unwrap();
        for batch in
            [Batch::new(Context::new()).set(own.clone(), *b"\x01"), Batch::new(Context::new()).delete(own)]
        {
            let error = append(&log, batch.set(key("score"), *b"\x01")).unwrap_err();
            assert_eq!(error.to_string(), format!("{namespace} a: `__annals` is kept for the log itself"));
        }
    }
    assert_eq!(log.last_position().unwrap(), Position::START);
    let alike = Batch::new(Context::new()).set(Key::parse("a/__annals", "a").unwrap(), *b"\x01");
    assert_eq!(append(&log, alike).unwrap().get(), 1);
}

#[test]
fn a_value_has_at_most_the_bytes_that_the_log_allows() {
    let log = log().with_value_bytes_max(10);
    let text =
        |letters: usize| Batch::new(Context::new()).set(key("a"), encode(&"x".repeat(letters)).unwrap());
    assert_eq!(append(&log, text(9)).unwrap().get(), 1);
    let error = append(&log, text(10)).unwrap_err();
    assert_eq!(error.to_string(), "the value for game/player1 a of 11 bytes is over the limit of 10 bytes");
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn a_context_has_at_most_a_mebibyte() {
    let log = log();
    let of = |bytes: u64| {
        let reason = "r".repeat(usize::try_from(bytes).unwrap());
        Batch::new(Context::new().reason(reason)).set(key("a"), *b"\x01")
    };
    assert_eq!(append(&log, of(CONTEXT_BYTES_MAX)).unwrap().get(), 1);
    assert!(
        matches!(append(&log, of(CONTEXT_BYTES_MAX + 1)), Err(Error::TooLarge { what, .. }) if what == "context")
    );

    let mut own = Batch::new(Context::new());
    let mut write = Write::set(key("a"), *b"\x01");
    write.actor = Some("a".repeat(usize::try_from(CONTEXT_BYTES_MAX).unwrap() + 1));
    own.writes.push(write);
    assert!(append(&log, own).is_err(), "an entry's own actor counts too");
}

#[test]
fn a_position_beyond_the_end_is_no_moment() {
    let log = log();
    append(&log, Batch::new(Context::new()).set(key("a"), *b"\x01")).unwrap();
    let error = log.boundary(Position::new(2).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "the log ends at @1; @2 is beyond it");
}

#[test]
fn pages_join_without_a_seam() {
    let log = log();
    for number in 0..3000_u32 {
        let field = format!("f{:04}", number % 2500);
        append(&log, Batch::new(Context::new()).set(key(&field), encode(&number).unwrap())).unwrap();
    }
    let commits = |order| {
        let commits = log.commits(PositionRange::ALL, order);
        commits.map(|commit| commit.unwrap().commit.last.get()).collect::<Vec<_>>()
    };
    assert_eq!(commits(Order::OldestFirst), (1..=3000).collect::<Vec<_>>());
    assert_eq!(commits(Order::NewestFirst), (1..=3000).rev().collect::<Vec<_>>());

    let state = log.state(&Scope::All, log.last_position().unwrap());
    let state: Vec<String> = state.map(|change| change.unwrap().key().field().to_string()).collect();
    assert_eq!(state, (0..2500).map(|number| format!("f{number:04}")).collect::<Vec<_>>());
}

#[test]
fn a_history_can_be_walked_from_either_end() {
    let log = log();
    for number in 0..2000_u32 {
        append(&log, Batch::new(Context::new()).set(key("a"), encode(&number).unwrap())).unwrap();
    }
    let range = PositionRange { after: Position::new(3).unwrap(), through: Position::new(1997).unwrap() };
    let walked = |order| {
        let history = log.history(&key("a"), range, order);
        history.map(|change| change.unwrap().position().get()).collect::<Vec<_>>()
    };
    assert_eq!(walked(Order::OldestFirst), (4..=1997).collect::<Vec<_>>());
    assert_eq!(walked(Order::NewestFirst), (4..=1997).rev().collect::<Vec<_>>());
}

#[test]
fn the_commit_of_a_position_is_whole() {
    let log = log();
    append(&log, Batch::new(Context::new()).set(key("a"), *b"\x01")).unwrap();
    append(&log, Batch::new(Context::new()).set(key("a"), *b"\x02").set(key("b"), *b"\x03")).unwrap();
    let commit = |position| log.commit_at(Position::new(position).unwrap()).unwrap();
    assert_eq!(commit(0), None);
    assert_eq!(commit(1).unwrap().commit.last.get(), 1);
    for inside in [2, 3] {
        let found = commit(inside).unwrap();
        assert_eq!((found.commit.first.get(), found.commit.last.get(), found.entries.len()), (2, 3, 2));
    }
    assert_eq!(commit(4), None);
}

/// A driver that gives the first page again and again, whatever is asked for.
struct Stuck {
    inner: MemoryDriver,
    can_erase: bool,
}

impl Driver for Stuck {
    forward_driver!(append, sync, last_position, boundary, entry, restore => self.inner);

    fn commits(&self, _: PositionRange, order: Order, limit: usize) -> Result<Vec<CommitEntries>, Error> {
        self.inner.commits(PositionRange::ALL, order, limit)
    }

    fn history(
        &self,
        key: &Key,
        _: PositionRange,
        order: Order,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        self.inner.history(key, PositionRange::ALL, order, skip, limit)
    }

    fn state(&self, s: &Scope, at: Position, _: Option<&Key>, limit: usize) -> Result<Vec<Change>, Error> {
        self.inner.state(s, at, None, limit)
    }

    fn namespaces(&self, s: &Scope, _: Option<&Namespace>, limit: usize) -> Result<Vec<Namespace>, Error> {
        self.inner.namespaces(s, None, limit)
    }

    fn abilities(&self) -> Abilities<'_> {
        let mut abilities = self.inner.abilities();
        abilities.erase = abilities.erase.filter(|_| self.can_erase);
        abilities
    }
}

#[test]
fn a_driver_that_does_not_go_on_is_an_error_not_a_loop() {
    let log = Log::new(Stuck { inner: MemoryDriver::new(), can_erase: true });
    // More than a page of changes, keys and namespaces: after one that is not full nothing is asked.
    for _ in 0..8 {
        append(&log, Batch::new(Context::new()).set(key("a"), *b"\x01")).unwrap();
    }
    let many = (0..2000).map(|number| Key::parse(&format!("many/{number}"), "a").unwrap());
    append(&log, many.fold(Batch::new(Context::new()), |batch, key| batch.set(key, *b"\x01"))).unwrap();
    fn ends_in_error<T>(pages: Pages<T>) -> bool {
        pages.take(5000).last().is_some_and(|last| last.is_err())
    }
    for order in [Order::OldestFirst, Order::NewestFirst] {
        assert!(ends_in_error(log.commits(PositionRange::ALL, order)), "{order:?}");
        assert!(ends_in_error(log.history(&key("a"), PositionRange::ALL, order)), "{order:?}");
    }
    assert!(ends_in_error(log.state(&Scope::All, Position::MAX)));
    assert!(ends_in_error(log.namespaces(&Scope::All)));
    assert!(log.erasable(&Selector::under(Namespace::new("many").unwrap())).is_err());
}

#[test]
fn a_driver_that_cannot_erase_says_so() {
    let log = Log::new(Stuck { inner: MemoryDriver::new(), can_erase: false });
    let all = Selector::under(key("a").namespace().clone());
    let context = Context::new().actor("dana").reason("asked to");
    for error in [log.erase(&all, &context).unwrap_err(), log.erasable(&all).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(error.to_string(), "this log: its driver cannot erase");
    }
}

#[test]
fn only_canonical_values_enter() {
    let log = log();
    for bytes in [&b""[..], b"\xc1", b"\xcc\x01", b"\x01\x01", b"\xa5ab", b"\xca\0\0\0\0"] {
        let error = append(&log, Batch::new(Context::new()).set(key("a"), bytes)).unwrap_err();
        assert!(matches!(error, Error::Encode { .. }), "{}: {error}", bytes.escape_ascii());
    }
    assert_eq!(log.last_position().unwrap(), Position::START);
}

#[test]
fn a_condition_on_a_position_that_is_not_there_is_refused() {
    let log = log();
    append(&log, Batch::new(Context::new()).set(key("a"), *b"\x01")).unwrap();
    let since = Position::new(2).unwrap();
    for condition in [
        Condition::KeyUnchanged { key: key("a"), since },
        Condition::NamespaceUnchanged { namespace: key("a").namespace().clone(), since },
        Condition::LogUnchanged { since },
    ] {
        let batch = Batch::new(Context::new()).set(key("a"), *b"\x02").on_condition(condition);
        assert_eq!(append(&log, batch).unwrap_err().to_string(), "the log ends at @1; @2 is beyond it");
    }
    let since = Position::new(1).unwrap();
    let seen = Condition::KeyUnchanged { key: key("a"), since };
    let batch = Batch::new(Context::new()).set(key("a"), *b"\x02").on_condition(seen);
    assert_eq!(append(&log, batch).unwrap().get(), 2);
}
