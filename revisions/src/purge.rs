use annals_core::{Context, Erasure, Field, Selector};

use crate::attributes::Difference;
use crate::meta::{META, Meta};
use crate::name::Address;
use crate::read::no_object;
use crate::{Error, Object, Revisions, State, TransactionRevisions};

impl<T: Object> Revisions<T> {
    /// Erases every attribute that an object ever had, for good, and says how much that was.
    ///
    /// First a revision is appended that deletes the object and its attributes, with what
    /// [that entails](Revisions::delete), then the values are erased: see
    /// [`Store::erase`](annals_core::Store::erase). What stays are names, versions, states, times, and
    /// what contexts say of who and why. The versions go on if an object of that name is inserted again, be it
    /// while the values are being erased. A call that was interrupted is repeated.
    ///
    /// # Errors
    /// [`annals_core::Error::Invalid`] without an actor and a reason; [`Error::NoObject`] if there never was
    /// one, or this handle does not know it; else as [`Revisions::delete`].
    ///
    /// ```
    /// # use annals_core::{Context, ErrorKind, Store};
    /// # use annals_revisions::Revisions;
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let people = Revisions::<String>::open(&store, "people")?;
    /// people.insert("7", &"p7@example.org".into(), Context::new())?;
    /// let asked = Context::new().actor("dana").reason("asked to be forgotten");
    /// assert_eq!(people.purge("7", asked)?.entries, 1);
    /// assert_eq!(people.get("7", 1).unwrap_err().kind(), ErrorKind::Erased);
    /// assert_eq!(people.insert("7", &"anew".into(), Context::new())?.version(), 3);
    /// # Ok::<(), annals_revisions::Error>(())
    /// ```
    #[track_caller]
    pub fn purge(&self, name: &str, context: Context) -> Result<Erasure, Error> {
        self.store.log().check_can_erase()?;
        let done = self.commit(context.clone(), |objects| {
            Erasure::check_context(&Context::current())?;
            Ok::<_, Error>((objects.mark_purged(name)?, objects.tx.position()))
        })?;
        let (address, seen) = done.value;
        // What is inserted from here on is of an object that nobody wants to purge.
        let through = done.receipt.map_or(seen, |receipt| receipt.commit.last);
        let attributes = Selector::record(address.namespace().clone()).but(Field::new(META)?);
        Ok(self.store.erase(&attributes.through(through), context)?)
    }
}

impl<T: Object> TransactionRevisions<'_, T> {
    /// Deletes an object and its attributes, unless that was done.
    fn mark_purged(&self, name: &str) -> Result<Address, Error> {
        let seen = self.see(self.address(name)?)?;
        let meta = seen.meta.as_ref().ok_or_else(|| no_object(&seen.address))?;
        self.check_known(&seen)?;
        if meta.purged {
            return Ok(seen.address);
        }
        let (attributes, erased) = seen.attributes()?;
        let deleted = attributes.fields.keys().chain(&erased).collect();
        let meta = Meta { purged: true, ..seen.next(State::Deleted) };
        self.write(&seen, meta, &Difference { set: Vec::new(), deleted })?;
        Ok(seen.address)
    }
}
