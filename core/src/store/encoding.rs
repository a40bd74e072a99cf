//! How a store encodes values, and which are the same: also as its custom types see it.

use std::sync::Arc;

use serde::Serialize;

use super::handle::Store;
use crate::error::Error;

impl Store {
    /// Returns the canonical bytes as which `value` is stored; `what` names it in errors.
    ///
    /// # Errors
    /// [`Error::Encode`] if it cannot be encoded, or holds a custom value that the store's
    /// [registry](Store::registry) does not accept.
    pub fn encode<T: Serialize + ?Sized>(&self, what: &str, value: &T) -> Result<Arc<[u8]>, Error> {
        let refuse = |problem| Error::Encode { what: what.to_owned(), problem };
        let bytes = annals_codec::encode(value).map_err(refuse)?;
        if annals_codec::may_hold_custom(&bytes) {
            let value = annals_codec::Value::from_bytes(&bytes).map_err(refuse)?;
            self.registry().check(&value).map_err(refuse)?;
        }
        Ok(bytes.into())
    }

    /// Returns whether two encoded values are the same: equal bytes, or equal by their custom types'
    /// own equality.
    #[must_use]
    pub fn same(&self, a: &[u8], b: &[u8]) -> bool {
        let value = |bytes| annals_codec::Value::from_bytes(bytes).ok();
        a == b
            || annals_codec::may_hold_custom(a)
                && value(a).zip(value(b)).is_some_and(|(a, b)| self.registry().same(&a, &b))
    }
}
