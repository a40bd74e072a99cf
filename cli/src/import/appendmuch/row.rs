use annals::codec::Timestamp;
use annals::{Action, CONTEXT_BYTES_MAX, Error, Key, VALUE_BYTES_MAX, Write};

use super::cell::Cell;
use super::error::RowProblem;
use super::mark::MARK_BYTES_MAX;
use super::python::{self, Kept};

/// The columns of a row as they were read, not yet checked.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Cells {
    pub(super) seq: Cell,
    pub(super) namespace: Cell,
    pub(super) field: Cell,
    pub(super) value: Cell,
    pub(super) created_at: Cell,
    pub(super) context: Cell,
}

/// A row that can be appended.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) seq: i64,
    pub(super) write: Write,
    pub(super) location: String,
    pub(super) occurred_at: Timestamp,
    /// The type id of a value that is kept raw.
    pub(super) raw_type: Option<u8>,
}

impl Row {
    pub(super) fn check(seq: i64, cells: Cells) -> Result<Row, RowProblem> {
        let key = Key::parse(&cells.namespace.text("namespace")?, &cells.field.text("field")?)?;
        let occurred_at = timestamp(cells.created_at.seconds("created_at")?).ok_or(RowProblem::Time)?;
        let location = cells.context.text("context")?;
        within_limit("context", location.len() + MARK_BYTES_MAX, CONTEXT_BYTES_MAX)?;
        let (write, raw_type) = match cells.value.bytes_or_null("value")? {
            None => (Write::delete(key), None),
            Some(value) => {
                let (type_id, payload) = value.split_first().ok_or(RowProblem::NoTypeId)?;
                let Kept { bytes, is_raw } = python::keep(*type_id, payload);
                within_limit("value", bytes.len(), VALUE_BYTES_MAX)?;
                (Write::set(key, bytes), is_raw.then_some(*type_id))
            }
        };
        Ok(Row { seq, write, location, occurred_at, raw_type })
    }

    pub(super) fn is_deletion(&self) -> bool {
        self.write.action == Action::Deleted
    }

    /// About how much memory the row takes.
    pub(super) fn size(&self) -> usize {
        self.location.len() + self.write.action.bytes().map_or(0, |bytes| bytes.len())
    }
}

fn within_limit(what: &'static str, size: usize, limit: u64) -> Result<(), Error> {
    let size = size as u64;
    if size > limit { Err(Error::TooLarge { what: what.into(), size, limit }) } else { Ok(()) }
}

fn timestamp(seconds: f64) -> Option<Timestamp> {
    if !seconds.is_finite() {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "what is out of range saturates, and is refused")]
    let micros = (seconds * 1e6).round() as i64;
    Timestamp::from_micros(micros).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_the_nearest_microsecond() {
        assert_eq!(timestamp(1_795_316_452.010_08).unwrap().to_string(), "2026-11-22T03:00:52.010080Z");
        assert_eq!(timestamp(-0.000_000_6).unwrap().as_micros(), -1);
        for none in [f64::NAN, f64::INFINITY, 1e300, -1e300, 253_402_300_800.0] {
            assert_eq!(timestamp(none), None, "{none}");
        }
    }
}
