//! The lossless JSON form of values.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Number, Value as Json, json};

use crate::reader::deeper;
use crate::{Complex, Error, Integer, Kind, MAX_DEPTH, Map, Registry, Value};

/// Tags of the one-member objects that stand for what JSON has no word for.
pub(crate) mod tag {
    pub(crate) const INT: &str = "$int";
    pub(super) const F64: &str = "$f64";
    pub(super) const BYTES: &str = "$bytes";
    pub(super) const DECIMAL: &str = "$decimal";
    pub(super) const UUID: &str = "$uuid";
    pub(super) const TIMESTAMP: &str = "$timestamp";
    pub(super) const DATETIME: &str = "$datetime";
    pub(super) const DATE: &str = "$date";
    pub(super) const TIME: &str = "$time";
    pub(super) const DURATION: &str = "$duration";
    pub(super) const COMPLEX: &str = "$complex";
    pub(super) const SET: &str = "$set";
    pub(super) const TUPLE: &str = "$tuple";
    pub(super) const MAP: &str = "$map";
    pub(super) const CUSTOM: &str = "$custom";
}

impl Value {
    /// Returns the JSON form, from which [`from_json`](Self::from_json) makes an equal value again.
    ///
    /// It is plain JSON where that is exact: null, booleans, integers within 64 bits, finite floats (always with a point
    /// or an exponent when printed, so that `1.0` stays a float), text, lists, and maps whose keys are texts that do not
    /// start with `$`. Everything else is an object of one member that names the kind:
    ///
    /// | kind | form |
    /// |---|---|
    /// | integer beyond 64 bits | `{"$int": "18446744073709551616"}` |
    /// | other float | `{"$f64": "NaN"}`, `"Infinity"`, `"-Infinity"` |
    /// | bytes | `{"$bytes": "AQID"}`, base64 with padding |
    /// | decimal | `{"$decimal": "1.10"}` |
    /// | uuid | `{"$uuid": "0190163d-8694-739b-aea5-966c26f8ad91"}` |
    /// | timestamp | `{"$timestamp": "2026-04-08T05:53:44+00:00"}` |
    /// | datetime | `{"$datetime": "2026-04-08T05:53:44.250000"}` |
    /// | date | `{"$date": "2026-04-08"}` |
    /// | time | `{"$time": "05:53:44"}` |
    /// | duration | `{"$duration": "-PT1M30S"}` |
    /// | complex | `{"$complex": [1.0, -0.5]}` |
    /// | set | `{"$set": [1, 2]}` |
    /// | tuple | `{"$tuple": [1, "one"]}` |
    /// | other map | `{"$map": [[1, "one"], ["$x", null]]}` |
    /// | custom | `{"$custom": ["python.random", …]}`, or the tag's number where it has no name |
    ///
    /// ```
    /// use annals_codec::{Registry, Value};
    ///
    /// let value = Value::map([("price", Value::Decimal("1.10".parse()?)), ("count", 3.into())]);
    /// let json = value.to_json(&Registry::builtin());
    /// assert_eq!(json.to_string(), r#"{"count":3,"price":{"$decimal":"1.10"}}"#);
    /// assert_eq!(Value::from_json(&json, &Registry::builtin())?, value);
    /// # Ok::<(), annals_codec::Error>(())
    /// ```
    #[must_use]
    pub fn to_json(&self, registry: &Registry) -> Json {
        let items = |items: &mut dyn Iterator<Item = &Self>| {
            items.map(|item| item.to_json(registry)).collect::<Json>()
        };
        match self {
            Self::Null => Json::Null,
            Self::Bool(truth) => Json::Bool(*truth),
            Self::Integer(integer) => integer_to_json(*integer),
            Self::Float(number) => float_to_json(*number),
            Self::Text(text) => Json::String(text.clone()),
            Self::Bytes(bytes) => tagged(tag::BYTES, BASE64.encode(bytes)),
            Self::List(list) => items(&mut list.iter()),
            Self::Map(map) => map_to_json(map, registry),
            Self::Decimal(decimal) => tagged(tag::DECIMAL, decimal.as_str()),
            Self::Uuid(uuid) => tagged(tag::UUID, uuid.to_string()),
            Self::Timestamp(timestamp) => tagged(tag::TIMESTAMP, timestamp.to_string()),
            Self::DateTime(datetime) => tagged(tag::DATETIME, datetime.to_string()),
            Self::Date(date) => tagged(tag::DATE, date.to_string()),
            Self::Time(time) => tagged(tag::TIME, time.to_string()),
            Self::Duration(duration) => tagged(tag::DURATION, duration.to_string()),
            Self::Complex(complex) => {
                tagged(tag::COMPLEX, json!([float_to_json(complex.re), float_to_json(complex.im)]))
            }
            Self::Set(set) => tagged(tag::SET, items(&mut set.iter())),
            Self::Tuple(tuple) => tagged(tag::TUPLE, items(&mut tuple.iter())),
            Self::Custom { tag, content } => {
                let name = registry.name(*tag).map_or(Json::from(*tag), Json::from);
                tagged(tag::CUSTOM, json!([name, content.to_json(registry)]))
            }
        }
    }

