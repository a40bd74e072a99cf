//! Verification finds what is broken and says where.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::sync::Arc;

use annals_core::{
    Action, Batch, Commit, CommitEntries, CommitId, Context, Driver, Durability, Entry, Error, Key, Log,
    Order, Position, PositionRange, forward_driver,
};
use annals_driver_memory::MemoryDriver;

/// A driver whose commits read differently from what was appended.
struct Damaged<F> {
    inner: MemoryDriver,
    damage: F,
}

impl<F: Fn(&mut Commit, &mut CommitEntries) + Send + Sync> Driver for Damaged<F> {
    forward_driver!(append, sync, last_position, boundary, entry => self.inner);
    forward_driver!(history, state, namespaces, restore, abilities => self.inner);

    fn commits(&self, range: PositionRange, order: Order, limit: usize) -> Result<Vec<CommitEntries>, Error> {
        let mut page = self.inner.commits(range, order, limit)?;
        for whole in page.iter_mut().filter(|whole| whole.commit.last.get() == 3) {
            let mut commit = (*whole.commit).clone();
            (self.damage)(&mut commit, whole);
            whole.commit = Arc::new(commit);
        }
        Ok(page)
    }
}

/// Verifies a log of the commits @1, @3 and @4, the one at @3 damaged, and says what was found.
fn found(damage: impl Fn(&mut Commit, &mut CommitEntries) + Send + Sync + 'static) -> Vec<String> {
    let key = |field| Key::parse("a", field).unwrap();
    let log = Log::new(Damaged { inner: MemoryDriver::new(), damage });
    let one = Batch::new(Context::new()).set(key("x"), *b"\x01");
    let two = Batch::new(Context::new()).set(key("x"), *b"\x02").set(key("y"), *b"\xc3");
    for batch in [one.clone(), two, one] {
        log.append(batch, Durability::Synced).unwrap();
    }
    let report = log.verify(|_| {}).unwrap();
    assert_eq!((report.commits, report.damage_count), (3, report.damages.len() as u64));
    assert_eq!(report.checked.len(), 3);
    report.damages.iter().map(|damage| format!("{} {}", damage.position, damage.what)).collect()
}

#[test]
fn a_sound_log_has_no_damage() {
    assert_eq!(found(|_, _| {}), [""; 0]);
}

#[test]
fn a_commit_that_does_not_continue_is_found() {
    let gap = found(|commit, _| commit.first = Position::new(3).unwrap());
    assert_eq!(
        gap,
        [
            "@3 does not continue at @2",
            "@3 has 2 entries, not 1",
            "@2 stands where @3 should",
            "@3 stands where @4 should"
        ]
    );
}

#[test]
fn a_missing_entry_is_found() {
    let missing = found(|_, whole| drop(whole.entries.pop()));
    assert_eq!(missing, ["@3 has 1 entries, not 2", "@3 is not the newest entry of its key"]);
}

#[test]
fn a_value_that_is_not_canonical_is_found() {
    let long = found(|_, whole| whole.entries[1].action = Action::Set(Arc::from(*b"\xcc\x01")));
    assert_eq!(long.len(), 1);
    assert!(long[0].starts_with("@3 not canonical at offset 0"), "{long:?}");
}

#[test]
fn a_time_that_falls_is_found() {
    let fallen =
        found(|commit, _| commit.recorded_at = annals_core::codec::Timestamp::from_micros(1).unwrap());
    assert_eq!(fallen, ["@3 was recorded before the commit before it"]);
}

#[test]
fn a_key_twice_in_a_commit_is_found() {
    let twice = found(|_, whole| whole.entries[1].key = whole.entries[0].key.clone());
    assert_eq!(
        twice,
        ["@3 is the second entry of its key in one commit", "@3 is not the newest entry of its key"]
    );
}

#[test]
fn an_entry_that_no_erasure_erased_is_found() {
    let erased = |by| {
        let by = Position::new(by).unwrap();
        found(move |_, whole| whole.entries[1].action = Action::Erased { by })
    };
    for by in [1, 3, 4, 9] {
        assert_eq!(erased(by), [format!("@3 was erased by @{by}, which is no later erasure")]);
    }
}

#[test]
fn an_erasure_accounts_only_for_entries_before_it() {
    let entries =
        [("a", Action::Erased { by: Position::new(2).unwrap() }), ("__annals/erasures", Action::Deleted)];
    let late = ("b", Action::Erased { by: Position::new(2).unwrap() });
    let commit = |(place, (namespace, action)): (u64, (&str, Action))| {
        let position = Position::new(place).unwrap();
        let id = CommitId::make();
        let recorded_at = annals_core::codec::Timestamp::from_micros(1).unwrap();
        let commit = Commit { first: position, last: position, id, recorded_at, context: Context::new() };
        let key = Key::parse(namespace, "x").unwrap();
        let entry = Entry { position, key, action, actor: None, reason: None };
        CommitEntries { commit: Arc::new(commit), entries: vec![entry] }
    };
    let log = Log::new(MemoryDriver::new());
    let commits: Vec<_> = (1..).zip(entries.into_iter().chain([late])).map(commit).collect();
    log.driver().restore(&commits).unwrap();
    let damages = log.verify(|_| {}).unwrap().damages;
    let damages: Vec<_> =
        damages.iter().map(|damage| format!("{} {}", damage.position, damage.what)).collect();
    assert_eq!(damages, ["@3 was erased by @2, which is no later erasure"]);
}
