//! Instants, with and without an offset from UTC.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use crate::calendar::{MICROS_MAX, MICROS_MIN};
use crate::civil::whole;
use crate::spelling::Spelling;
use crate::{DateTime, Error, Kind};

/// An instant: microseconds since 1970-01-01T00:00:00 UTC, in the years −9999 to 9999.
///
/// Spelled as RFC 3339 does, in UTC: `2026-04-08T05:53:44Z`, with six more digits where there are microseconds.
///
/// ```
/// use annals_codec::Timestamp;
///
/// let instant: Timestamp = "2026-04-08T07:53:44.5+02:00".parse()?;
/// assert_eq!(instant.to_string(), "2026-04-08T05:53:44.500000Z");
/// assert_eq!(Timestamp::from_micros(0)?.to_string(), "1970-01-01T00:00:00Z");
/// assert!(instant < Timestamp::MAX);
/// # Ok::<(), annals_codec::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The first instant: −9999-01-01T00:00:00Z.
    pub const MIN: Self = Self(MICROS_MIN);
    /// The last instant: 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(MICROS_MAX);

    /// Returns the instant so many microseconds after 1970-01-01T00:00:00 UTC.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] outside of the years −9999 to 9999.
    pub const fn from_micros(micros: i64) -> Result<Self, Error> {
        if micros < MICROS_MIN || micros > MICROS_MAX { Err(RANGE) } else { Ok(Self(micros)) }
    }

    /// Returns the microseconds since 1970-01-01T00:00:00 UTC, negative before.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns what the system's clock says, rounded down to a microsecond.
    ///
    /// A clock that is set outside of the years −9999 to 9999 reads as the nearest of them.
    #[must_use]
    pub fn now() -> Self {
        let micros = match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(MICROS_MAX),
            Err(before) => {
                i64::try_from(before.duration().as_nanos().div_ceil(1_000)).map_or(MICROS_MIN, |m| -m)
            }
        };
        Self(micros.clamp(MICROS_MIN, MICROS_MAX))
    }

    fn civil(self) -> DateTime {
        DateTime::from_micros(self.0).expect("instants and civil times have the same bounds")
    }
}

const RANGE: Error = Error::OutOfRange { what: "a timestamp of the years -9999 to 9999" };

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}Z", self.civil())
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// Returns the instant that an RFC 3339 text spells; its offset is required, and then forgotten.
    fn from_str(text: &str) -> Result<Self, Error> {
        text.parse::<OffsetTimestamp>().map(OffsetTimestamp::instant)
    }
}

/// An instant together with the offset from UTC of the place where it was noted.
///
/// Two are equal only if instant *and* offset are. Spelled with the local time and the offset, as RFC 3339 does:
/// `2026-04-08T07:53:44+02:00`; an offset that has seconds spells them too, `+00:53:28`.
///
/// ```
/// use annals_codec::{OffsetTimestamp, Timestamp};
///
/// let noted: OffsetTimestamp = "2026-04-08T07:53:44+02:00".parse()?;
/// assert_eq!(noted.offset_seconds(), 7200);
/// assert_eq!(noted.instant().to_string(), "2026-04-08T05:53:44Z");
/// assert_eq!(noted.to_string(), "2026-04-08T07:53:44+02:00");
/// assert_ne!(noted, OffsetTimestamp::from(noted.instant()));
/// # Ok::<(), annals_codec::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OffsetTimestamp {
    instant: Timestamp,
    offset_seconds: i32,
}

/// Offsets are shorter than a day.
const OFFSET_SECONDS_MAX: i32 = 86_399;

impl OffsetTimestamp {
    /// Returns the instant as noted at this offset, in seconds east of UTC.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if the offset is a day or more, or if the local time leaves the years −9999 to 9999.
    pub fn new(instant: Timestamp, offset_seconds: i32) -> Result<Self, Error> {
        if !(-OFFSET_SECONDS_MAX..=OFFSET_SECONDS_MAX).contains(&offset_seconds) {
            return Err(Error::OutOfRange { what: "an offset of less than a day" });
        }
        DateTime::from_micros(instant.0 + i64::from(offset_seconds) * 1_000_000)?;
        Ok(Self { instant, offset_seconds })
    }

