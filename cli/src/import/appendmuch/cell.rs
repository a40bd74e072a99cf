use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::error::RowProblem;

/// What one column of a row holds, whichever file it came from.
#[derive(Debug, Default)]
pub(super) enum Cell {
    #[default]
    Missing,
    Null,
    Integer(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// Anything else, by the name of its kind.
    Other(&'static str),
}

impl Cell {
    pub(super) fn integer(self, column: &'static str) -> Result<i64, RowProblem> {
        match self {
            Cell::Integer(number) => Ok(number),
            other => Err(other.is_not("an integer", column)),
        }
    }

    pub(super) fn seconds(self, column: &'static str) -> Result<f64, RowProblem> {
        match self {
            Cell::Float(number) => Ok(number),
            #[expect(clippy::cast_precision_loss, reason = "seconds of the years -9999 to 9999 are exact")]
            Cell::Integer(number) => Ok(number as f64),
            other => Err(other.is_not("a number", column)),
        }
    }

    pub(super) fn text(self, column: &'static str) -> Result<String, RowProblem> {
        match self {
            Cell::Text(text) => Ok(text),
            other => Err(other.is_not("text", column)),
        }
    }

    pub(super) fn bytes_or_null(self, column: &'static str) -> Result<Option<Vec<u8>>, RowProblem> {
        match self {
            Cell::Bytes(bytes) => Ok(Some(bytes)),
            Cell::Null => Ok(None),
            other => Err(other.is_not("bytes or null", column)),
        }
    }

    fn is_not(&self, wanted: &'static str, column: &'static str) -> RowProblem {
        let found = match self {
            Cell::Missing => return RowProblem::Missing { column },
            Cell::Null => "null",
            Cell::Integer(_) => "an integer",
            Cell::Float(_) => "a float",
            Cell::Text(_) => "text",
            Cell::Bytes(_) => "bytes",
            Cell::Other(kind) => kind,
        };
        RowProblem::Kind { column, wanted, found }
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Cell, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column of a row")
    }

    fn visit_unit<E>(self) -> Result<Cell, E> {
        Ok(Cell::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Cell, E> {
        Ok(Cell::Other("a bool"))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Cell, E> {
        Ok(Cell::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Cell, E> {
        Ok(i64::try_from(number).map_or(Cell::Other("an integer beyond 63 bits"), Cell::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Cell, E> {
        Ok(Cell::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
        Ok(Cell::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Cell, E> {
        Ok(Cell::Text(text))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Cell, E> {
        Ok(Cell::Bytes(bytes.to_vec()))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Cell, E> {
        Ok(Cell::Bytes(bytes))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Cell, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Cell::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Cell, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cell::Other("a map"))
    }

    /// An extension of MessagePack.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cell, D::Error> {
        IgnoredAny::deserialize(deserializer)?;
        Ok(Cell::Other("an extension"))
    }
}
