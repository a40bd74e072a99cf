//! Postings: where entries of one key stand, packed into a row of the index.

use std::cmp::Ordering;

use annals_core::Position;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::{Connection, Error, Row, ffi};

use crate::failure::Failure;

/// The most entries that one posting names, so that finding one among them takes a bounded time.
pub(crate) const ENTRIES_MAX: usize = 128;

/// Where entries of one key stand, at least one, in the form in which it is stored.
#[derive(Debug)]
pub(crate) struct Posting<M> {
    pub(crate) first: Position,
    pub(crate) last: Position,
    /// The positions between the two, each as its distance from the one before.
    pub(crate) middle: M,
}

impl Posting<Vec<u8>> {
    /// Packs positions that ascend, or returns `None` if there are none.
    pub(crate) fn pack(positions: &[Position]) -> Option<Posting<Vec<u8>>> {
        let (&first, &last) = (positions.first()?, positions.last()?);
        let mut middle = Vec::new();
        let until_last = positions.get(..positions.len() - 1).unwrap_or_default();
        for pair in until_last.windows(2) {
            if let [before, position] = pair {
                push_distance(&mut middle, position.get() - before.get());
            }
        }
        Some(Posting { first, last, middle })
    }
}

impl Posting<&[u8]> {
    /// Returns the positions, ascending.
    pub(crate) fn positions(&self) -> Result<Vec<Position>, Damaged> {
        let mut positions = vec![self.first];
        let mut rest = self.middle;
        let mut position = self.first;
        while !rest.is_empty() {
            position = self.next(position, &mut rest)?;
            positions.push(position);
        }
        match self.first.cmp(&self.last) {
            Ordering::Less => positions.push(self.last),
            Ordering::Equal => {}
            Ordering::Greater => return Err(Damaged),
        }
        Ok(positions)
    }

    /// Returns the newest of the positions that is not after `at`.
    pub(crate) fn newest(&self, at: Position) -> Result<Option<Position>, Damaged> {
        if at >= self.last {
            return Ok(Some(self.last));
        }
        if at < self.first {
            return Ok(None);
        }
        let mut rest = self.middle;
        let mut newest = self.first;
        while !rest.is_empty() {
            let position = self.next(newest, &mut rest)?;
            if position > at {
                break;
            }
            newest = position;
        }
        Ok(Some(newest))
    }

    fn next(&self, before: Position, rest: &mut &[u8]) -> Result<Position, Damaged> {
        let position = before.get().checked_add(take_distance(rest).ok_or(Damaged)?);
        let between = |position: &Position| before < *position && *position < self.last;
        position.and_then(Position::new).filter(between).ok_or(Damaged)
    }
}

/// The bytes of a posting make no sense.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

impl From<Damaged> for Failure {
    fn from(_: Damaged) -> Failure {
        Failure::Damaged("the file is damaged: a posting of the index makes no sense".into())
    }
}

/// Returns the posting whose columns `first`, `last`, `middle` begin at column `at`.
pub(crate) fn read<'r>(row: &'r Row<'_>, at: usize) -> Result<Posting<&'r [u8]>, Failure> {
    let position = |at| -> Result<Position, Failure> {
        let number = row.get_ref(at)?.as_i64().ok();
        Ok(number.and_then(Position::from_i64).ok_or(Damaged)?)
    };
    let middle = row.get_ref(at + 2)?.as_blob().map_err(|_| Damaged)?;
    Ok(Posting { first: position(at)?, last: position(at + 1)?, middle })
}

/// Teaches a connection `annals_newest(first, last, middle, at)`: the newest position of a posting
/// that is not after `at`, so that a value is found by one statement.
pub(crate) fn teach(connection: &Connection) -> Result<(), Failure> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function(c"annals_newest", 4, flags, |arguments| {
        // A message would hide the code from the caller.
        newest(arguments).map_err(|_| Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), None))
    })?;
    Ok(())
}

