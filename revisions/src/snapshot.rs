use annals_core::At;

use crate::name::Address;
use crate::stored::Stored;
use crate::{Error, Object, Revision, Revisions};

impl<T: Object> Revisions<T> {
    /// Returns what an object was as of a position or a time, `None` if there was none then, or it was deleted
    /// or retired (unless the handle is one [with deleted ones](Revisions::with_deleted)).
    ///
    /// One read to find the end of the commit that this means, and one of the object's record, whatever the
    /// number of revisions and of attributes. The revision tells what was so then: it has no end. The content
    /// can be inserted again.
    ///
    /// The object as of a [delta](crate::ObjectDelta) is what its revision [loads](Revisions::load).
    ///
    /// ```
    /// # use annals_core::{Context, Store};
    /// # use annals_revisions::Revisions;
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let scores = Revisions::<u32>::open(&store, "scores")?;
    /// let first = scores.insert("ann", &7, Context::new())?;
    /// scores.delete("ann", Context::new())?;
    ///
    /// let then = scores.at("ann", first.commit().last)?.unwrap();
    /// let again = scores.insert(then.name(), &then, Context::new().reason("deleted by mistake"))?;
    /// assert_eq!((*again, again.version()), (7, 3));
    /// # Ok::<(), annals_revisions::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`annals_core::Error::BeyondEnd`] if a position lies after the last one; else as
    /// [`Revisions::current`].
    pub fn at(&self, name: &str, at: impl Into<At>) -> Result<Option<Revision<T>>, Error> {
        let address = Address::new(&self.collection, name)?;
        let at = self.store.at(at)?.position();
        let Some(stored) = Stored::newest(self.store.log(), &address, at)? else { return Ok(None) };
        if !self.shows_state(stored.info.meta()) {
            return Ok(None);
        }
        Ok(Some(self.typed(&stored)?).filter(|revision| self.accepts(revision)))
    }
}
