//! Values as the package writes them, one byte for the type and then JSON, as ours.

use annals::codec::{Complex, Date, DateTime, Decimal, Integer, Map, OffsetTimestamp, Registry, Uuid, Value};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

/// The custom type `python.random`: what `random.Random().getstate()` gives.
const RANDOM_TAG: u32 = 1;

/// The custom type `python.raw`: a tuple of the type id and the payload.
const RAW_TAG: u32 = 2;

/// A value in our bytes.
pub(super) struct Kept {
    pub(super) bytes: Vec<u8>,
    /// Whether the type is unknown, or the payload says nothing that a [`Value`] can hold.
    pub(super) is_raw: bool,
}

/// Returns our bytes of a value.
pub(super) fn keep(type_id: u8, payload: &[u8]) -> Kept {
    match read(type_id, payload).and_then(|value| value.to_bytes().ok()) {
        Some(bytes) => Kept { bytes, is_raw: false },
        None => Kept { bytes: raw(type_id, payload), is_raw: true },
    }
}

/// Returns whether the package itself writes values of this type.
pub(super) fn is_known(type_id: u8) -> bool {
    matches!(type_id, 0..=13 | 128..=131 | 133)
}

fn raw(type_id: u8, payload: &[u8]) -> Vec<u8> {
    let content = Value::Tuple(vec![Value::from(type_id), Value::Bytes(payload.to_vec())]);
    let raw = Value::Custom { tag: RAW_TAG, content: Box::new(content) };
    raw.to_bytes().expect("a number and a string of bytes are shallow and within a row's size")
}

fn read(type_id: u8, payload: &[u8]) -> Option<Value> {
    Some(match type_id {
        0 => Value::Integer(integer(payload)?),
        // Not a number and the infinities were written as null; which one is not known any more.
        1 => json::<Option<f64>>(payload)?.into(),
        2 => Value::Text(json(payload)?),
        3 => Value::Tuple(items(payload)?),
        4 | 130 => Value::Bytes(base64(payload)?),
        5 => Value::Bool(json(payload)?),
        6 => {
            let (re, im) = json(payload)?;
            Value::Complex(Complex { re, im })
        }
        7 => {
            json::<()>(payload)?;
            Value::Null
        }
        8 => Value::Decimal(json::<String>(payload)?.parse::<Decimal>().ok()?),
        9 | 131 => Value::Set(items(payload)?.into_iter().collect()),
        10 => Value::Date(json::<String>(payload)?.parse::<Date>().ok()?),
        11 => Value::Time(json::<String>(payload)?.parse().ok()?),
        12 => moment(&json::<String>(payload)?)?,
        13 => Value::Uuid(Uuid::from_bytes(base64(payload)?.try_into().ok()?)),
        128 => Value::List(items(payload)?),
        129 => Value::Map(members(json(payload)?)),
        133 => random_state(payload)?,
        _ => return None,
    })
}

fn json<T: DeserializeOwned>(payload: &[u8]) -> Option<T> {
    serde_json::from_slice(payload).ok()
}

/// Read as text, so that no digit is lost beyond 64 bits.
fn integer(payload: &[u8]) -> Option<Integer> {
    std::str::from_utf8(payload).ok()?.trim().parse().ok()
}

fn base64(payload: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(json::<String>(payload)?).ok()
}

fn items(payload: &[u8]) -> Option<Vec<Value>> {
    json::<Vec<Json>>(payload).map(|items| items.into_iter().map(plain).collect())
}

fn members(members: serde_json::Map<String, Json>) -> Map {
    members.into_iter().map(|(name, member)| (Value::Text(name), plain(member))).collect()
}

fn plain(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(truth),
        Json::Number(number) => {
            let integer = number.as_i64().map(Value::from).or_else(|| number.as_u64().map(Value::from));
            integer.unwrap_or_else(|| number.as_f64().into())
        }
        Json::String(text) => Value::Text(text),
        Json::Array(items) => Value::List(items.into_iter().map(plain).collect()),
        Json::Object(object) => Value::Map(members(object)),
    }
}

/// A `datetime` with or without an offset.
fn moment(text: &str) -> Option<Value> {
    let with_offset = text.parse::<OffsetTimestamp>().map(Value::Timestamp);
    with_offset.or_else(|_| text.parse::<DateTime>().map(Value::DateTime)).ok()
}

