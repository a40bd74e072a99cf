//! Lists some of whose rows cannot be read.

use std::cell::Cell;

use crate::failure::{Exit, Failure};

/// Tells of each row that cannot be read, so that the others are shown.
pub(crate) struct Told {
    gravest: Cell<Exit>,
}

impl Default for Told {
    fn default() -> Told {
        Told { gravest: Cell::new(Exit::Done) }
    }
}

impl Told {
    /// Returns the rows that can be read.
    pub(crate) fn of<T, E: Into<Failure>>(
        &self,
        rows: impl Iterator<Item = Result<T, E>>,
    ) -> impl Iterator<Item = T> {
        rows.filter_map(|row| match row {
            Ok(row) => Some(row),
            Err(error) => {
                self.gravest.set(self.gravest.get().max(error.into().tell()));
                None
            }
        })
    }

    /// Returns how the command ends.
    pub(crate) fn exit(&self) -> Exit {
        self.gravest.get()
    }
}
