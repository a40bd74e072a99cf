//! What goes with a statement, in the form in which the server takes it.

use std::error::Error as StdError;

use annals_core::Key;
use annals_core::codec::{Timestamp, Uuid};
use bytes::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// A value that a statement refers to as `$n`.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    kind: Type,
    bytes: Option<Vec<u8>>,
}

impl Parameter {
    pub(crate) fn number(number: i64) -> Parameter {
        Parameter { kind: Type::INT8, bytes: Some(number.to_be_bytes().to_vec()) }
    }

    pub(crate) fn text(text: &str) -> Parameter {
        Parameter { kind: Type::TEXT, bytes: Some(text.as_bytes().to_vec()) }
    }

    /// Returns a text, or NULL.
    pub(crate) fn text_or_null(text: Option<&str>) -> Parameter {
        Parameter { kind: Type::TEXT, bytes: text.map(|text| text.as_bytes().to_vec()) }
    }

    /// Returns a number, or NULL.
    pub(crate) fn number_or_null(number: Option<i64>) -> Parameter {
        Parameter { kind: Type::INT8, bytes: number.map(|number| number.to_be_bytes().to_vec()) }
    }

    /// Returns a time as it is stored, or NULL.
    pub(crate) fn time_or_null(time: Option<Timestamp>) -> Parameter {
        Parameter::number_or_null(time.map(Timestamp::as_micros))
    }

    /// Returns bytes, or NULL.
    pub(crate) fn bytes_or_null(bytes: Option<impl AsRef<[u8]>>) -> Parameter {
        Parameter { kind: Type::BYTEA, bytes: bytes.map(|bytes| bytes.as_ref().to_vec()) }
    }

    /// Returns what happened to a key, as it is stored.
    pub(crate) fn kind(kind: Option<i16>) -> Parameter {
        Parameter { kind: Type::INT2, bytes: kind.map(|kind| kind.to_be_bytes().to_vec()) }
    }

    /// Returns the namespace and the field of a key.
    pub(crate) fn names(key: &Key) -> [Parameter; 2] {
        [Parameter::text(key.namespace().as_str()), Parameter::text(key.field().as_str())]
    }

    pub(crate) fn id(id: &Uuid) -> Parameter {
        Parameter { kind: Type::UUID, bytes: Some(id.as_bytes().to_vec()) }
    }

    /// Returns an id, or NULL.
    pub(crate) fn id_or_null(id: Option<Uuid>) -> Parameter {
        Parameter { kind: Type::UUID, bytes: id.map(|id| id.as_bytes().to_vec()) }
    }

    pub(crate) fn bytes(bytes: &[u8]) -> Parameter {
        Parameter { kind: Type::BYTEA, bytes: Some(bytes.to_vec()) }
    }

    pub(crate) fn boolean(is: bool) -> Parameter {
        Parameter { kind: Type::BOOL, bytes: Some(vec![u8::from(is)]) }
    }
}

/// Returns parameters with their types, as the client wants them.
pub(crate) fn typed(parameters: &[Parameter]) -> Vec<(&(dyn ToSql + Sync), Type)> {
    parameters.iter().map(|parameter| (parameter as _, parameter.kind.clone())).collect()
}

impl ToSql for Parameter {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match &self.bytes {
            Some(bytes) => {
                out.extend_from_slice(bytes);
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// An array that is filled element by element.
#[derive(Debug)]
pub(crate) struct Column {
    array: Type,
    element: Type,
    count: i32,
    nulls: i32,
    bytes: Vec<u8>,
}

impl Column {
    /// How long the description in front of the elements is.
    const HEAD: usize = 20;

    fn new(array: Type, element: Type) -> Column {
        Column { array, element, count: 0, nulls: 0, bytes: vec![0; Self::HEAD] }
    }

    pub(crate) fn numbers() -> Column {
        Column::new(Type::INT8_ARRAY, Type::INT8)
    }

    pub(crate) fn keys() -> Column {
        Column::new(Type::INT4_ARRAY, Type::INT4)
    }

    pub(crate) fn counts() -> Column {
        Column::new(Type::INT4_ARRAY, Type::INT4)
    }

    pub(crate) fn kinds() -> Column {
        Column::new(Type::INT2_ARRAY, Type::INT2)
    }

    pub(crate) fn booleans() -> Column {
        Column::new(Type::BOOL_ARRAY, Type::BOOL)
    }

    pub(crate) fn texts() -> Column {
        Column::new(Type::TEXT_ARRAY, Type::TEXT)
    }

    pub(crate) fn bytes() -> Column {
        Column::new(Type::BYTEA_ARRAY, Type::BYTEA)
    }

    pub(crate) fn ids() -> Column {
        Column::new(Type::UUID_ARRAY, Type::UUID)
    }

    /// Returns how many elements there are.
    pub(crate) fn len(&self) -> u64 {
        self.count.unsigned_abs().into()
    }

    /// Returns the same, without any elements if all of them are NULL.
    pub(crate) fn or_empty(self) -> Column {
        if self.nulls < self.count { self } else { Column::new(self.array, self.element) }
    }

    /// Returns how many bytes there are.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Adds an element; `None` is NULL.
    pub(crate) fn push(&mut self, element: Option<impl AsRef<[u8]>>) {
        self.count = self.count.saturating_add(1);
        match element {
            Some(element) => {
                let element = element.as_ref();
                // Longer ones are refused before: a value has 64 MiB at most unless a log is told otherwise.
                let length = i32::try_from(element.len()).unwrap_or(i32::MAX);
                self.bytes.extend_from_slice(&length.to_be_bytes());
                self.bytes.extend_from_slice(element);
            }
            None => {
                self.nulls = self.nulls.saturating_add(1);
                self.bytes.extend_from_slice(&(-1_i32).to_be_bytes());
            }
        }
    }

    pub(crate) fn push_number(&mut self, number: i64) {
        self.push(Some(number.to_be_bytes()));
    }

    pub(crate) fn push_kind(&mut self, kind: Option<i16>) {
        self.push(kind.map(i16::to_be_bytes));
    }

    /// Adds the id of a key, or NULL.
    pub(crate) fn push_key(&mut self, id: Option<i32>) {
        self.push(id.map(i32::to_be_bytes));
    }

    pub(crate) fn push_boolean(&mut self, is: bool) {
        self.push(Some([u8::from(is)]));
    }

    /// Adds how many there are of something.
    pub(crate) fn push_count(&mut self, count: usize) {
        self.push(Some(i32::try_from(count).unwrap_or(i32::MAX).to_be_bytes()));
    }
}

impl From<Column> for Parameter {
    /// Describes the elements: dimensions, whether one is NULL, their type, their number, the first index.
    fn from(column: Column) -> Parameter {
        let Column { array, element, count, nulls, mut bytes } = column;
        let oid = element.oid().to_be_bytes();
        let head = match count {
            0 => [0_i32.to_be_bytes(), 0_i32.to_be_bytes(), oid].concat(),
            _ => [1_i32, i32::from(nulls > 0)]
                .map(i32::to_be_bytes)
                .into_iter()
                .chain([oid, count.to_be_bytes(), 1_i32.to_be_bytes()])
                .flatten()
                .collect(),
        };
        let empty = Column::HEAD - head.len();
        bytes.splice(..Column::HEAD, head);
        debug_assert!(empty == 0 || count == 0, "only an empty array has a shorter head");
        Parameter { kind: array, bytes: Some(bytes) }
    }
}
