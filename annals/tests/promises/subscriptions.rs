use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use annals::{
    CommitEntries, Context, Error, Field, Filter, Namespace, Order, Position, PositionRange, Scope, Store,
    Subscription,
};

on_every_driver! {
    a_subscription_sees_exactly_the_log_while_two_write,
    it_begins_in_the_middle,
    it_begins_with_the_whole_commit_that_a_position_lies_in,
    a_position_beyond_the_end_is_refused,
    only_what_passes_the_filter_is_given,
    the_position_moves_on_where_nothing_passes,
    a_timeout_without_a_commit_gives_nothing,
    a_wait_ends_with_a_commit_of_this_process,
    what_is_there_is_given_without_waiting,
    a_slow_subscriber_holds_up_nobody,
    a_subscriber_that_panics_harms_nobody,
    as_an_iterator_it_waits_for_ever,
    large_values_come_one_by_one,
}

/// As long as it takes on a busy machine; a test that waits so long has failed.
const LONG: Duration = Duration::from_secs(60);

fn position(number: u64) -> Position {
    Position::new(number).unwrap()
}

fn everything(store: &Store) -> Subscription {
    store.subscribe(Position::START, Filter::everything()).unwrap()
}

fn log(store: &Store) -> Vec<CommitEntries> {
    store.commits(PositionRange::ALL, Order::OldestFirst).collect::<Result<_, _>>().unwrap()
}

fn next(subscription: &mut Subscription) -> CommitEntries {
    subscription.next_within(LONG).unwrap().expect("a commit in time")
}

/// What is there now, as the positions of the entries of each commit.
fn there(subscription: &mut Subscription) -> Vec<Vec<u64>> {
    let commits = std::iter::from_fn(|| subscription.next_within(Duration::ZERO).unwrap());
    commits.map(|commit| commit.entries.iter().map(|entry| entry.position.get()).collect()).collect()
}

/// Commits of one or two entries, as `number` is even or odd.
fn write(store: &Store, writer: &str, number: u64) {
    let committed = store.commit(Context::new(), |tx| {
        tx.record(format!("log/{writer}"))?.set("number", &number)?;
        if number % 2 == 1 { tx.record("log")?.set("last", writer) } else { Ok(()) }
    });
    let _ = committed.unwrap();
}

fn a_subscription_sees_exactly_the_log_while_two_write(store: &Store) {
    const COMMITS: u64 = 100;
    write(store, "before", 1);
    let mut subscription = everything(store);
    let seen: Vec<CommitEntries> = thread::scope(|scope| {
        for writer in ["a", "b"] {
            scope.spawn(move || (0..COMMITS).for_each(|number| write(store, writer, number)));
        }
        (0..=2 * COMMITS).map(|_| next(&mut subscription)).collect()
    });
    assert_eq!(seen, log(store));
    assert_eq!(subscription.position(), store.log().last_position().unwrap());
    assert_eq!(subscription.next_within(Duration::ZERO).unwrap(), None);
}

fn it_begins_in_the_middle(store: &Store) {
    (0..10).for_each(|number| write(store, "a", number));
    let middle = log(store)[4].commit.last;
    let mut subscription = store.subscribe(middle, Filter::everything()).unwrap();
    assert_eq!(subscription.position(), middle);
    let seen: Vec<_> = (5..10).map(|_| next(&mut subscription)).collect();
    assert_eq!(seen, log(store)[5..]);

    let mut resumed = store.subscribe(subscription.position(), Filter::everything()).unwrap();
    assert_eq!(there(&mut resumed), [[0; 0]; 0]);
    write(store, "a", 10);
    assert_eq!(there(&mut resumed), there(&mut subscription));
    assert_eq!(resumed.position(), position(16));
}

fn it_begins_with_the_whole_commit_that_a_position_lies_in(store: &Store) {
    write(store, "a", 0);
    write(store, "a", 1);
    let mut subscription = store.subscribe(position(2), Filter::everything()).unwrap();
    assert_eq!(subscription.position(), position(1));
    assert_eq!(there(&mut subscription), [[2, 3]]);
}

fn a_position_beyond_the_end_is_refused(store: &Store) {
    write(store, "a", 0);
    let error = store.subscribe(position(2), Filter::everything()).unwrap_err();
    assert!(matches!(error, Error::BeyondEnd { asked, last } if (asked, last) == (position(2), position(1))));
    assert_eq!(error.to_string(), "the log ends at @1; @2 is beyond it");
}

