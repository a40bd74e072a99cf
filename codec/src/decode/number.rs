//! Numbers, for any type that holds the stored one exactly.

use serde::de::Visitor;

use super::{Decoder, unfit};
use crate::extension::flat_value;
use crate::integer::Repr;
use crate::layout::code;
use crate::reader::Token;
use crate::{Error, Kind, Value};

impl<'de> Decoder<'de> {
    #[inline]
    pub(super) fn visit_integer<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        match self.reader.take_integer() {
            Some(Token::Unsigned(number)) => visitor.visit_u64(number),
            Some(Token::Negative(number)) => visitor.visit_i64(number),
            _ => self.visit_no_integer(visitor),
        }
    }

    #[cold]
    fn visit_no_integer<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        match self.reader.token()? {
            Token::Extension(code::INTEGER, _) => Err(unfit(Kind::Integer, &visitor)),
            token => self.visit(token, visitor),
        }
    }

    pub(super) fn visit_wide_integer<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        match self.reader.token()? {
            Token::Extension(code::INTEGER, payload) => match flat_value(code::INTEGER, payload) {
                Some(Value::Integer(integer)) => match integer.repr() {
                    Repr::Negative(number) => visitor.visit_i128(number),
                    Repr::NonNegative(number) => visitor.visit_u128(number),
                },
                _ => Err(Error::Malformed {
                    offset: self.reader.offset(),
                    rule: "an integer has up to 128 bits",
                }),
            },
            token => self.visit(token, visitor),
        }
    }

    pub(super) fn visit_single<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let token = self.reader.token()?;
        match (exact_float(token).map(exact_single), token) {
            (Some(Some(number)), _) => visitor.visit_f32(number),
            (_, Token::Unsigned(_) | Token::Negative(_) | Token::Float(_)) => {
                Err(unfit(token.kind(), &visitor))
            }
            _ => self.visit(token, visitor),
        }
    }

    pub(super) fn visit_double<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let token = self.reader.token()?;
        match (exact_float(token), token) {
            (Some(number), _) => visitor.visit_f64(number),
            (None, Token::Unsigned(_) | Token::Negative(_)) => Err(unfit(token.kind(), &visitor)),
            _ => self.visit(token, visitor),
        }
    }
}

/// Returns the float of the same value, if there is one: if no more than 53 bits count.
#[expect(clippy::cast_precision_loss, reason = "the numbers for which it would lose are left out")]
fn exact_float(token: Token<'_>) -> Option<f64> {
    let is_exact =
        |magnitude: u64| magnitude == 0 || magnitude.leading_zeros() + magnitude.trailing_zeros() >= 11;
    match token {
        Token::Float(number) => Some(number),
        Token::Unsigned(number) => is_exact(number).then_some(number as f64),
        Token::Negative(number) => is_exact(number.unsigned_abs()).then_some(number as f64),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the numbers for which it would lose are left out")]
fn exact_single(number: f64) -> Option<f32> {
    let single = number as f32;
    (number.is_nan() || f64::from(single).to_bits() == number.to_bits()).then_some(single)
}
