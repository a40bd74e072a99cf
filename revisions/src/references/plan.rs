use std::fmt;
use std::sync::Arc;

use annals_core::{Condition, Context};

use crate::attributes::Difference;
use crate::draft::Written;
use crate::error::Ended;
use crate::name::Address;
use crate::tracking::Telling;
use crate::{Affected, Error, Object, Referrer, RevisionInfo, Revisions, State, TransactionRevisions};

type Told = Arc<dyn Fn(&Affected) -> Context + Send + Sync>;

/// What the deletion of an object would do, made by [`Revisions::plan_delete`]. Nothing is written before it is
/// [applied](Plan::apply).
pub struct Plan<T> {
    revisions: Revisions<T>,
    name: String,
    affected: Vec<Affected>,
    restricted_by: Vec<Referrer>,
    conditions: Vec<Condition>,
    told: Told,
}

impl<T: Object> Revisions<T> {
    /// Returns what [`Revisions::delete`] would do to an object and to those that refer to it.
    ///
    /// Costs two reads for each object that would be deleted, and one for each attribute that would be set.
    ///
    /// ```
    /// use annals_core::{Context, Store};
    /// use annals_revisions::{Error, OnDelete, Revisions};
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let rooms = Revisions::<u32>::open(&store, "rooms")?;
    /// let guests = Revisions::<Option<String>>::open(&store, "guests")?;
    /// guests.declare_reference("value", &rooms, OnDelete::SetNull)?;
    /// rooms.insert("12", &2, Context::new())?;
    /// guests.insert("ann", &Some("12".into()), Context::new())?;
    ///
    /// let plan = rooms.plan_delete("12")?;
    /// assert_eq!(plan.affected().iter().map(|object| object.name()).collect::<Vec<_>>(), ["12", "ann"]);
    /// plan.telling(|_| Context::new().reason("the room is closed")).apply(Context::new().actor("dana"))?;
    ///
    /// let ann = guests.current("ann")?.unwrap();
    /// assert_eq!((&*ann, ann.creator(), ann.comment()), (&None, None, Some("the room is closed")));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Revisions::delete`], but for [`Error::Restricted`]: the plan tells that itself.
    pub fn plan_delete(&self, name: &str) -> Result<Plan<T>, Error> {
        let planned = self.store.try_commit(Context::new(), |tx| {
            let objects = self.in_transaction(tx);
            let root = objects.see_deletable(name).map_err(Ended::Own)?;
            let deletion = objects.plan_deletion(&root).map_err(Ended::Own)?;
            let affected: Vec<_> = deletion.affected().cloned().collect();
            Ok((affected, deletion.restricted_by, deletion.conditions))
        });
        let (affected, restricted_by, conditions) = planned.map_err(Ended::<Error>::into_own)?.value;
        let (revisions, told) = (self.clone(), Arc::new(|_: &_| Context::new()));
        Ok(Plan { revisions, name: name.to_owned(), affected, restricted_by, conditions, told })
    }
}

impl<T: Object> Plan<T> {
    /// Returns the objects that would be deleted or changed: the object itself first, then all others that
    /// would be deleted, those nearest to it first, then those in which a rule would set attributes.
    #[must_use]
    pub fn affected(&self) -> &[Affected] {
        &self.affected
    }

    /// Returns who restricts the deletion of any of these; then the plan cannot be applied.
    #[must_use]
    pub fn restricted_by(&self) -> &[Referrer] {
        &self.restricted_by
    }

    /// Lets `told` say who (`actor`) and why (`reason`) of each object that goes with the deleted one or
    /// changes. Where it says nothing it is nobody, for the reason that
    /// [describes the deletion](crate::Tracking::describe_deletion), else that of the commit.
    #[must_use]
    pub fn telling(self, told: impl Fn(&Affected) -> Context + Send + Sync + 'static) -> Plan<T> {
        Plan { told: Arc::new(told), ..self }
    }

    /// Deletes the object and does all that was planned, in one commit.
    ///
    /// # Errors
    /// [`annals_core::Error::Conflict`] with the commit that was first if anything has changed that the plan
    /// rests on, unless the object cannot be deleted any more for a reason that [`Revisions::delete`] would
    /// give.
    #[track_caller]
    pub fn apply(&self, context: Context) -> Result<RevisionInfo, Error> {
        let done = self.revisions.commit(context, |objects| {
            self.conditions.iter().for_each(|condition| objects.tx.require(condition.clone()));
            objects.delete_telling(&self.name, &*self.told)
        })?;
        self.revisions.info(done)
    }
}

impl<T: Object> TransactionRevisions<'_, T> {
    fn delete_telling(
        &self,
        name: &str,
        told: &dyn Fn(&Affected) -> Context,
    ) -> Result<(Address, Written), Error> {
        let seen = self.see_deletable(name)?;
        let (telling, meta) = (Telling::of(self.context.clone()), seen.next(State::Deleted));
        self.write_deletion(&seen, &telling, &meta, &Difference::default(), told)?;
        Ok((seen.address, Written { meta, said: telling.said_of_object() }))
    }
}

impl<T> fmt::Debug for Plan<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("name", &self.name)
            .field("affected", &self.affected)
            .field("restricted_by", &self.restricted_by)
            .finish_non_exhaustive()
    }
}
