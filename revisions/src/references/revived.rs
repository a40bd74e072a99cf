use std::collections::BTreeMap;
use std::sync::Arc;

use annals_core::{Action, Change, Context, Field, Namespace};

use super::changes::ReferenceChanges;
use crate::attributes::{Difference, is_attribute};
use crate::draft::Written;
use crate::error::Ended;
use crate::meta::Meta;
use crate::name::Address;
use crate::read::no_object;
use crate::seen::Seen;
use crate::stored::is_meta;
use crate::tracking::Telling;
use crate::{Error, Object, RevisionInfo, Revisions, State, TransactionRevisions};

/// What [`Revisions::revive_all`] brought back, and what it left.
#[derive(Clone, Debug)]
pub struct Revived {
    revisions: Vec<RevisionInfo>,
    left: Vec<RevisionInfo>,
}

impl Revived {
    /// Returns the revisions that brought objects back, in whichever collections those are.
    #[must_use]
    pub fn revisions(&self) -> &[RevisionInfo] {
        &self.revisions
    }

    /// Returns the newest revisions of the objects that were left as they are: they have changed since the
    /// deletion, or were purged, or would refer to what does not exist.
    #[must_use]
    pub fn left(&self) -> &[RevisionInfo] {
        &self.left
    }
}

/// An object that a deletion concerned, and what it was before.
struct Candidate<'a> {
    seen: Seen<'a>,
    meta: Meta,
    set: Vec<(Field, Arc<[u8]>)>,
    deleted: Vec<Field>,
}

impl Candidate<'_> {
    fn difference(&self) -> Difference<'_> {
        let set = self.set.iter().map(|(field, bytes)| (field, bytes)).collect();
        Difference { set, deleted: self.deleted.iter().collect() }
    }
}

impl<T: Object> Revisions<T> {
    /// Brings back an object that was deleted, together with all that its deletion did to others: those that
    /// were deleted with it exist again, and the attributes that rules have set are what they were. If it was
    /// itself deleted as a consequence, that whole deletion is taken back.
    ///
    /// Each object gets a revision that [names](RevisionInfo::restored_from) the one before the deletion. What
    /// has changed since is left as it is, and named in the answer, and so is what would refer to an object that
    /// does not exist. Costs the commit that deleted, and some reads for each object.
    ///
    /// # Errors
    /// As [`Revisions::revive`]; [`Error::NoTarget`] if the object itself would refer to one that does not exist.
    ///
    /// ```
    /// use annals_core::{Context, Store};
    /// use annals_revisions::{Error, OnDelete, Revisions};
    /// # let store = Store::new(annals_driver_memory::MemoryDriver::new());
    /// let teams = Revisions::<u32>::open(&store, "teams")?;
    /// let players = Revisions::<String>::open(&store, "players")?;
    /// players.declare_reference("value", &teams, OnDelete::Cascade)?;
    /// teams.insert("red", &1, Context::new())?;
    /// players.insert("ann", &"red".into(), Context::new())?;
    /// teams.delete("red", Context::new())?;
    ///
    /// let revived = teams.revive_all("red", Context::new().actor("dana"))?;
    /// assert_eq!((revived.revisions().len(), revived.left().len()), (2, 0));
    /// assert_eq!(*players.current("ann")?.unwrap(), "red");
    /// # Ok::<(), Error>(())
    /// ```
    #[track_caller]
    pub fn revive_all(&self, name: &str, context: Context) -> Result<Revived, Error> {
        let done = self
            .store
            .try_commit(context, |tx| self.in_transaction(tx).revive_all(name).map_err(Ended::<Error>::Own));
        let done = done.map_err(Ended::into_own)?;
        let receipt = done.receipt.as_ref();
        let (written, left) = done.value;
        let info = |(address, written): &(Address, Written)| Some(written.info(address, receipt?));
        Ok(Revived { revisions: written.iter().filter_map(info).collect(), left })
    }
}

/// What was written, and what was left.
type Done = (Vec<(Address, Written)>, Vec<RevisionInfo>);

type Candidates<'a> = BTreeMap<Namespace, Candidate<'a>>;

