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
        match &self.action {
            Action::Set(bytes) => annals_codec::decode(bytes).map(Some).map_err(|problem| Error::Decode {
                key: self.key.clone(),
                position: self.position,
                problem,
            }),
            Action::Deleted => Ok(None),
            Action::Erased { .. } => Err(Error::Erased { key: self.key.clone(), position: self.position }),
        }
    }

    /// Returns the value that was set as a dynamic [`Value`], `None` for a deletion.
    ///
    /// # Errors
    /// As [`Entry::get`]; bytes that are not canonical count as damaged.
    pub fn value(&self) -> Result<Option<Value>, Error> {
        match &self.action {
            Action::Set(bytes) => Value::from_bytes(bytes).map(Some).map_err(|problem| Error::Decode {
                key: self.key.clone(),
                position: self.position,
                problem,
            }),
            Action::Deleted => Ok(None),
            Action::Erased { .. } => Err(Error::Erased { key: self.key.clone(), position: self.position }),
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
}
