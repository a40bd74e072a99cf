//! Decimal numbers of any length, with the digits that were written.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Kind};

/// A decimal number that keeps its digits and exponent: `1.10` is not `1.1`.
///
/// Any number of digits, exponents to ±4 × 10^18, signed zeros, infinities, and quiet and signalling NaN with
/// their diagnostic digits. It is held and stored as its one canonical text, the *to-scientific-string* of the
/// [General Decimal Arithmetic](https://speleotrove.com/decimal/daconvs.html) specification, which is also what
/// Python's `str(Decimal(…))` prints. Arithmetic is left to a library for it.
///
/// ```
/// use annals_codec::Decimal;
///
/// let price: Decimal = "+01.10".parse()?;
/// assert_eq!(price.as_str(), "1.10");
/// assert_ne!(price, "1.1".parse()?);
/// assert_eq!("1e3".parse::<Decimal>()?.as_str(), "1E+3");
/// assert_eq!("-inf".parse::<Decimal>()?.as_str(), "-Infinity");
/// # Ok::<(), annals_codec::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal(Box<str>);

/// Wider than any known implementation's, and clear of the ends of 64 bits, so that adding a length cannot overflow.
const EXPONENT_MAX: i64 = 4_000_000_000_000_000_000;

impl Decimal {
    /// Returns the canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether this is a number, neither infinite nor NaN.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.0.trim_start_matches('-').starts_with(|first: char| first.is_ascii_digit())
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Decimal {
    type Err = Error;

    /// Returns the decimal that a text spells: a sign, digits with or without a point, an exponent; or `inf`,
    /// `infinity`, `nan`, `snan` in letters of either case, the latter two with or without digits.
    fn from_str(text: &str) -> Result<Self, Error> {
        canonical(text).map(|text| Self(text.into())).ok_or(Error::Spelling { kind: Kind::Decimal })
    }
}

fn canonical(text: &str) -> Option<String> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let magnitude = if rest.starts_with(|first: char| first == '.' || first.is_ascii_digit()) {
        canonical_finite(rest)?
    } else {
        canonical_special(rest)?
    };
    Some(format!("{sign}{magnitude}"))
}

fn canonical_special(text: &str) -> Option<String> {
    let letters = text.trim_end_matches(|last: char| last.is_ascii_digit());
    let diagnostic = text.get(letters.len()..)?.trim_start_matches('0');
    match letters.to_ascii_lowercase().as_str() {
        "inf" | "infinity" if letters.len() == text.len() => Some("Infinity".to_owned()),
        "nan" => Some(format!("NaN{diagnostic}")),
        "snan" => Some(format!("sNaN{diagnostic}")),
        _ => None,
    }
}

fn canonical_finite(text: &str) -> Option<String> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, parse_exponent(exponent)?),
        None => (text, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    let coefficient = if significant.is_empty() { "0" } else { significant };
    let exponent = exponent - i64::try_from(fraction.len()).ok()?;
    scientific(coefficient, exponent)
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|exponent: &i64| exponent.unsigned_abs() <= EXPONENT_MAX.unsigned_abs())
}

/// Writes `coefficient` × 10^`exponent` as the specification's to-scientific-string.
fn scientific(coefficient: &str, exponent: i64) -> Option<String> {
    let length = i64::try_from(coefficient.len()).ok()?;
    let adjusted = exponent + length - 1;
    if exponent.abs() > EXPONENT_MAX || adjusted.abs() > EXPONENT_MAX {
        return None;
    }
    if exponent > 0 || adjusted < -6 {
        let (first, rest) = coefficient.split_at_checked(1)?;
        let point = if rest.is_empty() { "" } else { "." };
        return Some(format!("{first}{point}{rest}E{adjusted:+}"));
    }
    if exponent == 0 {
        return Some(coefficient.to_owned());
    }
    if adjusted < 0 {
        let zeros = "0".repeat(usize::try_from(-adjusted - 1).ok()?);
        return Some(format!("0.{zeros}{coefficient}"));
    }
    let (whole, fraction) = coefficient.split_at_checked(usize::try_from(length + exponent).ok()?)?;
    Some(format!("{whole}.{fraction}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `str(Decimal(text))` prints in Python 3.12.
    const SPELLINGS: [(&str, &str); 32] = [
        ("0", "0"),
        ("-0", "-0"),
        ("0.00", "0.00"),
        ("-0.0", "-0.0"),
        ("00", "0"),
        ("0E+3", "0E+3"),
        ("0e-7", "0E-7"),
        ("0e-6", "0.000000"),
        ("1", "1"),
        ("+1", "1"),
        ("1.10", "1.10"),
        ("1.", "1"),
        (".5", "0.5"),
        ("0012.50", "12.50"),
        ("1E+2", "1E+2"),
        ("100", "100"),
        ("123E+1", "1.23E+3"),
        ("123E-2", "1.23"),
        ("123E-3", "0.123"),
        ("123E-8", "0.00000123"),
        ("123E-9", "1.23E-7"),
        ("1e-6", "0.000001"),
        ("1e-7", "1E-7"),
        ("10e-8", "1.0E-7"),
        ("1E999999999999999999", "1E+999999999999999999"),
        ("inf", "Infinity"),
        ("-INFINITY", "-Infinity"),
        ("nan", "NaN"),
        ("-NaN0012", "-NaN12"),
        ("sNaN", "sNaN"),
        ("SNAN7", "sNaN7"),
        ("1234567890123456789012345678901234567890.0", "1234567890123456789012345678901234567890.0"),
    ];

    #[test]
    fn spellings_have_pythons_canonical_text() {
        for (text, expected) in SPELLINGS {
            assert_eq!(text.parse::<Decimal>().unwrap().as_str(), expected, "{text}");
        }
    }

    #[test]
    fn canonical_text_is_its_own_canonical_text() {
        for (_, text) in SPELLINGS {
            assert_eq!(text.parse::<Decimal>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn wrong_spellings_are_refused() {
        for text in [
            "",
            "+",
            ".",
            "e5",
            "1e",
            "1e+",
            "1e+-5",
            "1.2.3",
            "1,5",
            "0x1",
            "--1",
            "inf1",
            "nanx",
            "1_000",
            " 1",
            "1E4000000000000000001",
            "10E4000000000000000000",
            "١",
            "1e٣",
        ] {
            assert_eq!(text.parse::<Decimal>(), Err(Error::Spelling { kind: Kind::Decimal }), "{text}");
        }
    }

    #[test]
    fn finite_means_a_number() {
        for (text, finite) in
            [("-1.5", true), ("0", true), ("-Infinity", false), ("NaN", false), ("sNaN1", false)]
        {
            assert_eq!(text.parse::<Decimal>().unwrap().is_finite(), finite, "{text}");
        }
    }
}
