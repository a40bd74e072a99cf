//! What serde has to say of a failure, in our errors.

use serde::de::{self, Expected, Unexpected};
use serde::ser;

use crate::reader::extension_kind;
use crate::{Error, Kind};

/// serde's own messages quote what is stored, so that ours are built from the kinds alone.
impl de::Error for Error {
    fn custom<T: std::fmt::Display>(_message: T) -> Self {
        Self::Refused
    }

    fn invalid_type(stored: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::TypeMismatch { wanted: wanted.to_string(), stored: kind_of(stored) }
    }

    fn invalid_value(stored: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::Unfit { wanted: wanted.to_string(), stored: kind_of(stored) }
    }

    fn invalid_length(found: usize, wanted: &dyn Expected) -> Self {
        Self::WrongLength { wanted: wanted.to_string(), found }
    }

    fn unknown_variant(_variant: &str, expected: &'static [&'static str]) -> Self {
        Self::UnknownVariant { expected }
    }

    fn unknown_field(_field: &str, expected: &'static [&'static str]) -> Self {
        Self::UnknownField { expected }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::MissingField { field }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::DuplicateField { field }
    }
}

fn kind_of(stored: Unexpected<'_>) -> &'static str {
    let kind = match stored {
        Unexpected::Bool(_) => Kind::Bool,
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => Kind::Integer,
        Unexpected::Float(_) => Kind::Float,
        Unexpected::Char(_) | Unexpected::Str(_) | Unexpected::UnitVariant => Kind::Text,
        Unexpected::Bytes(_) => Kind::Bytes,
        Unexpected::Unit | Unexpected::Option => Kind::Null,
        Unexpected::Seq => Kind::List,
        Unexpected::Map | Unexpected::Enum => Kind::Map,
        Unexpected::NewtypeVariant | Unexpected::TupleVariant | Unexpected::StructVariant => Kind::Map,
        Unexpected::NewtypeStruct => return EXTENSION,
        // The text is free, and may quote the value, unless it is one of ours.
        Unexpected::Other(text) => {
            let kind = Kind::ALL.into_iter().find(|kind| kind.name() == text);
            return kind.map_or("something else", Kind::name);
        }
    };
    kind.name()
}

/// What is said to a visitor of an extension that it does not know; [`naming`] puts the kind in its place.
const EXTENSION: &str = "extension";

/// Puts the kind of the extension at hand into an error about one.
pub(crate) fn naming(error: Error, code: i8) -> Error {
    match (error, extension_kind(code)) {
        (Error::TypeMismatch { wanted, stored: EXTENSION }, Some(kind)) => {
            Error::TypeMismatch { wanted, stored: kind.name() }
        }
        (error, _) => error,
    }
}

impl ser::Error for Error {
    fn custom<T: std::fmt::Display>(_message: T) -> Self {
        Self::Refused
    }
}
