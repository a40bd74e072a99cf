//! The JSON form loses nothing.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::test_values::{any_value, golden};
use crate::{Error, Kind, MAX_DEPTH, Registry, Value};

#[test]
fn every_kind_has_its_golden_json() {
    let registry = Registry::builtin();
    for (value, _, text) in golden() {
        assert_eq!(value.to_json(&registry).to_string(), text);
        // `python.random` stands in the table under its name, with content that is not one.
        if value.kind() != Kind::Custom {
            let json: Json = serde_json::from_str(text).unwrap();
            assert_eq!(Value::from_json(&json, &registry).unwrap(), value, "{text}");
        }
    }
}

#[test]
fn wide_integers_are_read_from_text() {
    let read = |text| Value::from_json_text(text, &Registry::builtin());
    assert_eq!(read("18446744073709551615"), Ok(Value::from(u64::MAX)));
    assert_eq!(read("18446744073709551616"), Ok(Value::from(1_u128 << 64)));
    assert_eq!(read("-9223372036854775809"), Ok(Value::from(-(1_i128 << 63) - 1)));
    assert_eq!(read("18446744073709551616.0"), Ok(Value::from(18_446_744_073_709_551_616.0)));
    assert_eq!(read("1e30"), Ok(Value::from(1e30)));
    assert_eq!(read("-0"), Ok(Value::from(0)));
    let text = r#" {"a\"18446744073709551616": ["\\", 340282366920938463463374607431768211455 , "18446744073709551616"]} "#;
    let items = vec!["\\".into(), u128::MAX.into(), "18446744073709551616".into()];
    assert_eq!(read(text), Ok(Value::map([("a\"18446744073709551616", Value::List(items))])));
    let long = "9".repeat(400);
    for beyond in ["340282366920938463463374607431768211456", "[-1e999]", &long] {
        assert!(matches!(read(beyond), Err(Error::OutOfRange { .. })), "{beyond}");
    }
    assert_eq!(read("[1,\n 18446744073709551616,]"), Err(Error::NotJson { line: 2, column: 23 }));
}

fn without_builtin_tags(value: &Value) -> bool {
    Registry::builtin().check(value) != Err(Error::NotAccepted { name: "python.random".to_owned() })
}

proptest! {
    #[test]
    fn values_round_trip_through_json_text(value in any_value().prop_filter("a random state", without_builtin_tags)) {
        let registry = Registry::builtin();
        let text = value.to_json(&registry).to_string();
        let json: Json = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&Value::from_json(&json, &registry).unwrap(), &value);
        prop_assert_eq!(&Value::from_json_text(&text, &registry).unwrap(), &value);
    }

    #[test]
    fn any_json_is_read_or_refused(text in r#"[\[\]{}:, 0-9.e"$a-z]{0,40}"#) {
        let read = Value::from_json_text(&text, &Registry::builtin());
        if serde_json::from_str::<Json>(&text).is_err() {
            let is_refused = matches!(read, Err(Error::NotJson { .. } | Error::OutOfRange { .. }));
            prop_assert!(is_refused);
        }
    }
}

#[test]
fn plain_json_is_itself() {
    let json = json!({"a": [1, -1, 1.0, null, true, "x"], "b": {"c": {}}, "": 0});
    assert_eq!(Value::from_json(&json, &Registry::builtin()).unwrap().to_json(&Registry::builtin()), json);
}

