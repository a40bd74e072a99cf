//! Rust types come back as they went, and read what fits them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::test_values::{any_value, bytes};
use crate::{
    CustomType, Error, Kind, Set, Tuple, Value, assert_round_trip, assert_round_trip_by, decode, encode,
    from_value, to_value,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    truth: bool,
    numbers: (i8, u64, i128, u128),
    single: f32,
    letter: char,
    name: String,
    payload: ByteBuf,
    maybe: Option<Box<Everything>>,
    choice: Choice,
    by_number: HashMap<i16, Vec<Choice>>,
    #[serde(with = "crate::set")]
    labels: HashSet<String>,
    #[serde(with = "crate::tuple")]
    place: (u8, String),
    anything: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    later: Option<u8>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Choice {
    Unit,
    New(u8),
    Two(u8, Option<String>),
    Fields { a: (), b: BTreeSet<u8> },
}

fn any_choice() -> impl Strategy<Value = Choice> {
    prop_oneof![
        Just(Choice::Unit),
        any::<u8>().prop_map(Choice::New),
        any::<(u8, Option<String>)>().prop_map(|(number, text)| Choice::Two(number, text)),
        any::<BTreeSet<u8>>().prop_map(|b| Choice::Fields { a: (), b }),
    ]
}

fn any_everything() -> impl Strategy<Value = Everything> {
    let plain =
        (any::<bool>(), any::<(i8, u64, i128, u128)>(), any::<f32>(), any::<char>(), ".{0,8}", any_choice());
    let parts = (
        any::<Vec<u8>>(),
        prop::collection::hash_map(any::<i16>(), prop::collection::vec(any_choice(), 0..3), 0..4),
        any::<HashSet<String>>(),
        any::<(u8, String)>(),
        any_value(),
        any::<Option<u8>>(),
    );
    let leaf = (plain, parts).prop_map(|(plain, parts)| {
        let (truth, numbers, single, letter, name, choice) = plain;
        let (payload, by_number, labels, place, anything, later) = parts;
        let payload = ByteBuf::from(payload);
        Everything {
            truth,
            numbers,
            single,
            letter,
            name,
            payload,
            choice,
            by_number,
            labels,
            place,
            anything,
            later,
            maybe: None,
        }
    });
    leaf.prop_recursive(3, 3, 1, |inner| {
        (inner.clone(), inner).prop_map(|(outer, inner)| Everything { maybe: Some(Box::new(inner)), ..outer })
    })
}

proptest! {
    #[test]
    fn nested_types_round_trip(everything in any_everything()) {
        assert_round_trip(&everything);
        prop_assert_eq!(from_value::<Everything>(&to_value(&everything).unwrap()).unwrap(), everything);
    }

    #[test]
    fn wide_integers_round_trip(signed in any::<i128>(), unsigned in any::<u128>(), shift in 0_u32..128) {
        prop_assert_eq!(decode::<i128>(&encode(&(signed >> shift)).unwrap()).unwrap(), signed >> shift);
        prop_assert_eq!(decode::<u128>(&encode(&(unsigned >> shift)).unwrap()).unwrap(), unsigned >> shift);
    }

    #[test]
    fn an_integer_is_read_into_a_float_only_if_exact(number in any::<i64>(), shift in 0_u32..64) {
        let number = number >> shift;
        let read = decode::<f64>(&encode(&number).unwrap());
        let nearest = number as f64;
        if format!("{nearest:.0}") == number.to_string() {
            prop_assert_eq!(read, Ok(nearest));
        } else {
            prop_assert!(read.is_err());
        }
    }
}

#[test]
fn fields_may_come_and_go() {
    #[derive(Serialize)]
    struct Newer {
        added: Vec<HashMap<String, Set<Vec<u8>>>>,
        kept: u8,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Older {
        kept: u8,
        #[serde(default)]
        dropped: Option<String>,
    }
    let added = vec![HashMap::from([("a".to_owned(), Set(vec![1, 2]))])];
    let bytes = encode(&Newer { added, kept: 7 }).unwrap();
    assert_eq!(decode::<Older>(&bytes), Ok(Older { kept: 7, dropped: None }));
}

#[test]
fn text_and_bytes_are_borrowed() {
    #[derive(Deserialize)]
    struct Borrowing<'a> {
        name: &'a str,
        #[serde(borrow)]
        title: Cow<'a, str>,
        #[serde(with = "serde_bytes")]
        data: &'a [u8],
    }
    let value =
        Value::map([("name", "ab".into()), ("title", "cd".into()), ("data", Value::Bytes(vec![1, 2]))]);
    let bytes = value.to_bytes().unwrap();
    let within = |part: &[u8]| bytes.as_ptr_range().contains(&part.as_ptr());
    let read: Borrowing<'_> = decode(&bytes).unwrap();
    assert_eq!((read.name, &*read.title, read.data), ("ab", "cd", &[1, 2][..]));
    assert!(within(read.name.as_bytes()) && within(read.data));
    assert!(matches!(read.title, Cow::Borrowed(_)));
}

#[test]
fn sets_and_tuples_are_read_into_plain_collections() {
    let set = encode(&Set([3, 1, 2])).unwrap();
    assert_eq!(decode::<Vec<u8>>(&set).unwrap(), [1, 2, 3]);
    assert_eq!(decode::<HashSet<u8>>(&set).unwrap(), HashSet::from([1, 2, 3]));
    let tuple = encode(&Tuple((1, "a"))).unwrap();
    assert_eq!(decode::<(u8, String)>(&tuple).unwrap(), (1, "a".to_owned()));
    assert_eq!(decode::<(u8, &str)>(&tuple).unwrap(), (1, "a"));
    assert!(decode::<(u8, u8, u8)>(&tuple).is_err());
    assert_eq!(encode(&HashSet::from([1])).unwrap(), encode(&[1]).unwrap());
}

#[test]
fn a_set_is_not_read_from_a_list_nor_a_tuple() {
    for bytes in [encode(&[1, 2]).unwrap(), encode(&Tuple([1, 2])).unwrap()] {
        assert!(matches!(decode::<Set<Vec<u8>>>(&bytes), Err(Error::TypeMismatch { .. })));
    }
    assert!(matches!(encode(&Set(5)), Err(Error::Refused)));
    assert!(matches!(encode(&Tuple(HashMap::from([(1, 2)]))), Err(Error::Refused)));
}

#[test]
fn other_messagepack_is_read() {
    assert_eq!(decode::<u8>(&bytes("cd0007")), Ok(7));
    assert_eq!(decode::<i64>(&bytes("d300000000 00000007")), Ok(7));
    assert_eq!(decode::<f64>(&bytes("ca3f800000")), Ok(1.0));
    assert_eq!(
        decode::<BTreeMap<String, u8>>(&bytes("82a16201a16102")),
        Ok([("a".into(), 2), ("b".into(), 1)].into())
    );
    assert_eq!(decode::<Value>(&bytes("82a16201a16102")), Ok(Value::map([("a", 2.into()), ("b", 1.into())])));
    assert!(decode::<Value>(&bytes("82a16101a16102")).is_err());
}

#[test]
fn a_number_is_no_name_of_a_field_or_variant() {
    #[derive(Debug, Deserialize)]
    struct One {
        #[serde(rename = "one")]
        _one: u8,
    }
    #[derive(Debug, Deserialize)]
    enum Choice {
        First,
    }
    assert!(decode::<One>(&bytes("810005")).is_err());
    assert!(decode::<Choice>(&bytes("8100c0")).is_err());
    assert!(matches!(decode::<Choice>(&bytes("a54669727374")), Ok(Choice::First)));
}

#[test]
fn longer_lists_are_not_cut() {
    assert!(matches!(decode::<(u8, u8)>(&bytes("93010203")), Err(Error::WrongLength { found: 3, .. })));
    assert!(matches!(decode::<[u8; 2]>(&bytes("93010203")), Err(Error::WrongLength { found: 3, .. })));
}

#[test]
fn round_trips_that_fail_are_told_without_the_value() {
    let told = |test: fn()| {
        let panic = std::panic::catch_unwind(test).unwrap_err();
        *panic.downcast::<String>().unwrap()
    };
    let message = told(|| assert_round_trip(&Some(None::<u8>)));
    assert!(message.ends_with("does not survive being stored: it reads back different"), "{message}");
    let message = told(|| assert_round_trip(&Set(vec![918_273, 918_273])));
    assert!(message.contains("it cannot be written: a set has the same item twice"), "{message}");
    assert!(!message.contains("918273"));
    assert_round_trip_by(&vec![f32::NAN], |a, b| a.len() == b.len() && b[0].is_nan());
}

#[derive(Debug, PartialEq)]
struct Colour(u32);

impl CustomType for Colour {
    const TAG: u32 = 1_000;
    const NAME: &'static str = "paint.colour";

    fn to_content(&self) -> Result<Value, Error> {
        Ok(self.0.into())
    }

    fn from_content(content: Value) -> Result<Self, Error> {
        from_value(&content).map(Self)
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wall {
    #[serde(with = "crate::custom")]
    colour: Colour,
}

#[test]
fn custom_types_round_trip_in_every_format() {
    let wall = Wall { colour: Colour(7) };
    assert_round_trip(&wall);
    assert_eq!(encode(&wall).unwrap(), bytes("81 a6636f6c6f7572 d60c cd03e8 07"));
    assert_eq!(rmp_serde::to_vec_named(&wall).unwrap(), encode(&wall).unwrap());
    assert_eq!(serde_json::to_string(&wall).unwrap(), r#"{"colour":[1000,7]}"#);
    assert_eq!(serde_json::from_str::<Wall>(r#"{"colour":[1000,7]}"#).unwrap(), wall);
}

#[test]
fn a_custom_type_is_read_from_its_own_tag_only() {
    let read = |stored: Value| from_value::<Wall>(&Value::map([("colour", stored)])).unwrap_err().to_string();
    let custom = |tag, content: Value| Value::Custom { tag, content: Box::new(content) };
    assert_eq!(read(custom(1_001, 7.into())), "wanted paint.colour, stored is custom");
    assert_eq!(read(7.into()), "wanted paint.colour, stored is integer");
    assert_eq!(read(custom(1_000, "x".into())), "refused by the type's own code");
    assert!(serde_json::from_str::<Wall>(r#"{"colour":[1001,7]}"#).is_err());
    assert!(serde_json::from_str::<Wall>(r#"{"colour":7}"#).is_err());
}

#[test]
fn public_types_are_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Value>();
    shared::<Error>();
    shared::<crate::Registry>();
    shared::<Kind>();
}