fn only_what_passes_the_filter_is_given(store: &Store) {
    let commit = store.commit(Context::new(), |tx| {
        tx.record("game/player1")?.set("score", &1)?;
        tx.record("game/player1")?.set("round", &1)?;
        tx.record("game")?.set("open", &true)?;
        tx.record("games")?.set("score", &2)
    });
    let _ = commit.unwrap();
    store.record("config").unwrap().set("motd", "hello").unwrap();
    store.record("game/player1").unwrap().delete("score").unwrap();

    let game = Namespace::new("game").unwrap();
    let [score, open] = ["score", "open"].map(|name| Field::new(name).unwrap());
    let seen = |filter: Filter| there(&mut store.subscribe(Position::START, filter).unwrap());
    assert_eq!(seen(Filter::everything()), [vec![1, 2, 3, 4], vec![5], vec![6]]);
    assert_eq!(seen(Scope::Under(game.clone()).into()), [vec![1, 2, 3], vec![6]]);
    assert_eq!(seen(game.clone().into()), [[3]]);
    assert_eq!(seen(Filter::everything().fields([score.clone()])), [vec![1, 4], vec![6]]);
    assert_eq!(seen(Filter::from(Scope::Under(game)).fields([open, score])), [vec![1, 3], vec![6]]);
    assert_eq!(seen(Filter::everything().fields([])), [[0; 0]; 0]);
}

fn the_position_moves_on_where_nothing_passes(store: &Store) {
    let nowhere = Namespace::new("nowhere").unwrap();
    let mut subscription = store.subscribe(Position::START, nowhere).unwrap();
    (0..50).for_each(|number| write(store, "a", number));
    assert_eq!(subscription.next_within(Duration::ZERO).unwrap(), None);
    assert_eq!(subscription.position(), store.log().last_position().unwrap());
}

fn a_timeout_without_a_commit_gives_nothing(store: &Store) {
    let mut subscription = everything(store);
    assert_eq!(subscription.next_within(Duration::from_millis(5)).unwrap(), None);
    write(store, "a", 0);
    assert_eq!(next(&mut subscription), log(store)[0]);
    assert_eq!(subscription.next_within(Duration::from_millis(5)).unwrap(), None);
}

fn a_wait_ends_with_a_commit_of_this_process(store: &Store) {
    let mut subscription = everything(store);
    thread::scope(|scope| {
        let waiting = scope.spawn(move || subscription.next_within(Duration::MAX).unwrap());
        thread::sleep(Duration::from_millis(30));
        write(store, "a", 0);
        assert_eq!(waiting.join().unwrap().unwrap(), log(store)[0]);
    });
}

fn what_is_there_is_given_without_waiting(store: &Store) {
    (0..3000).for_each(|number| write(store, "a", number * 2));
    let last = Field::new("last").unwrap();
    let mut subscription = store.subscribe(Position::START, Filter::everything().fields([last])).unwrap();
    write(store, "a", 1);
    assert_eq!(there(&mut subscription), [[3002]]);
}

fn a_slow_subscriber_holds_up_nobody(store: &Store) {
    let mut slow = everything(store);
    let mut quick = everything(store);
    write(store, "a", 0);
    assert_eq!(next(&mut slow).commit.last, position(1));
    (1..200).for_each(|number| write(store, "a", number));
    assert_eq!(there(&mut quick).len(), 200);
    assert_eq!(there(&mut slow).len(), 199, "it has missed nothing");
}

fn a_subscriber_that_panics_harms_nobody(store: &Store) {
    let mut panicking = everything(store);
    let mut other = everything(store);
    write(store, "a", 0);
    let handle = |commit: CommitEntries| assert_eq!(commit.commit.last, position(9), "on purpose");
    catch_unwind(AssertUnwindSafe(|| handle(next(&mut panicking)))).unwrap_err();
    write(store, "a", 1);
    assert_eq!(there(&mut other), [vec![1], vec![2, 3]]);
    assert_eq!(there(&mut panicking), [[2, 3]], "and may go on itself");
    drop(panicking);
    write(store, "a", 2);
    assert_eq!(there(&mut other), [[4]]);
}

fn as_an_iterator_it_waits_for_ever(store: &Store) {
    let subscription = everything(store);
    thread::scope(|scope| {
        let sum = scope.spawn(move || {
            let numbers =
                subscription.map(|commit| commit.unwrap().entries[0].get::<u64>().unwrap().unwrap());
            numbers.take(3).sum::<u64>()
        });
        [10, 20, 30].into_iter().for_each(|number| write(store, "a", number));
        assert_eq!(sum.join().unwrap(), 60);
    });
}

fn large_values_come_one_by_one(store: &Store) {
    let text = "x".repeat(3 << 20);
    let record = store.record("blobs").unwrap();
    (0..8).for_each(|_| drop(record.set("text", &text).unwrap()));
    let mut subscription = everything(store);
    for number in 1..=8 {
        let commit = next(&mut subscription);
        assert_eq!(commit.commit.last, position(number));
        assert_eq!(commit.entries[0].get::<String>().unwrap().unwrap().len(), text.len());
    }
}
