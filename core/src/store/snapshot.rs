use super::diff::Differences;
use super::handle::Store;
use super::history::History;
use super::record::{Past, Record};
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
    pub fn history(&self, scope: &Scope) -> Result<History, Error> {
        let keys = self.entries(scope).map(|change| Ok(change?.entry.key)).collect::<Result<_, Error>>()?;
        Ok(History::new(self.store.log().clone(), keys, self.position))
    }

    /// Returns what differs between this snapshot and `later` (which may as well be earlier) in
    /// `scope`, in key order.
    pub fn diff(&self, later: &Snapshot, scope: &Scope) -> Differences {
        Differences::new(self.entries(scope), later.entries(scope))
    }
}
