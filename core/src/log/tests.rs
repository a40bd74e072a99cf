//! Group commit, by a driver that is held up and fails as it is told.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use annals_codec::{Timestamp, Uuid};

use super::*;
use crate::error::{DriverError, Error, ErrorKind};
use crate::forward_driver;

/// A driver that stores nothing but counts, and whose first call waits until it is let go on.
#[derive(Default)]
struct Scripted {
    last: AtomicU64,
    reads: AtomicUsize,
    calls: Mutex<Vec<Call>>,
    is_open: Mutex<bool>,
    opened: Condvar,
    fails: Option<Script>,
}

/// The name of a batch that is stored and not answered.
const UNANSWERED: &str = "unanswered";

/// How a call fails that holds these batches.
type Script = fn(&[Batch]) -> Option<ErrorKind>;

/// The first entry's field of each batch, and the durability asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Call(Vec<String>, Durability);

fn name(batch: &Batch) -> String {
    batch.writes[0].key.field().to_string()
}

impl Scripted {
    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    fn unused(&self) -> &dyn Driver {
        unreachable!("the log asks for nothing else")
    }

    fn answer(&self, batch: &Batch, durability: Durability) -> Result<Receipt, Conflict> {
        let last = Position::START.plus(self.last.load(Ordering::SeqCst));
        let commit = |first: Position, last| Commit {
            first,
            last,
            id: batch.id,
            recorded_at: batch.now,
            context: batch.context.clone(),
        };
        if let CommitId::Given(_) = batch.id {
            let commit = Arc::new(commit(Position::START.plus(1), Position::START.plus(1)));
            return Ok(Receipt { commit, durability, repeated: true });
        }
        if let Some(condition) = batch.conditions.first() {
            return Err(Conflict::new(condition.clone(), Arc::new(commit(last, last)), Vec::new()));
        }
        let entries = batch.writes.len() as u64;
        self.last.fetch_add(entries, Ordering::SeqCst);
        Ok(Receipt {
            commit: Arc::new(commit(last.plus(1), last.plus(entries))),
            durability,
            repeated: false,
        })
    }
}

impl Driver for Scripted {
    forward_driver!(sync, boundary, commits, entry, history, state, namespaces, restore => self.unused());

    fn append(
        &self,
        batches: &[Batch],
        durability: Durability,
    ) -> Result<Vec<Result<Receipt, Conflict>>, Error> {
        self.calls.lock().unwrap().push(Call(batches.iter().map(name).collect(), durability));
        let is_open = self.is_open.lock().unwrap();
        drop(self.opened.wait_while(is_open, |is_open| !*is_open).unwrap());
        match self.fails.and_then(|fails| fails(batches)) {
            Some(kind) => Err(DriverError::new(kind, "scripted", "as told").into()),
            None => {
                let answers = batches.iter().map(|batch| (name(batch), self.answer(batch, durability)));
                Ok(answers.filter(|(name, _)| name != UNANSWERED).map(|(_, answer)| answer).collect())
            }
        }
    }

    fn last_position(&self) -> Result<Position, Error> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        Ok(Position::START.plus(self.last.load(Ordering::SeqCst)))
    }

    fn abilities(&self) -> Abilities<'_> {
        Abilities { erase: Some(self), ..Abilities::default() }
    }
}

impl Erase for Scripted {
    fn erase(&self, positions: &[Position], audit: &Batch) -> Result<Result<Receipt, Conflict>, Error> {
        let erased = positions.iter().map(|position| format!("erased {position}"));
        self.calls.lock().unwrap().push(Call(erased.collect(), Durability::Synced));
        Ok(self.answer(audit, Durability::Synced))
    }

    fn scrub(&self) -> Result<u64, Error> {
        unreachable!()
    }
}

fn key(field: &str) -> Key {
    Key::parse("a", field).unwrap()
}

fn batch(field: &str) -> Batch {
    Batch::new(Context::new()).set(key(field), *b"\x01")
}

fn conflicting(field: &str) -> Batch {
    batch(field).on_condition(Condition::KeyAbsent { key: key(field) })
}

/// The driver has a commit of this id, the first.
fn repeated(field: &str) -> Batch {
    batch(field).with_id(Uuid::from_bytes([1; 16]))
}

/// What came of a request: the last position of each commit, `None` for a conflict, or the kind of error.
type Came = Result<Vec<Option<u64>>, ErrorKind>;

fn came_of(outcome: Result<Vec<Result<Receipt, Conflict>>, Error>) -> Came {
    let position = |answer: Result<Receipt, Conflict>| answer.ok().map(|receipt| receipt.position().get());
    outcome.map(|answers| answers.into_iter().map(position).collect()).map_err(|error| error.kind())
}

