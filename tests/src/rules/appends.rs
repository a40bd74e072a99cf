use std::collections::HashSet;
use std::thread;

use annals_core::{
    Action, At, Change, Driver, Durability, Entry, Key, Order, Position, PositionRange, Scope,
};

use crate::Places;
use crate::rounds::{beside_readers, for_a_while};
use crate::samples::{DriverExt, batch, batch_at, key};

/// When `append` has returned, every read finds the commit, and it is what the receipt says.
pub fn an_acknowledged_commit_is_readable(places: &Places) {
    let log = places.open_empty();
    let (x, y) = (key("a", "x"), key("a", "y"));
    for round in 0..5_u8 {
        let appended = batch_at(round.into()).set(x.clone(), [round]).delete(y.clone());
        let commit = log.commit(appended.clone());

        assert_eq!(commit.id, appended.id);
        assert_eq!(commit.context, appended.context);
        assert_eq!(commit.recorded_at, appended.now);
        assert_eq!(commit.first, Position::START.plus(u64::from(round) * 2 + 1));
        assert_eq!(commit.len(), 2);

        assert_eq!(log.last_position().unwrap(), commit.last);
        assert_eq!(log.boundary(At::Time(commit.recorded_at)).unwrap(), commit.last);
        let found = log.commits(PositionRange::ALL, Order::NewestFirst, 1).unwrap().remove(0);
        assert_eq!(found.commit, commit);
        let set = Change { entry: found.entries[0].clone(), commit: commit.clone() };
        let deletion = Change { entry: found.entries[1].clone(), commit: commit.clone() };
        assert_eq!(set.entry.action, Action::Set([round].into()));
        assert_eq!(deletion.entry.action, Action::Deleted);
        assert_eq!(log.newest(&x), Some(set.clone()));
        assert_eq!(log.newest(&y), Some(deletion.clone()));
        assert_eq!(log.state_at(&Scope::All, Position::MAX), [set, deletion]);
    }
}

/// Appends from several threads at once all stand, each whole, each once, on dense positions.
pub fn concurrent_appends_all_stand(places: &Places) {
    const WRITERS: usize = 4;
    const APPENDS: usize = 15;
    let log = places.open_empty();
    let driver = &*log.driver();
    let mut receipts = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (x, y) = (key("a", "x"), key(&format!("w{writer}"), "y"));
                let two = move || batch().set(x.clone(), [1]).set(y.clone(), [2]);
                scope.spawn(move || (0..APPENDS).map(|_| driver.commit(two())).collect::<Vec<_>>())
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect::<Vec<_>>()
    });
    receipts.sort_by_key(|commit| commit.last);
    let commits = driver.all_commits();
    assert_eq!(commits.iter().map(|item| item.commit.clone()).collect::<Vec<_>>(), receipts);
    for (item, first) in commits.iter().zip((1..).step_by(2)) {
        let positions: Vec<u64> = item.entries.iter().map(|entry| entry.position.get()).collect();
        assert_eq!(positions, [first, first + 1]);
    }
    let ids: HashSet<_> = commits.iter().map(|item| item.commit.id).collect();
    assert_eq!(ids.len(), WRITERS * APPENDS);
}

/// A commit is all or nothing to readers at any moment: nobody sees some of its entries only.
pub fn readers_see_whole_commits(places: &Places) {
    let log = places.open_empty();
    let driver = &*log.driver();
    let keys = [key("a", "x"), key("b/c", "y"), key("d", "z")];
    let write = |round: u64| keys.iter().fold(batch(), |all, key| all.set(key.clone(), round.to_be_bytes()));

    beside_readers(
        2,
        |rounds| {
            for () in rounds {
                let state = driver.state_at(&Scope::All, Position::MAX);
                assert!(state.is_empty() || state.len() == keys.len(), "a commit in part");
                assert!(state.windows(2).all(|two| two[0].commit == two[1].commit), "of two commits");
                assert_eq!(driver.last_position().unwrap().get() % 3, 0, "a position inside a commit");
                for item in driver.commits(PositionRange::ALL, Order::NewestFirst, 4).unwrap() {
                    assert_eq!(item.entries.len(), keys.len());
                }
            }
        },
        || {
            for round in for_a_while() {
                for answer in driver.answers(&[write(round), write(round), write(round)]) {
                    assert!(answer.is_ok());
                }
            }
        },
    );
}

