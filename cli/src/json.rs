//! JSON text read without losing anything.

use std::fmt;

use annals::codec::{Registry, Value};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json};

use crate::failure::Failure;

/// Reads JSON and refuses what would change silently on the way: a key that stands twice in an
/// object, a whole number beyond 64 bits.
pub(crate) fn parse(text: &str) -> Result<Json, Failure> {
    let refuse = |error: serde_json::Error| Failure::usage("this is no JSON").because(&error);
    let Strict(json) = serde_json::from_str(text).map_err(refuse)?;
    if has_long_integer(text) {
        return Err(Failure::usage("a whole number in this JSON is beyond 64 bits")
            .help("write it as {\"$int\": \"…\"}, or with a decimal point if it is a float"));
    }
    Ok(json)
}

/// Reads the JSON form of a value.
pub(crate) fn parse_value(text: &str, registry: &Registry) -> Result<Value, Failure> {
    value(&parse(text)?, registry)
}

/// Returns the value whose JSON form is `json`.
pub(crate) fn value(json: &Json, registry: &Registry) -> Result<Value, Failure> {
    Value::from_json(json, registry)
        .map_err(|error| Failure::usage("this JSON is not the form of any value").because(&error))
}

/// Returns whether there is a number without point or exponent that neither `i64` nor `u64` holds.
/// serde_json reads such a one as a float, rounded.
fn has_long_integer(text: &str) -> bool {
    // Every other piece between quotes that are not escaped lies outside of strings.
    let mut in_string = false;
    let mut escaped = false;
    let outside = text.chars().map(|character| {
        let quote = character == '"' && !escaped;
        escaped = in_string && character == '\\' && !escaped;
        in_string ^= quote;
        if in_string { '"' } else { character }
    });
    let outside: String = outside.collect();
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
    outside
        .split(|character| !is_number(character))
        .filter(|piece| piece.len() >= 19 && !piece.contains(['.', 'e', 'E']))
        .any(|piece| piece.parse::<i64>().is_err() && piece.parse::<u64>().is_err())
}

/// Any JSON, without keys that stand twice in an object.
struct Strict(Json);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Strict, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Json, E> {
        Ok(truth.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Json, E> {
        Number::from_f64(number).map(Json::Number).ok_or_else(|| E::custom("a number is out of range"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut map = Map::new();
        while let Some((key, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom("a key stands twice in an object"));
            }
        }
        Ok(Json::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_read_as_it_stands() {
        let text = r#"{"a": [1, -2, 1.5, "x\"12345678901234567890123"], "b": null, "c": {"d": true}}"#;
        let expected = json!({"a": [1, -2, 1.5, "x\"12345678901234567890123"], "b": null, "c": {"d": true}});
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_at_any_depth() {
        assert!(parse(r#"{"a": 1, "b": [{"c": 1, "c": 2}]}"#).is_err());
    }

    #[test]
    fn whole_numbers_that_would_be_rounded_are_refused() {
        assert_eq!(parse("18446744073709551615").unwrap(), json!(u64::MAX));
        assert_eq!(parse("-9223372036854775808").unwrap(), json!(i64::MIN));
        assert!(parse("18446744073709551616").is_err());
        assert!(parse("[-9223372036854775809]").is_err());
        assert_eq!(parse("18446744073709551616.0").unwrap(), json!(18_446_744_073_709_551_616.0));
    }

    #[test]
    fn an_error_does_not_repeat_the_text() {
        let failure = parse("{\"password\": hunter2}").unwrap_err();
        let mut report = Vec::new();
        failure.report(&mut report).unwrap();
        assert!(!String::from_utf8(report).unwrap().contains("hunter2"));
    }
}
