//! Drivers with a defect are caught: by the rule that is named after the promise they break, and
//! by the random steps.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use annals_conformance::{Places, ScanDriver, rules};
use annals_core::{
    Abilities, Action, At, Batch, Change, CommitEntries, CommitId, Conflict, Driver, Durability, Entry,
    Erase, Error, Key, Order, Position, PositionRange, Receipt, Scope, forward_driver,
};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Defect {
    /// Appends whatever the conditions say.
    ConditionsIgnored,
    /// Judges conditions, lets others write, and then appends.
    ConditionsJudgedEarly,
    /// Appends under a given id whatever is there already.
    RepeatsAppended,
    /// Erases whatever the conditions of the erasure say.
    ErasureUnconditional,
    /// Erases the first of the positions only.
    ErasureInPart,
    /// The newest commit is gone after reopening.
    NewestCommitLost,
    /// A range of history begins one position too early.
    RangeOffByOne,
    /// State leaves deletions out.
    DeletionsHidden,
    /// Whatever begins with the letters of a namespace lies under it.
    PrefixTakenForParent,
    /// A page of commits ends before the commit that passes the limit.
    PageTooShort,
    /// Now and then the newest value of a key is the one before the last commit.
    StaleRead,
    /// Now and then a receipt is given for what was never appended.
    AppendLost,
    /// A commit's last entry is seen a moment later than the others.
    SeenInHalves,
    /// A reason is cut at the size that a short text column has.
    LongTextsCut,
    /// There is no answer where a position is the greatest one.
    GreatestPositionRefused,
}

/// A driver that is right but for one defect.
struct Wrong {
    inner: Arc<ScanDriver>,
    defect: Defect,
    /// Counts the calls of a method that fails now and then.
    calls: AtomicU64,
    /// The last position that readers may see.
    seen: AtomicU64,
}

impl Wrong {
    fn open(mut inner: Arc<ScanDriver>, defect: Defect) -> Wrong {
        if defect == Defect::NewestCommitLost {
            let commits = inner.commits(PositionRange::ALL, Order::OldestFirst, usize::MAX);
            inner = Arc::new(ScanDriver::new());
            if let Some((_newest, others)) = commits.expect("the model answers").split_last() {
                inner.restore(others).expect("the commits are in sequence");
            }
        }
        let last = inner.last_position().expect("the model answers");
        Wrong { inner, defect, calls: AtomicU64::new(0), seen: AtomicU64::new(last.get()) }
    }

    fn is_time_to_fail(&self) -> bool {
        self.calls.fetch_add(1, Ordering::SeqCst) % 8 == 7
    }

    /// Answers as `inner` would, and appends nothing.
    fn append_elsewhere(&self, batches: &[Batch]) -> Result<Vec<Result<Receipt, Conflict>>, Error> {
        let copy = ScanDriver::new();
        copy.restore(&self.inner.commits(PositionRange::ALL, Order::OldestFirst, usize::MAX)?)?;
        copy.append(batches, Durability::Buffered)
    }

    fn append_in_halves(&self, batches: &[Batch]) -> Result<Vec<Result<Receipt, Conflict>>, Error> {
        let answers = self.inner.append(batches, Durability::Buffered)?;
        let last = self.inner.last_position()?;
        self.seen.fetch_max(last.before().get(), Ordering::SeqCst);
        thread::sleep(Duration::from_micros(200));
        self.seen.fetch_max(last.get(), Ordering::SeqCst);
        Ok(answers)
    }

    fn seen(&self) -> Position {
        Position::new(self.seen.load(Ordering::SeqCst)).expect("a position of the model")
    }

    fn judge_then_append(
        &self,
        batches: &[Batch],
        durability: Durability,
    ) -> Result<Vec<Result<Receipt, Conflict>>, Error> {
        let judged = self.append_elsewhere(batches)?;
        thread::sleep(Duration::from_millis(1));
        let append =
            |batch: &Batch| self.inner.append(&[Batch { conditions: vec![], ..batch.clone() }], durability);
        let mut answers = Vec::new();
        for (batch, judgement) in batches.iter().zip(judged) {
            answers.push(match judgement {
                Ok(_) => append(batch)?.remove(0),
                Err(conflict) => Err(conflict),
            });
        }
        Ok(answers)
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }
}

