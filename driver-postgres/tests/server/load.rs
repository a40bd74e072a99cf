//! Writers that keep account of what became of each of their appends.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use annals_core::{
    Batch, Check, Commit, CommitEntries, CommitId, Context, Driver, Durability, ErrorKind, Key, Order,
    Position, PositionRange,
};
use annals_driver_postgres::PostgresDriver;

/// The account of one writer.
#[derive(Default)]
pub(crate) struct Account {
    /// In the order in which they were told.
    acknowledged: Vec<Arc<Commit>>,
    /// How many of those were told to have been there already.
    repeated: usize,
    in_doubt: Vec<Batch>,
    refused: Vec<CommitId>,
}

impl Account {
    /// Appends a batch, and notes what is said of it; returns whether it was acknowledged.
    pub(crate) fn append(&mut self, driver: &PostgresDriver, batch: Batch) -> bool {
        match driver.append(std::slice::from_ref(&batch), Durability::Synced) {
            Ok(answers) => {
                let receipt = answers[0].as_ref().expect("it has no condition");
                self.repeated += usize::from(receipt.repeated);
                self.acknowledged.push(Arc::clone(&receipt.commit));
                return true;
            }
            Err(error) if error.kind() == ErrorKind::Unknown => self.in_doubt.push(batch),
            Err(error) if error.kind() == ErrorKind::Unavailable => self.refused.push(batch.id),
            Err(error) => panic!("{error}"),
        }
        false
    }
}

/// Appends batches until `is_over`. Counts what is acknowledged.
pub(crate) fn write_until(
    is_over: impl Fn() -> bool,
    driver: &PostgresDriver,
    writer: usize,
    acknowledged: &AtomicU64,
) -> Account {
    let mut account = Account::default();
    for number in (0..).take_while(|_| !is_over()) {
        let is_acknowledged = account.append(driver, batch(writer, number));
        acknowledged.fetch_add(u64::from(is_acknowledged), Ordering::SeqCst);
    }
    account
}

/// Returns a batch of 1 to 3 entries, whose id is given if the number is odd.
pub(crate) fn batch(writer: usize, number: u64) -> Batch {
    let mut batch = Batch::new(Context::new());
    for field in 0..=number % 3 {
        let key = Key::parse(&format!("writer/{writer}"), &format!("f{field}")).unwrap();
        batch = batch.set(key, number.to_be_bytes());
    }
    let made = batch.id.uuid();
    if number.is_multiple_of(2) { batch } else { batch.with_id(made) }
}

/// What a log turned out to hold of what was in doubt.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) acknowledged: usize,
    /// Acknowledged, and under their given ids found where a lost attempt had stored them.
    pub(crate) found_by_id: usize,
    pub(crate) in_doubt_and_there: usize,
    pub(crate) in_doubt_and_absent: usize,
    pub(crate) refused: usize,
}

/// Asserts that the log holds what the accounts say, and returns what became of the rest.
pub(crate) fn assert_settled(driver: &PostgresDriver, accounts: &[Account]) -> Outcome {
    let there = all_commits(driver);
    let mut of_id: HashMap<CommitId, &Commit> = HashMap::new();
    for item in &there {
        assert!(of_id.insert(item.commit.id, &item.commit).is_none(), "a commit is there twice");
    }
    let mut outcome = Outcome::default();
    for account in accounts {
        for (nth, commit) in account.acknowledged.iter().enumerate() {
            let found = of_id.remove(&commit.id).expect("an acknowledged commit is there");
            assert_eq!(found, &**commit, "what was told is what stands there");
            let before = nth.checked_sub(1).map_or(Position::START, |nth| account.acknowledged[nth].last);
            assert!(before < commit.first, "who was told first stands first");
        }
        for id in &account.refused {
            assert!(!of_id.contains_key(id), "a refused commit is there");
        }
        outcome.acknowledged += account.acknowledged.len();
        outcome.found_by_id += account.repeated;
        outcome.refused += account.refused.len();
        for batch in &account.in_doubt {
            let was_there = of_id.remove(&batch.id).is_some();
            outcome.in_doubt_and_there += usize::from(was_there);
            outcome.in_doubt_and_absent += usize::from(!was_there);
            if matches!(batch.id, CommitId::Given(_)) {
                let again = driver.append(std::slice::from_ref(batch), Durability::Synced).unwrap();
                assert_eq!(again[0].as_ref().unwrap().repeated, was_there, "the same append settles it");
            }
        }
    }
    assert!(of_id.is_empty(), "there is a commit that nobody has appended");
    let after = all_commits(driver);
    assert_eq!(after.iter().map(|item| item.commit.id).collect::<HashSet<_>>().len(), after.len());
    assert_eq!(driver.check().unwrap().damages, [""; 0]);
    outcome
}

/// Returns all commits, which are whole and follow one another without a gap.
fn all_commits(driver: &PostgresDriver) -> Vec<CommitEntries> {
    let all = driver.commits(PositionRange::ALL, Order::OldestFirst, usize::MAX).unwrap();
    let mut last = Position::START;
    for item in &all {
        assert_eq!(item.commit.first, last.plus(1), "positions are dense");
        let value = item.entries[0].action.bytes().unwrap();
        let number = u64::from_be_bytes(value[..].try_into().unwrap());
        assert_eq!(item.entries.len() as u64, number % 3 + 1, "a commit is whole");
        assert!(item.entries.iter().all(|entry| entry.action.bytes().unwrap() == value));
        last = item.commit.last;
    }
    assert_eq!(driver.last_position().unwrap(), last);
    all
}
