//! Sets, tuples and custom values in serde's terms: extensions that hold other values.

use std::fmt;
use std::marker::PhantomData;

use rmp_serde::MSGPACK_EXT_STRUCT_NAME;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer, de, ser};
use serde_bytes::{ByteBuf, Bytes};

use crate::decode::Decoder;
use crate::layout::code;
use crate::reader::{Reader, Token};
use crate::{Error, MAX_DEPTH, check, handshake};

const SET_NAME: &str = "annals_codec::set";
const TUPLE_NAME: &str = "annals_codec::tuple";
const CUSTOM_NAME: &str = "annals_codec::custom";

/// Returns the extension code that a newtype struct's name stands for between our serializers and our types.
pub(crate) fn code_of(name: &str) -> Option<i8> {
    match name {
        SET_NAME => Some(code::SET),
        TUPLE_NAME => Some(code::TUPLE),
        CUSTOM_NAME => Some(code::CUSTOM),
        _ => None,
    }
}

const fn name_of(code: i8) -> &'static str {
    match code {
        code::SET => SET_NAME,
        code::TUPLE => TUPLE_NAME,
        _ => CUSTOM_NAME,
    }
}

/// Stores any collection as a set: its items are distinct, and their order does not matter.
///
/// Rust's own sets are stored as lists, in the order in which they yield their items. To keep a field's type, use the
/// module [`set`](crate::set) instead. Two items with the same bytes are an error. Human-readable formats such as
/// JSON get the collection as it is.
///
/// ```
/// use std::collections::HashSet;
/// use annals_codec::{Set, Value, decode, encode, to_value};
///
/// let primes = Set(HashSet::from([5, 2, 3]));
/// assert_eq!(encode(&primes)?, encode(&Set(vec![2, 3, 5]))?);
/// assert_eq!(to_value(&primes)?, Value::Set([2, 3, 5].map(Value::from).into()));
/// assert_eq!(decode::<Set<HashSet<i32>>>(&encode(&primes)?)?, primes);
/// # Ok::<(), annals_codec::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Set<T>(pub T);

impl<T: Serialize> Serialize for Set<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(code::SET, &self.0, serializer)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Set<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(code::SET, "a set", deserializer).map(Self)
    }
}

/// Stores a Rust tuple, or any sequence, as a tuple, which is told apart from a list.
///
/// To keep a field's type, use the module [`tuple`](crate::tuple) instead. Human-readable formats such as JSON get
/// the sequence as it is.
///
/// ```
/// use annals_codec::{Tuple, Value, decode, encode, to_value};
///
/// let pair = Tuple((1, "one".to_owned()));
/// assert_eq!(to_value(&pair)?, Value::Tuple(vec![1.into(), "one".into()]));
/// assert_eq!(decode::<Tuple<(i32, String)>>(&encode(&pair)?)?, pair);
/// assert_ne!(encode(&pair)?, encode(&pair.0)?);
/// # Ok::<(), annals_codec::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tuple<T>(pub T);

impl<T: Serialize> Serialize for Tuple<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(code::TUPLE, &self.0, serializer)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Tuple<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(code::TUPLE, "a tuple", deserializer).map(Self)
    }
}

/// Stores a collection as a set, for `#[serde(with = "annals_codec::set")]` on a field; see [`Set`](crate::Set).
///
/// ```
/// use std::collections::HashSet;
/// use annals_codec::{Kind, to_value};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Article {
///     #[serde(with = "annals_codec::set")]
///     labels: HashSet<String>,
/// }
///
/// let article = Article { labels: HashSet::from(["new".to_owned()]) };
/// assert_eq!(to_value(&article)?.get("labels").map(|labels| labels.kind()), Some(Kind::Set));
/// # Ok::<(), annals_codec::Error>(())
/// ```
pub mod set {
    use serde::de::DeserializeOwned;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes the collection's items as a set.
    ///
    /// # Errors
    /// Those of the serializer, and two items with the same bytes.
    pub fn serialize<T: Serialize, S: Serializer>(items: &T, serializer: S) -> Result<S::Ok, S::Error> {
        super::Set(items).serialize(serializer)
    }

    /// Reads a collection from a set.
    ///
    /// # Errors
    /// Those of the deserializer, and whatever is stored that is no set.
    pub fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        super::Set::deserialize(deserializer).map(|set| set.0)
    }
}

