//! Equality, order and hash of values: those of their canonical bytes, found without writing the bytes.
//!
//! The bytes of every value say themselves where they end, so that the bytes of two lists compare as the lists do,
//! item by item; and every start of a longer text, list or extension is greater than that of a shorter.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use crate::layout::{IntegerForm, code, flat_extension, integer_form, marker, payload_len};
use crate::{Value, float};

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_marker = || marker(self).to_u8().cmp(&marker(other).to_u8());
        match (self, other) {
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => float::canonical_bits(*a).cmp(&float::canonical_bits(*b)),
            (Self::Text(a), Self::Text(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
            (Self::Bytes(a), Self::Bytes(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
            (Self::List(a), Self::List(b)) => compare_items(a, b),
            (Self::Map(a), Self::Map(b)) => compare_items(a, b),
            _ => by_marker().then_with(|| compare_same_marker(self, other)),
        }
    }
}

/// Compares values whose bytes start alike, so that both are small integers or both are extensions.
fn compare_same_marker(a: &Value, b: &Value) -> Ordering {
    if let (Value::Integer(a), Value::Integer(b)) = (a, b)
        && !matches!(integer_form(*a), IntegerForm::Wide(_))
    {
        return a.cmp(b);
    }
    let by_header =
        payload_len(a).cmp(&payload_len(b)).then_with(|| extension_code(a).cmp(&extension_code(b)));
    by_header.then_with(|| match (a, b) {
        (Value::Set(a), Value::Set(b)) => compare_items(a, b),
        (Value::Tuple(a), Value::Tuple(b)) => compare_items(a, b),
        (Value::Custom { tag: a, content: x }, Value::Custom { tag: b, content: y }) => {
            a.cmp(b).then_with(|| x.cmp(y))
        }
        _ => flat_extension(a).cmp(&flat_extension(b)),
    })
}

fn compare_items<I>(a: I, b: I) -> Ordering
where
    I: IntoIterator<Item: Ord, IntoIter: ExactSizeIterator>,
{
    let (a, b) = (a.into_iter(), b.into_iter());
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Returns the extension's code, which is written as one byte.
fn extension_code(value: &Value) -> i8 {
    match value {
        Value::Set(_) => code::SET,
        Value::Tuple(_) => code::TUPLE,
        Value::Custom { .. } => code::CUSTOM,
        _ => flat_extension(value).map_or(0, |(code, _)| code),
    }
}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.kind().hash(state);
        match self {
            Self::Null => {}
            Self::Bool(truth) => truth.hash(state),
            Self::Integer(integer) => integer.hash(state),
            Self::Float(float) => float::canonical_bits(*float).hash(state),
            Self::Text(text) => text.hash(state),
            Self::Bytes(bytes) => bytes.hash(state),
            Self::List(items) | Self::Tuple(items) => items.hash(state),
            Self::Map(map) => map.hash(state),
            Self::Decimal(decimal) => decimal.hash(state),
            Self::Uuid(uuid) => uuid.hash(state),
            Self::Timestamp(timestamp) => timestamp.hash(state),
            Self::DateTime(datetime) => datetime.hash(state),
            Self::Date(date) => date.hash(state),
            Self::Time(time) => time.hash(state),
            Self::Duration(duration) => duration.hash(state),
            Self::Complex(complex) => complex.hash(state),
            Self::Set(items) => items.hash(state),
            Self::Custom { tag, content } => (tag, content).hash(state),
        }
    }
}