impl Driver for Wrong {
    forward_driver!(sync, namespaces, restore => self.inner);

    fn append(
        &self,
        batches: &[Batch],
        durability: Durability,
    ) -> Result<Vec<Result<Receipt, Conflict>>, Error> {
        let mut batches = batches.to_vec();
        if self.has(Defect::ConditionsIgnored) {
            batches.iter_mut().for_each(|batch| batch.conditions.clear());
        }
        if self.has(Defect::LongTextsCut) {
            let reasons = batches.iter_mut().filter_map(|batch| batch.context.reason.as_mut());
            reasons.for_each(|reason| reason.truncate(65_535));
        }
        if self.has(Defect::RepeatsAppended) {
            batches.iter_mut().for_each(|batch| batch.id = CommitId::Made(batch.id.uuid()));
        }
        if self.has(Defect::ConditionsJudgedEarly) {
            return self.judge_then_append(&batches, durability);
        }
        if self.has(Defect::AppendLost) && self.is_time_to_fail() {
            return self.append_elsewhere(&batches);
        }
        if self.has(Defect::SeenInHalves) {
            return self.append_in_halves(&batches);
        }
        self.inner.append(&batches, durability)
    }

    fn last_position(&self) -> Result<Position, Error> {
        if self.has(Defect::SeenInHalves) { Ok(self.seen()) } else { self.inner.last_position() }
    }

    fn boundary(&self, at: At) -> Result<Position, Error> {
        if self.has(Defect::GreatestPositionRefused) && at == At::Position(Position::MAX) {
            return Err(Error::Invalid("a position that no column holds".into()));
        }
        self.inner.boundary(at)
    }

    fn commits(&self, range: PositionRange, order: Order, limit: usize) -> Result<Vec<CommitEntries>, Error> {
        let mut page = self.inner.commits(range, order, limit)?;
        let entries: usize = page.iter().map(|item| item.entries.len()).sum();
        if self.has(Defect::PageTooShort) && entries > limit && page.len() > 1 {
            page.pop();
        }
        Ok(page)
    }

    fn entry(&self, key: &Key, mut at: Position) -> Result<Option<Entry>, Error> {
        if self.has(Defect::StaleRead) && at == Position::MAX && self.is_time_to_fail() {
            let newest = self.inner.commits(PositionRange::ALL, Order::NewestFirst, 1)?;
            at = newest.first().map_or(at, |newest| newest.commit.first.before());
        }
        if self.has(Defect::SeenInHalves) {
            at = at.min(self.seen());
        }
        self.inner.entry(key, at)
    }

    fn history(
        &self,
        key: &Key,
        mut range: PositionRange,
        order: Order,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        if self.has(Defect::RangeOffByOne) {
            range.after = range.after.before();
        }
        if self.has(Defect::SeenInHalves) {
            range.through = range.through.min(self.seen());
        }
        self.inner.history(key, range, order, skip, limit)
    }

    fn state(
        &self,
        scope: &Scope,
        at: Position,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        if let (Scope::Under(root), true) = (scope, self.has(Defect::PrefixTakenForParent)) {
            let mut found = self.inner.state(&Scope::All, at, after, usize::MAX)?;
            found.retain(|change| change.key().namespace().as_str().starts_with(root.as_str()));
            found.truncate(limit);
            return Ok(found);
        }
        let mut found = self.inner.state(scope, at, after, limit)?;
        if self.has(Defect::DeletionsHidden) {
            found.retain(|change| change.entry.action != Action::Deleted);
        }
        Ok(found)
    }

    fn abilities(&self) -> Abilities<'_> {
        let mut abilities = self.inner.abilities();
        abilities.erase = Some(self);
        abilities
    }
}

impl Erase for Wrong {
    fn erase(&self, positions: &[Position], audit: &Batch) -> Result<Result<Receipt, Conflict>, Error> {
        let mut audit = audit.clone();
        if self.has(Defect::ErasureUnconditional) {
            audit.conditions.clear();
        }
        let count = if self.has(Defect::ErasureInPart) { 1 } else { positions.len() };
        let positions: Vec<Position> = positions.iter().copied().take(count).collect();
        Erase::erase(&*self.inner, &positions, &audit)
    }

    fn scrub(&self) -> Result<u64, Error> {
        self.inner.scrub()
    }
}