impl<T: Object> TransactionRevisions<'_, T> {
    fn revive_all(&self, name: &str) -> Result<Done, Error> {
        let seen = self.see(self.address(name)?)?;
        let meta = seen.in_state(&[State::Deleted])?;
        if meta.purged {
            return Err(Error::Purged { object: seen.address.to_string() });
        }
        self.check_known(&seen)?;
        let own = seen.address.namespace();
        let root = meta.consequence_of.clone().unwrap_or_else(|| own.to_string());
        let (mut candidates, mut left) = self.candidates(&seen.address, &root)?;
        let references = self.leave_without_targets(own, &mut candidates, &mut left)?;
        let telling = Telling::of(self.context.clone());
        for candidate in candidates.values() {
            candidate.seen.write(&telling, &candidate.meta, &candidate.difference())?;
        }
        // Only now it is seen what exists.
        references.iter().try_for_each(|changes| changes.write(self.tx))?;
        let said = telling.said_of_object();
        let written = candidates
            .into_values()
            .map(|Candidate { seen, meta, .. }| (seen.address, Written { meta, said: said.clone() }));
        let left = left.iter().map(|address| self.newest(address)).collect::<Result<Vec<_>, _>>()?;
        Ok((written.collect(), left.into_iter().flatten().collect()))
    }

    /// Returns what the newest commit of an object did as a consequence of the deletion of `root`, that itself
    /// included, as far as it can be taken back; and what has changed since.
    fn candidates(&self, object: &Address, root: &str) -> Result<(Candidates<'_>, Vec<Address>), Error> {
        let log = self.revisions.store.log();
        let newest = log.newest(object.meta(), self.tx.position())?.ok_or_else(|| no_object(object))?;
        let whole = log.commit_at(newest.commit.last)?.ok_or_else(|| no_object(object))?;
        let mut records: BTreeMap<Namespace, Vec<Change>> = BTreeMap::new();
        for entry in whole.entries {
            let changes = records.entry(entry.key.namespace().clone()).or_default();
            changes.push(Change { entry, commit: Arc::clone(&whole.commit) });
        }
        let (mut candidates, mut left) = (BTreeMap::new(), Vec::new());
        for (namespace, changes) in records {
            let Some(meta) = changes.iter().find(|change| is_meta(change)) else { continue };
            let Some(meta) = meta.get::<Meta>()? else { continue };
            if namespace.as_str() != root && meta.consequence_of.as_deref() != Some(root) {
                continue;
            }
            let Some(address) = Address::of_record(&namespace) else { continue };
            match self.candidate(&address, &meta, &changes)? {
                Some(candidate) => drop(candidates.insert(namespace, candidate)),
                None => left.push(address),
            }
        }
        Ok((candidates, left))
    }

    /// Returns what takes back the `changes` of one commit to an object, `None` if it has changed since, or is
    /// gone.
    fn candidate(
        &self,
        address: &Address,
        meta: &Meta,
        changes: &[Change],
    ) -> Result<Option<Candidate<'_>>, Error> {
        let seen = Seen::see(self.tx, address.clone())?;
        let unchanged = seen.meta.as_ref().is_some_and(|newest| newest.version == meta.version);
        let Some(commit) = changes.first().map(|change| &change.commit).filter(|_| unchanged) else {
            return Ok(None);
        };
        let (log, at) = (self.revisions.store.log(), commit.first.before());
        let before = log.newest(address.meta(), at)?.map(|change| change.get::<Meta>());
        let Some(before) = before.transpose()?.flatten().filter(|_| !meta.purged) else { return Ok(None) };
        let (mut set, mut deleted) = (Vec::new(), Vec::new());
        for change in changes.iter().filter(|change| is_attribute(change.key().field())) {
            let field = change.key().field().clone();
            match log.entry(change.key(), at)?.map(|entry| entry.action) {
                Some(Action::Set(bytes)) => set.push((field, bytes)),
                Some(Action::Erased { .. }) => return Ok(None),
                Some(Action::Deleted) | None => deleted.push(field),
            }
        }
        let version = seen.next(before.state).version;
        let (restored_from, consequence_of) = (Some(before.version), None);
        let meta = Meta { version, restored_from, consequence_of, ..before };
        Ok(Some(Candidate { seen, meta, set, deleted }))
    }

    /// Takes out of `candidates` those that would refer to what neither exists nor is among them, and returns
    /// what the others change in references.
    fn leave_without_targets(
        &self,
        own: &Namespace,
        candidates: &mut Candidates<'_>,
        left: &mut Vec<Address>,
    ) -> Result<Vec<ReferenceChanges>, Error> {
        let mut changes = BTreeMap::new();
        for (namespace, candidate) in &*candidates {
            let Candidate { seen, meta, .. } = candidate;
            let references = ReferenceChanges::of(self.tx, seen, meta, &candidate.difference())?;
            changes.insert(namespace.clone(), references);
        }
        loop {
            let mut without = Vec::new();
            for (namespace, references) in &changes {
                let is_candidate = |target: &Address| changes.contains_key(target.namespace());
                match references.missing(self.tx, is_candidate)? {
                    Some(missing) if namespace == own => return Err(missing),
                    Some(_) => without.push(namespace.clone()),
                    None => {}
                }
            }
            if without.is_empty() {
                return Ok(changes.into_values().collect());
            }
            for namespace in without {
                changes.remove(&namespace);
                left.extend(candidates.remove(&namespace).map(|candidate| candidate.seen.address));
            }
        }
    }

    fn newest(&self, address: &Address) -> Result<Option<RevisionInfo>, Error> {
        let newest = self.revisions.store.log().newest(address.meta(), self.tx.position())?;
        Ok(newest.map(|change| RevisionInfo::read(address, &change, None)).transpose()?.flatten())
    }
}
