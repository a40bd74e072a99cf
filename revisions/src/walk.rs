use std::iter::Peekable;

use annals_core::{Change, Field, Key, Log, Namespace, Pages, Position, Scope, Snapshot, Store};

use crate::Error;
use crate::meta::META;
use crate::name::Address;
use crate::references::{REFERRERS, is_of_referrers};
use crate::stored::Stored;

/// The objects of a collection as of one moment, each as its newest revision, in the order of their
/// records; an error for one that cannot be read. Ends after an error of the log itself.
pub(crate) struct Walk {
    log: Log,
    collection: Namespace,
    at: Position,
    changes: Option<Result<Peekable<Pages<Change>>, Error>>,
}

impl Walk {
    pub(crate) fn over(
        store: &Store,
        collection: &Namespace,
        moment: Result<Snapshot, annals_core::Error>,
    ) -> Walk {
        let at = moment.as_ref().map_or(Position::START, Snapshot::position);
        let mut walk = Walk { log: store.log().clone(), collection: collection.clone(), at, changes: None };
        walk.changes = Some(moment.map(|_| walk.after(None)).map_err(Error::from));
        walk
    }

    fn after(&self, key: Option<Key>) -> Peekable<Pages<Change>> {
        self.log.state_after(&Scope::Under(self.collection.clone()), self.at, key).peekable()
    }

    /// Goes on after what is kept of referrers, of which there may be more than objects.
    fn pass_over_referrers(&mut self) -> Result<(), Error> {
        // After `/` comes `0`.
        let after = self.collection.join(&format!("{REFERRERS}0"))?;
        let after = Key::new(after, Field::new(META)?)?;
        self.changes = Some(Ok(self.after(Some(after))));
        Ok(())
    }

    /// Returns the changes of the next record that may be an object.
    fn record(&mut self) -> Result<Option<(Address, Vec<Change>)>, Error> {
        loop {
            let changes = match &mut self.changes {
                None => return Ok(None),
                Some(Err(error)) => return Err(error.clone()),
                Some(Ok(changes)) => changes,
            };
            let Some(first) = changes.next().transpose()? else { return Ok(None) };
            let namespace = first.key().namespace().clone();
            if is_of_referrers(&self.collection, &namespace) {
                self.pass_over_referrers()?;
                continue;
            }
            let mut record = vec![first];
            let of_record = |change: &Result<Change, annals_core::Error>| {
                change.as_ref().map_or(true, |change| *change.key().namespace() == namespace)
            };
            while let Some(change) = changes.next_if(of_record) {
                record.push(change?);
            }
            if let Some(address) = Address::parse(&self.collection, &namespace) {
                return Ok(Some((address, record)));
            }
        }
    }
}

impl Iterator for Walk {
    type Item = Result<Stored, Error>;

    fn next(&mut self) -> Option<Result<Stored, Error>> {
        loop {
            let record = self.record().transpose();
            if !matches!(record, Some(Ok(_))) {
                self.changes = None;
            }
            let found = record?.and_then(|(address, record)| Stored::of(&self.log, &address, record, None));
            if let Some(found) = found.transpose() {
                return Some(found);
            }
        }
    }
}
