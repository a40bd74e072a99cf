use std::iter::Peekable;

use annals_core::{Change, Field, Key, Log, Namespace, Pages, Position, Scope, Snapshot, Store};

use crate::Error;
use crate::meta::META;
use crate::name::Address;
use crate::references::{REFERRERS, is_of_referrers};
use crate::stored::Stored;

/// The objects of a collection as of one moment, each as its newest revision, in the order of their
/// records. Ends after the first error.
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

    fn find(&mut self) -> Result<Option<Stored>, Error> {
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
            let Some(address) = Address::parse(&self.collection, &namespace) else { continue };
            if let Some(stored) = Stored::of(&self.log, &address, record, None)? {
                return Ok(Some(stored));
            }
        }
    }
}

impl Iterator for Walk {
    type Item = Result<Stored, Error>;

    fn next(&mut self) -> Option<Result<Stored, Error>> {
        let found = self.find().transpose();
        if !matches!(found, Some(Ok(_))) {
            self.changes = None;
        }
        found
    }
}
