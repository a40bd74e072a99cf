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
        changes: Vec<Change>,
        end: Option<Timestamp>,
    ) -> Result<Option<Stored>, Error> {
        let Some(meta) = changes.iter().find(|change| is_meta(change)) else { return Ok(None) };
        let Some(info) = RevisionInfo::read(address, meta, end)? else { return Ok(None) };
        let mut changes = of_revision(log, address, changes, info.commit().last)?;
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

/// Returns whether a change is one of an object's `__meta`.
pub(crate) fn is_meta(change: &Change) -> bool {
    change.key().field().as_str() == META
}

/// Returns the newest changes of an object's record as of the end of its newest revision: what others wrote
/// since into the record belongs to no revision.
pub(crate) fn of_revision(
    log: &Log,
    address: &Address,
    newest: Vec<Change>,
    end: Position,
) -> Result<Vec<Change>, Error> {
    if newest.iter().any(|change| change.position() > end) { state(log, address, end) } else { Ok(newest) }
}

/// Returns the newest change at or before `at`, the end of a commit, of each field of an object's record: one
/// read, but of the widest.
pub(crate) fn state(log: &Log, address: &Address, at: Position) -> Result<Vec<Change>, Error> {
    const PAGE: usize = 100_000;
    let scope = Scope::Record(address.namespace().clone());
    let mut all: Vec<Change> = Vec::new();
    loop {
        let page = log.driver().state(&scope, at, all.last().map(Change::key), PAGE)?;
        let is_last = page.len() < PAGE;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}
