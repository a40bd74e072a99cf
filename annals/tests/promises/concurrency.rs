use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

use annals::{Context, Order, PositionRange, Store};
use proptest::prelude::*;

on_every_driver! {
    edit_under_contention_loses_no_update,
    in_a_transaction_a_delete_in_vain_is_a_read,
    a_view_is_read_at_one_moment,
}

fn edit_under_contention_loses_no_update(store: &Store) {
    const THREADS: i64 = 8;
    const EDITS: i64 = 15;
    store.record("r").unwrap().set("n", &0).unwrap();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            let record = store.record("r").unwrap();
            scope.spawn(move || {
                let mut done = 0;
                while done < EDITS {
                    match record.edit("n", |n: &mut i64| *n += 1) {
                        Ok(committed) => done += i64::from(committed.receipt.is_some()),
                        // Others kept being first: it says so, and has written nothing.
                        Err(error) => assert!(error.is_conflict(), "{error}"),
                    }
                }
            });
        }
    });
    assert_eq!(store.record("r").unwrap().get("n").unwrap(), Some(THREADS * EDITS));
    let written = store.record("r").unwrap().history("n").unwrap().into_iter().enumerate();
    for (index, change) in written {
        assert_eq!(change.unwrap().get::<usize>().unwrap(), Some(index), "each edit saw the one before");
    }
}

const ACCOUNTS: [&str; 3] = ["account/a", "account/b", "account/c"];
const OPENING: i64 = 50;

#[derive(Clone, Copy, Debug)]
struct Transfer {
    from: usize,
    to: usize,
    amount: i64,
}

fn transfers() -> impl Strategy<Value = Vec<Vec<Transfer>>> {
    let transfer = (0..ACCOUNTS.len(), 1..ACCOUNTS.len(), 1..40_i64)
        .prop_map(|(from, step, amount)| Transfer { from, to: (from + step) % ACCOUNTS.len(), amount });
    prop::collection::vec(prop::collection::vec(transfer, 1..6), 2..5)
}

/// Moves the amount if it is there; returns whether it was.
fn transfer(store: &Store, Transfer { from, to, amount }: Transfer) -> annals::Result<bool> {
    let done = store.transaction(Context::new(), |tx| {
        let (from, to) = (tx.record(ACCOUNTS[from])?, tx.record(ACCOUNTS[to])?);
        let available: i64 = from.get("balance")?.unwrap();
        if available < amount {
            return Ok(false);
        }
        let before: i64 = to.get("balance")?.unwrap();
        from.set("balance", &(available - amount))?;
        to.set("balance", &(before + amount))?;
        Ok(true)
    });
    done.map(|done| done.value)
}

/// Whoever looks, at any commit, sees the same sum and no account overdrawn; and what was
/// acknowledged has happened, once.
fn transactions_take_effect_as_if_alone(
    store: &Store,
    threads: &[Vec<Transfer>],
) -> Result<(), TestCaseError> {
    let opening = store.commit(Context::new(), |tx| {
        ACCOUNTS.iter().try_for_each(|account| tx.record(*account)?.set("balance", &OPENING))
    });
    let _ = opening.unwrap();
    let expected = ACCOUNTS.map(|_| AtomicI64::new(OPENING));
    thread::scope(|scope| {
        for list in threads {
            let (store, expected) = (store.clone(), &expected);
            scope.spawn(move || {
                for one in list {
                    match transfer(&store, *one) {
                        Ok(true) => {
                            expected[one.from].fetch_sub(one.amount, Ordering::SeqCst);
                            expected[one.to].fetch_add(one.amount, Ordering::SeqCst);
                        }
                        Ok(false) => {}
                        Err(error) => assert!(error.is_conflict(), "{error}"),
                    }
                }
            });
        }
    });
    for commit in store.commits(PositionRange::ALL, Order::OldestFirst) {
        let snapshot = store.at(commit.unwrap().commit.last).unwrap();
        let balances =
            ACCOUNTS.map(|account| snapshot.record(account).unwrap().get::<i64>("balance").unwrap().unwrap());
        prop_assert_eq!(balances.iter().sum::<i64>(), OPENING * 3);
        prop_assert!(balances.iter().all(|balance| *balance >= 0));
    }
    for (account, expected) in ACCOUNTS.iter().zip(&expected) {
        let balance: i64 = store.record(*account).unwrap().get("balance").unwrap().unwrap();
        prop_assert_eq!(balance, expected.load(Ordering::SeqCst), "{}", account);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn transactions_take_effect_as_if_alone_in_memory(threads in transfers()) {
        transactions_take_effect_as_if_alone(&crate::stores::memory(), &threads)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn transactions_take_effect_as_if_alone_in_sqlite(threads in transfers()) {
        let folder = tempfile::tempdir().unwrap();
        transactions_take_effect_as_if_alone(&crate::stores::sqlite(&folder), &threads)?;
    }
}

fn in_a_transaction_a_delete_in_vain_is_a_read(store: &Store) {
    let mut runs = 0;
    let done = store.transaction(Context::new(), |tx| {
        runs += 1;
        let seen = match tx.record("r")?.delete("lock") {
            Err(annals::Error::NotFound { .. }) => "absent",
            other => other.map(|()| "present")?,
        };
        if runs == 1 {
            store.record("r")?.set("lock", "another's")?;
        }
        tx.record("r")?.set("seen", seen)
    });
    assert_eq!(done.unwrap().receipt.unwrap().commit.len(), 2, "the delete and what was seen");
    let record = store.record("r").unwrap();
    assert_eq!((runs, record.get::<String>("seen").unwrap()), (2, Some("present".to_owned())));
    assert_eq!(record.get::<String>("lock").unwrap(), None);
}

/// Every commit sets round and score to the same number, so no view of a round has another score.
fn a_view_is_read_at_one_moment(store: &Store) {
    const ROUNDS: i64 = 400;
    let play = |round: i64| {
        let set = store.commit(Context::new(), |tx| {
            tx.record("p")?.set("round", &round)?;
            tx.record("p")?.set("score", &round)
        });
        set.unwrap();
    };
    play(0);
    thread::scope(|scope| {
        let writer = scope.spawn(|| (1..=ROUNDS).for_each(play));
        let player = store.record("p").unwrap();
        while !writer.is_finished() {
            let round: i64 = player.get("round").unwrap().unwrap();
            let view = player.within("round", &round).unwrap();
            assert_eq!(view.get("score").unwrap(), Some(round));
            assert_eq!(view.strict().get("score").unwrap(), Some(round));
        }
    });
}
