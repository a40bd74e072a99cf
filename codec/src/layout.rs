//! The format: which byte a value starts with, how many bytes it takes, and what the extensions hold.

use std::borrow::Cow;

use rmp::Marker;

use crate::Value;
use crate::float;
use crate::integer::{Integer, Repr};

/// The extension codes, which are part of the format.
pub(crate) mod code {
    pub(crate) const INTEGER: i8 = 1;
    pub(crate) const DECIMAL: i8 = 2;
    pub(crate) const UUID: i8 = 3;
    pub(crate) const TIMESTAMP: i8 = 4;
    pub(crate) const DATETIME: i8 = 5;
    pub(crate) const DATE: i8 = 6;
    pub(crate) const TIME: i8 = 7;
    pub(crate) const DURATION: i8 = 8;
    pub(crate) const COMPLEX: i8 = 9;
    pub(crate) const SET: i8 = 10;
    pub(crate) const TUPLE: i8 = 11;
    pub(crate) const CUSTOM: i8 = 12;
}

/// Returns the shortest start of a number that is not negative.
pub(crate) fn uint_marker(number: u64) -> Marker {
    match number {
        0..=0x7f => Marker::FixPos(low_byte(number)),
        0x80..=0xff => Marker::U8,
        0x100..=0xffff => Marker::U16,
        0x1_0000..=0xffff_ffff => Marker::U32,
        _ => Marker::U64,
    }
}

/// Returns the shortest start of a number that may be negative.
pub(crate) fn int_marker(number: i64) -> Marker {
    if let Ok(number) = u64::try_from(number) {
        return uint_marker(number);
    }
    match (i8::try_from(number), i16::try_from(number), i32::try_from(number)) {
        (Ok(byte @ -32..), _, _) => Marker::FixNeg(byte),
        (Ok(_), _, _) => Marker::I8,
        (_, Ok(_), _) => Marker::I16,
        (_, _, Ok(_)) => Marker::I32,
        _ => Marker::I64,
    }
}

pub(crate) fn text_marker(len: usize) -> Marker {
    match len {
        0..=31 => Marker::FixStr(low_byte(len as u64)),
        32..=0xff => Marker::Str8,
        0x100..=0xffff => Marker::Str16,
        _ => Marker::Str32,
    }
}

pub(crate) fn bytes_marker(len: usize) -> Marker {
    match len {
        0..=0xff => Marker::Bin8,
        0x100..=0xffff => Marker::Bin16,
        _ => Marker::Bin32,
    }
}

pub(crate) fn list_marker(len: usize) -> Marker {
    match len {
        0..=15 => Marker::FixArray(low_byte(len as u64)),
        16..=0xffff => Marker::Array16,
        _ => Marker::Array32,
    }
}

pub(crate) fn map_marker(len: usize) -> Marker {
    match len {
        0..=15 => Marker::FixMap(low_byte(len as u64)),
        16..=0xffff => Marker::Map16,
        _ => Marker::Map32,
    }
}

pub(crate) fn extension_marker(payload_len: usize) -> Marker {
    match payload_len {
        1 => Marker::FixExt1,
        2 => Marker::FixExt2,
        4 => Marker::FixExt4,
        8 => Marker::FixExt8,
        16 => Marker::FixExt16,
        0..=0xff => Marker::Ext8,
        0x100..=0xffff => Marker::Ext16,
        _ => Marker::Ext32,
    }
}

/// Returns the bytes before the content: the marker, then a number, a length, or a length and an extension code.
pub(crate) const fn header_len(marker: Marker) -> usize {
    match marker {
        Marker::U8 | Marker::I8 | Marker::Str8 | Marker::Bin8 => 2,
        Marker::FixExt1 | Marker::FixExt2 | Marker::FixExt4 | Marker::FixExt8 | Marker::FixExt16 => 2,
        Marker::U16 | Marker::I16 | Marker::Str16 | Marker::Bin16 | Marker::Array16 | Marker::Map16 => 3,
        Marker::Ext8 => 3,
        Marker::Ext16 => 4,
        Marker::U32 | Marker::I32 | Marker::F32 => 5,
        Marker::Str32 | Marker::Bin32 | Marker::Array32 | Marker::Map32 => 5,
        Marker::Ext32 => 6,
        Marker::U64 | Marker::I64 | Marker::F64 => 9,
        Marker::FixPos(_)
        | Marker::FixNeg(_)
        | Marker::FixStr(_)
        | Marker::FixArray(_)
        | Marker::FixMap(_) => 1,
        Marker::Null | Marker::True | Marker::False | Marker::Reserved => 1,
    }
}

/// A whole number as it is written.
pub(crate) enum IntegerForm {
    /// As a number of MessagePack's.
    Unsigned(u64),
    /// As a number of MessagePack's, below 0.
    Negative(i64),
    /// As an extension: two's complement, most significant byte first.
    Wide(WideInteger),
}

/// The shortest two's complement of a number beyond 64 bits: 9 to 17 bytes.
pub(crate) struct WideInteger {
    bytes: [u8; 17],
    start: usize,
}

