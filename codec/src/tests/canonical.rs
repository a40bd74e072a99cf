//! Equal values have equal bytes, and bytes that are taken come back as they are.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use proptest::prelude::*;
use serde::Serialize;

use crate::layout::encoded_len;
use crate::test_values::{any_float, any_value, bytes, golden};
use crate::{Error, Kind, Value, check, decode, encode, to_value};

#[test]
fn every_kind_has_its_golden_bytes() {
    for (value, hex, _) in golden() {
        let golden = bytes(hex);
        assert_eq!(value.to_bytes().unwrap(), golden, "{value:?}");
        assert_eq!(encode(&value).unwrap(), golden, "{value:?}");
        assert_eq!(Value::from_bytes(&golden).unwrap(), value);
        assert_eq!(decode::<Value>(&golden).unwrap(), value);
        assert_eq!(Kind::of(&golden).unwrap(), value.kind());
        assert_eq!(encoded_len(&value), golden.len());
    }
}

#[test]
fn golden_values_are_of_every_kind() {
    let kinds: Vec<Kind> = golden().iter().map(|(value, _, _)| value.kind()).collect();
    assert!(Kind::ALL.iter().all(|kind| kinds.contains(kind)));
}

fn hash_of(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

proptest! {
    #[test]
    fn values_round_trip(value in any_value()) {
        let bytes = value.to_bytes().unwrap();
        prop_assert_eq!(check(&bytes), Ok(()));
        prop_assert_eq!(&Value::from_bytes(&bytes).unwrap(), &value);
        prop_assert_eq!(&decode::<Value>(&bytes).unwrap(), &value);
        prop_assert_eq!(&encode(&value).unwrap(), &bytes);
        prop_assert_eq!(encoded_len(&value), bytes.len());
    }

    #[test]
    fn order_and_equality_are_those_of_the_bytes(a in any_value(), b in any_value()) {
        let (x, y) = (a.to_bytes().unwrap(), b.to_bytes().unwrap());
        prop_assert_eq!(a.cmp(&b), x.cmp(&y));
        prop_assert_eq!(a == b, x == y);
        prop_assert!(a != b || hash_of(&a) == hash_of(&b));
    }

    #[test]
    fn accepted_bytes_are_the_bytes_written_again(
        value in any_value(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..4),
    ) {
        let mut bytes = value.to_bytes().unwrap();
        for (index, byte, edit) in edits {
            let at = index.index(bytes.len() + 1);
            match edit {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => bytes[at] = byte,
                _ if at < bytes.len() => drop(bytes.remove(at)),
                _ => {}
            }
        }
        if let Ok(taken) = Value::from_bytes(&bytes) {
            prop_assert_eq!(taken.to_bytes().unwrap(), bytes);
        }
    }

    #[test]
    fn random_bytes_never_panic_and_never_change(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = (Kind::of(&bytes), decode::<Value>(&bytes), decode::<Vec<String>>(&bytes));
        if let Ok(taken) = Value::from_bytes(&bytes) {
            prop_assert_eq!(taken.to_bytes().unwrap(), bytes);
        }
    }

    #[test]
    fn the_order_of_a_hash_map_leaves_no_trace(entries in prop::collection::hash_map(".{0,40}", any::<i64>(), 0..40)) {
        let sorted: BTreeMap<_, _> = entries.clone().into_iter().collect();
        let reinserted: HashMap<_, _> = entries.clone().into_iter().collect();
        prop_assert_eq!(encode(&entries).unwrap(), encode(&sorted).unwrap());
        prop_assert_eq!(encode(&entries).unwrap(), encode(&reinserted).unwrap());
        prop_assert_eq!(decode::<HashMap<String, i64>>(&encode(&entries).unwrap()).unwrap(), entries);
    }

    #[test]
    fn the_width_of_an_integer_leaves_no_trace(number in any::<i8>(), wide in any::<u64>()) {
        let narrow = encode(&number).unwrap();
        prop_assert_eq!(&encode(&i16::from(number)).unwrap(), &narrow);
        prop_assert_eq!(&encode(&i64::from(number)).unwrap(), &narrow);
        prop_assert_eq!(&encode(&i128::from(number)).unwrap(), &narrow);
        prop_assert_eq!(encode(&wide).unwrap(), encode(&u128::from(wide)).unwrap());
        prop_assert_eq!(encode(&wide).unwrap(), encode(&i128::from(wide)).unwrap());
    }

    #[test]
    fn the_width_of_a_float_leaves_no_trace(single in any::<u32>().prop_map(f32::from_bits), double in any_float()) {
        prop_assert_eq!(encode(&single).unwrap(), encode(&f64::from(single)).unwrap());
        let read: f64 = decode(&encode(&double).unwrap()).unwrap();
        prop_assert!(read.to_bits() == double.to_bits() || read.is_nan() && double.is_nan());
        let read: f32 = decode(&encode(&single).unwrap()).unwrap();
        prop_assert!(read.to_bits() == single.to_bits() || read.is_nan() && single.is_nan());
    }
}

#[derive(Serialize)]
struct Forwards {
    a: u8,
    bb: Vec<u8>,
    c: Inner,
}

#[derive(Serialize)]
struct Inner {
    x: (),
    y: (),
}

#[derive(Serialize)]
struct Backwards {
    c: BTreeMap<&'static str, Option<u8>>,
    bb: [u8; 2],
    a: i64,
}

#[test]
fn the_order_of_fields_leaves_no_trace() {
    let forwards = encode(&Forwards { a: 1, bb: vec![2, 3], c: Inner { x: (), y: () } }).unwrap();
    let backwards = encode(&Backwards { c: [("y", None), ("x", None)].into(), bb: [2, 3], a: 1 }).unwrap();
    assert_eq!(forwards, backwards);
    assert_eq!(forwards, bytes("83 a161 01 a163 82 a178 c0 a179 c0 a26262 92 02 03"));
    assert_eq!(Value::from_bytes(&forwards).unwrap().to_bytes().unwrap(), forwards);
}

#[test]
fn keys_that_differ_late_are_sorted_too() {
    #[derive(Serialize)]
    struct Late {
        question_c: (),
        question_b: (),
        question_a: (),
    }
    let value = to_value(&Late { question_c: (), question_b: (), question_a: () }).unwrap();
    let keys: Vec<_> = value.as_map().unwrap().keys().map(|key| key.as_text().unwrap()).collect();
    assert_eq!(keys, ["question_a", "question_b", "question_c"]);
    let bytes = encode(&Late { question_c: (), question_b: (), question_a: () }).unwrap();
    assert_eq!(check(&bytes), Ok(()));
}

struct Twice;

impl Serialize for Twice {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(1_u8, "a"), (2, "b"), (1, "c")])
    }
}