/// Stores a Rust tuple as a tuple, for `#[serde(with = "annals_codec::tuple")]` on a field; see
/// [`Tuple`](crate::Tuple).
///
/// ```
/// use annals_codec::{Kind, to_value};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Place {
///     #[serde(with = "annals_codec::tuple")]
///     coordinates: (f64, f64),
/// }
///
/// let place = to_value(&Place { coordinates: (52.5, 13.4) })?;
/// assert_eq!(place.get("coordinates").map(|pair| pair.kind()), Some(Kind::Tuple));
/// # Ok::<(), annals_codec::Error>(())
/// ```
pub mod tuple {
    use serde::de::DeserializeOwned;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes the items as a tuple.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<T: Serialize, S: Serializer>(items: &T, serializer: S) -> Result<S::Ok, S::Error> {
        super::Tuple(items).serialize(serializer)
    }

    /// Reads the items of a tuple.
    ///
    /// # Errors
    /// Those of the deserializer, and whatever is stored that is no tuple.
    pub fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        super::Tuple::deserialize(deserializer).map(|tuple| tuple.0)
    }
}

/// Writes what a set, tuple or custom value holds: a sequence of items, or a tag and its content.
pub(crate) fn serialize<T, S>(code: i8, content: &T, serializer: S) -> Result<S::Ok, S::Error>
where
    T: Serialize + ?Sized,
    S: Serializer,
{
    if serializer.is_human_readable() {
        return content.serialize(serializer);
    }
    serializer.serialize_newtype_struct(name_of(code), &Content { code, content })
}

struct Content<'a, T: ?Sized> {
    code: i8,
    content: &'a T,
}

impl<T: Serialize + ?Sized> Serialize for Content<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if handshake::take() {
            return self.content.serialize(serializer);
        }
        let extension =
            crate::encode(&InPlace { code: self.code, content: self.content }).map_err(ser::Error::custom)?;
        match Reader::new(&extension).token() {
            Ok(Token::Extension(code, payload)) => {
                serializer.serialize_newtype_struct(MSGPACK_EXT_STRUCT_NAME, &(code, Bytes::new(payload)))
            }
            _ => Err(ser::Error::custom(Error::Refused)),
        }
    }
}

/// Content whose serializer is known to be ours.
struct InPlace<'a, T: ?Sized> {
    code: i8,
    content: &'a T,
}

impl<T: Serialize + ?Sized> Serialize for InPlace<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(self.code, self.content, serializer)
    }
}

/// Reads what a set or tuple holds.
fn deserialize<'de, T, D>(code: i8, wanted: &'static str, deserializer: D) -> Result<T, D::Error>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    let human_readable = deserializer.is_human_readable();
    let visitor = ContentVisitor { code, wanted, human_readable, content: PhantomData };
    deserializer.deserialize_newtype_struct(name_of(code), visitor)
}

struct ContentVisitor<T> {
    code: i8,
    wanted: &'static str,
    human_readable: bool,
    content: PhantomData<T>,
}

impl<T: DeserializeOwned> ContentVisitor<T> {
    fn read_payload<E: de::Error>(&self, code: i8, payload: &[u8]) -> Result<T, E> {
        if code != self.code {
            return Err(E::invalid_type(Unexpected::NewtypeStruct, &self.wanted));
        }
        let read = || {
            check::extension(code, Reader::new(payload), 0, MAX_DEPTH)?;
            T::deserialize(&mut Decoder::new(Reader::new(payload)))
        };
        read().map_err(E::custom)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for ContentVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wanted)
    }

    /// Our own deserializer stands before the items.
    fn visit_some<D: Deserializer<'de>>(self, items: D) -> Result<T, D::Error> {
        T::deserialize(items)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<T, D::Error> {
        inner.deserialize_any(self)
    }

    /// A human-readable format gives the items, every other the pair of an extension.
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<T, A::Error> {
        if self.human_readable {
            return T::deserialize(de::value::SeqAccessDeserializer::new(sequence));
        }
        let (code, payload) = pair_of(&mut sequence, &self)?;
        self.read_payload(code, &payload)
    }

    /// Our own deserializer gives an extension that it was not asked for like this.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let (code, payload) = entry_of(&mut map, &self)?;
        self.read_payload(code, &payload)
    }
}

/// Reads the code and payload of an extension from a sequence.
pub(crate) fn pair_of<'de, A: SeqAccess<'de>>(
    sequence: &mut A,
    wanted: &dyn de::Expected,
) -> Result<(i8, ByteBuf), A::Error> {
    let short = |found| de::Error::invalid_length(found, wanted);
    let code = sequence.next_element()?.ok_or_else(|| short(0))?;
    let payload = sequence.next_element()?.ok_or_else(|| short(1))?;
    Ok((code, payload))
}

/// Reads the code and payload of an extension from a map of one entry.
pub(crate) fn entry_of<'de, A: MapAccess<'de>>(
    map: &mut A,
    wanted: &dyn de::Expected,
) -> Result<(i8, ByteBuf), A::Error> {
    map.next_entry()?.ok_or_else(|| de::Error::invalid_length(0, wanted))
}
