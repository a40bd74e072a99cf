//! Whole numbers of up to 128 bits, signed or not.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Kind};

/// A whole number from −2^127 to 2^128 − 1: every `i128` and every `u128`.
///
/// ```
/// use annals_codec::Integer;
///
/// let large = Integer::from(u128::MAX);
/// assert_eq!(large.to_string(), "340282366920938463463374607431768211455");
/// assert_eq!(u128::try_from(large), Ok(u128::MAX));
/// assert!(i64::try_from(large).is_err());
/// assert!(Integer::from(-1_i8) < Integer::from(0_u8));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Integer {
    // The order of the fields is the order of the numbers. Two words rather than one of 128 bits, whose alignment
    // would make every `Value` half as large again.
    is_not_negative: bool,
    high: u64,
    low: u64,
}

/// A number in the native type that holds it; `Negative` holds nothing else.
pub(crate) enum Repr {
    Negative(i128),
    NonNegative(u128),
}

impl Integer {
    pub(crate) const fn repr(self) -> Repr {
        let bits = (self.high as u128) << 64 | self.low as u128;
        if self.is_not_negative { Repr::NonNegative(bits) } else { Repr::Negative(bits.cast_signed()) }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the words are what is wanted")]
    const fn from_bits(is_not_negative: bool, bits: u128) -> Self {
        Self { is_not_negative, high: (bits >> 64) as u64, low: bits as u64 }
    }
}

impl From<i128> for Integer {
    fn from(number: i128) -> Self {
        Self::from_bits(number >= 0, number.cast_unsigned())
    }
}

impl From<u128> for Integer {
    fn from(number: u128) -> Self {
        Self::from_bits(true, number)
    }
}

macro_rules! from_signed {
    ($($native:ty),*) => {$(
        impl From<$native> for Integer {
            fn from(number: $native) -> Self {
                Self::from(i128::from(number))
            }
        }
    )*};
}
from_signed!(i8, i16, i32, i64);

macro_rules! from_unsigned {
    ($($native:ty),*) => {$(
        impl From<$native> for Integer {
            fn from(number: $native) -> Self {
                Self::from(u128::from(number))
            }
        }
    )*};
}
from_unsigned!(u8, u16, u32, u64);

macro_rules! try_into_native {
    ($($native:ty),*) => {$(
        impl TryFrom<Integer> for $native {
            type Error = Error;

            fn try_from(integer: Integer) -> Result<Self, Error> {
                let native = match integer.repr() {
                    Repr::Negative(number) => Self::try_from(number).ok(),
                    Repr::NonNegative(number) => Self::try_from(number).ok(),
                };
                native.ok_or(Error::OutOfRange { what: concat!("integer of type ", stringify!($native)) })
            }
        }
    )*};
}
try_into_native!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

impl fmt::Display for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.repr() {
            Repr::Negative(number) => number.fmt(f),
            Repr::NonNegative(number) => number.fmt(f),
        }
    }
}

impl FromStr for Integer {
    type Err = Error;

    /// Returns the number that decimal digits with an optional sign spell.
    fn from_str(text: &str) -> Result<Self, Error> {
        let parsed = if text.starts_with('-') {
            text.parse::<i128>().map(Self::from)
        } else {
            text.parse::<u128>().map(Self::from)
        };
        parsed.map_err(|_| Error::Spelling { kind: Kind::Integer })
    }
}

impl fmt::Debug for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Integer({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_numeric_across_signs() {
        let mut numbers = [
            Integer::from(u128::MAX),
            Integer::from(0_u8),
            Integer::from(i128::MIN),
            Integer::from(-1_i8),
            Integer::from(i128::MAX),
        ];
        numbers.sort();
        let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "-170141183460469231731687303715884105728",
                "-1",
                "0",
                "170141183460469231731687303715884105727",
                "340282366920938463463374607431768211455"
            ]
        );
    }

    #[test]
    fn equal_numbers_are_equal_whatever_they_came_from() {
        assert_eq!(Integer::from(7_i8), Integer::from(7_u128));
        assert_eq!("-0".parse(), Ok(Integer::from(0_u8)));
    }

    #[test]
    fn spelling_is_refused_without_repeating_it() {
        for text in ["", "-", "1.0", "0x10", "340282366920938463463374607431768211456", " 1"] {
            assert_eq!(text.parse::<Integer>(), Err(Error::Spelling { kind: Kind::Integer }), "{text}");
        }
    }
}
