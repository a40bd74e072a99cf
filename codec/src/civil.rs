//! Dates and times as a calendar and a clock on the wall show them, without a zone.

use std::fmt;
use std::str::FromStr;

use crate::calendar::{self, DAY_MICROS, DAYS_MAX, DAYS_MIN, MICROS_MAX, MICROS_MIN};
use crate::spelling::Spelling;
use crate::{Error, Kind};

/// A day of the proleptic Gregorian calendar, in the years −9999 to 9999.
///
/// Spelled `2026-04-08`; a year before 0 has a sign and six digits, `-000044-03-15`.
///
/// ```
/// use annals_codec::Date;
///
/// let date = Date::new(2024, 2, 29)?;
/// assert_eq!(date.to_string(), "2024-02-29");
/// assert_eq!("2024-02-29".parse(), Ok(date));
/// assert!(Date::new(2023, 2, 29).is_err());
/// # Ok::<(), annals_codec::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

impl Date {
    /// Returns the date of a year, a month from 1 to 12 and a day from 1.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if the calendar has no such day within the years −9999 to 9999.
    pub fn new(year: i32, month: u32, day: u32) -> Result<Self, Error> {
        let (Ok(month), Ok(day)) = (i32::try_from(month), i32::try_from(day)) else {
            return Err(DATE_RANGE);
        };
        if !calendar::exists(year, month, day) {
            return Err(DATE_RANGE);
        }
        Ok(Self(calendar::days_from_date(year, month, day)))
    }

    /// Returns the date so many days after 1970-01-01.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] outside of the years −9999 to 9999.
    pub fn from_days(days: i32) -> Result<Self, Error> {
        if (DAYS_MIN..=DAYS_MAX).contains(&days) { Ok(Self(days)) } else { Err(DATE_RANGE) }
    }

    /// Returns the days since 1970-01-01, negative before.
    #[must_use]
    pub const fn as_days(self) -> i32 {
        self.0
    }

    /// Returns the year, the month from 1 to 12, and the day of the month from 1.
    #[must_use]
    pub fn year_month_day(self) -> (i32, u32, u32) {
        let (year, month, day) = calendar::date_from_days(self.0);
        (year, month.unsigned_abs(), day.unsigned_abs())
    }

    fn take(text: &mut Spelling<'_>) -> Option<Self> {
        let year = if text.take(b"-").is_some() { -text.digits(6)? } else { text.digits(4)? };
        text.take(b"-")?;
        let month = text.digits(2)?;
        text.take(b"-")?;
        let day = text.digits(2)?;
        Self::new(year, month.unsigned_abs(), day.unsigned_abs()).ok()
    }
}

const DATE_RANGE: Error = Error::OutOfRange { what: "a date of the years -9999 to 9999" };

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.year_month_day();
        if year < 0 {
            write!(f, "{year:07}-{month:02}-{day:02}")
        } else {
            write!(f, "{year:04}-{month:02}-{day:02}")
        }
    }
}

impl FromStr for Date {
    type Err = Error;

    /// Returns the date that `YYYY-MM-DD` spells.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut text = Spelling::new(text);
        whole(Self::take(&mut text), text).ok_or(Error::Spelling { kind: Kind::Date })
    }
}

/// A time of day, from 00:00:00 to 23:59:59.999999.
///
/// Spelled `05:53:44`, with six more digits where there are microseconds, `05:53:44.250000`.
///
/// ```
/// use annals_codec::Time;
///
/// let time = Time::new(5, 53, 44, 250_000)?;
/// assert_eq!(time.to_string(), "05:53:44.250000");
/// assert_eq!("05:53:44.25".parse(), Ok(time));
/// # Ok::<(), annals_codec::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    /// Returns the time of day of an hour to 23, a minute to 59, a second to 59 and a microsecond to 999,999.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if one of them is greater; leap seconds are not kept.
    pub fn new(hour: u32, minute: u32, second: u32, micros: u32) -> Result<Self, Error> {
        if hour > 23 || minute > 59 || second > 59 || micros > 999_999 {
            return Err(TIME_RANGE);
        }
        let seconds = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
        Ok(Self(seconds * 1_000_000 + i64::from(micros)))
    }

    /// Returns the time so many microseconds after midnight.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] outside of a day of 86,400 seconds.
    pub fn from_micros(micros: i64) -> Result<Self, Error> {
        if (0..DAY_MICROS).contains(&micros) { Ok(Self(micros)) } else { Err(TIME_RANGE) }
    }

    /// Returns the microseconds since midnight.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    fn take(text: &mut Spelling<'_>) -> Option<Self> {
        let hour = text.digits(2)?;
        text.take(b":")?;
        let minute = text.digits(2)?;
        text.take(b":")?;
        let second = text.digits(2)?;
        let micros = text.fraction_micros()?;
        Self::new(hour.unsigned_abs(), minute.unsigned_abs(), second.unsigned_abs(), micros.unsigned_abs())
            .ok()
    }
}

