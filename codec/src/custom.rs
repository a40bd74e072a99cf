//! Stores a type of the application's own, for `#[serde(with = "annals_codec::custom")]` on a field; see
//! [`CustomType`].

use serde::de::{self, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

use crate::{CustomType, Value};

/// Writes the type's tag and content.
///
/// # Errors
/// Those of the serializer and of the type.
pub fn serialize<T: CustomType, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let content = value.to_content().map_err(ser::Error::custom)?;
    Value::Custom { tag: T::TAG, content: Box::new(content) }.serialize(serializer)
}

/// Reads the type from its content.
///
/// # Errors
/// Those of the deserializer and of the type, and whatever is stored under another tag or none.
pub fn deserialize<'de, T: CustomType, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let human_readable = deserializer.is_human_readable();
    let content = match Value::deserialize(deserializer)? {
        Value::Custom { tag, content } if tag == T::TAG => *content,
        Value::List(pair) if human_readable => {
            readable_content::<T>(pair).ok_or_else(|| mismatch::<T, _>("list"))?
        }
        other => return Err(mismatch::<T, _>(other.kind().name())),
    };
    T::from_content(content).map_err(de::Error::custom)
}

/// Returns the content from the list of tag and content that human-readable formats get.
fn readable_content<T: CustomType>(pair: Vec<Value>) -> Option<Value> {
    let [tag, content] = <[Value; 2]>::try_from(pair).ok()?;
    (tag == Value::from(T::TAG)).then_some(content)
}

fn mismatch<T: CustomType, E: de::Error>(stored: &str) -> E {
    E::invalid_type(Unexpected::Other(stored), &T::NAME)
}