#[test]
fn wrong_forms_are_refused_by_the_name_of_what_they_are_not() {
    let malformed = |kind| Error::MalformedJson { kind };
    for (json, expected) in [
        (json!({"$int": 5}), malformed(Kind::Integer)),
        (json!({"$int": "5.0"}), malformed(Kind::Integer)),
        (json!({"$f64": "nan"}), malformed(Kind::Float)),
        (json!({"$bytes": "a"}), malformed(Kind::Bytes)),
        (json!({"$bytes": [1]}), malformed(Kind::Bytes)),
        (json!({"$decimal": "x"}), malformed(Kind::Decimal)),
        (json!({"$uuid": "x"}), malformed(Kind::Uuid)),
        (json!({"$timestamp": "2026-04-08"}), malformed(Kind::Timestamp)),
        (json!({"$datetime": "2026-04-08T00:00:00Z"}), malformed(Kind::DateTime)),
        (json!({"$date": null}), malformed(Kind::Date)),
        (json!({"$time": "1:00"}), malformed(Kind::Time)),
        (json!({"$duration": "1s"}), malformed(Kind::Duration)),
        (json!({"$complex": [1]}), malformed(Kind::Complex)),
        (json!({"$complex": ["1", 2]}), malformed(Kind::Complex)),
        (json!({"$set": {}}), malformed(Kind::Set)),
        (json!({"$set": [1, 1]}), Error::DuplicateItem),
        (json!({"$tuple": "x"}), malformed(Kind::Tuple)),
        (json!({"$map": [[1]]}), malformed(Kind::Map)),
        (json!({"$map": [[1, 2], [1, 3]]}), Error::DuplicateKey),
        (json!({"$map": {}}), malformed(Kind::Map)),
        (json!({"$custom": [1]}), malformed(Kind::Custom)),
        (json!({"$custom": [-1, null]}), malformed(Kind::Custom)),
        (json!({"$custom": ["nobody", null]}), Error::UnknownName),
        (json!({"$custom": ["python.random", 1]}), Error::NotAccepted { name: "python.random".to_owned() }),
        (json!({"$other": 1}), Error::UnknownJsonTag),
        (json!({"$": "x"}), Error::UnknownJsonTag),
        (json!({"$int": "5", "a": 1}), malformed(Kind::Map)),
        (json!([{"a": {"$date": "x"}}]), malformed(Kind::Date)),
    ] {
        assert_eq!(Value::from_json(&json, &Registry::builtin()), Err(expected), "{json}");
    }
}

#[test]
fn other_spellings_are_taken() {
    let registry = Registry::builtin();
    for (json, expected) in [
        (json!({"$int": "5"}), Value::from(5)),
        (json!({"$decimal": "+01.10"}), Value::Decimal("1.10".parse().unwrap())),
        (
            json!({"$timestamp": "2026-04-08 05:53:44Z"}),
            Value::Timestamp("2026-04-08T05:53:44Z".parse().unwrap()),
        ),
        (json!({"$complex": [1, 2.5]}), Value::Complex(crate::Complex { re: 1.0, im: 2.5 })),
        (json!({"$map": [["a", 1]]}), Value::map([("a", 1.into())])),
        (json!({"$custom": [77, 1]}), Value::Custom { tag: 77, content: Box::new(1.into()) }),
    ] {
        assert_eq!(Value::from_json(&json, &registry).unwrap(), expected, "{json}");
    }
}

#[test]
fn text_of_every_depth_that_a_value_may_have_is_read() {
    let registry = Registry::builtin();
    let list = |levels: usize| format!("{}\"[\\\"[\"{}", "[".repeat(levels), "]".repeat(levels));
    let deepest = Value::from_json_text(&list(MAX_DEPTH), &registry).unwrap();
    assert_eq!(deepest.to_json(&registry).to_string(), list(MAX_DEPTH));
    let maps = (0..MAX_DEPTH).fold(Value::from(u128::MAX), |inner, _| Value::map([("$", inner)]));
    assert_eq!(Value::from_json_text(&maps.to_json(&registry).to_string(), &registry), Ok(maps));
    for levels in [MAX_DEPTH + 1, 3 * MAX_DEPTH + 2, 1_000_000] {
        let too_deep = Err(Error::TooDeep { limit: MAX_DEPTH });
        assert_eq!(Value::from_json_text(&list(levels), &registry), too_deep);
    }
}

#[test]
fn a_key_that_stands_twice_is_refused_at_any_depth() {
    for text in [r#"{"a": 1, "a": 1}"#, r#"{"a": 1, "b": [{"c": 1, "\u0063": 2}]}"#] {
        assert_eq!(Value::from_json_text(text, &Registry::builtin()), Err(Error::DuplicateKey), "{text}");
    }
}

#[test]
fn an_error_repeats_no_piece_of_the_json() {
    for json in [json!({"$hunter2": 1}), json!({"$custom": ["hunter2", 1]}), json!({"$decimal": "hunter2"})] {
        let error = Value::from_json(&json, &Registry::builtin()).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn json_deeper_than_the_limit_is_refused() {
    let registry = Registry::builtin();
    let list = |levels: usize| (0..levels).fold(Json::Null, |inner, _| json!([inner]));
    let deepest = Value::from_json(&list(MAX_DEPTH), &registry).unwrap();
    assert_eq!(deepest.to_bytes().map(|bytes| bytes.len()), Ok(MAX_DEPTH + 1));
    let too_deep = Err(Error::TooDeep { limit: MAX_DEPTH });
    assert_eq!(Value::from_json(&list(MAX_DEPTH + 1), &registry), too_deep);
    let tuple = (0..=MAX_DEPTH).fold(Json::Null, |inner, _| json!({"$tuple": [inner]}));
    assert_eq!(Value::from_json(&tuple, &registry), too_deep);
}
