//! Takes a struct or a map apart into its members, each of them encoded.

use std::fmt;

use annals_core::{Store, codec};
use serde::ser::{self, Serialize, Serializer};

/// The members of a value by name, `None` if it is no struct and no map of texts.
pub(crate) type Members = Option<Vec<(String, Vec<u8>)>>;

/// Returns the members of `value`, encoded as `store` would store them.
///
/// # Errors
/// If a member cannot be encoded.
pub(crate) fn members<T: Serialize + ?Sized>(
    store: &Store,
    value: &T,
) -> Result<Members, annals_core::Error> {
    value.serialize(Splitter { store }).map_err(|Failed(error)| error)
}

struct Splitter<'a> {
    store: &'a Store,
}

/// Gathers members; `None` once a key was no text.
struct Gatherer<'a> {
    store: &'a Store,
    members: Members,
    key: Option<String>,
}

impl<'a> Splitter<'a> {
    fn gather(self, len: usize) -> Gatherer<'a> {
        // A length comes from the type's own code and is not believed.
        Gatherer { store: self.store, members: Some(Vec::with_capacity(len.min(64))), key: None }
    }
}

impl Gatherer<'_> {
    fn add<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Failed> {
        let Some(members) = &mut self.members else { return Ok(()) };
        let bytes = self.store.encode(name, value)?;
        members.push((name.to_owned(), bytes.to_vec()));
        Ok(())
    }
}

impl ser::SerializeStruct for Gatherer<'_> {
    type Ok = Members;
    type Error = Failed;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Failed> {
        self.add(name, value)
    }

    fn end(self) -> Result<Members, Failed> {
        Ok(self.members)
    }
}

impl ser::SerializeMap for Gatherer<'_> {
    type Ok = Members;
    type Error = Failed;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failed> {
        let refuse = |problem| annals_core::Error::Encode { what: "the key of a map".to_owned(), problem };
        let bytes = codec::encode(key).map_err(refuse)?;
        self.key = codec::decode(&bytes).ok();
        if self.key.is_none() {
            self.members = None;
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        let key = self.key.take();
        key.map_or(Ok(()), |key| self.add(&key, value))
    }

    fn end(self) -> Result<Members, Failed> {
        Ok(self.members)
    }
}

/// Everything that is no struct and no map is left whole.
macro_rules! whole {
    ($($method:ident($($argument:ty),*);)*) => {$(
        fn $method(self, $(_: $argument),*) -> Result<Members, Failed> {
            Ok(None)
        }
    )*};
}

impl<'a> Serializer for Splitter<'a> {
    type Ok = Members;
    type Error = Failed;
    type SerializeSeq = Whole;
    type SerializeTuple = Whole;
    type SerializeTupleStruct = Whole;
    type SerializeTupleVariant = Whole;
    type SerializeMap = Gatherer<'a>;
    type SerializeStruct = Gatherer<'a>;
    type SerializeStructVariant = Whole;

    whole! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<Members, Failed> {
        Ok(None)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        inner: &T,
    ) -> Result<Members, Failed> {
        inner.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Members, Failed> {
        Ok(None)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Whole, Failed> {
        Ok(Whole)
    }

    fn serialize_tuple(self, _: usize) -> Result<Whole, Failed> {
        Ok(Whole)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Whole, Failed> {
        Ok(Whole)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Whole, Failed> {
        Ok(Whole)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Whole, Failed> {
        Ok(Whole)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Gatherer<'a>, Failed> {
        Ok(self.gather(len.unwrap_or_default()))
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Gatherer<'a>, Failed> {
        Ok(self.gather(len))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// Passes over the items of what is left whole.
pub(crate) struct Whole;

macro_rules! pass_over {
    ($($kind:ident $method:ident($($argument:ty),*);)*) => {$(
        impl ser::$kind for Whole {
            type Ok = Members;
            type Error = Failed;

            fn $method<T: Serialize + ?Sized>(&mut self, $(_: $argument,)* _: &T) -> Result<(), Failed> {
                Ok(())
            }

            fn end(self) -> Result<Members, Failed> {
                Ok(None)
            }
        }
    )*};
}

pass_over! {
    SerializeSeq serialize_element();
    SerializeTuple serialize_element();
    SerializeTupleStruct serialize_field();
    SerializeTupleVariant serialize_field();
    SerializeStructVariant serialize_field(&'static str);
}

/// Why a value cannot be taken apart.
#[derive(Debug)]
pub(crate) struct Failed(annals_core::Error);

impl From<annals_core::Error> for Failed {
    fn from(error: annals_core::Error) -> Failed {
        Failed(error)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failed {}

impl ser::Error for Failed {
    fn custom<M: fmt::Display>(message: M) -> Failed {
        let problem = <codec::Error as ser::Error>::custom(message);
        Failed(annals_core::Error::Encode { what: "the object".to_owned(), problem })
    }
}