    /// Returns the value of a JSON form, which need not be the one that [`to_json`](Self::to_json) gives.
    ///
    /// A number is an integer if it was written without point and exponent. Of an integer beyond 64 bits, however,
    /// `serde_json` has already made a float; to keep it, start from the text: [`from_json_text`](Self::from_json_text).
    ///
    /// # Errors
    /// [`Error::UnknownJsonTag`] and [`Error::MalformedJson`], which name the tag; [`Error::UnknownName`] and
    /// [`Error::NotAccepted`] for custom types; [`Error::DuplicateKey`], [`Error::DuplicateItem`];
    /// [`Error::TooDeep`] beyond [`MAX_DEPTH`] levels.
    pub fn from_json(json: &Json, registry: &Registry) -> Result<Self, Error> {
        FromJson { registry, levels: MAX_DEPTH }.value(json)
    }
}

fn tagged(tag: &str, payload: impl Into<Json>) -> Json {
    Json::Object([(tag.to_owned(), payload.into())].into_iter().collect())
}

fn integer_to_json(integer: Integer) -> Json {
    match (u64::try_from(integer), i64::try_from(integer)) {
        (Ok(number), _) => number.into(),
        (_, Ok(number)) => number.into(),
        _ => tagged(tag::INT, integer.to_string()),
    }
}

fn float_to_json(number: f64) -> Json {
    let special = match number {
        f64::INFINITY => "Infinity",
        f64::NEG_INFINITY => "-Infinity",
        _ => "NaN",
    };
    Number::from_f64(number).map_or_else(|| tagged(tag::F64, special), Json::Number)
}

fn map_to_json(map: &Map, registry: &Registry) -> Json {
    let plain = |(key, value): (&Value, &Value)| match key {
        Value::Text(key) if !key.starts_with('$') => Some((key.clone(), value.to_json(registry))),
        _ => None,
    };
    let pair = |(key, value): (&Value, &Value)| json!([key.to_json(registry), value.to_json(registry)]);
    match map.iter().map(plain).collect() {
        Some(object) => Json::Object(object),
        None => tagged(tag::MAP, map.iter().map(pair).collect::<Json>()),
    }
}

#[derive(Clone, Copy)]
struct FromJson<'r> {
    registry: &'r Registry,
    levels: usize,
}

