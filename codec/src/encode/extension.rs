//! Extensions: those that come as a pair of code and payload, and those that hold other values.

use serde::Serialize;

use super::Encoder;
use super::sort::Entry;
use crate::layout::code;
use crate::reader::{Reader, Token};
use crate::{Error, MAX_DEPTH, check, handshake};

impl Encoder {
    /// Turns the pair of code and payload, which was written as a list, into an extension.
    pub(super) fn extension<T: Serialize + ?Sized>(&mut self, pair: &T) -> Result<(), Error> {
        let start = self.writer.len();
        // The pair is no list of the value's, and takes no level.
        self.levels += 1;
        pair.serialize(&mut *self)?;
        self.levels -= 1;
        let (code, payload) = written_pair(self.writer.since(start)).ok_or(Error::Refused)?;
        let payload = payload.to_vec();
        check::extension(code, Reader::new(&payload), 0, self.levels)?;
        self.writer.bytes_mut().truncate(start);
        self.writer.extension(code, &payload)
    }

    /// Writes the payload of a set, tuple or custom value in place, and then its header before it.
    pub(super) fn nested<T: Serialize + ?Sized>(&mut self, code: i8, content: &T) -> Result<(), Error> {
        let start = self.writer.len();
        handshake::offer();
        let result = content.serialize(&mut *self);
        handshake::take();
        result?;
        match code {
            code::SET => self.sort_items(start)?,
            code::CUSTOM => self.drop_list_header(start)?,
            _ => {}
        }
        let payload = self.writer.since(start);
        check_shape(code, payload)?;
        let payload_len = payload.len();
        self.replace(start..start, |header| header.extension_header(code, payload_len))
    }

    fn sort_items(&mut self, start: usize) -> Result<(), Error> {
        let mut reader = Reader::new(self.writer.since(start));
        let Token::List(len) = reader.token()? else {
            return Err(NOT_A_LIST);
        };
        let first = self.entries.len();
        for _ in 0..len {
            let key = start + reader.offset();
            reader.skip(MAX_DEPTH)?;
            let end = start + reader.offset();
            self.entries.push(Entry::of(key..end));
        }
        let items_start = self.entries.get(first).map_or(0, |item| item.key);
        self.sort_entries(items_start, first).map_err(|_| Error::DuplicateItem)?;
        Ok(())
    }

    fn drop_list_header(&mut self, start: usize) -> Result<(), Error> {
        let mut reader = Reader::new(self.writer.since(start));
        let Token::List(2) = reader.token()? else {
            return Err(NOT_A_LIST);
        };
        let header = start..start + reader.offset();
        self.writer.bytes_mut().drain(header);
        Ok(())
    }
}

/// What is to be stored as a set or tuple does not serialize as a sequence.
const NOT_A_LIST: Error = Error::Refused;

fn check_shape(code: i8, payload: &[u8]) -> Result<(), Error> {
    let token = Reader::new(payload).token()?;
    match (code, token) {
        (code::CUSTOM, Token::Unsigned(_)) | (_, Token::List(_)) => Ok(()),
        _ => Err(NOT_A_LIST),
    }
}

fn written_pair(bytes: &[u8]) -> Option<(i8, &[u8])> {
    let mut reader = Reader::new(bytes);
    match (reader.token().ok()?, reader.token().ok()?, reader.token().ok()?) {
        (Token::List(2), Token::Unsigned(code), Token::Bytes(payload)) => {
            Some((i8::try_from(code).ok()?, payload))
        }
        _ => None,
    }
}
