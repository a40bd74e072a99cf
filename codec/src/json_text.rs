//! Values from JSON text, without what a JSON reader would lose on the way.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json};

use crate::json::tag;
use crate::{Error, MAX_DEPTH, Registry, Value};

/// How deep JSON must be read for every value: a level of a map is at most three, `{"$map": [[…]]}`, and what stands
/// innermost may have a tag.
const JSON_DEPTH_MAX: usize = 3 * MAX_DEPTH + 1;

const NUMBER_OUT_OF_RANGE: Error = Error::OutOfRange { what: "an integer has at most 128 bits, a float 64" };

impl Value {
    /// Returns the value of a JSON text, integers of up to 128 bits among it.
    ///
    /// # Errors
    /// [`Error::NotJson`] with the place, [`Error::DuplicateKey`] where an object has a key twice,
    /// [`Error::OutOfRange`] for an integer beyond 128 bits or a float beyond 64, and those of
    /// [`from_json`](Self::from_json).
    ///
    /// ```
    /// use annals_codec::{Registry, Value};
    ///
    /// let value = Value::from_json_text("[18446744073709551616, 1e3]", &Registry::builtin())?;
    /// assert_eq!(value, Value::List(vec![(1_u128 << 64).into(), 1000.0.into()]));
    /// # Ok::<(), annals_codec::Error>(())
    /// ```
    pub fn from_json_text(text: &str, registry: &Registry) -> Result<Self, Error> {
        let json = parse(text)?;
        match with_misread_integers_tagged(text)? {
            Some(tagged) => Self::from_json(&parse(&tagged)?, registry),
            None => Self::from_json(&json, registry),
        }
    }
}

fn parse(text: &str) -> Result<Json, Error> {
    // The reader calls itself for each level, and its own limit is below that of values.
    if depth(text) > JSON_DEPTH_MAX {
        return Err(Error::TooDeep { limit: MAX_DEPTH });
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.disable_recursion_limit();
    let json = Strict::deserialize(&mut deserializer);
    json.and_then(|Strict(json)| deserializer.end().map(|()| json)).map_err(|error| match error.is_data() {
        true => Error::DuplicateKey,
        // The reader has no other sign of it.
        false if error.to_string().starts_with("number out of range") => NUMBER_OUT_OF_RANGE,
        false => Error::NotJson { line: error.line(), column: error.column() },
    })
}

/// Returns how many lists and objects stand inside one another at the most.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = json;
    while let Some(start) = rest.find(['"', '[', '{', ']', '}']) {
        let (_, token) = rest.split_at(start);
        let len = if token.starts_with('"') { text_len(token) } else { 1 };
        if token.starts_with(['[', '{']) {
            depth += 1;
            deepest = deepest.max(depth);
        } else if token.starts_with([']', '}']) {
            depth = depth.saturating_sub(1);
        }
        rest = token.get(len..).unwrap_or_default();
    }
    deepest
}

/// Returns a JSON text with tags at the integers that would be misread, if there are any.
fn with_misread_integers_tagged(json: &str) -> Result<Option<String>, Error> {
    let mut tagged = String::new();
    let mut rest = json;
    let mut done = 0;
    while let Some(start) = rest.find(['"', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) {
        let (_, token) = rest.split_at(start);
        let len = if token.starts_with('"') { text_len(token) } else { number_len(token) };
        let (token, after) = token.split_at(len);
        if is_misread(token) {
            if token.parse::<i128>().is_err() && token.parse::<u128>().is_err() {
                return Err(NUMBER_OUT_OF_RANGE);
            }
            let at = json.len() - after.len();
            tagged += json.get(done..at - len).unwrap_or_default();
            tagged += &format!(r#"{{"{}":"{token}"}}"#, tag::INT);
            done = at;
        }
        rest = after;
    }
    Ok((done > 0).then(|| tagged + json.get(done..).unwrap_or_default()))
}

/// Returns the length of the JSON text that stands here, with its quotation marks.
fn text_len(json: &str) -> usize {
    let mut is_escaped = false;
    let end = json.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(json.len(), |end| end + 2)
}

fn number_len(json: &str) -> usize {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    json.bytes().take_while(is_part).count()
}

/// Returns whether `serde_json` makes a float of an integer: beyond 64 bits, and of `-0`.
fn is_misread(token: &str) -> bool {
    let is_integer = token.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let fits = token.parse::<i64>().is_ok() || token.parse::<u64>().is_ok();
    is_integer && (!fits || token == "-0")
}

/// Any JSON, without keys that stand twice in an object.
struct Strict(Json);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
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

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Number(Number::from_f64(number).expect("JSON text has finite numbers only")))
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
                return Err(A::Error::custom("a key stands twice"));
            }
        }
        Ok(Json::Object(map))
    }
}
