use annals_core::Position;

use crate::positions::{KeyId, Positions};
use crate::run::Run;

/// The entries that a transaction has appended so far.
#[derive(Debug)]
pub(crate) struct Added {
    run: Run,
    /// Those that were there when somebody last asked by key: most transactions have no condition.
    by_key: Positions,
    by_key_through: Position,
}

impl Added {
    /// Returns no entries, at the end of a log whose last position is `before`.
    pub(crate) fn new(before: Position) -> Added {
        Added { run: Run::new(before, Vec::new()), by_key: Positions::default(), by_key_through: before }
    }

    pub(crate) fn push(&mut self, key: KeyId) {
        self.run.push(key);
    }

    pub(crate) fn run(&self) -> &Run {
        &self.run
    }

    pub(crate) fn into_run(self) -> Run {
        self.run
    }

    /// Returns the same by key.
    pub(crate) fn by_key(&mut self) -> &Positions {
        self.by_key.extend(self.run.since(self.by_key_through));
        self.by_key_through = self.run.through();
        &self.by_key
    }
}