#[test]
fn a_key_written_twice_is_an_error() {
    assert_eq!(encode(&Twice), Err(Error::DuplicateKey));
    assert_eq!(encode(&[Twice]), Err(Error::DuplicateKey));
    assert_eq!(encode(&crate::Set([1, 2, 1])), Err(Error::DuplicateItem));
}

/// Says nothing of its length, as flattened structs and filtered iterators do.
struct Unsized<I>(I);

impl<I: Iterator<Item = u32> + Clone> Serialize for Unsized<I> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone().filter(|_| true))
    }
}

struct UnsizedMap(u32);

impl Serialize for UnsizedMap {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map((0..self.0).rev().filter(|_| true).map(|key| (key, ())))
    }
}

#[test]
fn a_length_known_late_leaves_no_trace() {
    for len in [0, 1, 15, 16, 70_000] {
        let known: Vec<u32> = (0..len).collect();
        assert_eq!(encode(&Unsized(0..len)).unwrap(), encode(&known).unwrap());
        let known: BTreeMap<u32, ()> = (0..len).map(|key| (key, ())).collect();
        assert_eq!(encode(&UnsizedMap(len)).unwrap(), encode(&known).unwrap());
    }
}

#[test]
fn other_forms_are_refused_with_rule_and_place() {
    let shortest = "numbers and lengths take the fewest bytes";
    let payload = "the payload of an extension has one form";
    for (hex, offset, rule) in [
        ("cc7f", 0, shortest),
        ("93 01 02 cd00ff", 3, shortest),
        ("d005", 0, shortest),
        ("d3 0000000080000000", 0, shortest),
        ("d1 ff80", 0, shortest),
        ("d901 61", 0, shortest),
        ("c50001 61", 0, shortest),
        ("dc0001 01", 0, shortest),
        ("de0001 01 01", 0, shortest),
        ("c70106 00", 0, shortest),
        ("ca 3f800000", 0, "floats have 64 bits"),
        ("91 cb fff8000000000000", 1, "there is one NaN"),
        ("cb 7ff8000000000001", 0, "there is one NaN"),
        ("82 a162 01 a161 02", 4, "the keys of a map ascend"),
        ("82 a161 01 a161 02", 4, "the keys of a map ascend"),
        ("82 a26262 01 a163 02", 5, "the keys of a map ascend"),
        ("d60a 93 01 03 02", 5, "the items of a set ascend"),
        ("c7030a 92 01 01", 5, "the items of a set ascend"),
        ("c70901 000000000000000001", 0, payload),
        ("d501 0001", 0, payload),
        ("c70a01 00010000000000000000", 0, payload),
        ("c70901 ff8000000000000000", 0, payload),
        ("d602 2b312e30", 0, payload),
        ("d602 31653235", 0, payload),
        ("c70c04 0000000000000000 00000000", 0, payload),
        ("d8 09 0000000000000000 fff8000000000000", 0, payload),
        ("c7030c cc0100", 3, shortest),
    ] {
        let bytes = bytes(hex);
        // Short payloads are written with the shorter header, so that only the rule at hand is broken.
        assert_eq!(Value::from_bytes(&bytes), Err(Error::NotCanonical { offset, rule }), "{hex}");
    }
}

