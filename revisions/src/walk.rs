use std::iter::Peekable;

use annals_core::{Change, Log, Namespace, Pages, Scope, Snapshot, Store};

use crate::Error;
use crate::name::Address;
use crate::stored::Stored;

/// The objects of a collection as of one moment, each as its newest revision, in the order of their
/// records. Ends after the first error.
pub(crate) struct Walk {
    log: Log,
    collection: Namespace,
    changes: Option<Result<Peekable<Pages<Change>>, Error>>,
}

impl Walk {
    pub(crate) fn over(
        store: &Store,
        collection: &Namespace,
        moment: Result<Snapshot, annals_core::Error>,
    ) -> Walk {
        let changes = moment.map(|moment| moment.entries(&Scope::Under(collection.clone())).peekable());
        Walk {
            log: store.log().clone(),
            collection: collection.clone(),
            changes: Some(changes.map_err(Error::from)),
        }
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
