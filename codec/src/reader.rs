//! Reads one piece of MessagePack at a time, never beyond the end.

use rmp::Marker;

use crate::layout::{self, code};
use crate::{Error, Kind, MAX_DEPTH};

/// One piece of MessagePack: a value, or the start of a list or map.
#[derive(Clone, Copy)]
pub(crate) enum Token<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Negative(i64),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// So many items follow.
    List(usize),
    /// So many keys follow, each with a value.
    Map(usize),
    /// The code and the payload.
    Extension(i8, &'a [u8]),
}

impl Token<'_> {
    /// Returns the kind of the value that this is, or starts.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(_) => Kind::Bool,
            Self::Unsigned(_) | Self::Negative(_) => Kind::Integer,
            Self::Float(_) => Kind::Float,
            Self::Text(_) => Kind::Text,
            Self::Bytes(_) => Kind::Bytes,
            Self::List(_) => Kind::List,
            Self::Map(_) => Kind::Map,
            Self::Extension(code, _) => extension_kind(*code).unwrap_or(Kind::Custom),
        }
    }

    /// Returns the marker that this piece starts with in the canonical form.
    pub(crate) fn canonical_marker(&self) -> Marker {
        match self {
            Self::Null => Marker::Null,
            Self::Bool(false) => Marker::False,
            Self::Bool(true) => Marker::True,
            Self::Unsigned(number) => layout::uint_marker(*number),
            Self::Negative(number) => layout::int_marker(*number),
            Self::Float(_) => Marker::F64,
            Self::Text(text) => layout::text_marker(text.len()),
            Self::Bytes(bytes) => layout::bytes_marker(bytes.len()),
            Self::List(len) => layout::list_marker(*len),
            Self::Map(len) => layout::map_marker(*len),
            Self::Extension(_, payload) => layout::extension_marker(payload.len()),
        }
    }
}

/// Returns the kind that an extension code stands for, if the format knows it.
pub(crate) const fn extension_kind(code: i8) -> Option<Kind> {
    Some(match code {
        code::INTEGER => Kind::Integer,
        code::DECIMAL => Kind::Decimal,
        code::UUID => Kind::Uuid,
        code::TIMESTAMP => Kind::Timestamp,
        code::DATETIME => Kind::DateTime,
        code::DATE => Kind::Date,
        code::TIME => Kind::Time,
        code::DURATION => Kind::Duration,
        code::COMPLEX => Kind::Complex,
        code::SET => Kind::Set,
        code::TUPLE => Kind::Tuple,
        code::CUSTOM => Kind::Custom,
        _ => return None,
    })
}

