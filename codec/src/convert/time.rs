//! Conversions for the `time` crate.

use time::{Month, OffsetDateTime, PrimitiveDateTime, UtcOffset};

use crate::convert::whole_micros;
use crate::{Date, DateTime, Duration, Error, OffsetTimestamp, Time, Timestamp};

const RANGE: Error = Error::OutOfRange { what: "a time that the time crate can hold" };

impl TryFrom<OffsetDateTime> for Timestamp {
    type Error = Error;

    /// Returns the instant, if it is noted in UTC and one of whole microseconds.
    fn try_from(theirs: OffsetDateTime) -> Result<Self, Error> {
        if !theirs.offset().is_utc() {
            return Err(Error::OutOfRange { what: "a time in UTC" });
        }
        Self::from_micros(whole_micros(theirs.unix_timestamp_nanos())?)
    }
}

impl TryFrom<Timestamp> for OffsetDateTime {
    type Error = Error;

    fn try_from(ours: Timestamp) -> Result<Self, Error> {
        Self::from_unix_timestamp_nanos(i128::from(ours.as_micros()) * 1_000).map_err(|_| RANGE)
    }
}

impl TryFrom<OffsetDateTime> for OffsetTimestamp {
    type Error = Error;

    /// Returns instant and offset, if the instant is one of whole microseconds and the offset shorter than a day.
    fn try_from(theirs: OffsetDateTime) -> Result<Self, Error> {
        let instant = Timestamp::from_micros(whole_micros(theirs.unix_timestamp_nanos())?)?;
        Self::new(instant, theirs.offset().whole_seconds())
    }
}

impl TryFrom<OffsetTimestamp> for OffsetDateTime {
    type Error = Error;

    fn try_from(ours: OffsetTimestamp) -> Result<Self, Error> {
        let offset = UtcOffset::from_whole_seconds(ours.offset_seconds()).map_err(|_| RANGE)?;
        Self::try_from(ours.instant())?.checked_to_offset(offset).ok_or(RANGE)
    }
}

impl TryFrom<time::Date> for Date {
    type Error = Error;

    /// Returns the date, if it is in the years −9999 to 9999.
    fn try_from(theirs: time::Date) -> Result<Self, Error> {
        Self::new(theirs.year(), u8::from(theirs.month()).into(), theirs.day().into())
    }
}

impl TryFrom<Date> for time::Date {
    type Error = Error;

    fn try_from(ours: Date) -> Result<Self, Error> {
        let (year, month, day) = ours.year_month_day();
        let narrow = || Some((Month::try_from(u8::try_from(month).ok()?).ok()?, u8::try_from(day).ok()?));
        let (month, day) = narrow().ok_or(RANGE)?;
        Self::from_calendar_date(year, month, day).map_err(|_| RANGE)
    }
}

impl TryFrom<time::Time> for Time {
    type Error = Error;

    /// Returns the time, if it is one of whole microseconds.
    fn try_from(theirs: time::Time) -> Result<Self, Error> {
        let (hour, minute, second, nanos) = theirs.as_hms_nano();
        let micros = u32::try_from(whole_micros(nanos.into())?).map_err(|_| RANGE)?;
        Self::new(hour.into(), minute.into(), second.into(), micros)
    }
}

impl From<Time> for time::Time {
    fn from(ours: Time) -> Self {
        Self::MIDNIGHT + time::Duration::microseconds(ours.as_micros())
    }
}

impl TryFrom<PrimitiveDateTime> for DateTime {
    type Error = Error;

    /// Returns the date and time, if it is one of whole microseconds in the years −9999 to 9999.
    fn try_from(theirs: PrimitiveDateTime) -> Result<Self, Error> {
        Ok(Self::new(theirs.date().try_into()?, theirs.time().try_into()?))
    }
}

impl TryFrom<DateTime> for PrimitiveDateTime {
    type Error = Error;

    fn try_from(ours: DateTime) -> Result<Self, Error> {
        Ok(Self::new(ours.date().try_into()?, ours.time().into()))
    }
}

impl TryFrom<time::Duration> for Duration {
    type Error = Error;

    /// Returns the span, if it is one of whole microseconds in 64 bits.
    fn try_from(theirs: time::Duration) -> Result<Self, Error> {
        whole_micros(theirs.whole_nanoseconds()).map(Self::from_micros)
    }
}

impl From<Duration> for time::Duration {
    fn from(ours: Duration) -> Self {
        Self::microseconds(ours.as_micros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_place_goes_both_ways() {
        let ours: OffsetTimestamp = "2026-04-08T07:53:44.000001+02:00".parse().unwrap();
        let dated = OffsetDateTime::try_from(ours).unwrap();
        assert_eq!(dated.to_string(), "2026-04-08 7:53:44.000001 +02:00:00");
        assert_eq!(OffsetTimestamp::try_from(dated), Ok(ours));
        for bound in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(Timestamp::try_from(OffsetDateTime::try_from(bound).unwrap()), Ok(bound));
        }
        let local = PrimitiveDateTime::try_from(ours.local()).unwrap();
        assert_eq!(local.to_string(), "2026-04-08 7:53:44.000001");
        assert_eq!(DateTime::try_from(local), Ok(ours.local()));
        let span = Duration::from_micros(-1_500_000);
        assert_eq!(time::Duration::from(span), time::Duration::milliseconds(-1_500));
        assert_eq!(Duration::try_from(time::Duration::from(span)), Ok(span));
    }

    #[test]
    fn what_would_be_lost_is_refused() {
        let elsewhere = OffsetDateTime::UNIX_EPOCH.to_offset(UtcOffset::from_hms(1, 0, 0).unwrap());
        assert!(Timestamp::try_from(elsewhere).is_err());
        assert!(Time::try_from(time::Time::from_hms_nano(1, 2, 3, 4).unwrap()).is_err());
        assert!(Duration::try_from(time::Duration::MAX).is_err());
    }
}