impl FromJson<'_> {
    fn value(self, json: &Json) -> Result<Value, Error> {
        Ok(match json {
            Json::Null => Value::Null,
            Json::Bool(truth) => Value::Bool(*truth),
            Json::Number(number) => number_from_json(number)?,
            Json::String(text) => Value::Text(text.clone()),
            Json::Array(items) => Value::List(self.inside()?.items(items)?),
            Json::Object(members) => match tag_of(members)? {
                Some((tag, payload)) => self.tagged(tag, payload)?,
                None => Value::Map(self.inside()?.members(members)?),
            },
        })
    }

    fn inside(self) -> Result<Self, Error> {
        Ok(Self { levels: deeper(self.levels)?, ..self })
    }

    fn items(self, items: &[Json]) -> Result<Vec<Value>, Error> {
        items.iter().map(|item| self.value(item)).collect()
    }

    fn members(self, members: &serde_json::Map<String, Json>) -> Result<Map, Error> {
        members.iter().map(|(key, value)| Ok((Value::from(key.as_str()), self.value(value)?))).collect()
    }

    fn tagged(self, tag: &str, payload: &Json) -> Result<Value, Error> {
        if let Some(value) = payload.as_str().and_then(|text| spelled(tag, text)) {
            return Ok(value);
        }
        let (kind, items) = match (kind_of_tag(tag), payload) {
            (Some(kind), Json::Array(items)) => (kind, items),
            (Some(kind), _) => return Err(Error::MalformedJson { kind }),
            (None, _) => return Err(Error::UnknownJsonTag),
        };
        let inside = self.inside()?;
        match kind {
            Kind::Tuple => Ok(Value::Tuple(inside.items(items)?)),
            Kind::Set => inside.set(items),
            Kind::Map => inside.map(items),
            Kind::Complex => inside.complex(items),
            Kind::Custom => inside.custom(items),
            _ => Err(Error::MalformedJson { kind }),
        }
    }

    fn set(self, items: &[Json]) -> Result<Value, Error> {
        let set: BTreeSet<Value> = self.items(items)?.into_iter().collect();
        if set.len() == items.len() { Ok(Value::Set(set)) } else { Err(Error::DuplicateItem) }
    }

    fn map(self, pairs: &[Json]) -> Result<Value, Error> {
        let mut map = Map::new();
        for pair in pairs {
            let [key, value] = fixed(Kind::Map, pair.as_array().map(Vec::as_slice).unwrap_or_default())?;
            if map.insert(self.value(key)?, self.value(value)?).is_some() {
                return Err(Error::DuplicateKey);
            }
        }
        Ok(Value::Map(map))
    }

    fn complex(self, parts: &[Json]) -> Result<Value, Error> {
        let [re, im] = fixed(Kind::Complex, parts)?;
        let part = |json| {
            let number = match self.value(json)? {
                Value::Float(number) => Some(number),
                Value::Integer(number) => i32::try_from(number).ok().map(f64::from),
                _ => None,
            };
            number.ok_or(Error::MalformedJson { kind: Kind::Complex })
        };
        Ok(Value::Complex(Complex { re: part(re)?, im: part(im)? }))
    }

    fn custom(self, parts: &[Json]) -> Result<Value, Error> {
        let [name, content] = fixed(Kind::Custom, parts)?;
        let tag = match name {
            Json::String(name) => self.registry.tag(name).ok_or(Error::UnknownName)?,
            _ => name
                .as_u64()
                .and_then(|tag| u32::try_from(tag).ok())
                .ok_or(Error::MalformedJson { kind: Kind::Custom })?,
        };
        let content = Box::new(self.value(content)?);
        self.registry.accept_if_known(tag, &content)?;
        Ok(Value::Custom { tag, content })
    }
}

fn number_from_json(number: &Number) -> Result<Value, Error> {
    let integer = number.as_u64().map(Value::from).or_else(|| number.as_i64().map(Value::from));
    let value = integer.or_else(|| number.as_f64().filter(|float| float.is_finite()).map(Value::Float));
    value.ok_or(Error::MalformedJson { kind: Kind::Float })
}

/// Returns the one member of an object, if its name is a tag.
fn tag_of(members: &serde_json::Map<String, Json>) -> Result<Option<(&str, &Json)>, Error> {
    let mut tags = members.iter().filter(|(name, _)| name.starts_with('$'));
    match (tags.next(), members.len()) {
        (None, _) => Ok(None),
        (Some((tag, payload)), 1) => Ok(Some((tag, payload))),
        (Some(_), _) => Err(Error::MalformedJson { kind: Kind::Map }),
    }
}

fn kind_of_tag(tag: &str) -> Option<Kind> {
    Some(match tag {
        tag::INT => Kind::Integer,
        tag::F64 => Kind::Float,
        tag::BYTES => Kind::Bytes,
        tag::DECIMAL => Kind::Decimal,
        tag::UUID => Kind::Uuid,
        tag::TIMESTAMP => Kind::Timestamp,
        tag::DATETIME => Kind::DateTime,
        tag::DATE => Kind::Date,
        tag::TIME => Kind::Time,
        tag::DURATION => Kind::Duration,
        tag::COMPLEX => Kind::Complex,
        tag::SET => Kind::Set,
        tag::TUPLE => Kind::Tuple,
        tag::MAP => Kind::Map,
        tag::CUSTOM => Kind::Custom,
        _ => return None,
    })
}

/// Returns what a text under a tag spells.
fn spelled(tag: &str, text: &str) -> Option<Value> {
    match tag {
        tag::INT => text.parse().ok().map(Value::Integer),
        tag::F64 => special_float(text).map(Value::Float),
        tag::BYTES => BASE64.decode(text).ok().map(Value::Bytes),
        tag::DECIMAL => text.parse().ok().map(Value::Decimal),
        tag::UUID => text.parse().ok().map(Value::Uuid),
        tag::TIMESTAMP => text.parse().ok().map(Value::Timestamp),
        tag::DATETIME => text.parse().ok().map(Value::DateTime),
        tag::DATE => text.parse().ok().map(Value::Date),
        tag::TIME => text.parse().ok().map(Value::Time),
        tag::DURATION => text.parse().ok().map(Value::Duration),
        _ => None,
    }
}

fn special_float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn fixed(kind: Kind, items: &[Json]) -> Result<&[Json; 2], Error> {
    items.try_into().map_err(|_| Error::MalformedJson { kind })
}
