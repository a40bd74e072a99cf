use super::diff::Differences;
use super::handle::Store;
use super::history::History;
use super::moment::Past;
use super::record::Record;
use crate::error::Error;
use crate::log::{Change, Namespace, Pages, Position, Scope};

/// The whole store as of a position. Later commits do not change what it answers.
#[derive(Clone, Debug)]
pub struct Snapshot {
    store: Store,
    position: Position,
}

impl Snapshot {
    pub(crate) fn new(store: Store, position: Position) -> Snapshot {
        Snapshot { store, position }
    }

    /// Returns the store that this was taken of.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Returns the position: the end of a commit, or [`Position::START`] before the first.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Returns the record at `namespace` as it was.
    ///
    /// # Errors
    /// As [`Store::record`].
    pub fn record(
        &self,
        namespace: impl TryInto<Namespace, Error: Into<Error>>,
    ) -> Result<Record<Past>, Error> {
        let namespace = self.store.namespace(namespace)?;
        Ok(Record::new(self.store.clone(), namespace, Past { at: self.position }))
    }

    /// Returns the newest change of each key in `scope`, deletions included, in key order. Costs
    /// the keys, not their versions.
    pub fn entries(&self, scope: &Scope) -> Pages<Change> {
        self.store.log().state(scope, self.position)
    }

    /// Returns every change of the fields in `scope` up to this moment, oldest first unless turned
    /// round. Costs a look at every field there before the first change, then the changes read.
    ///
    /// # Errors
    /// If the log cannot be read.
    ///
    /// ```
    /// # use annals_core::{Namespace, Scope, Store};
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// store.record("game/player1")?.set("score", &10)?;
    /// store.record("game/player2")?.set("score", &20)?;
    /// store.record("games")?.set("count", &1)?;
    /// let snapshot = store.snapshot()?;
    /// store.record("game/player1")?.set("score", &30)?;
    ///
    /// let game = snapshot.history(&Scope::Under(Namespace::new("game")?))?.newest_first();
    /// let positions: Vec<u64> = game.into_iter().map(|change| change.unwrap().position().get()).collect();
    /// assert_eq!(positions, [2, 1]);
    /// # Ok::<(), annals_core::Error>(())
    /// ```
    pub fn history(&self, scope: &Scope) -> Result<History, Error> {
        History::of_all(self.store.log(), scope, self.position)
    }

    /// Returns what differs between this snapshot and `later` (which may as well be earlier) in
    /// `scope`, in key order.
    pub fn diff(&self, later: &Snapshot, scope: &Scope) -> Differences {
        Differences::new(self.entries(scope), later.entries(scope))
    }
}