/// Appends `first`, and while the driver is held up with it lets one thread after the other append one of
/// the `others`. Returns what came of each, in this order; `None` where a thread panicked.
fn append_at_once(
    log: &Log,
    driver: &Scripted,
    first: Batch,
    others: Vec<(Vec<Batch>, Durability)>,
) -> Vec<Option<Came>> {
    let append = |batches, durability| {
        let log = log.clone();
        move || catch_unwind(AssertUnwindSafe(|| came_of(log.append_all(batches, durability)))).ok()
    };
    thread::scope(|scope| {
        let mut threads = vec![scope.spawn(append(vec![first], Durability::Buffered))];
        until(|| driver.calls().len() == 1);
        for (number, (batches, durability)) in others.into_iter().enumerate() {
            threads.push(scope.spawn(append(batches, durability)));
            until(|| log.waiting() == number + 1);
        }
        driver.open();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn until(holds: impl Fn() -> bool) {
    while !holds() {
        thread::yield_now();
    }
}

fn scripted(fails: Script) -> (Log, Arc<Scripted>) {
    let driver = Arc::new(Scripted { fails: Some(fails), ..Scripted::default() });
    (Log::new(Arc::clone(&driver)), driver)
}

fn buffered(fields: &[&str]) -> (Vec<Batch>, Durability) {
    (fields.iter().copied().map(batch).collect(), Durability::Buffered)
}

#[test]
fn whatever_waits_shares_one_write_in_order_and_as_durable_as_the_most_asked_for() {
    let (log, driver) = scripted(|_| None);
    let others = vec![buffered(&["b"]), (vec![batch("c"), batch("d")], Durability::Synced), buffered(&["e"])];
    let came = append_at_once(&log, &driver, batch("a"), others);
    let expected = [vec![1], vec![2], vec![3, 4], vec![5]];
    assert_eq!(came, expected.map(|positions| Some(Ok(positions.into_iter().map(Some).collect()))));
    let group = ["b", "c", "d", "e"].map(str::to_owned).to_vec();
    assert_eq!(
        driver.calls(),
        [Call(vec!["a".into()], Durability::Buffered), Call(group, Durability::Synced)]
    );
    assert_eq!(log.waiting(), 0);
}

#[test]
fn a_receipt_says_the_durability_that_the_group_reached() {
    let (log, driver) = scripted(|_| None);
    driver.open();
    let alone = log.append(batch("a"), Durability::Buffered).unwrap();
    assert_eq!(alone.durability, Durability::Buffered);

    let (log, driver) = scripted(|_| None);
    let reached = thread::scope(|scope| {
        let first = scope.spawn(|| log.append(batch("a"), Durability::Synced).unwrap());
        until(|| driver.calls().len() == 1);
        let weak = scope.spawn(|| log.append(batch("b"), Durability::Buffered).unwrap());
        until(|| log.waiting() == 1);
        let strong = scope.spawn(|| log.append(batch("c"), Durability::Synced).unwrap());
        until(|| log.waiting() == 2);
        driver.open();
        [first, weak, strong].map(|thread| thread.join().unwrap().durability)
    });
    assert_eq!(reached, [Durability::Synced; 3]);
}

#[test]
fn a_conflict_in_a_group_disturbs_no_neighbour() {
    let (log, driver) = scripted(|_| None);
    let mixed = (vec![batch("c"), conflicting("d"), batch("e")], Durability::Buffered);
    let others =
        vec![buffered(&["b"]), (vec![conflicting("x")], Durability::Buffered), mixed, buffered(&["f"])];
    let came = append_at_once(&log, &driver, batch("a"), others);
    let expected = [vec![Some(1)], vec![Some(2)], vec![None], vec![Some(3), None, Some(4)], vec![Some(5)]];
    assert_eq!(came, expected.map(|positions| Some(Ok(positions))));
    assert_eq!(driver.calls().len(), 2);
}

#[test]
fn where_a_group_does_not_fit_its_requests_are_tried_one_by_one() {
    let (log, driver) = scripted(|batches| {
        let too_large = batches.len() > 2 || batches.iter().any(|batch| name(batch) == "large");
        too_large.then_some(ErrorKind::Full)
    });
    let others = vec![
        (vec![batch("b"), conflicting("x")], Durability::Synced),
        buffered(&["c", "large"]),
        buffered(&["d"]),
    ];
    let came = append_at_once(&log, &driver, batch("a"), others);
    let expected = [Ok(vec![Some(1)]), Ok(vec![Some(2), None]), Err(ErrorKind::Full), Ok(vec![Some(3)])];
    assert_eq!(came, expected.map(Some));
    let alone = [&["b", "x"][..], &["c", "large"], &["d"]].map(|names| names.join(" "));
    let calls: Vec<String> = driver.calls().into_iter().skip(2).map(|call| call.0.join(" ")).collect();
    assert_eq!(calls, alone);
    assert_eq!(driver.calls()[4].1, Durability::Buffered, "alone it has what it asked for");
}

#[test]
fn what_would_only_fail_again_is_not_tried_again() {
    use ErrorKind::*;
    fn fails<const KIND: usize>(batches: &[Batch]) -> Option<ErrorKind> {
        (name(&batches[0]) != "a").then_some(AGAIN[KIND])
    }
    const AGAIN: [ErrorKind; 7] = [Poisoned, Unknown, Busy, Unavailable, ReadOnly, Corrupt, NewerFormat];
    let scripts: [Script; 7] =
        [fails::<0>, fails::<1>, fails::<2>, fails::<3>, fails::<4>, fails::<5>, fails::<6>];
    for (kind, script) in AGAIN.into_iter().zip(scripts) {
        let (log, driver) = scripted(script);
        let came = append_at_once(&log, &driver, batch("a"), vec![buffered(&["b"]), buffered(&["c"])]);
        assert_eq!(came, [Some(Ok(vec![Some(1)])), Some(Err(kind)), Some(Err(kind))]);
        assert_eq!(driver.calls().len(), 2, "{kind:?}");
    }
}

#[test]
fn one_by_one_ends_where_the_rest_would_only_fail_again() {
    let (log, driver) = scripted(|batches| match &name(&batches[0])[..] {
        _ if batches.len() > 1 => Some(ErrorKind::Full),
        "c" => Some(ErrorKind::Poisoned),
        _ => None,
    });
    let others = ["b", "c", "d", "e"].map(|field| buffered(&[field])).to_vec();
    let came = append_at_once(&log, &driver, batch("a"), others);
    let lost = || Err(ErrorKind::Poisoned);
    assert_eq!(came, [Ok(vec![Some(1)]), Ok(vec![Some(2)]), lost(), lost(), lost()].map(Some));
    assert_eq!(driver.calls().len(), 4);
}

#[test]
fn what_may_have_been_stored_is_not_appended_again() {
    let (log, driver) = scripted(|_| None);
    let came = append_at_once(&log, &driver, batch("a"), vec![buffered(&["b"]), buffered(&[UNANSWERED])]);
    let unknown = || Some(Err(ErrorKind::Unknown));
    assert_eq!(came, [Some(Ok(vec![Some(1)])), unknown(), unknown()]);
    assert_eq!(driver.calls().len(), 2);
}

#[test]
fn a_panic_of_the_driver_leaves_nobody_waiting() {
    let (log, driver) = scripted(|batches| {
        assert!(!matches!(&name(&batches[0])[..], "a" | "b"), "as told");
        None
    });
    let large = vec![batch("e"); 4000];
    let others = vec![buffered(&["b"]), buffered(&["c"]), (large, Durability::Buffered)];
    let came = append_at_once(&log, &driver, batch("a"), others);
    assert_eq!(came[..3], [None, None, Some(Err(ErrorKind::Unknown))]);
    assert_eq!(came[3].as_ref().unwrap().as_ref().unwrap().len(), 4000, "a turn of its own");
    assert_eq!(log.append(batch("f"), Durability::Synced).unwrap().position().get(), 4001);
}

#[test]
fn a_group_has_an_end() {
    let (log, driver) = scripted(|_| None);
    let of = |count| (vec![batch("x"); count], Durability::Buffered);
    let came = append_at_once(&log, &driver, batch("a"), vec![of(3999), of(1), of(1), of(9000), of(1)]);
    assert!(came.iter().all(|came| matches!(came, Some(Ok(_)))));
    let sizes: Vec<usize> = driver.calls().iter().map(|call| call.0.len()).collect();
    assert_eq!(sizes, [1, 4000, 1, 9000, 1]);

    let (log, driver) = scripted(|_| None);
    let of = |mebibytes: usize| {
        let bytes = annals_codec::encode(&"x".repeat(mebibytes << 20)).unwrap();
        (vec![Batch::new(Context::new()).set(key("x"), bytes)], Durability::Buffered)
    };
    append_at_once(&log, &driver, batch("a"), vec![of(1), of(2), of(1), of(9), of(1)]);
    let sizes: Vec<usize> = driver.calls().iter().map(|call| call.0.len()).collect();
    assert_eq!(sizes, [1, 2, 1, 1, 1]);
}

#[test]
fn an_erasure_has_a_write_of_its_own_in_its_turn() {
    let (log, driver) = scripted(|_| None);
    let notes = Arc::new(Notes::default());
    log.observe(&(Arc::clone(&notes) as _));
    let append = |field| log.append(batch(field), Durability::Buffered).unwrap().position().get();
    let erase = |position, field| {
        let positions = vec![Position::START.plus(position)];
        log.append_erasure(positions, batch(field)).unwrap().unwrap().position().get()
    };
    thread::scope(|scope| {
        let mut threads = vec![scope.spawn(|| append("a"))];
        until(|| driver.calls().len() == 1);
        let waiting: [Box<dyn FnOnce() -> u64 + Send>; 6] = [
            Box::new(|| append("b")),
            Box::new(|| erase(1, "x")),
            Box::new(|| erase(2, "y")),
            Box::new(|| append("c")),
            Box::new(|| append("d")),
            Box::new(|| erase(3, "z")),
        ];
        for (number, call) in waiting.into_iter().enumerate() {
            threads.push(scope.spawn(call));
            until(|| log.waiting() == number + 1);
        }
        driver.open();
        let positions: Vec<u64> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(positions, [1, 2, 3, 4, 5, 6, 7]);
    });
    let calls: Vec<String> = driver.calls().iter().map(|call| call.0.join(", ")).collect();
    assert_eq!(calls, ["a", "b", "erased @1", "erased @2", "c, d", "erased @3"]);
    let told = notes.commits.lock().unwrap();
    let fields: Vec<String> = told.iter().map(|(_, writes)| writes[0].key.field().to_string()).collect();
    assert_eq!(fields, ["a", "b", "x", "y", "c", "d", "z"], "observers are told of erasures as of commits");
}

/// Notes the positions of the commits, and whether the calls came as they should.
#[derive(Default)]
struct Notes {
    commits: Mutex<Vec<(u64, Vec<Write>)>>,
    answered: Mutex<Vec<u64>>,
}

impl Observer for Notes {
    fn committed(&self, commits: &[Appended<'_>]) {
        let note = |commit: &Appended<'_>| (commit.receipt.position().get(), commit.writes.to_vec());
        self.commits.lock().unwrap().extend(commits.iter().map(note));
    }

    fn answered(&self, through: Position) {
        let commits = self.commits.lock().unwrap();
        assert!(commits.iter().any(|(position, _)| *position == through.get()), "told of too late");
        self.answered.lock().unwrap().push(through.get());
    }
}

#[test]
fn observers_are_told_of_what_was_committed_in_order_before_anybody_is_answered() {
    let (log, driver) =
        scripted(|batches| (batches.len() > 2 || name(&batches[0]) == "large").then_some(ErrorKind::Full));
    let notes = Arc::new(Notes::default());
    log.observe(&(Arc::clone(&notes) as _));
    let forgotten = Arc::new(Notes::default());
    log.observe(&(Arc::clone(&forgotten) as _));
    let gone = Arc::downgrade(&forgotten);
    drop(forgotten);
    assert_eq!(gone.strong_count(), 0, "the log keeps no observer");

    let others = vec![
        buffered(&["b", "c"]),
        (vec![conflicting("x")], Durability::Buffered),
        buffered(&["large"]),
        (vec![batch("d"), repeated("y")], Durability::Buffered),
        (vec![repeated("z")], Durability::Buffered),
    ];
    append_at_once(&log, &driver, batch("a"), others);
    let expected: Vec<_> = (1..).zip(["a", "b", "c", "d"].map(|field| batch(field).writes)).collect();
    assert_eq!(*notes.commits.lock().unwrap(), expected);
    let mut answered = notes.answered.lock().unwrap().clone();
    answered.sort_unstable();
    assert_eq!(answered, [1, 3, 4]);
}

#[test]
fn a_condition_on_a_position_that_was_seen_costs_no_read() {
    let (log, driver) = scripted(|_| None);
    driver.open();
    log.append(batch("a"), Durability::Buffered).unwrap();
    let since = |position| Condition::LogUnchanged { since: Position::START.plus(position) };
    log.append(batch("a").on_condition(since(1)), Durability::Buffered).unwrap_err();
    assert_eq!(driver.reads.load(Ordering::SeqCst), 0, "its own commit");

    // Another process appends.
    driver.last.store(9, Ordering::SeqCst);
    log.append(batch("a").on_condition(since(9)), Durability::Buffered).unwrap_err();
    assert_eq!(driver.reads.load(Ordering::SeqCst), 1);
    log.append(batch("a").on_condition(since(9)), Durability::Buffered).unwrap_err();
    assert_eq!(driver.reads.load(Ordering::SeqCst), 1);
    let error = log.append(batch("a").on_condition(since(10)), Durability::Buffered).unwrap_err();
    assert_eq!(error.to_string(), "the log ends at @9; @10 is beyond it");
}

#[test]
fn the_time_of_recording_is_the_logs() {
    struct Fixed;
    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(7).unwrap()
        }
    }
    let (log, driver) = scripted(|_| None);
    driver.open();
    let receipt = log.with_clock(Fixed).append(batch("a"), Durability::Buffered).unwrap();
    assert_eq!(receipt.commit.recorded_at, Timestamp::from_micros(7).unwrap());
}
