//! No stored value ever reaches the text of an error.

use std::fmt::Debug;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::test_values::any_value;
use crate::{Date, Decimal, Registry, Set, Timestamp, Tuple, Uuid, Value, decode, encode};
use proptest::prelude::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    #[serde(rename = "field")]
    _field: u8,
}

#[derive(Debug, Deserialize)]
enum Choice {
    Left,
    Right(#[expect(dead_code, reason = "only read to fail")] u8),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Small(#[expect(dead_code, reason = "only read to fail")] u8),
    Named(#[expect(dead_code, reason = "only read to fail")] Strict),
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    One {
        #[serde(rename = "number")]
        _number: u8,
    },
}

#[derive(Debug)]
struct Quoting;

impl<'de> Deserialize<'de> for Quoting {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Err(serde::de::Error::custom(format!("I cannot take {value:?}")))
    }
}

fn message<T: DeserializeOwned + Debug>(value: &Value) -> String {
    decode::<T>(&value.to_bytes().unwrap()).unwrap_err().to_string()
}

fn messages(value: &Value) -> Vec<String> {
    let bytes = value.to_bytes().unwrap();
    fn text<T: DeserializeOwned + Debug>(bytes: &[u8]) -> Option<String> {
        decode::<T>(bytes).err().map(|error| format!("{error} {error:?}"))
    }
    [
        text::<bool>,
        text::<u8>,
        text::<i8>,
        text::<i128>,
        text::<f32>,
        text::<f64>,
        text::<char>,
        text::<String>,
        text::<()>,
        text::<Option<u8>>,
        text::<Vec<u8>>,
        text::<(u8, u8)>,
        text::<[bool; 3]>,
        text::<std::collections::HashMap<u8, u8>>,
        text::<Strict>,
        text::<Choice>,
        text::<Untagged>,
        text::<Tagged>,
        text::<Quoting>,
        text::<Set<Vec<u8>>>,
        text::<Tuple<(u8, u8)>>,
        text::<Timestamp>,
        text::<Decimal>,
        text::<Uuid>,
        text::<Date>,
        text::<std::net::IpAddr>,
    ]
    .iter()
    .filter_map(|read| read(&bytes))
    .collect()
}

#[test]
fn no_error_text_repeats_what_is_stored() {
    let secrets = [
        Value::from("secret-918273"),
        Value::from(918_273),
        Value::from(-918_273),
        Value::from(918_273_918_273_918_273_918_273_u128),
        Value::from(0.918_273),
        Value::Bytes(b"secret-918273".to_vec()),
        Value::List(vec!["secret-918273".into(), 918_273.into(), 918_273.into()]),
        Value::map([("secret-918273", 918_273.into())]),
        Value::map([("kind", "secret-918273".into())]),
        Value::map([("field", 918_273.into())]),
        Value::map([("Left", 918_273.into())]),
        Value::map([("Right", 918_273.into())]),
        Value::map([("Right", 918_273.into()), ("secret-918273", 1.into())]),
        Value::Decimal("918273".parse().unwrap()),
        Value::Set([918_273.into()].into()),
        Value::Tuple(vec!["secret-918273".into(), 918_273.into()]),
        Value::Custom { tag: 5, content: Box::new(918_273.into()) },
    ];
    for secret in secrets {
        let messages = messages(&secret);
        assert!(messages.len() > 15, "{secret:?}");
        for message in messages {
            assert!(!message.contains("918273") && !message.contains("secret"), "{message}");
        }
    }
}

#[test]
fn error_texts_tell_what_was_wanted_and_what_is_stored() {
    assert_eq!(message::<u8>(&300.into()), "wanted u8, the stored integer is none");
    assert_eq!(message::<u8>(&"x".into()), "wanted u8, stored is text");
    assert_eq!(message::<i64>(&u128::MAX.into()), "wanted i64, the stored integer is none");
    assert_eq!(message::<f64>(&u64::MAX.into()), "wanted f64, the stored integer is none");
    assert_eq!(message::<f32>(&0.1.into()), "wanted f32, the stored float is none");
    assert_eq!(
        message::<String>(&Value::Decimal("1".parse().unwrap())),
        "wanted a string, stored is decimal"
    );
    assert_eq!(message::<Uuid>(&Value::Date("2000-01-01".parse().unwrap())), "wanted a uuid, stored is date");
    assert_eq!(message::<Uuid>(&"x".into()), "wanted a uuid, stored is text");
    assert_eq!(message::<Set<Vec<u8>>>(&Value::List(vec![])), "wanted a set, stored is list");
    assert_eq!(message::<Set<Vec<u8>>>(&Value::Tuple(vec![])), "wanted a set, stored is tuple");
    assert_eq!(message::<Set<Vec<u8>>>(&Value::Set(["x".into()].into())), "wanted u8, stored is text");
    assert_eq!(message::<(u8, u8)>(&Value::Tuple(vec![1.into()])), "wanted 2 items, stored are 1 items");
    assert_eq!(message::<Strict>(&Value::map([("x", 1.into())])), "a stored field is none of `field`");
    assert_eq!(message::<Strict>(&Value::Map([].into())), "the field `field` is missing");
    assert_eq!(message::<Strict>(&Value::List(vec![1.into()])), "wanted struct Strict, stored is list");
    assert_eq!(message::<Choice>(&"x".into()), "the stored variant is none of `Left`, `Right`");
    assert_eq!(message::<Choice>(&1.into()), "wanted enum Choice, stored is integer");
    assert_eq!(message::<Quoting>(&1.into()), "refused by the type's own code");
    let offset = "2026-04-08T05:53:44+02:00".parse().unwrap();
    assert_eq!(
        message::<Timestamp>(&Value::Timestamp(offset)),
        "wanted a timestamp in UTC, stored is timestamp"
    );
}

proptest! {
    #[test]
    fn errors_about_text_do_not_repeat_it(text in "[g-z]{8,12}") {
        let spelled = [
            text.parse::<Timestamp>().unwrap_err().to_string(),
            text.parse::<Decimal>().unwrap_err().to_string(),
            text.parse::<Uuid>().unwrap_err().to_string(),
            Value::from_json(&serde_json::json!({"$date": text.as_str()}), &Registry::builtin()).unwrap_err().to_string(),
        ];
        prop_assert!(spelled.iter().all(|message| !message.contains(&text)));
    }

    #[test]
    fn reading_as_any_type_never_panics(value in any_value()) {
        let _ = messages(&value);
    }
}

#[test]
fn what_is_written_wrongly_is_not_repeated_either() {
    struct Refusing;
    impl serde::Serialize for Refusing {
        fn serialize<S: serde::Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("secret-918273"))
        }
    }
    assert_eq!(encode(&Refusing).unwrap_err().to_string(), "refused by the type's own code");
}
