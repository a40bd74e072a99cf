use std::sync::Arc;

use super::moment::{Live, Moment};
use super::within::{View, Walked};
use crate::error::Error;
use crate::log::{Action, Change, Key, Pages, Position};

/// Walks the values of a field that were written while the conditions of a view held, oldest first,
/// each with the view narrowed to that value; ends after the first error.
///
/// ```
/// # use annals_core::Store;
/// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
/// let player = store.record("game/player1")?;
/// for (round, score) in [(1, 10), (2, 25)] {
///     player.set("round", &round)?;
///     player.set("score", &score)?;
/// }
/// let mut scores = Vec::new();
/// for step in player.along("round")? {
///     let (round, view) = step?;
///     scores.push((round.get::<i64>()?.unwrap(), view.get::<i64>("score")?.unwrap()));
/// }
/// assert_eq!(scores, [(1, 10), (2, 25)]);
/// # Ok::<(), annals_core::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "nothing is read until the iterator is walked"]
pub struct Along<M = Live> {
    view: View<M>,
    key: Key,
    /// `None` after an error.
    written: Option<Pages<Change>>,
    conditions: Vec<Walked>,
}

impl<M: Moment> Along<M> {
    pub(super) fn new(view: View<M>, key: Key, written: Pages<Change>, conditions: Vec<Walked>) -> Along<M> {
        Along { view, key, written: Some(written), conditions }
    }

    /// Returns `change` with its view, `None` if it is no value or the conditions did not hold.
    fn step(&mut self, change: Change) -> Result<Option<(Change, View<M>)>, Error> {
        let bytes = match &change.entry.action {
            Action::Set(bytes) => Arc::clone(bytes),
            Action::Deleted => return Ok(None),
            Action::Erased { .. } => {
                return Err(Error::Erased { key: self.key.clone(), position: change.position() });
            }
        };
        if !self.all_hold_at(change.commit.last)? {
            return Ok(None);
        }
        let narrowed = self.view.clone().while_set_to(self.key.clone(), bytes);
        Ok(Some((change, narrowed)))
    }

    /// Returns whether all conditions hold after the commit that ends at `at`, which never falls
    /// from call to call.
    fn all_hold_at(&mut self, at: Position) -> Result<bool, Error> {
        let mut all = true;
        for condition in &mut self.conditions {
            condition.go_on_to(at)?;
            all = all && condition.holds()?;
        }
        Ok(all)
    }
}

impl<M: Moment> Iterator for Along<M> {
    type Item = Result<(Change, View<M>), Error>;

    fn next(&mut self) -> Option<Result<(Change, View<M>), Error>> {
        loop {
            let next = self.written.as_mut()?.next()?;
            match next.and_then(|change| self.step(change)) {
                Ok(None) => {}
                Ok(Some(item)) => return Some(Ok(item)),
                Err(error) => {
                    self.written = None;
                    return Some(Err(error));
                }
            }
        }
    }
}
