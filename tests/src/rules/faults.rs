use std::sync::Arc;

use annals_core::{
    Batch, CommitId, Condition, Durability, Error, ErrorKind, Log, Order, Position, PositionRange, Scope,
};

use crate::samples::{DriverExt, batch, key};
use crate::{Fault, Faulty, Opened, Places};

/// Whichever call fails, everything acknowledged is there after reopening, nothing is half there,
/// what was refused is not there at all, and the log goes on.
pub fn a_failed_call_leaves_whole_commits(places: &Places) {
    for fault in [Fault::Refused, Fault::AnswerLost] {
        let failed = (1..).take_while(|number| check_with_failing(places, *number, fault)).count();
        assert!(failed >= 20, "the workload makes calls enough, each of which failed once");
    }
}

/// Runs the workload with one failing call and returns whether it came to that call.
fn check_with_failing(places: &Places, number: u64, fault: Fault) -> bool {
    let log = places.open_empty();
    let faulty = Arc::new(Faulty::new(log.driver()).fail_call(number, fault));
    let run = Run::of(&Log::new(Arc::clone(&faulty)));
    let came_to_it = faulty.calls() >= number;
    assert_eq!(came_to_it, run.failures > 0, "a fault is reported, and nothing else is");
    drop(faulty);
    check_what_is_left(&log.reopen(), &run, fault);
    came_to_it
}

fn check_what_is_left(log: &Opened, run: &Run, fault: Fault) {
    let found = log.all_commits();
    let ids: Vec<CommitId> = found.iter().map(|item| item.commit.id).collect();
    let (acknowledged, beyond) = ids.split_at(run.acknowledged.len());
    assert_eq!(acknowledged, run.acknowledged);
    let in_doubt: Vec<CommitId> = run.in_doubt.iter().map(|batch| batch.id).collect();
    assert_eq!(beyond, in_doubt, "the driver below did all of it, only its answer was lost");
    assert!(in_doubt.is_empty() || fault == Fault::AnswerLost);
    for (item, written) in found[acknowledged.len()..].iter().zip(&run.in_doubt) {
        assert_eq!(item.entries.len(), written.writes.len(), "a commit in part");
    }
    let last = log.last_position().unwrap();
    assert_eq!(log.commit(batch().set(key("a", "x"), [1])).first, last.plus(1));
}

/// More than the workload writes: a driver whose pages do not go on must not keep a test running.
const ITEMS_MAX: usize = 100;

/// What a small program has seen of a log one of whose calls may fail.
#[derive(Default)]
struct Run {
    /// The commits whose receipts came.
    acknowledged: Vec<CommitId>,
    /// The batches of the append that ended in an error that leaves the outcome open.
    in_doubt: Vec<Batch>,
    failures: usize,
    is_poisoned: bool,
}

impl Run {
    fn of(log: &Log) -> Run {
        let mut run = Run::default();
        for round in 0..2_u8 {
            run.append(log, vec![batch().set(key("a", "x"), [round])], Durability::Synced);
            run.note(log.last_position());
            let refused = Condition::KeyAbsent { key: key("a", "x") };
            run.append(
                log,
                vec![
                    batch().set(key("a", "y"), [round]).set(key("b", "x"), [round]),
                    batch().set(key("a", "x"), [round]).delete(key("b", "x")).on_condition(refused),
                    batch().delete(key("a", "y")).set(key("c", "z"), [round]),
                ],
                Durability::Buffered,
            );
            run.note(log.boundary(Position::START));
            run.note(log.sync());
            run.read_all(log);
        }
        run
    }

    fn read_all(&mut self, log: &Log) {
        for item in log.commits(PositionRange::ALL, Order::OldestFirst).take(ITEMS_MAX) {
            self.note(item);
        }
        for change in log.history(&key("a", "x"), PositionRange::ALL, Order::NewestFirst).take(ITEMS_MAX) {
            self.note(change);
        }
        for change in log.state(&Scope::All, Position::MAX).take(ITEMS_MAX) {
            self.note(change);
        }
        for namespace in log.namespaces(&Scope::All).take(ITEMS_MAX) {
            self.note(namespace);
        }
    }

    fn append(&mut self, log: &Log, batches: Vec<Batch>, durability: Durability) {
        let answers = log.append_all(batches.clone(), durability);
        let was_poisoned = self.is_poisoned;
        self.note(answers.as_ref().map_err(Clone::clone));
        match answers {
            Ok(answers) => {
                let receipts = answers.into_iter().flatten();
                self.acknowledged.extend(receipts.map(|receipt| receipt.commit.id));
            }
            Err(_) if self.is_poisoned && !was_poisoned => {
                // The one that has a condition meets a value unless `a x` was never written.
                let stands = |batch: &Batch| batch.conditions.is_empty();
                self.in_doubt = batches.into_iter().filter(stands).collect();
            }
            Err(_) => {}
        }
    }

    fn note<T>(&mut self, outcome: Result<T, Error>) {
        if let Err(error) = outcome {
            self.failures += 1;
            self.is_poisoned |= error.kind() == ErrorKind::Poisoned;
        }
    }
}