impl WideInteger {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    fn new(integer: Integer) -> Self {
        let (sign, magnitude) = match integer.repr() {
            Repr::Negative(number) => (0xff, number.to_be_bytes()),
            Repr::NonNegative(number) => (0, number.to_be_bytes()),
        };
        let mut bytes = [sign; 17];
        for (to, from) in bytes.iter_mut().skip(1).zip(magnitude) {
            *to = from;
        }
        let is_redundant =
            |pair: &[u8]| matches!(pair, [first, next] if *first == sign && (next ^ sign) < 0x80);
        let start = bytes.windows(2).take_while(|pair| is_redundant(pair)).count();
        Self { bytes, start }
    }
}

/// Returns how a whole number is written.
pub(crate) fn integer_form(integer: Integer) -> IntegerForm {
    match (u64::try_from(integer), i64::try_from(integer)) {
        (Ok(number), _) => IntegerForm::Unsigned(number),
        (_, Ok(number)) => IntegerForm::Negative(number),
        _ => IntegerForm::Wide(WideInteger::new(integer)),
    }
}

/// Returns the marker that this value's canonical bytes start with.
pub(crate) fn marker(value: &Value) -> Marker {
    match value {
        Value::Null => Marker::Null,
        Value::Bool(false) => Marker::False,
        Value::Bool(true) => Marker::True,
        Value::Integer(integer) => match integer_form(*integer) {
            IntegerForm::Unsigned(number) => uint_marker(number),
            IntegerForm::Negative(number) => int_marker(number),
            IntegerForm::Wide(wide) => extension_marker(wide.as_bytes().len()),
        },
        Value::Float(_) => Marker::F64,
        Value::Text(text) => text_marker(text.len()),
        Value::Bytes(bytes) => bytes_marker(bytes.len()),
        Value::List(items) => list_marker(items.len()),
        Value::Map(map) => map_marker(map.len()),
        Value::Decimal(_)
        | Value::Uuid(_)
        | Value::Timestamp(_)
        | Value::DateTime(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::Duration(_)
        | Value::Complex(_)
        | Value::Set(_)
        | Value::Tuple(_)
        | Value::Custom { .. } => extension_marker(payload_len(value).unwrap_or_default()),
    }
}

/// Returns how many bytes the canonical form of this value takes.
pub(crate) fn encoded_len(value: &Value) -> usize {
    // Measured once for header and payload: twice a level would be 2^128 times at the deepest.
    if let Some(payload_len) = payload_len(value) {
        return header_len(extension_marker(payload_len)) + payload_len;
    }
    let content = match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items) => items.iter().map(encoded_len).sum(),
        Value::Map(map) => map.iter().map(|(key, value)| encoded_len(key) + encoded_len(value)).sum(),
        _ => 0,
    };
    header_len(marker(value)) + content
}

/// Returns how many bytes the payload of an extension takes.
pub(crate) fn payload_len(value: &Value) -> Option<usize> {
    let list = |len, items: usize| header_len(list_marker(len)) + items;
    match value {
        Value::Set(items) => Some(list(items.len(), items.iter().map(encoded_len).sum())),
        Value::Tuple(items) => Some(list(items.len(), items.iter().map(encoded_len).sum())),
        Value::Custom { tag, content } => {
            Some(header_len(uint_marker(u64::from(*tag))) + encoded_len(content))
        }
        _ => flat_extension(value).map(|(_, payload)| payload.len()),
    }
}

/// Returns the code and payload of an extension that holds no other values.
pub(crate) fn flat_extension(value: &Value) -> Option<(i8, Cow<'_, [u8]>)> {
    Some(match value {
        Value::Integer(integer) => match integer_form(*integer) {
            IntegerForm::Wide(wide) => (code::INTEGER, wide.as_bytes().to_vec().into()),
            IntegerForm::Unsigned(_) | IntegerForm::Negative(_) => return None,
        },
        Value::Decimal(decimal) => (code::DECIMAL, decimal.as_str().as_bytes().into()),
        Value::Uuid(uuid) => (code::UUID, uuid.as_bytes().into()),
        Value::Timestamp(timestamp) => {
            let mut payload = timestamp.instant().as_micros().to_be_bytes().to_vec();
            if timestamp.offset_seconds() != 0 {
                payload.extend(timestamp.offset_seconds().to_be_bytes());
            }
            (code::TIMESTAMP, payload.into())
        }
        Value::DateTime(datetime) => (code::DATETIME, datetime.as_micros().to_be_bytes().to_vec().into()),
        Value::Date(date) => (code::DATE, date.as_days().to_be_bytes().to_vec().into()),
        Value::Time(time) => (code::TIME, time.as_micros().to_be_bytes().to_vec().into()),
        Value::Duration(duration) => (code::DURATION, duration.as_micros().to_be_bytes().to_vec().into()),
        Value::Complex(complex) => {
            let parts = [complex.re, complex.im].map(|part| float::canonical_bits(part).to_be_bytes());
            (code::COMPLEX, parts.concat().into())
        }
        _ => return None,
    })
}

fn low_byte(number: u64) -> u8 {
    u8::try_from(number & 0xff).expect("one byte is left")
}
