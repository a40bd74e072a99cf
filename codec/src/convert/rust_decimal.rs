//! Conversions for the `rust_decimal` crate, which holds up to 28 digits.

use rust_decimal::Decimal as Theirs;

use crate::{Decimal, Error};

impl From<Theirs> for Decimal {
    fn from(theirs: Theirs) -> Self {
        theirs.to_string().parse().expect("digits with a sign and a point spell a decimal")
    }
}

impl TryFrom<Decimal> for Theirs {
    type Error = Error;

    /// Returns the same digits, if there is a place for them: no NaN, no infinity, no `1E+3`, no 29 digits.
    fn try_from(ours: Decimal) -> Result<Self, Error> {
        let text = ours.as_str();
        let theirs = Self::from_str_exact(text).or_else(|_| Self::from_scientific(text)).ok();
        let exact = theirs.filter(|theirs| Decimal::from(*theirs) == ours);
        exact.ok_or(Error::OutOfRange { what: "a decimal of up to 28 digits without an exponent" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_place_goes_both_ways() {
        for text in ["1.10", "0", "0.00", "-79228162514264337593543950335", "0.0000000000000000000000000001"]
        {
            let ours: Decimal = text.parse().unwrap();
            let theirs = Theirs::try_from(ours.clone()).unwrap_or_else(|_| panic!("{text}"));
            assert_eq!(Decimal::from(theirs), ours);
        }
    }

    #[test]
    fn what_has_none_is_refused() {
        for text in
            ["NaN", "Infinity", "1E+3", "79228162514264337593543950336", "1.00000000000000000000000000001"]
        {
            assert!(Theirs::try_from(text.parse::<Decimal>().unwrap()).is_err(), "{text}");
        }
    }
}
