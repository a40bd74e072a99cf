use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};

use annals::VALUE_BYTES_MAX;
use rmp_serde::decode::Error as Msgpack;
use serde::Deserialize;

use super::error::RowProblem;
use super::row::Cells;
use super::source::{ReadFailure, Visit};

/// The most bytes that a row may take: base64 and JSON can be several times as long as our form.
const ROW_BYTES_MAX: u64 = 4 * VALUE_BYTES_MAX;

/// Rows hold no lists or maps; what others put there is passed over to this depth.
const DEPTH_MAX: usize = 32;

/// A stream of MessagePack maps, one a row.
pub(super) struct Dump {
    reader: BufReader<File>,
}

impl Dump {
    pub(super) fn new(reader: BufReader<File>) -> Dump {
        Dump { reader }
    }

    pub(super) fn each(&mut self, visit: Visit<'_>) -> Result<(), ReadFailure> {
        self.reader.rewind().map_err(ReadFailure::Io)?;
        while !self.reader.fill_buf().map_err(ReadFailure::Io)?.is_empty() {
            visit(next_row(&mut self.reader)?)?;
        }
        Ok(())
    }
}

fn next_row(reader: &mut impl Read) -> Result<Cells, ReadFailure> {
    let mut deserializer = rmp_serde::Deserializer::new(reader.take(ROW_BYTES_MAX));
    deserializer.set_max_depth(DEPTH_MAX);
    // The library's own text may quote what it read, so it goes no further.
    Cells::deserialize(&mut deserializer).map_err(|error| match error {
        Msgpack::InvalidMarkerRead(source) | Msgpack::InvalidDataRead(source) => match source.kind() {
            io::ErrorKind::UnexpectedEof => ReadFailure::Row(RowProblem::CutOff),
            _ => ReadFailure::Io(source),
        },
        _ => ReadFailure::Row(RowProblem::Malformed),
    })
}
