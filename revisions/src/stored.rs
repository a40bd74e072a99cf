use annals_core::codec::Timestamp;
use annals_core::{Action, Change, Log, Position, Scope};

use crate::attributes::{Attributes, is_attribute};
use crate::meta::META;
use crate::name::Address;
use crate::{Error, RevisionInfo};

/// A revision as it is stored: what is known of it, and the entries that hold its attributes.
pub(crate) struct Stored {
    pub(crate) info: RevisionInfo,
    attributes: Vec<Change>,
}

impl Stored {
    /// Returns the newest revision of an object at or before `at`, the end of a commit: one read of the
    /// object's record.
    pub(crate) fn newest(log: &Log, address: &Address, at: Position) -> Result<Option<Stored>, Error> {
        let changes = state(log, address, at)?;
        Stored::of(log, address, changes, None)
    }

    /// Returns the revision that `info` is about.
    pub(crate) fn at(log: &Log, info: &RevisionInfo) -> Result<Option<Stored>, Error> {
        let changes = state(log, info.address(), info.commit().last)?;
        let stored = Stored::of(log, info.address(), changes, info.end())?;
        Ok(stored.filter(|stored| stored.info == *info))
    }

    /// Returns the revision that the newest changes of an object's record make up.
    pub(crate) fn of(
        log: &Log,
        address: &Address,
        mut changes: Vec<Change>,
        end: Option<Timestamp>,
    ) -> Result<Option<Stored>, Error> {
        let Some(meta) = changes.iter().find(|change| change.key().field().as_str() == META) else {
            return Ok(None);
        };
        let Some(info) = RevisionInfo::read(address, meta, end)? else { return Ok(None) };
        let last = info.commit().last;
        // What others wrote since into the record belongs to no revision.
        if changes.iter().any(|change| change.position() > last) {
            changes = state(log, address, last)?;
        }
        changes.retain(|change| change.entry.action != Action::Deleted && is_attribute(change.key().field()));
        Ok(Some(Stored { info, attributes: changes }))
    }

    /// Returns the content.
    ///
    /// # Errors
    /// [`annals_core::Error::Erased`] if a part of it was erased.
    pub(crate) fn content(&self) -> Result<Attributes, annals_core::Error> {
        let mut content = Attributes { single: self.info.meta().single, ..Attributes::default() };
        for Change { entry, .. } in &self.attributes {
            let Action::Set(bytes) = &entry.action else {
                return Err(annals_core::Error::Erased { key: entry.key.clone(), position: entry.position });
            };
            content.fields.insert(entry.key.field().clone(), bytes.clone());
        }
        Ok(content)
    }
}

fn state(log: &Log, address: &Address, at: Position) -> Result<Vec<Change>, Error> {
    Ok(log.state(&Scope::Record(address.namespace().clone()), at).collect::<Result<_, _>>()?)
}