/// Bytes from outside, and how far they are read.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    end: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, end: bytes.len() }
    }

    /// Returns a reader of the payload that was read last.
    pub(crate) fn of_payload(&self, payload: &'a [u8]) -> Self {
        Self { rest: payload, end: self.offset() }
    }

    /// Returns how many bytes stand before what comes next, in the whole input.
    pub(crate) fn offset(&self) -> usize {
        self.end - self.rest.len()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Returns the bytes that were read since an earlier state of this reader.
    pub(crate) fn since(&self, earlier: &Self) -> &'a [u8] {
        let read = earlier.rest.len().saturating_sub(self.rest.len());
        earlier.rest.get(..read).unwrap_or_default()
    }

    /// Returns an error if anything is left.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(Error::TrailingBytes { offset: self.offset(), count: self.rest.len() })
    }

    /// Takes the next byte if it is `byte`.
    #[inline]
    pub(crate) fn take_byte(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Takes the next piece.
    #[inline]
    pub(crate) fn token(&mut self) -> Result<Token<'a>, Error> {
        self.marked_token().map(|(_, token)| token)
    }

    /// Takes the next piece if it is a whole number of up to 64 bits: the way that typed reads of numbers take.
    #[inline]
    pub(crate) fn take_integer(&mut self) -> Option<Token<'a>> {
        let (first, rest) = self.rest.split_first()?;
        let (token, rest) = match Marker::from_u8(*first) {
            Marker::FixPos(number) => (Token::Unsigned(number.into()), rest),
            Marker::FixNeg(number) => (Token::Negative(number.into()), rest),
            Marker::U8 => number(rest, |bytes| Token::Unsigned(u8::from_be_bytes(bytes).into()))?,
            Marker::U16 => number(rest, |bytes| Token::Unsigned(u16::from_be_bytes(bytes).into()))?,
            Marker::U32 => number(rest, |bytes| Token::Unsigned(u32::from_be_bytes(bytes).into()))?,
            Marker::U64 => number(rest, |bytes| Token::Unsigned(u64::from_be_bytes(bytes)))?,
            Marker::I8 => number(rest, |bytes| signed(i8::from_be_bytes(bytes).into()))?,
            Marker::I16 => number(rest, |bytes| signed(i16::from_be_bytes(bytes).into()))?,
            Marker::I32 => number(rest, |bytes| signed(i32::from_be_bytes(bytes).into()))?,
            Marker::I64 => number(rest, |bytes| signed(i64::from_be_bytes(bytes)))?,
            _ => return None,
        };
        self.rest = rest;
        Some(token)
    }

    /// Takes the next piece if it is a text of up to 31 bytes, as most names are.
    #[inline]
    pub(crate) fn take_short_text(&mut self) -> Option<&'a str> {
        let (first, rest) = self.rest.split_first()?;
        let Marker::FixStr(len) = Marker::from_u8(*first) else {
            return None;
        };
        let (text, rest) = rest.split_at_checked(len.into())?;
        let text = std::str::from_utf8(text).ok()?;
        self.rest = rest;
        Some(text)
    }

    /// Takes the next piece, and tells the marker that it started with.
    pub(crate) fn marked_token(&mut self) -> Result<(Marker, Token<'a>), Error> {
        let marker = self.marker()?;
        if let Some(token) = self.take_integer() {
            return Ok((marker, token));
        }
        self.rest = self.rest.get(1..).unwrap_or_default();
        let token = match marker {
            Marker::F32 => Token::Float(f32::from_be_bytes(self.array()?).into()),
            Marker::F64 => Token::Float(f64::from_be_bytes(self.array()?)),
            Marker::Null => Token::Null,
            Marker::False => Token::Bool(false),
            Marker::True => Token::Bool(true),
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                Token::Text(self.text(marker)?)
            }
            Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => Token::Bytes(self.sized(marker)?),
            Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => Token::List(self.count(marker, 1)?),
            Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => Token::Map(self.count(marker, 2)?),
            Marker::FixExt1 | Marker::FixExt2 | Marker::FixExt4 | Marker::FixExt8 | Marker::FixExt16 => {
                self.extension(marker)?
            }
            Marker::Ext8 | Marker::Ext16 | Marker::Ext32 => self.extension(marker)?,
            Marker::Reserved => return Err(self.malformed("no value starts with the byte c1")),
            // `take_integer` leaves only those that are cut off.
            _ => return Err(self.cut_off()),
        };
        Ok((marker, token))
    }

    /// Passes over the next value, whose lists and maps may stand so many levels deep.
    pub(crate) fn skip(&mut self, levels: usize) -> Result<(), Error> {
        let count = match self.token()? {
            Token::List(count) => count,
            Token::Map(count) => count * 2,
            _ => return Ok(()),
        };
        let levels = deeper(levels)?;
        for _ in 0..count {
            self.skip(levels)?;
        }
        Ok(())
    }

    fn marker(&self) -> Result<Marker, Error> {
        self.rest.first().map(|first| Marker::from_u8(*first)).ok_or_else(|| self.cut_off())
    }

    fn text(&mut self, marker: Marker) -> Result<&'a str, Error> {
        let bytes = self.sized(marker)?;
        std::str::from_utf8(bytes).map_err(|_| self.malformed("text is UTF-8"))
    }

    fn extension(&mut self, marker: Marker) -> Result<Token<'a>, Error> {
        let len = self.len(marker)?;
        let code = i8::from_be_bytes(self.array()?);
        let payload = self.slice(len)?;
        if extension_kind(code).is_none() {
            return Err(self.malformed("the extension codes are 1 to 12"));
        }
        Ok(Token::Extension(code, payload))
    }

    /// Takes a length and as many bytes.
    #[inline]
    fn sized(&mut self, marker: Marker) -> Result<&'a [u8], Error> {
        let len = self.len(marker)?;
        self.slice(len)
    }

    /// Takes a number of items that the bytes left can hold, so that loops end where the bytes do.
    #[inline]
    fn count(&mut self, marker: Marker, bytes_each: usize) -> Result<usize, Error> {
        let count = self.len(marker)?;
        if count > self.rest.len() / bytes_each {
            return Err(self.malformed("as many items follow as are declared"));
        }
        Ok(count)
    }

    /// Takes the length that this marker declares.
    #[inline]
    fn len(&mut self, marker: Marker) -> Result<usize, Error> {
        Ok(match marker {
            Marker::FixStr(len) | Marker::FixArray(len) | Marker::FixMap(len) => len.into(),
            Marker::FixExt1 => 1,
            Marker::FixExt2 => 2,
            Marker::FixExt4 => 4,
            Marker::FixExt8 => 8,
            Marker::FixExt16 => 16,
            Marker::Str8 | Marker::Bin8 | Marker::Ext8 => u8::from_be_bytes(self.array()?).into(),
            Marker::Str16 | Marker::Bin16 | Marker::Ext16 | Marker::Array16 | Marker::Map16 => {
                u16::from_be_bytes(self.array()?).into()
            }
            // On a machine of 16 bits a length that does not fit is longer than the bytes that follow.
            _ => usize::try_from(u32::from_be_bytes(self.array()?)).unwrap_or(usize::MAX),
        })
    }

    #[inline]
    fn slice(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let Some((taken, rest)) = self.rest.split_at_checked(len) else {
            return Err(self.cut_off());
        };
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let Some((taken, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.cut_off());
        };
        self.rest = rest;
        Ok(*taken)
    }

    #[cold]
    fn cut_off(&self) -> Error {
        Error::Malformed { offset: self.end, rule: "a value ends before the bytes do" }
    }

    /// Returns an error about the piece that was just read, or is being read.
    #[cold]
    fn malformed(&self, rule: &'static str) -> Error {
        Error::Malformed { offset: self.offset(), rule }
    }
}

/// Returns how many levels are left inside a list, map, set, tuple or custom value.
#[inline]
pub(crate) fn deeper(levels: usize) -> Result<usize, Error> {
    levels.checked_sub(1).ok_or(Error::TooDeep { limit: MAX_DEPTH })
}

/// Takes the bytes of a number, and returns what is left.
#[inline]
fn number<const N: usize>(
    bytes: &[u8],
    token: impl FnOnce([u8; N]) -> Token<'static>,
) -> Option<(Token<'static>, &[u8])> {
    let (taken, rest) = bytes.split_first_chunk()?;
    Some((token(*taken), rest))
}

#[inline]
fn signed(number: i64) -> Token<'static> {
    u64::try_from(number).map_or(Token::Negative(number), Token::Unsigned)
}
