use std::collections::HashMap;

use annals_core::{CommitEntries, Key};

use crate::failure::Failure;
use crate::known_keys::{Known, Witness};
use crate::place::Place;
use crate::transaction::Transaction;

/// The ids of the keys of commits that are to be stored row by row.
pub(crate) struct KeyIds<'a> {
    /// What has to be there for the ids that were known to be those of the keys.
    witness: Option<Witness>,
    ids: HashMap<&'a Key, i32>,
    /// The keys that were not known, each once.
    learned: Vec<&'a Key>,
}

impl<'a> KeyIds<'a> {
    /// Finds the ids under a transaction's lock, with the help of those that this process knows. Keys that are
    /// new get theirs.
    pub(crate) fn find(
        place: &Place,
        transaction: &mut Transaction<'_>,
        commits: &'a [CommitEntries],
    ) -> Result<KeyIds<'a>, Failure> {
        let mut keys = KeyIds::known(&place.keys.read(), commits);
        if let Some(witness) = keys.witness
            && !transaction.has(witness)?
        {
            place.keys.forget();
            keys = KeyIds::known(&Known::default(), commits);
        }
        if !keys.learned.is_empty() {
            keys.look_up(transaction, &keys.learned.clone())?;
        }
        let missing: Vec<&Key> = keys.learned.iter().copied().filter(|key| keys.get(key).is_none()).collect();
        if !missing.is_empty() {
            transaction.add_keys(&missing)?;
            keys.look_up(transaction, &missing)?;
        }
        Ok(keys)
    }

    fn look_up(&mut self, transaction: &mut Transaction<'_>, keys: &[&'a Key]) -> Result<(), Failure> {
        let found = transaction.ids_of_keys(keys)?;
        self.ids.extend(keys.iter().zip(found).filter_map(|(key, id)| Some((*key, id?))));
        Ok(())
    }

    fn known(known: &Known, commits: &'a [CommitEntries]) -> KeyIds<'a> {
        let mut ids = HashMap::new();
        let mut learned = Vec::new();
        for entry in commits.iter().flat_map(|item| &item.entries) {
            ids.entry(&entry.key).or_insert_with(|| {
                let id = known.id(&entry.key);
                if id.is_none() {
                    learned.push(&entry.key);
                }
                id
            });
        }
        let ids = ids.into_iter().filter_map(|(key, id)| Some((key, id?))).collect();
        KeyIds { witness: known.witness(), ids, learned }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<i32> {
        self.ids.get(key).copied()
    }

    /// Keeps what was learned, now that the commits are stored.
    pub(crate) fn keep(self, place: &Place, newest: &CommitEntries) {
        let found = self.learned.into_iter().filter_map(|key| Some((key.clone(), *self.ids.get(key)?)));
        place.keys.learn(self.witness, Witness::of(&newest.commit), found);
    }
}
