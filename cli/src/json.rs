//! JSON text read without losing anything.

use std::collections::BTreeMap;
use std::fmt;

use annals::codec::{Error, Registry, Value};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::failure::Failure;

/// Reads the JSON form of a value.
pub(crate) fn parse_value(text: &str, registry: &Registry) -> Result<Value, Failure> {
    Value::from_json_text(text, registry).map_err(|error| {
        let what = match error {
            Error::NotJson { .. } => "this is no JSON",
            Error::OutOfRange { .. } => "this JSON is out of range",
            _ => "this JSON is not the form of any value",
        };
        Failure::usage(what).because(&error)
    })
}

/// Reads an object, whose members stay as they are written.
pub(crate) fn parse_members(text: &str) -> Result<Members, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::usage("this is no JSON").because(&error))
}

/// Returns whether a JSON text is that of an object, if it is one at all.
pub(crate) fn is_object(text: &str) -> bool {
    text.starts_with('{')
}

/// The members of an object by name, none of them twice.
#[derive(Debug)]
pub(crate) struct Members(pub(crate) BTreeMap<String, Box<RawValue>>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
        deserializer.deserialize_map(MembersVisitor).map(Members)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = BTreeMap<String, Box<RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, member)) = entries.next_entry()? {
            if members.insert(name, member).is_some() {
                return Err(A::Error::custom("a key stands twice in an object"));
            }
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stay_as_they_are_written() {
        let Members(members) = parse_members(r#" {"b": -0, "a": [1, {"c": 1e2}]} "#).unwrap();
        let members: Vec<_> = members.iter().map(|(name, member)| (name.as_str(), member.get())).collect();
        assert_eq!(members, [("a", r#"[1, {"c": 1e2}]"#), ("b", "-0")]);
    }

    #[test]
    fn a_member_that_stands_twice_is_refused() {
        assert!(parse_members(r#"{"a": 1, "\u0061": 1}"#).is_err());
    }

    #[test]
    fn an_error_does_not_repeat_the_text() {
        let told = |failure: Failure| {
            let mut report = Vec::new();
            failure.report(&mut report).unwrap();
            String::from_utf8(report).unwrap()
        };
        let text = "{\"password\": hunter2}";
        assert!(!told(parse_members(text).unwrap_err()).contains("hunter2"));
        assert!(!told(parse_value(text, &Registry::default()).unwrap_err()).contains("hunter2"));
    }
}