type Rule = fn(&Places);

fn notices(rule: Rule, defect: Defect) -> bool {
    let places = Places::new(move || {
        let log = Arc::new(ScanDriver::new());
        move || Wrong::open(Arc::clone(&log), defect)
    });
    catch_unwind(AssertUnwindSafe(|| rule(&places))).is_err()
}

#[track_caller]
fn assert_caught(defect: Defect, rule: Rule) {
    assert!(notices(rule, defect), "{defect:?} was not noticed by its rule");
    // Random steps may miss a defect once; three times they do not.
    let noticed = (0..3).any(|_| notices(rules::agrees_with_a_linear_scan, defect));
    assert!(noticed, "{defect:?} was not noticed by random steps");
}

#[test]
fn a_driver_that_ignores_conditions_is_caught() {
    assert_caught(Defect::ConditionsIgnored, rules::key_unchanged_holds_until_a_newer_entry);
    assert_caught(Defect::ConditionsIgnored, rules::one_of_racing_writers_wins);
}

#[test]
fn a_driver_that_judges_conditions_outside_of_the_write_is_caught() {
    for rule in
        [rules::one_of_racing_writers_wins, rules::no_update_is_lost, rules::histories_are_linearizable]
    {
        assert!(notices(rule, Defect::ConditionsJudgedEarly));
    }
}

#[test]
fn a_driver_that_answers_with_what_is_past_is_caught() {
    assert!(notices(rules::histories_are_linearizable, Defect::StaleRead));
}

#[test]
fn a_driver_that_acknowledges_what_it_lost_is_caught() {
    assert_caught(Defect::AppendLost, rules::histories_are_linearizable);
}

#[test]
fn a_driver_whose_commits_are_seen_in_halves_is_caught() {
    assert!(notices(rules::histories_are_linearizable, Defect::SeenInHalves));
}

#[test]
fn a_driver_that_appends_repeats_is_caught() {
    for rule in [
        rules::a_repeated_given_id_returns_the_first_receipt,
        rules::a_given_id_is_appended_once_within_one_call,
        rules::given_ids_are_known_for_ever,
        rules::one_of_racing_repeats_appends,
        rules::an_unknown_outcome_is_settled_by_its_id,
    ] {
        assert_caught(Defect::RepeatsAppended, rule);
    }
}

#[test]
fn a_driver_that_erases_whatever_the_conditions_say_is_caught() {
    assert_caught(Defect::ErasureUnconditional, rules::an_erasure_stands_or_falls_as_a_commit);
}

#[test]
fn a_driver_that_erases_in_part_is_caught() {
    for rule in [
        rules::erased_entries_keep_everything_but_their_values,
        rules::many_entries_are_erased_at_once,
        rules::readers_see_whole_erasures,
        rules::a_failed_erasure_is_whole_or_nothing,
    ] {
        assert_caught(Defect::ErasureInPart, rule);
    }
}

#[test]
fn a_driver_that_loses_a_commit_is_caught() {
    assert_caught(Defect::NewestCommitLost, rules::reopening_keeps_everything);
    assert_caught(Defect::NewestCommitLost, rules::a_failed_call_leaves_whole_commits);
}

#[test]
fn a_driver_whose_range_is_off_by_one_is_caught() {
    assert_caught(Defect::RangeOffByOne, rules::history_is_cut_by_range_skip_and_limit);
}

#[test]
fn a_driver_that_hides_deletions_is_caught() {
    assert_caught(Defect::DeletionsHidden, rules::state_is_the_newest_change_of_each_key);
}

#[test]
fn a_driver_that_takes_a_prefix_for_a_parent_is_caught() {
    assert_caught(Defect::PrefixTakenForParent, rules::scopes_cover_records_and_what_is_below);
}

#[test]
fn a_driver_whose_pages_end_too_early_is_caught() {
    assert_caught(Defect::PageTooShort, rules::pages_of_commits_end_where_the_limit_is_reached);
}

#[test]
fn a_driver_that_cuts_long_texts_is_caught() {
    assert!(notices(rules::the_largest_batches_come_back, Defect::LongTextsCut));
}

#[test]
fn a_driver_that_overflows_is_caught() {
    assert_caught(Defect::GreatestPositionRefused, rules::questions_at_the_limits_are_answered);
}