/// JSON knows no tuples; the state is a tuple that holds a tuple.
fn random_state(payload: &[u8]) -> Option<Value> {
    let (version, state, gauss) = json::<(u32, Vec<u64>, Option<f64>)>(payload)?;
    let state = state.into_iter().map(Value::from).collect();
    let content = Value::Tuple(vec![version.into(), Value::Tuple(state), gauss.into()]);
    let random = Value::Custom { tag: RANDOM_TAG, content: Box::new(content) };
    Registry::builtin().check(&random).ok()?;
    Some(random)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(type_id: u8, payload: &str) -> Value {
        Value::from_bytes(&keep(type_id, payload.as_bytes()).bytes).unwrap()
    }

    fn text_list(items: &[&str]) -> Vec<Value> {
        items.iter().map(|item| Value::from(*item)).collect()
    }

    #[test]
    fn every_type_of_the_package_has_its_place() {
        let spelled = |text: &str| text.parse::<Decimal>().unwrap();
        let cases: Vec<(u8, &str, Value)> = vec![
            (0, "-821353333820", (-821_353_333_820_i64).into()),
            (0, "18446744073709551615", u64::MAX.into()),
            (0, "-170141183460469231731687303715884105728", i128::MIN.into()),
            (1, "2.5", 2.5.into()),
            (1, "-0.0", (-0.0).into()),
            (1, "1e-7", 1e-7.into()),
            (1, "null", Value::Null),
            (2, r#""naïve \u2615""#, "naïve ☕".into()),
            (
                3,
                r#"[7,"x",null,[1]]"#,
                Value::Tuple(vec![7.into(), "x".into(), Value::Null, vec![1.into()].into()]),
            ),
            (4, r#""AP8=""#, Value::Bytes(vec![0, 255])),
            (5, "true", true.into()),
            (6, "[0.5,-1.0]", Complex { re: 0.5, im: -1.0 }.into()),
            (7, "null", Value::Null),
            (8, r#""1.10""#, spelled("1.10").into()),
            (8, r#""-Infinity""#, spelled("-Infinity").into()),
            (8, r#""1E+1000""#, spelled("1E+1000").into()),
            (9, r#"["b","f"]"#, Value::Set(text_list(&["f", "b"]).into_iter().collect())),
            (10, r#""2016-05-04""#, Date::new(2016, 5, 4).unwrap().into()),
            (11, r#""23:21:57.756531""#, annals::codec::Time::new(23, 21, 57, 756_531).unwrap().into()),
            (12, r#""2026-01-01T13:30:00""#, "2026-01-01T13:30:00".parse::<DateTime>().unwrap().into()),
            (
                12,
                r#""2026-04-08T05:53:44+05:30""#,
                "2026-04-08T05:53:44+05:30".parse::<OffsetTimestamp>().unwrap().into(),
            ),
            (
                13,
                r#""q5klSukB41zUfTgNgfnB9g==""#,
                "ab99254a-e901-e35c-d47d-380d81f9c1f6".parse::<Uuid>().unwrap().into(),
            ),
            (
                128,
                r#"["sword",24,2.0,18446744073709551615]"#,
                vec!["sword".into(), 24.into(), 2.0.into(), u64::MAX.into()].into(),
            ),
            (
                129,
                r#"{"b":1,"a":{"":true}}"#,
                Value::map([("a", Value::map([("", true.into())])), ("b", 1.into())]),
            ),
            (130, r#""""#, Value::Bytes(vec![])),
            (131, "[1,true,1.0]", Value::Set([1.into(), true.into(), 1.0.into()].into())),
        ];
        for (type_id, payload, expected) in cases {
            assert_eq!(kept(type_id, payload), expected, "type {type_id}, {payload}");
        }
    }

    #[test]
    fn a_random_state_is_the_custom_type_of_that_name() {
        let words = vec!["4294967295"; 625].join(",");
        let value = kept(133, &format!("[3,[{words}],null]"));
        let Value::Custom { tag, content } = &value else { panic!("a custom value") };
        assert_eq!(Registry::builtin().name(*tag), Some("python.random"));
        let Some([version, Value::Tuple(state), gauss]) = content.as_items() else {
            panic!("a tuple of three")
        };
        assert_eq!((version, state.len(), gauss), (&3.into(), 625, &Value::Null));
        assert_eq!(state.first(), Some(&u32::MAX.into()));
    }

    #[test]
    fn what_no_value_can_hold_is_kept_raw() {
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(!keep(128, nested(127).as_bytes()).is_raw, "within the depth that a value may have");
        let deep = nested(200);
        for (type_id, payload) in [
            (0, "340282366920938463463374607431768211456"),
            (0, "1.5"),
            (0, ""),
            (1, "1e999"),
            (2, "\"open"),
            (2, "\"more\" than one"),
            (3, "{}"),
            (4, r#""not base64!""#),
            (5, "1"),
            (6, "[1.0]"),
            (6, "[null,1.0]"),
            (7, "0"),
            (8, r#""one""#),
            (8, "1.5"),
            (10, r#""2016-02-30""#),
            (11, r#""10:00:00+02:00""#),
            (12, r#""2026-01-01""#),
            (12, r#""1890-01-01T00:00:00+00:53:28.000001""#),
            (13, r#""AP8=""#),
            (14, "null"),
            (128, &deep),
            (129, "[]"),
            (129, "\u{1}"),
            (133, "[3,[1,2,3],null]"),
            (255, ""),
        ] {
            let Kept { bytes, is_raw } = keep(type_id, payload.as_bytes());
            assert!(is_raw, "type {type_id}, {payload}");
            let content = Value::Tuple(vec![type_id.into(), Value::Bytes(payload.as_bytes().to_vec())]);
            let raw = Value::Custom { tag: RAW_TAG, content: Box::new(content) };
            assert_eq!(Value::from_bytes(&bytes).unwrap(), raw, "type {type_id}, {payload}");
            assert_eq!(Registry::builtin().check(&raw), Ok(()));
        }
        assert_eq!(Registry::builtin().name(RAW_TAG), Some("python.raw"));
    }
}
