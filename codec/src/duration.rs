//! Signed spans of time.

use std::fmt;
use std::str::FromStr;

use crate::spelling::Spelling;
use crate::{Error, Kind};

/// A span of time in microseconds, forwards or backwards, of up to about 292,000 years.
///
/// Spelled as ISO 8601 does, in hours, minutes and seconds: `PT36H`, `-PT1M0.500000S`, `PT0S`.
///
/// ```
/// use annals_codec::Duration;
///
/// let span = Duration::from_micros(-90_500_000);
/// assert_eq!(span.to_string(), "-PT1M30.500000S");
/// assert_eq!("-PT90.5S".parse(), Ok(span));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(i64);

impl Duration {
    /// Returns the span of so many microseconds.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns the microseconds, negative where the span goes backwards.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.0.unsigned_abs();
        let (seconds, micros) = (total / 1_000_000, total % 1_000_000);
        let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        f.write_str(if self.0 < 0 { "-PT" } else { "PT" })?;
        if hours > 0 {
            write!(f, "{hours}H")?;
        }
        if minutes > 0 {
            write!(f, "{minutes}M")?;
        }
        match (seconds, micros) {
            (0, 0) if total > 0 => Ok(()),
            (_, 0) => write!(f, "{seconds}S"),
            _ => write!(f, "{seconds}.{micros:06}S"),
        }
    }
}

impl FromStr for Duration {
    type Err = Error;

    /// Returns the span that hours, minutes and seconds after `PT` or `-PT` spell, each optional but one.
    fn from_str(text: &str) -> Result<Self, Error> {
        parse(Spelling::new(text)).map(Self).ok_or(Error::Spelling { kind: Kind::Duration })
    }
}

fn parse(mut text: Spelling<'_>) -> Option<i64> {
    let sign = if text.take(b"-").is_some() { -1 } else { 1 };
    text.take(b"P")?;
    text.take(b"T")?;
    let mut units: &[(u8, i128)] = &[(b'H', 3_600), (b'M', 60), (b'S', 1)];
    let mut micros = 0_i128;
    loop {
        let amount = i128::from(text.number()?);
        let fraction = text.fraction_micros()?;
        let unit = text.take(b"HMS")?;
        let place = units.iter().position(|(letter, _)| *letter == unit)?;
        let (_, seconds) = units.get(place)?;
        if fraction != 0 && unit != b'S' {
            return None;
        }
        micros += amount * seconds * 1_000_000 + i128::from(fraction);
        units = units.get(place + 1..)?;
        if text.end().is_some() {
            return i64::try_from(sign * micros).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_read_back() {
        for (micros, text) in [
            (0, "PT0S"),
            (1, "PT0.000001S"),
            (3_600_000_000, "PT1H"),
            (129_660_000_000, "PT36H1M"),
            (60_000_000, "PT1M"),
            (i64::MAX, "PT2562047788H54.775807S"),
            (i64::MIN, "-PT2562047788H54.775808S"),
        ] {
            assert_eq!(Duration(micros).to_string(), text);
            assert_eq!(text.parse(), Ok(Duration(micros)));
        }
    }

    #[test]
    fn wrong_spellings_are_refused() {
        for text in ["", "PT", "P1D", "PT1", "PT1S1H", "PT1H1H", "PT1.5H", "1S", "PT9999999999999H", "PT1H "]
        {
            assert_eq!(text.parse::<Duration>(), Err(Error::Spelling { kind: Kind::Duration }), "{text}");
        }
    }
}
