//! Bytes and values made to exhaust memory or stack are refused.
#![allow(clippy::disallowed_methods, reason = "to try our types under it")]

use std::collections::BTreeMap;
use std::thread;

use serde::{Deserialize, Serialize};

use crate::layout::code;
use crate::test_values::bytes;
use crate::writer::Writer;
use crate::{Error, MAX_DEPTH, Set, Value, check, decode, encode};

const TOO_DEEP: Error = Error::TooDeep { limit: MAX_DEPTH };

/// Runs on the stack of a thread as Rust makes it, which is smaller than the main thread's.
fn on_a_usual_stack(test: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(2 << 20).spawn(test).unwrap().join().unwrap();
}

fn nested(levels: usize, wrap: impl Fn(Value) -> Value) -> Value {
    (0..levels).fold(Value::Null, |inner, _| wrap(inner))
}

fn wraps() -> [fn(Value) -> Value; 5] {
    [
        |inner| Value::List(vec![inner]),
        |inner| Value::Map([(inner, Value::Null)].into()),
        |inner| Value::Set([inner].into()),
        |inner| Value::Tuple(vec![inner]),
        |inner| Value::Custom { tag: 1, content: Box::new(inner) },
    ]
}

#[test]
fn values_may_be_as_deep_as_the_limit_and_no_deeper() {
    on_a_usual_stack(|| {
        for wrap in wraps() {
            let deepest = nested(MAX_DEPTH, wrap);
            let bytes = deepest.to_bytes().unwrap();
            assert_eq!(encode(&deepest), Ok(bytes.clone()));
            assert_eq!(Value::from_bytes(&bytes), Ok(deepest.clone()));
            assert_eq!(decode::<Value>(&bytes), Ok(deepest.clone()));
            assert_eq!(decode::<serde::de::IgnoredAny>(&bytes), Ok(serde::de::IgnoredAny));

            let deeper = wrap(deepest);
            assert_eq!(deeper.to_bytes(), Err(TOO_DEEP));
            assert_eq!(encode(&deeper), Err(TOO_DEEP));
        }
    });
}

#[test]
fn bytes_deeper_than_the_limit_are_refused_by_every_reader() {
    on_a_usual_stack(|| {
        let levels = 100_000;
        let lists: Vec<u8> = [vec![0x91; levels], vec![0xc0]].concat();
        let maps: Vec<u8> = [[0x81, 0x00].repeat(levels), vec![0xc0]].concat();
        for bytes in [lists, maps] {
            assert_eq!(check(&bytes), Err(TOO_DEEP));
            assert_eq!(Value::from_bytes(&bytes), Err(TOO_DEEP));
            assert_eq!(decode::<Value>(&bytes), Err(TOO_DEEP));
            assert_eq!(decode::<serde::de::IgnoredAny>(&bytes), Err(TOO_DEEP));
        }
    });
}