    /// Returns the instant, without the offset.
    #[must_use]
    pub const fn instant(self) -> Timestamp {
        self.instant
    }

    /// Returns the offset in seconds east of UTC, less than a day either way.
    #[must_use]
    pub const fn offset_seconds(self) -> i32 {
        self.offset_seconds
    }

    /// Returns what calendar and clock showed at that offset.
    #[must_use]
    pub fn local(self) -> DateTime {
        DateTime::from_micros(self.instant.0 + i64::from(self.offset_seconds) * 1_000_000)
            .expect("the constructor checked the local time")
    }

    fn take(text: &mut Spelling<'_>) -> Option<Self> {
        let local = DateTime::take(text)?;
        let offset_seconds = take_offset(text)?;
        let instant =
            Timestamp::from_micros(local.as_micros() - i64::from(offset_seconds) * 1_000_000).ok()?;
        Self::new(instant, offset_seconds).ok()
    }
}

fn take_offset(text: &mut Spelling<'_>) -> Option<i32> {
    let sign = match text.take(b"Zz+-")? {
        b'+' => 1,
        b'-' => -1,
        _ => return Some(0),
    };
    let hours = text.digits(2)?;
    text.take(b":")?;
    let minutes = text.digits(2)?;
    let seconds = if text.take(b":").is_some() { text.digits(2)? } else { 0 };
    (hours < 24 && minutes < 60 && seconds < 60).then_some(sign * (hours * 3_600 + minutes * 60 + seconds))
}

impl From<Timestamp> for OffsetTimestamp {
    /// Returns the instant as noted in UTC.
    fn from(instant: Timestamp) -> Self {
        Self { instant, offset_seconds: 0 }
    }
}

impl fmt::Display for OffsetTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.offset_seconds < 0 { '-' } else { '+' };
        let offset = self.offset_seconds.abs();
        write!(f, "{}{sign}{:02}:{:02}", self.local(), offset / 3_600, offset / 60 % 60)?;
        if offset % 60 == 0 { Ok(()) } else { write!(f, ":{:02}", offset % 60) }
    }
}

impl FromStr for OffsetTimestamp {
    type Err = Error;

    /// Returns the instant and offset that an RFC 3339 text spells.
    ///
    /// A fraction finer than a microsecond, a leap second and a missing offset are refused.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut text = Spelling::new(text);
        whole(Self::take(&mut text), text).ok_or(Error::Spelling { kind: Kind::Timestamp })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_for_instant_and_local_time() {
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(Timestamp::MIN.to_string(), "-009999-01-01T00:00:00Z");
        assert_eq!(Timestamp::from_micros(MICROS_MAX + 1), Err(RANGE));
        assert_eq!(Timestamp::from_micros(i64::MIN), Err(RANGE));
        assert!(OffsetTimestamp::new(Timestamp::MAX, 1).is_err());
        assert!(OffsetTimestamp::new(Timestamp::MAX, -86_399).is_ok());
        assert!(OffsetTimestamp::new(Timestamp::MAX, i32::MIN).is_err());
    }

    #[test]
    fn offsets_with_seconds_and_before_utc_are_spelled() {
        for text in
            ["1890-01-01T00:00:00+00:53:28", "2000-01-01T00:00:00.000001-11:30", "2000-01-01T00:00:00+00:00"]
        {
            assert_eq!(text.parse::<OffsetTimestamp>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn wrong_spellings_are_refused() {
        for text in [
            "2026-04-08T05:53:44",
            "2026-04-08T05:53:44+24:00",
            "2026-04-08T05:53:44+0200",
            "2026-04-08T05:53:44Zulu",
            "2026-04-08",
            "9999-12-31T23:59:59-01:00",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(Error::Spelling { kind: Kind::Timestamp }), "{text}");
        }
    }

    #[test]
    fn now_is_after_this_was_written() {
        assert!(Timestamp::now() > "2026-01-01T00:00:00Z".parse().unwrap());
    }
}