fn newest(arguments: &Context<'_>) -> Result<Option<i64>, Damaged> {
    let position = |at| {
        let number = arguments.get_raw(at).as_i64().ok();
        number.and_then(Position::from_i64).ok_or(Damaged)
    };
    let middle = arguments.get_raw(2).as_blob().map_err(|_| Damaged)?;
    let posting = Posting { first: position(0)?, last: position(1)?, middle };
    Ok(posting.newest(position(3)?)?.map(Position::to_i64))
}

/// Adds a number in LEB128: 7 bits a byte, the least first; a set top bit says that more follow.
fn push_distance(bytes: &mut Vec<u8>, mut distance: u64) {
    loop {
        let [lowest, ..] = distance.to_le_bytes();
        distance >>= 7;
        if distance == 0 {
            return bytes.push(lowest);
        }
        bytes.push(lowest | 0x80);
    }
}

/// Takes a number off the front, or returns `None` if there is none of at most 63 bits.
fn take_distance(bytes: &mut &[u8]) -> Option<u64> {
    let mut distance = 0;
    for shift in (0..63).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        distance |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(distance);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(numbers: &[u64]) -> Posting<Vec<u8>> {
        let positions: Vec<Position> = numbers.iter().map(|number| Position::new(*number).unwrap()).collect();
        Posting::pack(&positions).unwrap()
    }

    fn borrowed(posting: &Posting<Vec<u8>>) -> Posting<&[u8]> {
        Posting { first: posting.first, last: posting.last, middle: &posting.middle }
    }

    fn posting(first: u64, last: u64, middle: &[u8]) -> Posting<&[u8]> {
        Posting { first: Position::new(first).unwrap(), last: Position::new(last).unwrap(), middle }
    }

    #[test]
    fn the_middle_is_distances_in_leb128() {
        assert_eq!(packed(&[7]).middle, [0; 0]);
        assert_eq!(packed(&[7, 9]).middle, [0; 0]);
        assert_eq!(packed(&[7, 9, 136, 264, 300]).middle, [2, 127, 0x80, 1]);
        assert!(Posting::pack(&[]).is_none());
    }

    #[test]
    fn bytes_that_make_no_sense_are_found() {
        for (first, last, middle) in [
            (5, 5, &[1][..]),
            (5, 9, &[0]),
            (5, 9, &[4]),
            (5, 9, &[1, 0x80]),
            (5, 9, &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1]),
            (5, 9, &[0xff; 9]),
            (9, 5, &[]),
        ] {
            assert_eq!(posting(first, last, middle).positions(), Err(Damaged), "{first} {last} {middle:?}");
        }
        assert_eq!(posting(5, 9, &[4]).newest(Position::new(8).unwrap()), Err(Damaged));
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_out_again(
            numbers in prop::collection::btree_set(1..=Position::MAX.get(), 1..200),
            others in prop::collection::vec(any::<u64>(), 20),
        ) {
            let numbers: Vec<u64> = numbers.into_iter().collect();
            let packed = packed(&numbers);
            let found = borrowed(&packed).positions().unwrap();
            prop_assert!(found.iter().map(|position| position.get()).eq(numbers.iter().copied()));
            for at in numbers.iter().chain(&others).filter_map(|number| Position::new(*number)) {
                let newest = borrowed(&packed).newest(at).unwrap();
                let expected = numbers.iter().rev().find(|number| **number <= at.get());
                prop_assert_eq!(newest.map(Position::get), expected.copied());
            }
        }

        #[test]
        fn bytes_of_any_kind_are_read_or_refused(
            first in 1..1000_u64, last in 1..1000_u64, middle in prop::collection::vec(any::<u8>(), 0..50)
        ) {
            let posting = posting(first, last, &middle);
            if let Ok(positions) = posting.positions() {
                prop_assert!(positions.is_sorted_by(|one, next| one < next));
            }
            let _ = posting.newest(Position::new(500).unwrap());
        }
    }
}
