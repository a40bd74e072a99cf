//! Values of every kind for tests.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

use crate::{
    Complex, Date, DateTime, Decimal, Duration, Integer, OffsetTimestamp, Time, Timestamp, Uuid, Value,
};

/// Any value, a few levels deep.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    any_scalar().prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::List),
            vec(inner.clone(), 0..20).prop_map(Value::Tuple),
            btree_set(inner.clone(), 0..6).prop_map(Value::Set),
            btree_map(inner.clone(), inner.clone(), 0..6).prop_map(Value::Map),
            btree_map("[$a-c]{0,3}".prop_map(Value::from), inner.clone(), 0..20).prop_map(Value::Map),
            (any::<u32>(), inner)
                .prop_map(|(tag, content)| Value::Custom { tag, content: Box::new(content) }),
        ]
    })
}

fn any_scalar() -> impl Strategy<Value = Value> {
    let shifted = (any::<i128>(), 0_u32..128).prop_map(|(number, shift)| Value::from(number >> shift));
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        shifted,
        (any::<u128>(), 0_u32..128).prop_map(|(number, shift)| Value::from(number >> shift)),
        any_float().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
        any_decimal().prop_map(Value::from),
        any::<[u8; 16]>().prop_map(|bytes| Value::from(Uuid::from_bytes(bytes))),
        any_timestamp().prop_map(Value::from),
        any_instant().prop_map(|instant| Value::from(DateTime::from_micros(instant.as_micros()).unwrap())),
        any_instant().prop_map(|instant| Value::from(date_of(instant))),
        (0..86_400_000_000_i64).prop_map(|micros| Value::from(Time::from_micros(micros).unwrap())),
        any::<i64>().prop_map(|micros| Value::from(Duration::from_micros(micros))),
        (any_float(), any_float()).prop_map(|(re, im)| Value::from(Complex { re, im })),
    ]
}

/// Any float, the special ones often.
pub(crate) fn any_float() -> impl Strategy<Value = f64> {
    let special =
        [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1.0, f64::MAX, f64::MIN_POSITIVE];
    prop_oneof![prop::sample::select(special.to_vec()), any::<u64>().prop_map(f64::from_bits)]
}

fn any_decimal() -> impl Strategy<Value = Decimal> {
    "-?([0-9]{1,45}(\\.[0-9]{0,20})?(E-?[0-9]{1,6})?|Infinity|s?NaN[0-9]{0,4})"
        .prop_map(|text| text.parse().unwrap())
}

fn any_instant() -> impl Strategy<Value = Timestamp> {
    (Timestamp::MIN.as_micros()..=Timestamp::MAX.as_micros(), any::<bool>()).prop_map(|(micros, is_whole)| {
        let micros = if is_whole { micros - micros.rem_euclid(1_000_000) } else { micros };
        Timestamp::from_micros(micros).unwrap()
    })
}

fn any_timestamp() -> impl Strategy<Value = OffsetTimestamp> {
    let offset = prop_oneof![Just(0), (-23..=23).prop_map(|hours| hours * 3_600), -86_399..=86_399];
    (any_instant(), offset).prop_map(|(instant, offset)| {
        OffsetTimestamp::new(instant, offset).unwrap_or_else(|_| instant.into())
    })
}

fn date_of(instant: Timestamp) -> Date {
    DateTime::from_micros(instant.as_micros()).unwrap().date()
}

