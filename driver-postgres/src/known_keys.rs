use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use annals_core::codec::Uuid;
use annals_core::{Commit, Key, Namespace, Position};
use foldhash::fast::RandomState;

use crate::parameter::Parameter;

/// The ids of keys that this process knows, so that the server need not look them up again.
///
/// Ids are given once and for ever, but a server may lose the newest commits, and with them keys: after
/// a crash those that were not synced, after a failover those that the standby lacks. The ids would then be
/// given anew, to other keys. So nothing is believed without its [`Witness`].
#[derive(Debug, Default)]
pub(crate) struct KnownKeys(Mutex<Known>);

/// The ids, and the commit that vouches for them.
#[derive(Debug, Default)]
pub(crate) struct Known {
    witness: Option<Witness>,
    ids: HashMap<Key, i32, RandomState>,
    keys: HashMap<i32, Key, RandomState>,
    /// Those of the keys, each once: a walk comes by few of them more often than by many.
    namespaces: HashSet<Namespace, RandomState>,
    /// How often all was forgotten.
    age: u64,
}

/// A commit. A log that has it has all that was there before it, since logs only grow at their end: so
/// also the keys that were known by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Witness {
    pub(crate) last: Position,
    pub(crate) id: Uuid,
}

impl Witness {
    pub(crate) fn of(commit: &Commit) -> Witness {
        Witness { last: commit.last, id: commit.id.uuid() }
    }

    /// Returns its end and its id, those of no commit if there is none.
    pub(crate) fn parameters(witness: Option<Witness>) -> [Parameter; 2] {
        let last = witness.map_or(0, |witness| witness.last.to_i64());
        [Parameter::number(last), Parameter::id_or_null(witness.map(|witness| witness.id))]
    }
}

impl KnownKeys {
    /// More keys are not kept: some 20 MiB.
    const KEYS_MAX: usize = 1 << 16;

    /// Returns what is known.
    pub(crate) fn read(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the ids of keys that `after` vouches for, whose log was seen to have `before` too.
    ///
    /// Nothing is kept if another witness has taken the place of `before` meanwhile: nobody knows then
    /// whether both saw the same log.
    pub(crate) fn learn(
        &self,
        before: Option<Witness>,
        after: Witness,
        found: impl IntoIterator<Item = (Key, i32)>,
    ) {
        let mut known = self.read();
        if known.witness != before {
            return;
        }
        if before.is_none_or(|before| before.last < after.last) {
            known.witness = Some(after);
        }
        for (key, id) in found {
            if known.ids.len() == Self::KEYS_MAX {
                known.ids.clear();
                known.keys.clear();
                known.namespaces.clear();
            }
            let key = known.sharing(key);
            known.keys.insert(id, key.clone());
            known.ids.insert(key, id);
        }
    }

    /// Forgets all, since the log is another one.
    pub(crate) fn forget(&self) {
        let mut known = self.read();
        *known = Known { age: known.age + 1, ..Known::default() };
    }
}

impl Known {
    /// Returns the same key, with the namespace that other keys have.
    fn sharing(&mut self, key: Key) -> Key {
        match self.namespaces.get(key.namespace()) {
            Some(namespace) => Key::new(namespace.clone(), key.field().clone()).unwrap_or(key),
            None => {
                self.namespaces.insert(key.namespace().clone());
                key
            }
        }
    }

    pub(crate) fn witness(&self) -> Option<Witness> {
        self.witness
    }

    /// Returns a number that changes when all is forgotten.
    pub(crate) fn age(&self) -> u64 {
        self.age
    }

    pub(crate) fn id(&self, key: &Key) -> Option<i32> {
        self.ids.get(key).copied()
    }

    pub(crate) fn key(&self, id: i32) -> Option<&Key> {
        self.keys.get(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn witness(last: u64) -> Witness {
        Witness { last: Position::new(last).unwrap(), id: Uuid::from_bytes([7; 16]) }
    }

    fn key(number: usize) -> Key {
        Key::parse(&format!("record/{number}"), "field").unwrap()
    }

    fn state<const N: usize>(known: &KnownKeys, numbers: [usize; N]) -> (Option<Witness>, [Option<i32>; N]) {
        let known = known.read();
        (known.witness(), numbers.map(|number| known.id(&key(number))))
    }

    #[test]
    fn what_one_witness_saw_is_kept_under_the_next_one() {
        let known = KnownKeys::default();
        known.learn(None, witness(3), [(key(1), 1)]);
        known.learn(Some(witness(3)), witness(5), [(key(4), 4)]);
        assert_eq!(state(&known, [1, 4]), (Some(witness(5)), [Some(1), Some(4)]));
        assert_eq!(known.read().key(4), Some(&key(4)));
        known.forget();
        assert_eq!(state(&known, [1, 4]), (None, [None, None]));
    }

    #[test]
    fn what_was_seen_beside_another_witness_is_not_kept() {
        let known = KnownKeys::default();
        known.learn(None, witness(3), [(key(1), 1)]);
        known.learn(None, witness(9), [(key(8), 8)]);
        assert_eq!(state(&known, [1, 8]), (Some(witness(3)), [Some(1), None]));
    }

    #[test]
    fn an_earlier_commit_vouches_for_nothing_that_came_later() {
        let known = KnownKeys::default();
        known.learn(None, witness(5), [(key(4), 4)]);
        known.learn(Some(witness(5)), witness(3), [(key(1), 1)]);
        assert_eq!(state(&known, [1, 4]), (Some(witness(5)), [Some(1), Some(4)]));
    }

    #[test]
    fn keys_of_one_record_share_its_name() {
        let known = KnownKeys::default();
        let key = |field| Key::parse("record", field).unwrap();
        known.learn(None, witness(3), [(key("one"), 1), (key("two"), 2)]);
        let known = known.read();
        let [one, two] = [1, 2].map(|id| known.key(id).unwrap());
        assert_eq!((one, two), (&key("one"), &key("two")));
        assert_eq!(one.namespace().as_str().as_ptr(), two.namespace().as_str().as_ptr());
    }

    #[test]
    fn no_more_keys_are_kept_than_there_is_room_for() {
        let known = KnownKeys::default();
        let last = KnownKeys::KEYS_MAX + 1;
        known.learn(None, witness(last as u64), (1..=last).map(key).zip(1..));
        let id = known.read().id(&key(last));
        assert_eq!(state(&known, [1, last]), (Some(witness(last as u64)), [None, id]));
        assert_eq!(id.and_then(|id| usize::try_from(id).ok()), Some(last));
        let known = known.read();
        assert_eq!((known.ids.len(), known.keys.len(), known.namespaces.len()), (1, 1, 1));
    }
}
