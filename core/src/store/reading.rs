use annals_codec::Value;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::log::{Action, Change, Entry};

impl Entry {
    /// Returns the value that was set, `None` for a deletion.
    ///
    /// # Errors
    /// [`Error::Decode`] if the stored bytes are no `T`; [`Error::Erased`] if they are gone.
    pub fn get<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        self.read(|bytes| annals_codec::decode(bytes))
    }

    /// Returns the value that was set as a dynamic [`Value`], `None` for a deletion.
    ///
    /// # Errors
    /// As [`Entry::get`]; bytes that are not canonical count as damaged.
    pub fn value(&self) -> Result<Option<Value>, Error> {
        self.read(Value::from_bytes)
    }

    fn read<T>(
        &self,
        decode: impl FnOnce(&[u8]) -> Result<T, annals_codec::Error>,
    ) -> Result<Option<T>, Error> {
        let Entry { key, position, .. } = self;
        match &self.action {
            Action::Set(bytes) => decode(bytes).map(Some).map_err(|problem| Error::Decode {
                key: key.clone(),
                position: *position,
                problem,
            }),
            Action::Deleted => Ok(None),
            Action::Erased { .. } => Err(Error::Erased { key: key.clone(), position: *position }),
        }
    }
}

impl Change {
    /// Returns the value that was set, `None` for a deletion.
    ///
    /// # Errors
    /// As [`Entry::get`].
    pub fn get<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        self.entry.get()
    }

    /// Returns the value that was set as a dynamic [`Value`], `None` for a deletion.
    ///
    /// # Errors
    /// As [`Entry::value`].
    pub fn value(&self) -> Result<Option<Value>, Error> {
        self.entry.value()
    }

    /// Returns whether the field has a value after it, be it one that was erased.
    pub(crate) fn has_value(&self) -> bool {
        self.entry.action != Action::Deleted
    }
}