/// A follower who reads on from the last position it saw gets every entry once, whatever is
/// appended meanwhile: no reader skips.
pub fn no_reader_skips(places: &Places) {
    let log = places.open_empty();
    let driver = &*log.driver();
    beside_readers(
        2,
        |rounds| {
            let mut seen = Position::START;
            let mut followed = Vec::new();
            for () in rounds {
                loop {
                    let page = driver.commits(PositionRange::after(seen), Order::OldestFirst, 100).unwrap();
                    let Some(newest) = page.last() else { break };
                    assert!(newest.commit.last > seen, "a page that does not go on");
                    seen = newest.commit.last;
                    followed.extend(page);
                }
            }
            assert_eq!(followed, driver.all_commits());
        },
        || append_from_several_threads(driver),
    );
}

/// Whoever saw the last position p finds every entry up to p at once, and never a new one there;
/// the last position never falls.
pub fn nothing_appears_below_the_last_position(places: &Places) {
    let log = places.open_empty();
    let driver = &*log.driver();
    beside_readers(
        2,
        |rounds| {
            let mut before = Position::START;
            for () in rounds {
                let last = driver.last_position().unwrap();
                assert!(last >= before, "the last position fell");
                let new = PositionRange { after: before, through: last };
                let commits = driver.commits(new, Order::OldestFirst, usize::MAX).unwrap();
                let found: u64 = commits.iter().map(|item| item.commit.len()).sum();
                assert_eq!(found, last.get() - before.get(), "entries are missing below {last}");
                let newest = driver.state_at(&Scope::All, Position::MAX).iter().map(Change::position).max();
                assert!(newest.unwrap_or_default() >= last, "the state is behind {last}");
                before = last;
            }
            assert_eq!(before, driver.last_position().unwrap());
        },
        || append_from_several_threads(driver),
    );
}

/// What was read at a position reads the same for ever, whatever is appended later.
pub fn old_reads_stay_the_same(places: &Places) {
    let log = places.open_empty();
    let keys = [key("a", "x"), key("a", "y"), key("a/b", "x")];
    let mut readings: Vec<(Position, PastReads)> = Vec::new();
    for round in 0..12_u8 {
        let (one, other) = (&keys[usize::from(round) % 3], &keys[usize::from(round / 2 + 1) % 3]);
        let mut next = batch_at(i64::from(round / 3)).set(one.clone(), [round]);
        if other != one {
            next = next.delete(other.clone());
        }
        let at = log.commit(next).last;
        readings.push((at, PastReads::of(&*log, &keys, at)));
    }
    for (at, reads) in &readings {
        assert_eq!(&PastReads::of(&*log, &keys, *at), reads, "as of {at}");
    }
}

/// What a reader who stays at one position reads.
#[derive(Debug, PartialEq)]
struct PastReads {
    state: Vec<Change>,
    histories: Vec<Vec<Change>>,
    entries: Vec<Entry>,
    boundary: Position,
}

impl PastReads {
    fn of(driver: &dyn Driver, keys: &[Key], at: Position) -> PastReads {
        let past = PositionRange::through(at);
        let history = |key| driver.history(key, past, Order::NewestFirst, 0, usize::MAX).unwrap();
        let commits = driver.commits(past, Order::OldestFirst, usize::MAX).unwrap();
        PastReads {
            state: driver.state_at(&Scope::All, at),
            histories: keys.iter().map(history).collect(),
            entries: commits.into_iter().flat_map(|item| item.entries).collect(),
            boundary: driver.boundary(At::Position(at)).unwrap(),
        }
    }
}

/// Appends commits of one to three entries, several in a call, from three threads.
fn append_from_several_threads(driver: &dyn Driver) {
    thread::scope(|scope| {
        for writer in 0..3_u8 {
            scope.spawn(move || {
                for round in for_a_while() {
                    let entries = |count| {
                        let fields = ["x", "y", "z"].into_iter().take(count);
                        fields.fold(batch(), |all, field| all.set(key("a", field), [writer]))
                    };
                    let lengths = [1, 2, 3].into_iter().skip(usize::from(round % 2 == 1));
                    let batches: Vec<_> = lengths.map(entries).collect();
                    let answers = driver.append(&batches, Durability::Buffered).unwrap();
                    assert!(answers.iter().all(Result::is_ok));
                }
            });
        }
    });
}