#[test]
fn what_is_no_value_is_refused_with_rule_and_place() {
    let cut_off = "a value ends before the bytes do";
    let unfit = "the payload of an extension fits its kind";
    for (hex, offset, rule) in [
        ("", 0, cut_off),
        ("cd01", 2, cut_off),
        ("a361", 2, cut_off),
        ("c1", 1, "no value starts with the byte c1"),
        ("92 01", 1, "as many items follow as are declared"),
        ("81 01", 1, "as many items follow as are declared"),
        ("92 01 a1", 3, cut_off),
        ("a1ff", 2, "text is UTF-8"),
        ("d40d00", 3, "the extension codes are 1 to 12"),
        ("d4ff00", 3, "the extension codes are 1 to 12"),
        ("d40000", 3, "the extension codes are 1 to 12"),
        ("c70002", 0, unfit),
        ("d602 61626364", 0, unfit),
        ("d503 0000", 0, unfit),
        ("d704 7fffffffffffffff", 0, unfit),
        ("c70c04 0000000000000000 00015180", 0, unfit),
        ("d606 7fffffff", 0, unfit),
        ("d707 ffffffffffffffff", 0, unfit),
        ("d707 000000141dd76000", 0, unfit),
        ("c71201 000000000000000000000000000000000000", 0, unfit),
        ("c71101 0100000000000000000000000000000000", 0, unfit),
        ("d40a 01", 2, "the payload of a set or tuple is a list"),
        ("d50b 9001", 3, "an extension ends where its payload does"),
        ("c7030c 01c0c0", 5, "an extension ends where its payload does"),
        ("d50c ffc0", 2, "the tag of a custom type is a number of up to 32 bits"),
        ("c70a0c cf0000000100000000 c0", 3, "the tag of a custom type is a number of up to 32 bits"),
        ("d40c 01", 3, cut_off),
    ] {
        let bytes = bytes(hex);
        assert_eq!(Value::from_bytes(&bytes), Err(Error::Malformed { offset, rule }), "{hex}");
    }
    assert_eq!(Value::from_bytes(&bytes("9101 c0 c0")), Err(Error::TrailingBytes { offset: 2, count: 2 }));
    assert_eq!(decode::<[u8; 1]>(&bytes("9101 c0 c0")), Err(Error::TrailingBytes { offset: 2, count: 2 }));
}

#[test]
fn rust_values_become_the_kinds_that_are_promised() {
    #[derive(Serialize)]
    enum Shape {
        Dot,
        Radius(f32),
        Sides(u8, u8),
        Named { name: char },
    }
    let value =
        to_value(&(Shape::Dot, Shape::Radius(0.5), Shape::Sides(1, 2), Shape::Named { name: 'é' })).unwrap();
    let expected = Value::List(vec![
        "Dot".into(),
        Value::map([("Radius", 0.5.into())]),
        Value::map([("Sides", Value::List(vec![1.into(), 2.into()]))]),
        Value::map([("Named", Value::map([("name", "é".into())]))]),
    ]);
    assert_eq!(value, expected);
    assert_eq!(to_value(b"ab").unwrap(), Value::List(vec![97.into(), 98.into()]));
    assert_eq!(to_value(serde_bytes::Bytes::new(b"ab")).unwrap(), Value::Bytes(b"ab".to_vec()));
    assert_eq!(to_value(&None::<u8>).unwrap(), Value::Null);
}
