use serde::de::DeserializeOwned;

use super::held::Held;
use crate::error::Error;
use crate::log::{Action, Entry, Key, Position};
use crate::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The newest entry of a field: where it stands and what happened there.
#[derive(Clone)]
pub(crate) struct Newest {
    pub(crate) position: Position,
    pub(crate) what: What,
}

/// What happened: an [`Action`], held.
#[derive(Clone)]
pub(crate) enum What {
    Set(Held),
    Deleted,
    Erased,
}

impl Newest {
    pub(crate) fn new(position: Position, action: &Action) -> Newest {
        let what = match action {
            Action::Set(bytes) => What::Set(bytes.into()),
            Action::Deleted => What::Deleted,
            Action::Erased { .. } => What::Erased,
        };
        Newest { position, what }
    }

    /// Returns the value that was set, `None` for a deletion. `key` names the field in errors.
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        key: impl FnOnce() -> Result<Key, Error>,
    ) -> Result<Option<T>, Error> {
        let position = self.position;
        match &self.what {
            What::Deleted => Ok(None),
            What::Erased => Err(Error::Erased { key: key()?, position }),
            What::Set(bytes) => match annals_codec::decode(bytes.as_slice()) {
                Ok(value) => Ok(Some(value)),
                Err(problem) => Err(Error::Decode { key: key()?, position, problem }),
            },
        }
    }

    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match &self.what {
            What::Set(bytes) => Some(bytes.as_slice()),
            What::Deleted | What::Erased => None,
        }
    }

    /// Returns whether the field has a value, be it one that was erased.
    pub(crate) fn has_value(&self) -> bool {
        !matches!(self.what, What::Deleted)
    }
}

impl From<&Entry> for Newest {
    fn from(entry: &Entry) -> Newest {
        Newest::new(entry.position, &entry.action)
    }
}

/// What the cache knows of one field: its newest entry, or that it has none.
pub(crate) struct Slot {
    newest: Option<Newest>,
    /// Whether it was read since the last sweep.
    used: AtomicBool,
}

impl Slot {
    pub(crate) fn new(newest: Option<Newest>) -> Slot {
        Slot { newest, used: AtomicBool::new(false) }
    }

    /// Returns the position of the entry, [`Position::START`] if there is none.
    #[inline]
    pub(crate) fn position(&self) -> Position {
        self.newest.as_ref().map_or(Position::START, |newest| newest.position)
    }

    /// Returns what is known and remembers that it was of use.
    #[inline]
    pub(crate) fn read(&self) -> &Option<Newest> {
        // A look first: a store would take the line of memory from all other readers.
        if !self.used.load(Relaxed) {
            self.used.store(true, Relaxed);
        }
        &self.newest
    }

    /// Returns whether it was read since the last call.
    pub(crate) fn take_used(&self) -> bool {
        self.used.swap(false, Relaxed)
    }

    /// Returns the bytes that it takes beyond its own place.
    pub(crate) fn shared_bytes(&self) -> usize {
        match &self.newest {
            Some(Newest { what: What::Set(bytes), .. }) => bytes.shared_bytes(),
            _ => 0,
        }
    }
}