/// A value of every kind, with the bytes and the JSON form that it has for ever.
pub(crate) fn golden() -> Vec<(Value, &'static str, &'static str)> {
    let text = |text: &str| Value::from(text);
    let int = |number: i128| Value::from(number);
    let list = |items: &[Value]| Value::List(items.to_vec());
    vec![
        (Value::Null, "c0", "null"),
        (false.into(), "c2", "false"),
        (true.into(), "c3", "true"),
        (int(0), "00", "0"),
        (int(127), "7f", "127"),
        (int(128), "cc80", "128"),
        (int(255), "ccff", "255"),
        (int(256), "cd0100", "256"),
        (int(65_536), "ce00010000", "65536"),
        (int(1 << 32), "cf0000000100000000", "4294967296"),
        (int(u64::MAX.into()), "cfffffffffffffffff", "18446744073709551615"),
        (int(-1), "ff", "-1"),
        (int(-32), "e0", "-32"),
        (int(-33), "d0df", "-33"),
        (int(-129), "d1ff7f", "-129"),
        (int(-32_769), "d2ffff7fff", "-32769"),
        (int(i64::MIN.into()), "d38000000000000000", "-9223372036854775808"),
        (int(1 << 64), "c70901010000000000000000", r#"{"$int":"18446744073709551616"}"#),
        (int(-(1 << 63) - 1), "c70901ff7fffffffffffffff", r#"{"$int":"-9223372036854775809"}"#),
        (
            int(i128::MIN),
            "d80180000000000000000000000000000000",
            r#"{"$int":"-170141183460469231731687303715884105728"}"#,
        ),
        (
            Value::from(u128::MAX),
            "c7110100ffffffffffffffffffffffffffffffff",
            r#"{"$int":"340282366920938463463374607431768211455"}"#,
        ),
        (1.0.into(), "cb3ff0000000000000", "1.0"),
        ((-0.0).into(), "cb8000000000000000", "-0.0"),
        (1e300.into(), "cb7e37e43c8800759c", "1e+300"),
        (f64::NAN.into(), "cb7ff8000000000000", r#"{"$f64":"NaN"}"#),
        ((-f64::NAN).into(), "cb7ff8000000000000", r#"{"$f64":"NaN"}"#),
        (f64::INFINITY.into(), "cb7ff0000000000000", r#"{"$f64":"Infinity"}"#),
        (f64::NEG_INFINITY.into(), "cbfff0000000000000", r#"{"$f64":"-Infinity"}"#),
        (text(""), "a0", r#""""#),
        (text("$é"), "a324c3a9", r#""$é""#),
        (
            text("a text of exactly thirty-two byt"),
            "d92061207465787420 6f662065786163746c792074686972 74792d74776f20627974",
            r#""a text of exactly thirty-two byt""#,
        ),
        (Value::Bytes(vec![]), "c400", r#"{"$bytes":""}"#),
        (Value::Bytes(vec![1, 2, 255]), "c4030102ff", r#"{"$bytes":"AQL/"}"#),
        (list(&[]), "90", "[]"),
        (list(&[int(1), text("a"), Value::Null]), "9301a161c0", r#"[1,"a",null]"#),
        (Value::Map([].into()), "80", "{}"),
        (
            Value::map([("bb", int(1)), ("c", int(2)), ("a", int(3))]),
            "83a16103a16302a2626201",
            r#"{"a":3,"bb":1,"c":2}"#,
        ),
        (Value::map([("$a", int(1))]), "81a2246101", r#"{"$map":[["$a",1]]}"#),
        (
            Value::Map([(int(-1), true.into()), (int(1), text("x")), (list(&[]), Value::Null)].into()),
            "8301a17890c0ffc3",
            r#"{"$map":[[1,"x"],[[],null],[-1,true]]}"#,
        ),
        (Value::Decimal("1.10".parse().unwrap()), "d602312e3130", r#"{"$decimal":"1.10"}"#),
        (Value::Decimal("-sNaN7".parse().unwrap()), "c706022d734e614e37", r#"{"$decimal":"-sNaN7"}"#),
        (
            Value::Uuid("0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap()),
            "d8030190163d8694739baea5966c26f8ad91",
            r#"{"$uuid":"0190163d-8694-739b-aea5-966c26f8ad91"}"#,
        ),
        (
            Value::Timestamp("2026-04-08T05:53:44+00:00".parse().unwrap()),
            "d70400064eec85c82a00",
            r#"{"$timestamp":"2026-04-08T05:53:44+00:00"}"#,
        ),
        (
            Value::Timestamp("2026-04-08T00:23:44.000001-05:30".parse().unwrap()),
            "c70c0400064eec85c82a01ffffb2a8",
            r#"{"$timestamp":"2026-04-08T00:23:44.000001-05:30"}"#,
        ),
        (
            Value::DateTime("1969-12-31T23:59:59.999999".parse().unwrap()),
            "d705ffffffffffffffff",
            r#"{"$datetime":"1969-12-31T23:59:59.999999"}"#,
        ),
        (Value::Date("2000-03-01".parse().unwrap()), "d60600002b09", r#"{"$date":"2000-03-01"}"#),
        (
            Value::Time("23:59:59.999999".parse().unwrap()),
            "d707000000141dd75fff",
            r#"{"$time":"23:59:59.999999"}"#,
        ),
        (
            Value::Duration(Duration::from_micros(-1)),
            "d708ffffffffffffffff",
            r#"{"$duration":"-PT0.000001S"}"#,
        ),
        (
            Value::Complex(Complex { re: 1.0, im: -f64::NAN }),
            "d8093ff00000000000007ff8000000000000",
            r#"{"$complex":[1.0,{"$f64":"NaN"}]}"#,
        ),
        (Value::Set([].into()), "d40a90", r#"{"$set":[]}"#),
        (
            Value::Set([text("bb"), int(2), text("c")].into()),
            "c7070a9302a163a26262",
            r#"{"$set":[2,"c","bb"]}"#,
        ),
        (Value::Tuple(vec![int(2), int(1)]), "c7030b920201", r#"{"$tuple":[2,1]}"#),
        (
            Value::Custom { tag: 1, content: Box::new(Value::Null) },
            "d50c01c0",
            r#"{"$custom":["python.random",null]}"#,
        ),
        (
            Value::Custom { tag: u32::MAX, content: Box::new(Value::Set([int(1)].into())) },
            "c7090cceffffffffd50a9101",
            r#"{"$custom":[4294967295,{"$set":[1]}]}"#,
        ),
        (Integer::from(-7_i8).into(), "f9", "-7"),
    ]
}

/// Bytes from hexadecimal digits, between which there may be spaces.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}
