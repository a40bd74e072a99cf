//! Tags where another format than ours carries a context: text formats get the lossless JSON form of
//! each value, binary ones our encoding of all of them.

use std::collections::BTreeMap;

use annals_codec::{Registry, Value};
use serde::{Deserialize, Deserializer, Serializer, de, ser};

type Tags = BTreeMap<String, Value>;

pub(super) fn serialize<S: Serializer>(tags: &Tags, serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        let registry = Registry::default();
        return serializer.collect_map(tags.iter().map(|(name, value)| (name, value.to_json(&registry))));
    }
    let bytes = annals_codec::encode(tags).map_err(ser::Error::custom)?;
    serializer.serialize_bytes(&bytes)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tags, D::Error> {
    if deserializer.is_human_readable() {
        let registry = Registry::default();
        let forms = BTreeMap::<String, serde_json::Value>::deserialize(deserializer)?;
        let tag = |(name, form)| Ok((name, Value::from_json(&form, &registry)?));
        let tags: Result<Tags, annals_codec::Error> = forms.into_iter().map(tag).collect();
        return tags.map_err(de::Error::custom);
    }
    let bytes = serde_bytes::ByteBuf::deserialize(deserializer)?;
    annals_codec::decode(&bytes).map_err(de::Error::custom)
}