#[test]
fn sets_deeper_than_the_limit_are_refused_by_every_reader() {
    on_a_usual_stack(|| {
        let wrap = |inner: Vec<u8>, _| {
            let mut writer = Writer::default();
            writer.extension(code::SET, &[&[0x91][..], &inner].concat()).unwrap();
            writer.into_bytes()
        };
        let bytes = (0..2_000).fold(vec![0xc0], wrap);
        assert_eq!(Value::from_bytes(&bytes), Err(TOO_DEEP));
        assert_eq!(decode::<Value>(&bytes), Err(TOO_DEEP));
        assert_eq!(decode::<Forest>(&bytes), Err(TOO_DEEP));
        assert_eq!(rmp_serde::from_slice::<Forest>(&bytes).unwrap_err().to_string(), TOO_DEEP.to_string());
    });
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Node {
    next: Option<Box<Node>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Endless(Option<Box<Endless>>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Forest(Set<Vec<Forest>>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    #[serde(flatten)]
    rest: BTreeMap<String, Set<Vec<Flat>>>,
}

#[test]
fn types_may_be_as_deep_as_the_limit_and_no_deeper() {
    on_a_usual_stack(|| {
        let chain =
            |levels| (1..levels).fold(Node { next: None }, |next, _| Node { next: Some(Box::new(next)) });
        let bytes = encode(&chain(MAX_DEPTH)).unwrap();
        assert_eq!(decode::<Node>(&bytes).unwrap(), chain(MAX_DEPTH));
        assert_eq!(encode(&chain(MAX_DEPTH + 1)), Err(TOO_DEEP));

        let forest = |levels| (1..levels).fold(Forest(Set(vec![])), |inner, _| Forest(Set(vec![inner])));
        let bytes = encode(&forest(MAX_DEPTH)).unwrap();
        assert_eq!(decode::<Forest>(&bytes).unwrap(), forest(MAX_DEPTH));
        assert_eq!(encode(&forest(MAX_DEPTH + 1)), Err(TOO_DEEP));
        assert_eq!(encode(&forest(5_000)), Err(TOO_DEEP));
    });
}

#[test]
fn wrappers_that_leave_no_trace_in_the_bytes_do_not_exhaust_the_stack() {
    on_a_usual_stack(|| {
        assert_eq!(decode::<Endless>(&[0x01]), Err(TOO_DEEP));
        let endless = (0..5_000).fold(Endless(None), |inner, _| Endless(Some(Box::new(inner))));
        assert_eq!(encode(&endless), Err(TOO_DEEP));
        assert_eq!(decode::<Endless>(&encode(&Endless(None)).unwrap()), Ok(Endless(None)));
    });
}

#[test]
fn types_that_serde_buffers_may_be_as_deep_as_the_limit_and_no_deeper() {
    on_a_usual_stack(|| {
        let grow = |inner: Flat| Flat { rest: [("a".to_owned(), Set(vec![inner]))].into() };
        let flat = |levels: usize| (0..levels).fold(Flat { rest: BTreeMap::new() }, |inner, _| grow(inner));
        // Each step is a map and a set, and the innermost map is one more.
        let deepest = flat(MAX_DEPTH / 2 - 1);
        let bytes = encode(&deepest).unwrap();
        assert_eq!(decode::<Flat>(&bytes), Ok(deepest));
        assert_eq!(encode(&flat(MAX_DEPTH / 2)), Err(TOO_DEEP));
    });
}

#[test]
fn declared_sizes_are_not_believed() {
    for hex in [
        "dd ffffffff",
        "dd ffffffff 00",
        "df ffffffff",
        "df ffffffff 00 00",
        "db ffffffff",
        "c6 ffffffff",
        "c9 ffffffff 0a",
        "91 dd ffffffff",
    ] {
        let bytes = bytes(hex);
        assert!(matches!(Value::from_bytes(&bytes), Err(Error::Malformed { .. })), "{hex}");
        assert!(matches!(decode::<Value>(&bytes), Err(Error::Malformed { .. })), "{hex}");
        assert!(matches!(
            decode::<Vec<Vec<u64>>>(&bytes),
            Err(Error::Malformed { .. } | Error::TypeMismatch { .. })
        ));
        assert!(matches!(decode::<serde::de::IgnoredAny>(&bytes), Err(Error::Malformed { .. })), "{hex}");
    }
}

#[test]
fn containers_are_not_grown_at_once_to_a_declared_size() {
    let count = 1_000_000_u32;
    let bytes = [&[0xdd][..], &count.to_be_bytes(), &vec![0xc0; 1_000_000]].concat();

    struct Capacity(Option<usize>);
    impl<'de> Deserialize<'de> for Capacity {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Hint;
            impl<'de> serde::de::Visitor<'de> for Hint {
                type Value = Option<usize>;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a list")
                }
                fn visit_seq<A: serde::de::SeqAccess<'de>>(
                    self,
                    mut items: A,
                ) -> Result<Option<usize>, A::Error> {
                    let hint = items.size_hint();
                    while items.next_element::<()>()?.is_some() {}
                    Ok(hint)
                }
            }
            deserializer.deserialize_seq(Hint).map(Capacity)
        }
    }
    let hint = decode::<Capacity>(&bytes).unwrap().0;
    assert_eq!(hint, Some(1_024));
    assert!(decode::<Vec<[u64; 32]>>(&bytes).is_err());
}