const TIME_RANGE: Error = Error::OutOfRange { what: "a time of day of 86400 seconds" };

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        write!(f, "{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)?;
        if micros == 0 { Ok(()) } else { write!(f, ".{micros:06}") }
    }
}

impl FromStr for Time {
    type Err = Error;

    /// Returns the time that `HH:MM:SS`, with or without a fraction, spells.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut text = Spelling::new(text);
        whole(Self::take(&mut text), text).ok_or(Error::Spelling { kind: Kind::Time })
    }
}

/// A date and a time of day, without a zone: the same words mean another instant elsewhere.
///
/// Spelled `2026-04-08T05:53:44`, with six more digits where there are microseconds.
///
/// ```
/// use annals_codec::{Date, DateTime, Time};
///
/// let noon = DateTime::new(Date::new(2026, 4, 8)?, Time::new(12, 0, 0, 0)?);
/// assert_eq!(noon.to_string(), "2026-04-08T12:00:00");
/// assert_eq!(DateTime::from_micros(noon.as_micros()), Ok(noon));
/// # Ok::<(), annals_codec::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime(i64);

impl DateTime {
    /// Returns this time on this date.
    #[must_use]
    pub const fn new(date: Date, time: Time) -> Self {
        Self(date.0 as i64 * DAY_MICROS + time.0)
    }

    /// Returns the date and time so many microseconds after 1970-01-01T00:00:00.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] outside of the years −9999 to 9999.
    pub fn from_micros(micros: i64) -> Result<Self, Error> {
        if (MICROS_MIN..=MICROS_MAX).contains(&micros) { Ok(Self(micros)) } else { Err(DATE_RANGE) }
    }

    /// Returns the microseconds since 1970-01-01T00:00:00, every day counted as 86,400 seconds.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns the day.
    #[must_use]
    pub fn date(self) -> Date {
        let days = self.0.div_euclid(DAY_MICROS);
        Date(i32::try_from(days).expect("the days of the years -9999 to 9999 fit into 32 bits"))
    }

    /// Returns the time of the day.
    #[must_use]
    pub const fn time(self) -> Time {
        Time(self.0.rem_euclid(DAY_MICROS))
    }

    pub(crate) fn take(text: &mut Spelling<'_>) -> Option<Self> {
        let date = Date::take(text)?;
        text.take(b"Tt ")?;
        Some(Self::new(date, Time::take(text)?))
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{}", self.date(), self.time())
    }
}

impl FromStr for DateTime {
    type Err = Error;

    /// Returns the date and time that `YYYY-MM-DDTHH:MM:SS`, with or without a fraction, spells.
    ///
    /// A lower-case `t` or a space may stand for the `T`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut text = Spelling::new(text);
        whole(Self::take(&mut text), text).ok_or(Error::Spelling { kind: Kind::DateTime })
    }
}

/// Returns what was taken if nothing is left.
pub(crate) fn whole<T>(taken: Option<T>, rest: Spelling<'_>) -> Option<T> {
    rest.end()?;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_before_zero_keep_their_order_and_spelling() {
        let ides: Date = "-000044-03-15".parse().unwrap();
        assert_eq!(ides.year_month_day(), (-44, 3, 15));
        assert_eq!(ides.to_string(), "-000044-03-15");
        assert_eq!(Date::new(0, 1, 1).unwrap().to_string(), "0000-01-01");
    }

    #[test]
    fn a_moment_before_1970_falls_on_the_day_before() {
        let moment = DateTime::from_micros(-1).unwrap();
        assert_eq!(moment.to_string(), "1969-12-31T23:59:59.999999");
    }

    #[test]
    fn wrong_spellings_are_refused() {
        for text in ["2024-2-29", "2024-02-30", "24-02-29", "2024-02-29 ", "+2024-02-29", "-0044-03-15", ""] {
            assert_eq!(text.parse::<Date>(), Err(Error::Spelling { kind: Kind::Date }), "{text}");
        }
        for text in ["24:00:00", "23:59:60", "1:00:00", "01:00", "01:00:00.", "01:00:00.0000001", "01:00:00Z"]
        {
            assert_eq!(text.parse::<Time>(), Err(Error::Spelling { kind: Kind::Time }), "{text}");
        }
        assert_eq!("01:00:00.1000000".parse(), Time::new(1, 0, 0, 100_000));
    }
}
