use std::collections::HashMap;
use std::{fmt, vec};

use annals_core::codec::Uuid;
use annals_core::{Change, Commit, CommitEntries, Entry, Log, Namespace, Order, Pages, PositionRange, Store};

use crate::attributes::is_attribute;
use crate::name::Address;
use crate::stored::is_meta;
use crate::{Error, ObjectDelta};

/// What the commits of a store changed in objects, in whichever collections those are.
///
/// Read lazily, a page of commits at a time, and each object that is listed costs one read of its record as it
/// was before. What is left out by a filter costs its part of the page, and no read.
///
/// ```
/// use annals_core::{Context, Store};
/// use annals_revisions::{Deltas, Error, Revisions};
/// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
/// let scores = Revisions::<u32>::open(&store, "scores")?;
/// let settle = Context::new().actor("referee").activity("settle round 2");
/// let activity = settle.activity_id().unwrap();
/// settle.in_scope(|| {
///     scores.insert("ann", &7, Context::new())?;
///     scores.insert("ben", &3, Context::new().actor("ben"))
/// })?;
/// scores.edit("ann", Context::new().actor("ann"), |score| *score = 8)?;
///
/// let listed = |deltas: Deltas| -> Result<Vec<String>, Error> {
///     deltas.into_iter().map(|delta| Ok(delta?.info().name().to_owned())).collect()
/// };
/// assert_eq!(listed(Deltas::of(&store))?, ["ann", "ben", "ann"]);
/// assert_eq!(listed(Deltas::of(&store).activity(activity))?, ["ann", "ben"]);
/// assert_eq!(listed(Deltas::of(&store).actor("ben"))?, ["ben"]);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is read until the deltas are walked"]
pub struct Deltas {
    log: Log,
    range: PositionRange,
    order: Order,
    filters: Filters,
}

#[derive(Clone, Debug, Default)]
struct Filters {
    collection: Option<Namespace>,
    activity: Option<Uuid>,
    actor: Option<String>,
}

impl Deltas {
    /// Returns what all commits of the store changed, oldest first unless turned round.
    pub fn of(store: &Store) -> Deltas {
        let (log, range) = (store.log().clone(), PositionRange::ALL);
        Deltas { log, range, order: Order::OldestFirst, filters: Filters::default() }
    }

    /// Returns what `commit` changed in objects: one read of the commit, whole.
    pub fn of_commit(store: &Store, commit: &Commit) -> Deltas {
        Deltas::of(store).range(PositionRange { after: commit.last.before(), through: commit.last })
    }

    /// Leaves out commits whose last position lies outside `range`.
    pub fn range(mut self, range: PositionRange) -> Deltas {
        self.range = range;
        self
    }

    /// Leaves out objects of other collections than `namespace`.
    pub fn collection(mut self, namespace: Namespace) -> Deltas {
        self.filters.collection = Some(namespace);
        self
    }

    /// Leaves out commits that do not belong to the [activity](annals_core::Context::activity) of this id.
    pub fn activity(mut self, id: Uuid) -> Deltas {
        self.filters.activity = Some(id);
        self
    }

    /// Leaves out objects that others changed than `actor`, who changed neither the object nor an attribute.
    pub fn actor(mut self, actor: impl Into<String>) -> Deltas {
        self.filters.actor = Some(actor.into());
        self
    }

    /// Walks from the newest change to the oldest.
    pub fn newest_first(mut self) -> Deltas {
        self.order = Order::NewestFirst;
        self
    }
}

impl IntoIterator for Deltas {
    type Item = Result<ObjectDelta, Error>;
    type IntoIter = ObjectDeltas;

    fn into_iter(self) -> ObjectDeltas {
        let Deltas { log, range, order, filters } = self;
        let commits = Some(log.commits(range, order));
        ObjectDeltas { log, commits, order, filters, objects: Vec::new().into_iter() }
    }
}

/// What a commit wrote of an object.
struct Written {
    address: Address,
    changes: Vec<Change>,
}

/// Walks [`Deltas`]. What cannot be read of one object is an error in its place, and the walk goes on behind it; it
/// ends after an error of the log itself.
pub struct ObjectDeltas {
    log: Log,
    commits: Option<Pages<CommitEntries>>,
    order: Order,
    filters: Filters,
    /// The rest of the commit that was read last.
    objects: vec::IntoIter<Written>,
}

impl ObjectDeltas {
    /// Returns what a commit wrote of the next object.
    fn written(&mut self) -> Result<Option<Written>, Error> {
        loop {
            if let Some(written) = self.objects.next() {
                return Ok(Some(written));
            }
            let Some(commits) = &mut self.commits else { return Ok(None) };
            let Some(commit) = commits.next().transpose()? else { return Ok(None) };
            let mut objects = self.filters.objects(commit);
            if self.order == Order::NewestFirst {
                objects.reverse();
            }
            self.objects = objects.into_iter();
        }
    }
}

impl Iterator for ObjectDeltas {
    type Item = Result<ObjectDelta, Error>;

    fn next(&mut self) -> Option<Result<ObjectDelta, Error>> {
        loop {
            let written = self.written().transpose();
            if !matches!(written, Some(Ok(_))) {
                self.commits = None;
            }
            let found = written?
                .and_then(|Written { address, changes }| ObjectDelta::read(&self.log, &address, changes));
            if let Some(found) = found.transpose() {
                return Some(found);
            }
        }
    }
}

impl fmt::Debug for ObjectDeltas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectDeltas")
            .field("order", &self.order)
            .field("filters", &self.filters)
            .field("at_hand", &self.objects.len())
            .finish_non_exhaustive()
    }
}

impl Filters {
    /// Returns the objects of a commit that are not left out, in the order in which it wrote their `__meta`.
    fn objects(&self, CommitEntries { commit, entries }: CommitEntries) -> Vec<Written> {
        if self.activity.is_some_and(|id| commit.context.activity_id() != Some(id)) {
            return Vec::new();
        }
        let change = |entry: Entry| Change { entry, commit: commit.clone() };
        let changes: Vec<Change> = entries.into_iter().map(change).collect();
        let mut objects = Vec::new();
        let mut places = HashMap::new();
        for meta in changes.iter().filter(|change| is_meta(change)) {
            if let Some(address) = self.address(meta.key().namespace()) {
                places.insert(meta.key().namespace().clone(), objects.len());
                objects.push(Written { address, changes: Vec::new() });
            }
        }
        for change in changes {
            let object = places.get(change.key().namespace()).and_then(|place| objects.get_mut(*place));
            if let Some(object) = object {
                object.changes.push(change);
            }
        }
        objects.retain(|object| self.accept(&object.changes));
        objects
    }

    /// Returns the address of the object at `namespace`, if that is one, of a collection that is listed.
    fn address(&self, namespace: &Namespace) -> Option<Address> {
        let collection = namespace.parent()?;
        let listed = self.collection.as_ref().is_none_or(|listed| *listed == collection);
        if listed { Address::parse(&collection, namespace) } else { None }
    }

    fn accept(&self, changes: &[Change]) -> bool {
        let Some(actor) = self.actor.as_deref() else { return true };
        let tells = |change: &Change| is_attribute(change.key().field()) || is_meta(change);
        changes.iter().any(|change| tells(change) && change.actor() == Some(actor))
    }
}
