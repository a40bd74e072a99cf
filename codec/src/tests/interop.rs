//! Other MessagePack: we read what others write, and they read what we write.
#![allow(clippy::disallowed_methods, reason = "to compare with it")]

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::test_values::any_value;
use crate::{
    Complex, Date, DateTime, Decimal, Duration, Integer, OffsetTimestamp, Set, Time, Timestamp, Tuple, Uuid,
    Value, decode, encode,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sorted {
    a: u8,
    b: Option<f64>,
    c: Vec<String>,
    e: Kind,
    id: (i64, bool),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Plain,
    With(u16),
    Fields { x: i32 },
}

fn any_sorted() -> impl Strategy<Value = Sorted> {
    let kind = prop_oneof![
        Just(Kind::Plain),
        any::<u16>().prop_map(Kind::With),
        any::<i32>().prop_map(|x| Kind::Fields { x })
    ];
    let strings = prop::collection::vec(".{0,40}", 0..20);
    (any::<u8>(), any::<Option<f64>>(), strings, kind, any::<(i64, bool)>())
        .prop_map(|(a, b, c, e, id)| Sorted { a, b, c, e, id })
}

proptest! {
    #[test]
    fn plain_types_are_rmp_serdes_named_form(sorted in any_sorted()) {
        let ours = encode(&sorted).unwrap();
        prop_assert_eq!(&rmp_serde::to_vec_named(&sorted).unwrap(), &ours);
        prop_assert_eq!(&rmp_serde::from_slice::<Sorted>(&ours).unwrap(), &sorted);
        prop_assert_eq!(&decode::<Sorted>(&ours).unwrap(), &sorted);
    }

    #[test]
    fn values_pass_through_rmp_serde(value in any_value()) {
        let theirs = rmp_serde::to_vec_named(&value).unwrap();
        prop_assert_eq!(&theirs, &value.to_bytes().unwrap());
        prop_assert_eq!(&rmp_serde::from_slice::<Value>(&theirs).unwrap(), &value);
    }
}

type Inner = Tuple<(bool,)>;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Ours {
    at: Timestamp,
    by: Uuid,
    complex: Complex,
    date: Date,
    dated: DateTime,
    large: Integer,
    price: Decimal,
    span: Duration,
    time: Time,
    noted: OffsetTimestamp,
    labels: Set<HashSet<String>>,
    #[serde(with = "crate::tuple")]
    place: (f64, f64),
    #[serde(with = "crate::set")]
    numbers: Vec<i8>,
    nested: Tuple<(Set<Vec<u8>>, Option<Inner>)>,
}

fn ours() -> Ours {
    Ours {
        at: "2026-04-08T05:53:44.25Z".parse().unwrap(),
        by: Uuid::from_bytes([7; 16]),
        complex: Complex { re: 1.5, im: -0.0 },
        date: "2026-04-08".parse().unwrap(),
        dated: "2026-04-08T05:53:44".parse().unwrap(),
        large: Integer::from(u128::MAX),
        price: "1.10".parse().unwrap(),
        span: Duration::from_micros(-5),
        time: "05:53:44".parse().unwrap(),
        noted: "2026-04-08T05:53:44+02:00".parse().unwrap(),
        labels: Set(HashSet::from(["b".to_owned(), "a".to_owned(), "ccc".to_owned()])),
        place: (1.0, 2.0),
        numbers: vec![-1, 3, 2],
        nested: Tuple((Set(vec![9]), Some(Tuple((true,))))),
    }
}

/// The items of a set come back in the order of their bytes.
fn ours_read() -> Ours {
    Ours { numbers: vec![2, 3, -1], ..ours() }
}

#[test]
fn our_types_pass_through_our_codec() {
    assert_eq!(decode::<Ours>(&encode(&ours()).unwrap()).unwrap(), ours_read());
}

#[test]
fn our_types_pass_through_rmp_serde() {
    let theirs = rmp_serde::to_vec_named(&ours()).unwrap();
    assert_eq!(rmp_serde::from_slice::<Ours>(&theirs).unwrap(), ours_read());
    assert_eq!(decode::<Ours>(&theirs).unwrap(), ours_read());
    assert_eq!(rmp_serde::from_slice::<Ours>(&encode(&ours()).unwrap()).unwrap(), ours_read());
}

#[test]
fn our_types_pass_through_json_as_plain_data() {
    let json = serde_json::to_value(ours()).unwrap();
    assert_eq!(json["at"], "2026-04-08T05:53:44.250000Z");
    assert_eq!(json["by"], "07070707-0707-0707-0707-070707070707");
    assert_eq!(json["price"], "1.10");
    assert_eq!(json["large"], "340282366920938463463374607431768211455");
    assert_eq!(json["complex"], serde_json::json!([1.5, -0.0]));
    assert_eq!(json["numbers"], serde_json::json!([-1, 3, 2]));
    assert_eq!(serde_json::from_value::<Ours>(json).unwrap(), ours());
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flattened {
    #[serde(flatten)]
    ours: Ours2,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Ours2 {
    at: Timestamp,
    labels: Set<Vec<u8>>,
    pair: Tuple<(u8, String)>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    At(Timestamp),
    Price(Decimal),
    Set(Set<Vec<u8>>),
    Any(Value),
}

#[test]
fn our_types_pass_through_what_serde_buffers() {
    let rest = [
        ("uuid".to_owned(), Value::from(Uuid::from_bytes([1; 16]))),
        ("large".to_owned(), Value::from(u128::MAX)),
        ("set".to_owned(), Value::Set([1.into(), "a".into()].into())),
        ("dollar".to_owned(), Value::map([("$int", "5".into())])),
    ];
    let flattened = Flattened {
        ours: Ours2 { at: Timestamp::MAX, labels: Set(vec![1, 2]), pair: Tuple((1, "a".to_owned())) },
        rest: rest.into(),
    };
    let bytes = encode(&flattened).unwrap();
    assert_eq!(decode::<Flattened>(&bytes).unwrap(), flattened);

    for value in [
        Untagged::Number(5),
        Untagged::At(Timestamp::MIN),
        Untagged::Price("NaN".parse().unwrap()),
        Untagged::Set(Set(vec![1, 2])),
        Untagged::Any(Value::from(u128::MAX)),
        Untagged::Any(Value::Tuple(vec![])),
    ] {
        assert_eq!(decode::<Untagged>(&encode(&value).unwrap()).unwrap(), value);
    }
}
